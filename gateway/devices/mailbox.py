"""Mailbox 收件处: frames of appendices D and E that come whole, one to a datagram or MQTT message; answers what is due.

It does for bearers without connections what ``Connection`` does for those with: the same answers, the same repeats.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import structlog

from gateway.devices.bearer import BearerEvents
from gateway.devices.events import Known, LinkCounters, Origin
from gateway.devices.presence import Presence
from gateway.domain.ladder import Authenticity
from gateway.domain.receiver import UnsignedForm
from gateway.errors import (
    ChecksumMismatch,
    FrameError,
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
from gateway.security.limits import OncePerSource

log = structlog.get_logger(__name__)

Peer = TypeVar("Peer", bound=Hashable)

#: Requests are answered from memory when they come again within so many seconds (design.md §4) ...
REPEAT_SECONDS = 60.0
#: ... from at most so many peers.
_REPEATS_KEPT = 4096
#: Answers that wait for a commit, and how often we look, in seconds.
_CONFIRMING_LIMIT = 20_000
_CONFIRM_SECONDS = 0.02
_read_answer = fastpath.answer


@lru_cache(maxsize=65536)
def _digits(source: bytes) -> str:
    return WireCode(source).text


@dataclass(frozen=True, slots=True)
class Postman(Generic[Peer]):
    """What a bearer gives its mailbox.

    ``origin`` says what ties a peer to the terminal it names, None where it may not speak for it at all; ``settled``
    hears of each answer (session, terminal, result, origin); ``reply`` sends a frame back to a peer.
    """

    origin: Callable[[Known, Peer], Origin | None]
    settled: Callable[[int, Known, int, Origin], None]
    reply: Callable[[Peer, Known | None, bytes], None]
    name: Callable[[Peer], str]


class Mailbox(Generic[Peer]):
    """Takes what came from ``Peer``, the address or topic of a sender."""

    def __init__(
        self,
        events: BearerEvents,
        verified: Callable[[ip.IpPacket, bytes], bool],
        own_code: str,
        presence: Presence,
        postman: Postman[Peer],
        counters: LinkCounters,
    ) -> None:
        self._events, self._verified, self._presence = events, verified, presence
        self._own = WireCode.of(own_code).raw
        self._postman, self._counters = postman, counters
        self._origin, self._settled = postman.origin, postman.settled
        self._stored: OrderedDict[Peer, tuple[float, bytes, bytes]] = OrderedDict()
        self._confirming: list[tuple[int, Peer, Known, bytes]] = []
        self._looking: asyncio.TimerHandle | None = None
        self._logged = OncePerSource(60.0)
        self._time = asyncio.get_running_loop().time

    def take(self, raw: bytes, peer: Peer) -> None:
        """Take one message; a general answer, the commonest by far, needs no framer."""
        try:
            answer = _read_answer(raw)
            if answer is not None:
                session, service_type, source, result = answer
                known = self._events.find(_digits(source))
                if known is not None:
                    self._answered(known, session, service_type, result, raw, peer, None)
                    return
            self._whole(raw, peer)
        except (OverloadedError, StoreError) as error:
            # Not settled either: whoever is asked again says it again.
            self._counters.fault(error.code)
            if self._logged.note(("not kept", error.code), self._time()).log:
                log.error("receipt not kept", peer=self._postman.name(peer), reason=str(error))

    def close(self) -> None:
        """Answer nobody any more."""
        self._confirming.clear()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    # -- inside

    def _answered(
        self, known: Known, session: int, service_type: int, result: int, raw: bytes, peer: Peer, origin: Origin | None
    ) -> None:
        origin = origin or self._origin(known, peer)
        if origin is None:
            self._counters.fault("answer_unbound")
            return
        self._counters.answers += 1
        self._events.answered(known, session, service_type, result, raw, origin)
        self._settled(session, known, result, origin)

    def _whole(self, raw: bytes, peer: Peer) -> None:
        framer = StreamFramer()
        for item in (*framer.feed(raw), *framer.finish()):
            self._counters.frames_in += 1
            try:
                if isinstance(item, Fault):
                    self._fault(item, peer)
                elif item.kind is Kind.IP:
                    self._ip(item, peer)
                else:
                    self._feedback(item, peer)
            except FrameError as error:
                self._complain(error, peer)

    def _fault(self, fault: Fault, peer: Peer) -> None:
        """Bytes that are no frame: answer 15 or 13 where the head still says whom and what, else pass over."""
        self._counters.bytes_skipped += fault.skipped
        self._complain(fault.error, peer)
        head = fault.head
        if head is None or head.kind is not Kind.IP or head.packet_type != PacketType.REQUEST or len(head.source) != 12:
            return
        result = ResultCode.CRC_ERROR if isinstance(fault.error, ChecksumMismatch) else ResultCode.PARSE_ERROR
        self._reply(peer, None, head.session, head.source, head.service_type, result)

    def _complain(self, error: FrameError, peer: Peer) -> None:
        self._counters.fault(error.code)
        notice = self._logged.note(peer, self._time())
        if notice.log:
            name = self._postman.name(peer)
            log.warning(
                "frame refused", peer=name, code=error.code, reason=str(error), unlogged_before=notice.suppressed
            )

    def _ip(self, frame: Frame, peer: Peer) -> None:
        raw = frame.raw
        stored = self._stored.get(peer)
        if stored is not None and stored[1] == raw and self._time() - stored[0] <= REPEAT_SECONDS:
            self._postman.reply(peer, None, stored[2])
            return
        try:
            packet = ip.parse(raw)
        except MalformedFrame:
            # The CRC was right, so the head can be believed.
            if raw[8] == PacketType.REQUEST:
                self._reply(peer, None, int.from_bytes(raw[4:8], "big"), raw[12:24], 0, ResultCode.PARSE_ERROR)
            raise
        known = self._events.find(packet.source.text)
        is_request = packet.packet_type != PacketType.ANSWER
        try:
            signed = self._verified(packet, raw)
        except SignatureError as error:
            if is_request and error.result is not None:
                self._reply(peer, known, packet.session, packet.source.raw, packet.service_type, error.result)
            raise
        body = packet.body
        if not is_request:
            if known is not None and isinstance(body, GeneralAnswer | QueryAnswer):
                origin = self._signed(peer) if signed and not self._is_disputed(known) else None
                self._answered(known, packet.session, packet.service_type, body.result, raw, peer, origin)
            else:
                self._counters.fault("answer_unbound")
        elif isinstance(body, Heartbeat):
            self._heartbeat(packet, known, body, peer)
        else:
            self._complain(UnknownServiceType(packet.service_type), peer)
            self._refuse(packet, known, raw, peer)

    def _signed(self, peer: Peer) -> Origin:
        return Origin(self._postman.name(peer), bound=True, authenticity=Authenticity.SIGNATURE)

    def _is_disputed(self, known: Known) -> bool:
        entry = self._presence.entries.get(known.id)
        return entry is not None and entry.disputed

    def _refuse(self, packet: ip.IpPacket, known: Known | None, raw: bytes, peer: Peer) -> None:
        """Answer a request that no terminal makes of us, and keep the answer for its repeats."""
        code = ResultCode.NOT_SUPPORTED
        answer = self._reply(peer, known, packet.session, packet.source.raw, packet.service_type, code)
        self._stored[peer] = (self._time(), raw, answer)
        self._stored.move_to_end(peer)
        if len(self._stored) > _REPEATS_KEPT:
            self._stored.popitem(last=False)

    def _heartbeat(self, packet: ip.IpPacket, known: Known | None, beat: Heartbeat, peer: Peer) -> None:
        """Answer a heartbeat of appendix D (59 unknown code, 71 not this device)."""
        self._counters.heartbeats += 1
        receipt, result = self._met(known, packet.source.text, beat, peer)
        if result == ResultCode.OK and receipt > self._events.committed() and known is not None:
            # A power-up that concerns a broadcast: once answered, the terminal will not say so again.
            frame = self._frame(known, packet.session, packet.source.raw, ServiceType.HEARTBEAT, result)
            if len(self._confirming) < _CONFIRMING_LIMIT:
                self._confirming.append((receipt, peer, known, frame))
                self._look_later()
            return
        self._reply(peer, known, packet.session, packet.source.raw, ServiceType.HEARTBEAT, result)

    def _met(self, known: Known | None, source: str, beat: Heartbeat, peer: Peer) -> tuple[int, ResultCode]:
        """Take a heartbeat; the receipt that its answer waits for, and the answer."""
        physical, name = beat.physical.hex().upper(), self._postman.name(peer)
        if known is None:
            self._events.stranger(source, physical, name, "unknown_code")
            return 0, ResultCode.RESOURCE_CODE_INVALID
        if known.terminal.physical_address != physical or self._origin(known, peer) is None:
            self._events.stranger(source, physical, name, "physical_address_differs")
            return 0, ResultCode.TERMINAL_INVALID
        if self._presence.beat(known, beat.first, peer, self._time()):
            return self._events.registered(known, first=beat.first == 1), ResultCode.OK
        return 0, ResultCode.OK

    def _feedback(self, frame: Frame, peer: Peer) -> None:
        self._counters.reports += 1
        packet = feedback.parse(frame.raw)
        source, body = packet.source.text, packet.body
        known = self._events.find(source)
        if isinstance(body, Heartbeat):
            self._met(known, source, body, peer)
        elif known is None:
            self._events.stranger(source, "", self._postman.name(peer), "unknown_code")
        if known is None:
            return
        origin = self._origin(known, peer)
        if origin is None:
            self._counters.fault("report_unbound")
            return
        self._events.reported(known, packet, frame.raw, origin)
        if isinstance(body, QueryAnswer) and packet.packet_type == PacketType.ANSWER:
            self._settled(packet.session, known, ResultCode.OK, origin)

    def _frame(self, known: Known | None, session: int, target: bytes, service_type: int, result: int) -> bytes:
        """Make a general answer (GD/J 089-2018 table D.10)."""
        form = UnsignedForm.ZERO_LENGTH if known is None else known.profile.unsigned_form
        return fastpath.build_answer(session, service_type, self._own, target, result, form=form)

    def _reply(
        self, peer: Peer, known: Known | None, session: int, target: bytes, service_type: int, result: int
    ) -> bytes:
        frame = self._frame(known, session, target, service_type, result)
        self._postman.reply(peer, known, frame)
        return frame

    def _look_later(self) -> None:
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(_CONFIRM_SECONDS, self._confirm)

    def _confirm(self) -> None:
        """Send the answers whose receipts are durable."""
        self._looking = None
        durable = self._events.committed()
        ready = [waiting for waiting in self._confirming if waiting[0] <= durable]
        self._confirming = [waiting for waiting in self._confirming if waiting[0] > durable]
        for _, peer, known, frame in ready:
            self._postman.reply(peer, known, frame)
        if self._confirming:
            self._look_later()
