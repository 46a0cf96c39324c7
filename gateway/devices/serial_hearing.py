"""What terminals say on a serial line 串行线收听: answers and reports passed up, their own requests answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from gateway.devices.connection import REPEAT_SECONDS
from gateway.devices.events import Known, LinkCounters, Origin, TerminalEvents
from gateway.devices.trust import Trust, holds
from gateway.domain.ladder import Authenticity
from gateway.domain.receiver import Route, UnsignedForm
from gateway.errors import ChecksumMismatch, FrameError, GatewayError, SignatureError, UnknownServiceType
from gateway.protocols import fastpath, feedback, ip
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.fields import WireCode
from gateway.protocols.framing import Fault, Frame, Kind
from gateway.protocols.ip_bodies import GeneralAnswer, Heartbeat, PacketType, ServiceType
from gateway.protocols.results import ResultCode
from gateway.security.limits import OncePerSource

log = structlog.get_logger(__name__)

#: First registration flag of a heartbeat: power-up (GD/J 089-2018 table D.7).
_FIRST: Final = 1


@dataclass(frozen=True, slots=True)
class Word:
    """An answer as a poll needs it; ``more``: a report with the values asked for follows (GD/J 089-2018 E.3.1)."""

    known: Known
    session: int
    result: int
    more: bool = False


class Mouth(Protocol):
    """What the hearing asks of its line."""

    def say(self, frame: bytes, *, after: int = 0) -> None:
        """Send an answer, once receipt ``after`` is durable."""
        ...

    def word(self, word: Word) -> None:
        """An answer came."""
        ...

    def reported(self, known: Known, session: int) -> None:
        """A report came that answers a query."""
        ...


class Hearing:
    """Understands the frames of one line; knows its terminals by their routes."""

    def __init__(
        self,
        route: Route,
        events: TerminalEvents,
        own_code: str,
        mouth: Mouth,
        clock: Callable[[], float],
        trust: Trust | None = None,
    ) -> None:
        self._route, self._events, self._mouth, self._clock = route, events, mouth, clock
        self._own = WireCode.of(own_code).raw
        self._bound = Origin(str(route), bound=True, authenticity=Authenticity.ADDRESS)
        self._unbound = Origin(str(route), bound=False, authenticity=Authenticity.NONE)
        self._stored: dict[bytes, tuple[float, bytes, bytes]] = {}
        self._said_first: set[int] = set()
        self._logged = OncePerSource(60.0)
        self.counters = LinkCounters()
        self._trust = trust

    def take(self, item: Frame | Fault) -> None:
        """Take what the line heard; raises nothing."""
        self.counters.frames_in += 1
        try:
            if isinstance(item, Fault):
                self._fault(item)
            elif item.kind is Kind.FEEDBACK:
                self._feedback(item.raw)
            elif not self._fast_answer(item.raw):
                self._ip(item.raw)
        except FrameError as error:
            self._complain(error)
        except GatewayError as error:
            # The store cannot take it: on a line nobody can be told, so the terminal is asked again by the next poll.
            self.counters.fault(error.code)
            log.error("receipt not kept", link=str(self._route), reason=str(error))

    def _complain(self, error: FrameError) -> None:
        self.counters.fault(error.code)
        notice = self._logged.note(error.code, self._clock())
        if notice.log:
            log.warning(
                "frame refused",
                link=str(self._route),
                code=error.code,
                reason=str(error),
                unlogged_before=notice.suppressed,
            )

    def _find(self, source: str) -> Known | None:
        known = self._events.find(source)
        if known is None:
            self.counters.fault("answer_unbound")
            self._events.stranger(source, "", str(self._route), "unknown_code")
        return known

    def _origin(self, known: Known) -> Origin:
        """A terminal that the registry puts on this line is bound to it; the word of any other is a claim."""
        return self._bound if self._route in known.terminal.routes else self._unbound

    def _fault(self, fault: Fault) -> None:
        self.counters.bytes_skipped += fault.skipped
        self._complain(fault.error)
        head = fault.head
        if (
            head is None
            or head.kind is not Kind.IP
            or head.packet_type != PacketType.REQUEST
            or head.source == self._own
        ):
            return
        result = ResultCode.CRC_ERROR if isinstance(fault.error, ChecksumMismatch) else ResultCode.PARSE_ERROR
        self._mouth.say(self._answer(head.session, head.source, head.service_type, result, None))

    def _fast_answer(self, raw: bytes) -> bool:
        answer = fastpath.answer(raw)
        if answer is None:
            return False
        known = self._find(WireCode(answer.source).text)
        if known is not None:
            self.counters.answers += 1
            more = answer.service_type == ServiceType.QUERY and answer.result == ResultCode.OK
            self._events.answered(known, answer.session, answer.service_type, answer.result, raw, self._origin(known))
            self._mouth.word(Word(known, answer.session, answer.result, more))
        return True

    def _ip(self, raw: bytes) -> None:
        packet = ip.parse(raw)
        source = packet.source.raw
        if source == self._own:
            return
        stored = self._stored.get(source)
        if stored is not None and stored[1] == raw and self._clock() - stored[0] <= REPEAT_SECONDS:
            self._mouth.say(stored[2])
            return
        try:
            signed = holds(self._trust, packet, raw, self.counters)
        except SignatureError as error:
            if packet.packet_type == PacketType.REQUEST and error.result is not None:
                self._mouth.say(self._answer(packet.session, source, packet.service_type, error.result, None))
            raise
        if packet.packet_type == PacketType.ANSWER:
            self._general_answer(packet, raw, signed=signed)
        elif isinstance(packet.body, Heartbeat):
            self._heartbeat(packet, packet.body)
        else:
            self._complain(UnknownServiceType(packet.service_type))
            frame = self._answer(packet.session, source, packet.service_type, ResultCode.NOT_SUPPORTED, None)
            self._stored[source] = (self._clock(), raw, frame)
            if len(self._stored) > 256:
                del self._stored[next(iter(self._stored))]
            self._mouth.say(frame)

    def _general_answer(self, packet: ip.IpPacket, raw: bytes, *, signed: bool) -> None:
        body = packet.body
        known = self._find(packet.source.text)
        if known is None or not isinstance(body, GeneralAnswer | QueryAnswer):
            return
        self.counters.answers += 1
        origin = self._origin(known)
        if signed:
            origin = Origin(str(self._route), bound=True, authenticity=Authenticity.SIGNATURE)
        self._events.answered(known, packet.session, packet.service_type, body.result, raw, origin)
        more = packet.service_type == ServiceType.QUERY and not isinstance(body, QueryAnswer)
        self._mouth.word(Word(known, packet.session, body.result, more and body.result == ResultCode.OK))

    def _heartbeat(self, packet: ip.IpPacket, beat: Heartbeat) -> None:
        self.counters.heartbeats += 1
        source, physical, peer = packet.source.text, beat.physical.hex().upper(), str(self._route)
        known = self._events.find(source)
        after, result = 0, ResultCode.OK
        if known is None:
            self._events.stranger(source, physical, peer, "unknown_code")
            result = ResultCode.RESOURCE_CODE_INVALID
        elif known.terminal.physical_address != physical:
            self._events.stranger(source, physical, peer, "physical_address_differs")
            result = ResultCode.TERMINAL_INVALID
        elif self._route not in known.terminal.routes:
            self._events.stranger(source, physical, peer, "other_route")
            result = ResultCode.TERMINAL_INVALID
        else:
            # Some devices say "first" for ever: only after another word is it a power-up.
            first = beat.first == _FIRST
            if not first or known.id not in self._said_first:
                after = self._events.registered(known, first=first)
            (self._said_first.add if first else self._said_first.discard)(known.id)
        self._mouth.say(
            self._answer(packet.session, packet.source.raw, ServiceType.HEARTBEAT, result, known), after=after
        )

    def _feedback(self, raw: bytes) -> None:
        self.counters.reports += 1
        packet = feedback.parse(raw)
        known = self._find(packet.source.text)
        if known is None:
            return
        self._events.reported(known, packet, raw, self._origin(known))
        if packet.packet_type == PacketType.ANSWER:
            self._mouth.reported(known, packet.session)

    def _answer(self, session: int, target: bytes, service_type: int, result: int, known: Known | None) -> bytes:
        form = UnsignedForm.ZERO_LENGTH if known is None else known.profile.unsigned_form
        return fastpath.build_answer(session, service_type, self._own, target, result, form=form)
