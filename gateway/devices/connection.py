"""One TCP connection 连接 of a device: frames of appendices D and E in, frames out; answers what the standard answers.

The class is the hot path: 4,021 of them answer within a tenth of a second, so what is common is tried first.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import structlog

from gateway.devices.events import Known, Origin
from gateway.domain.ladder import Authenticity
from gateway.domain.receiver import UnsignedForm
from gateway.errors import (
    ChecksumMismatch,
    FrameError,
    FrameTooLarge,
    GatewayError,
    MalformedFrame,
    OverloadedError,
    SignatureError,
    StoreError,
    UnknownServiceType,
)
from gateway.protocols import fastpath, feedback, ip
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.fields import WireCode
from gateway.protocols.framing import Fault, Frame, Kind, StreamFramer
from gateway.protocols.ip_bodies import GeneralAnswer, Heartbeat, PacketType, ServiceType
from gateway.protocols.results import ResultCode
from gateway.protocols.shape import FEEDBACK, IP, u16

if TYPE_CHECKING:
    from gateway.devices.hub import Hub

log = structlog.get_logger(__name__)

#: Origin of a connection that speaks for nobody yet.
UNBOUND = Origin("", bound=False, authenticity=Authenticity.NONE)
#: Appendix E defines no answer: a connection closed in order is the only sign that a report was kept. A process that
#: is killed after it read everything would have its kernel close in order too, so the listening socket of return data
#: makes every connection end in a reset unless ``close`` says otherwise.
RESET_UNLESS_CLOSED = struct.pack("ii", 1, 0)
_CLOSE_IN_ORDER = struct.pack("ii", 0, 0)
_read_answer = fastpath.answer
#: Requests of a terminal are answered from memory when they come again within so many seconds (design.md §4).
REPEAT_SECONDS = 60.0


def _service_type(raw: bytes, kind: Kind) -> int:
    """Service type of a frame whose content may be wrong: it stands behind the targets; 0 where it cannot be."""
    shape = IP if kind is Kind.IP else FEEDBACK
    at = shape.count_at + 2 + shape.code_size * u16(raw, shape.count_at)
    return raw[at] if at < len(raw) else 0


class Connection(asyncio.Protocol):
    """State of one connection; ``known`` is the terminal it speaks for, once a heartbeat has said so."""

    __slots__ = (
        "_accepts",
        "_framer",
        "_hub",
        "_loop",
        "_max_frame",
        "_max_unsent",
        "_stored",
        "_time",
        "_transport",
        "feedback_seen",
        "host",
        "known",
        "last_frame",
        "last_heard",
        "last_receipt",
        "mtls_code",
        "origin",
        "partial_since",
        "peer",
        "physical",
        "said_first",
        "source",
        "vouched",
    )

    def __init__(
        self, hub: Hub, loop: asyncio.AbstractEventLoop, accepts: frozenset[Kind], max_frame: int, max_unsent: int
    ) -> None:
        self._hub = hub
        self._loop = loop
        self._time = loop.time
        self._accepts = accepts
        self._max_frame = max_frame
        self._max_unsent = max_unsent
        self._framer: StreamFramer | None = None
        self._transport: asyncio.Transport | None = None
        self._stored: tuple[float, bytes, bytes] | None = None
        self.known: Known | None = None
        self.source = b""
        self.physical = b""
        self.vouched = ""
        self.mtls_code = ""
        self.host = ""
        self.peer = ""
        self.origin = UNBOUND
        self.said_first = False
        self.feedback_seen = False
        self.last_heard = 0.0
        #: when something whole last came; noise is no sign of life
        self.last_frame = 0.0
        self.partial_since = 0.0
        self.last_receipt = 0

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast(asyncio.Transport, transport)
        # A peer that does not drain is dropped by us, at a bound of our own, not paused.
        self._transport.set_write_buffer_limits(high=self._max_unsent)
        peer = transport.get_extra_info("peername") or ("?", 0)
        self.host, self.peer = str(peer[0]), f"{peer[0]}:{peer[1]}"
        certificate = transport.get_extra_info("peercert")
        if certificate:
            names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
            self.mtls_code = names[0] if names else ""
        self.last_heard = self.last_frame = self._loop.time()
        self._hub.connections.add(self)
        self._hub.counters.connections += 1

    def data_received(self, data: bytes) -> None:
        """Take bytes; a segment that is one general answer, the commonest by far, needs no framer."""
        self.last_heard = now = self._time()
        known = self.known
        try:
            if known is not None and self._framer is None and (answer := _read_answer(data)) is not None:
                session, service_type, source, result = answer
                if source == self.source:
                    hub = self._hub
                    hub.counters.answers += 1
                    self.last_frame = now
                    if hub.contested:
                        hub.heard(self)
                    self.last_receipt = hub.answered(known, session, service_type, result, data, self.origin)
                    return
            self._take(data)
        except (OverloadedError, StoreError) as error:
            self._not_kept(error)

    def eof_received(self) -> bool:
        """The peer has said all: close once everything it said is durable."""
        framer, self._framer = self._framer, None
        self.partial_since = 0.0
        try:
            for item in framer.finish() if framer is not None else ():
                self._one(item)
        except (OverloadedError, StoreError) as error:
            self._not_kept(error)
            return False
        # TLS knows no half-closed connection: there asyncio closes at once, whatever we say.
        tls = self._transport is not None and self._transport.get_extra_info("ssl_object") is not None
        self._hub.close_when_durable(self)
        return not tls

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._hub.counters.connections -= 1
        self._hub.gone(self)
        self._transport = None

    def pause_writing(self) -> None:
        """More than the bound lies unsent: the peer does not drain, and holds no one else up."""
        self._hub.counters.slow_peers_dropped += 1
        if self._hub.logged.note(self.host, self.now()).log:
            log.warning("peer does not drain, dropped", peer=self.peer, unsent_bytes=self._max_unsent)
        self.abort()

    # -- our side

    def now(self) -> float:
        """Monotonic seconds of the loop."""
        return self._loop.time()

    def write(self, frame: bytes) -> bool:
        """Hand bytes to the link; False when it is closed or closing."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        transport.write(frame)
        return True

    def close(self) -> None:
        """Close in order: what lies unsent goes out first."""
        if self._transport is not None:
            if Kind.FEEDBACK in self._accepts:
                # Only here does a peer of appendix E hear that all it said is kept (see ``RESET_UNLESS_CLOSED``).
                self._transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_IN_ORDER
                )
            self._transport.close()

    @property
    def closing(self) -> bool:
        """Whether it was closed already, and only what lies unsent keeps it."""
        return self._transport is None or self._transport.is_closing()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def writer(self) -> Callable[[bytes], object]:
        """What hands bytes to the link without a look at its state: for the moment of a fan-out only."""
        assert self._transport is not None
        return self._transport.write

    def bind(self, known: Known, physical: bytes) -> None:
        """From now on this connection speaks for ``known``."""
        self.known = known
        self.physical = physical
        self.source = WireCode.of(known.terminal.code).raw
        self.vouched = known.terminal.code

    def give_up_partial(self) -> None:
        """The rest of a frame did not come in time: look again behind its first byte."""
        framer = self._framer
        self.partial_since = 0.0
        if framer is not None:
            for item in framer.expire():
                self._one(item)
            self._settle(framer)

    # -- frames

    def _take(self, data: bytes) -> None:
        framer = self._framer or StreamFramer(self._max_frame)
        self._framer = framer
        for item in framer.feed(data):
            self._one(item)
        self._settle(framer)

    def _settle(self, framer: StreamFramer) -> None:
        if framer.pending:
            # From the newest byte on: a stream whose segments always end within a frame is healthy.
            self.partial_since = self.last_heard
        else:
            self._framer = None
            self.partial_since = 0.0

    def _one(self, item: Frame | Fault) -> None:
        hub = self._hub
        hub.counters.frames_in += 1
        try:
            if isinstance(item, Fault):
                self._fault(item)
                return
            self.last_frame = self.last_heard
            if hub.contested:
                hub.heard(self)
            if item.kind not in self._accepts:
                raise UnknownServiceType(_service_type(item.raw, item.kind))
            if item.kind is Kind.IP:
                self._ip(item.raw)
            else:
                self._feedback(item.raw)
        except FrameError as error:
            self._complain(error)

    def _not_kept(self, error: GatewayError) -> None:
        """What came cannot be kept: end the connection, not in order, so that its peer says it again."""
        self._hub.counters.fault(error.code)
        if self._hub.logged.note((self.host, error.code), self.now()).log:
            log.error("receipt not kept, connection dropped", peer=self.peer, reason=str(error))
        self.abort()

    def _complain(self, error: FrameError) -> None:
        hub = self._hub
        hub.counters.fault(error.code)
        notice = hub.logged.note(self.host, self.now())
        if notice.log:
            log.warning(
                "frame refused", peer=self.peer, code=error.code, reason=str(error), unlogged_before=notice.suppressed
            )

    def _fault(self, fault: Fault) -> None:
        """Bytes that are no frame: answer 15 or 13 where the head still says whom and what, else pass over."""
        self._hub.counters.bytes_skipped += fault.skipped
        self._complain(fault.error)
        head = fault.head
        if head is None or head.kind is not Kind.IP or head.packet_type != PacketType.REQUEST:
            return
        result = ResultCode.CRC_ERROR if isinstance(fault.error, ChecksumMismatch) else ResultCode.PARSE_ERROR
        self._answer(head.session, head.source, head.service_type, result)

    def _ip(self, raw: bytes) -> None:
        stored = self._stored
        if stored is not None and stored[1] == raw and self.last_heard - stored[0] <= REPEAT_SECONDS:
            self.write(stored[2])
            return
        try:
            packet = ip.parse(raw)
        except FrameTooLarge:
            raise
        except MalformedFrame as error:
            # The CRC was right, so the head can be believed: session, source and type say whom to answer.
            if raw[8] == PacketType.REQUEST:
                service_type = _service_type(raw, Kind.IP)
                self._answer(int.from_bytes(raw[4:8], "big"), raw[12:24], service_type, ResultCode.PARSE_ERROR)
            raise MalformedFrame(error.message, offset=error.offset) from error
        try:
            signed = self._hub.verified(packet, raw)
        except SignatureError as error:
            if packet.packet_type == PacketType.REQUEST and error.result is not None:
                self._answer(packet.session, packet.source.raw, packet.service_type, error.result)
            raise
        if packet.packet_type == PacketType.ANSWER:
            self._general_answer(packet, raw, signed=signed)
        elif isinstance(packet.body, Heartbeat):
            self._heartbeat(packet, packet.body)
        else:
            self._complain(UnknownServiceType(packet.service_type))
            self._stored = (
                self.last_heard,
                raw,
                self._answer(packet.session, packet.source.raw, packet.service_type, ResultCode.NOT_SUPPORTED),
            )

    def _general_answer(self, packet: ip.IpPacket, raw: bytes, *, signed: bool) -> None:
        hub, known = self._hub, self.known
        if known is None or packet.source.raw[1:] != self.source[1:] or not self._same_nibble(packet.source.raw):
            hub.counters.fault("answer_unbound")
            return
        hub.counters.answers += 1
        body = packet.body
        if isinstance(body, GeneralAnswer | QueryAnswer):
            origin = self.origin
            if signed and not hub.is_disputed(known.id):
                origin = Origin(self.peer, bound=True, authenticity=Authenticity.SIGNATURE)
            self.last_receipt = hub.answered(known, packet.session, packet.service_type, body.result, raw, origin)

    def _same_nibble(self, raw: bytes) -> bool:
        """Whether the first digit agrees; the reserved nibble before it may be anything."""
        return raw[0] & 0x0F == self.source[0] & 0x0F

    def _heartbeat(self, packet: ip.IpPacket, beat: Heartbeat) -> None:
        before = self.last_receipt
        result = self._hub.heartbeat(self, packet.source.text, beat)
        if self.last_receipt == before:
            self._answer(packet.session, packet.source.raw, ServiceType.HEARTBEAT, result)
            return
        # A power-up that concerns a broadcast: once answered, the terminal will not say so again.
        frame = self._answer_frame(packet.session, packet.source.raw, ServiceType.HEARTBEAT, result)
        self._hub.write_when_durable(self, frame)

    def _feedback(self, raw: bytes) -> None:
        hub = self._hub
        hub.counters.reports += 1
        self.feedback_seen = True
        packet = feedback.parse(raw)
        source = packet.source.text
        if isinstance(packet.body, Heartbeat):
            hub.vouch(self, source, packet.body)
        known = hub.events.find(source)
        if known is None:
            hub.events.stranger(source, "", self.peer, "unknown_code")
            return
        self.last_receipt = hub.events.reported(known, packet, raw, hub.origin(self, known)) or self.last_receipt

    def _answer(self, session: int, target: bytes, service_type: int, result: int) -> bytes:
        """Write a general answer and return it."""
        frame = self._answer_frame(session, target, service_type, result)
        self.write(frame)
        return frame

    def _answer_frame(self, session: int, target: bytes, service_type: int, result: int) -> bytes:
        """Make a general answer (GD/J 089-2018 table D.10)."""
        form = UnsignedForm.ZERO_LENGTH if self.known is None else self.known.profile.unsigned_form
        return fastpath.build_answer(session, service_type, self._hub.own_source, target, result, form=form)
