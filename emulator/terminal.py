"""One terminal 终端 as a state machine: bytes and the time go in, effects come out; it opens nothing.

Everything received is checked in this order: checksum, structure, repeat, signature, replay, area, priority.
"""

from __future__ import annotations

from math import inf
from typing import Final

from emulator import speaking
from emulator.broadcast import Broadcast
from emulator.device import Device
from emulator.dice import Dice
from emulator.effects import Effect, HangUp, Note, Report, Send
from emulator.faults import HEALTHY, Faults
from emulator.hearing import Ears, Heard
from emulator.journal import Event
from emulator.obeying import Servant
from emulator.settings import TerminalSettings
from gateway.domain.codes import EBM_ID_ALL, EbmId
from gateway.errors import FrameError, ReplayDetected
from gateway.protocols import feedback
from gateway.protocols.feedback_bodies import FaultReport
from gateway.protocols.fields import NO_CODE
from gateway.protocols.framing import Fault, Frame, Kind, StreamFramer
from gateway.protocols.ip_bodies import PacketType, ServiceType, StartBroadcast, StopBroadcast
from gateway.protocols.results import ResultCode
from gateway.security.replay import ReplayGuard

_FIRST, _AGAIN = 1, 2
#: Where the fields of a frame of appendix D stand (tables D.2 and D.3).
_PACKET_TYPE_AT: Final = 8
_SOURCE: Final = slice(12, 24)
_COUNT: Final = slice(24, 26)
_CODES_AT: Final = 26
#: Answers kept for repeats.
_ANSWERS_KEPT: Final = 16


class Terminal:
    """A terminal from power-up on. ``now`` is always true Unix time in seconds; its own clock may differ from it."""

    __slots__ = (
        "_answers",
        "_dice",
        "_ears",
        "_first",
        "_framer",
        "_guard",
        "_heard_at",
        "_heartbeat_due",
        "_heartbeat_session",
        "_misses",
        "_session",
        "_settings",
        "answered",
        "connected",
        "device",
        "faults",
        "platform",
        "received",
        "registered",
        "reported",
        "servant",
    )

    def __init__(self, device: Device, ears: Ears, settings: TerminalSettings, dice: Dice) -> None:
        self.device = device
        self.faults: Faults = HEALTHY
        self._ears, self._settings, self._dice = ears, settings, dice
        self.received = self.answered = self.reported = 0
        self.connected = self.registered = False
        self._heartbeat_due = self._heard_at = inf
        self.power_on(0.0)

    def power_on(self, now: float) -> None:
        """Begin with empty memory; parameters were kept. Its next registration is a first one."""
        self._first = _FIRST
        self._session = int(now) & 0xFFFFFFFF
        self._heartbeat_session: int | None = None
        self._misses = 0
        self._answers: dict[int, tuple[Heard, bytes, float]] = {}
        self._guard = ReplayGuard(window=self._settings.replay_window)
        self._framer = StreamFramer()
        self.platform = NO_CODE.raw
        self.servant = Servant(self.device, self._settings, self.faults.skew)

    def power_off(self, now: float, reason: str) -> list[Effect]:
        """Lose power: what plays ends, memory is lost, nobody is told."""
        effects: list[Effect] = [*self.broadcast.cut(now + self.servant.clock_offset, reason)]
        effects.append(Note(Event.REBOOT, None, None, reason))
        self.connected = self.registered = False
        self._heartbeat_due = inf
        return effects

    @property
    def broadcast(self) -> Broadcast:
        """What is on the air."""
        return self.servant.broadcast

    @property
    def due(self) -> float:
        """When ``advance`` must be called at the latest."""
        due = min(self._heartbeat_due, self.servant.due)
        if self._framer.pending:
            due = min(due, self._heard_at + self._settings.frame_patience)
        return due

    @property
    def reachable(self) -> bool:
        """Whether a broadcast now would be answered: registered, and not silent, off, refusing or deaf."""
        return self.registered and self.faults.reachable

    def set_faults(self, faults: Faults) -> None:
        """Suffer other faults from now on; a new skew moves the clock."""
        if faults.skew != self.faults.skew:
            self.servant.clock_offset = faults.skew
        self.faults = faults

    def connection_made(self, now: float) -> list[Effect]:
        """Register on a new line: the first frame is a heartbeat."""
        self.connected, self.registered = True, False
        self._misses, self._heartbeat_session = 0, None
        self._framer = StreamFramer()
        return [Note(Event.CONNECTED, None, None, ""), *self._beat(now)]

    def connection_lost(self, reason: str) -> list[Effect]:
        """Go on without a line: what plays goes on, and memory stays."""
        if not self.connected:
            return []
        self.connected = self.registered = False
        self._heartbeat_due = inf
        return [Note(Event.DISCONNECTED, None, None, reason)]

    def receive(self, data: bytes, now: float) -> list[Effect]:
        """Take bytes as they came from the line."""
        effects: list[Effect] = []
        self._heard_at = now
        if not self._framer.pending:
            heard = self._ears.known(data)
            if heard is not None:
                self._request(heard, now, effects)
                return effects
        self._take(self._framer.feed(data), now, effects)
        return effects

    def receive_whole(self, data: bytes, now: float) -> list[Effect]:
        """Take a datagram or message: what it does not hold does not come later."""
        effects = self.receive(data, now)
        if self._framer.pending:
            self._take(self._framer.finish(), now, effects)
        return effects

    def advance(self, now: float) -> list[Effect]:
        """Do what has become due."""
        effects: list[Effect] = []
        if self._framer.pending and now - self._heard_at >= self._settings.frame_patience:
            self._heard_at = now
            self._take(self._framer.expire(), now, effects)
        if self.servant.due <= now:
            self._report(self.servant.advance(now, self._frame), effects)
        if self.connected and self._heartbeat_due <= now:
            if self._misses >= self._settings.missed_limit:
                effects.append(HangUp(f"{self._misses} heartbeats unanswered"))
            else:
                effects += self._beat(now)
        return effects

    def report_fault(self, fault_type: int, *, gone: bool, text: str, now: float) -> list[Effect]:
        """Report a fault or its end (GD/J 089-2018 table E.7)."""
        clock = now + self.servant.clock_offset
        body = feedback.write_body(FaultReport.of(2 if gone else 1, fault_type, text, int(clock)))
        effects: list[Effect] = []
        session, data = self._frame(ServiceType.FAULT, body)
        self._report([Report(data, None, session, "fault gone" if gone else "fault")], effects)
        return effects

    def sound(self, ebm_id: EbmId, *, comes: bool, now: float) -> list[Effect]:
        """The player hears the sound of a message for the first time or again, or has missed it for long."""
        clock = now + self.servant.clock_offset
        tell = self.broadcast.sounds if comes else self.broadcast.falls_silent
        effects: list[Effect] = []
        self._report(tell(ebm_id, clock, self._frame), effects)
        return effects

    def _take(self, found: list[Frame | Fault], now: float, effects: list[Effect]) -> None:
        for item in found:
            if isinstance(item, Fault):
                self._broken(item, effects)
            elif item.kind is Kind.IP and item.raw[_PACKET_TYPE_AT] == PacketType.ANSWER:
                self._answer_received(item.raw, now, effects)
            elif item.kind is Kind.IP:
                self._request(self._ears.listen(item.raw), now, effects)

    def _broken(self, fault: Fault, effects: list[Effect]) -> None:
        """Answer a frame whose head can be read and whose checksum or structure is wrong (13, 15)."""
        head = fault.head
        if head is None or head.kind is not Kind.IP or head.packet_type != PacketType.REQUEST or len(head.source) != 12:
            return
        effects.append(Note(Event.REFUSED, None, head.session, str(fault.error)))
        code = fault.error.result
        if code is not None:
            self._send_answer(head.session, head.source, head.service_type, code, "", effects)

    def _answer_received(self, raw: bytes, now: float, effects: list[Effect]) -> None:
        """Take the general answer to a heartbeat: it registers."""
        if self._dice.hits(self.faults.loss):
            effects.append(Note(Event.LOST, None, None, "answer to a heartbeat"))
            return
        at = _CODES_AT + 12 * int.from_bytes(raw[_COUNT], "big")
        session = int.from_bytes(raw[4:8], "big")
        if len(raw) < at + 8 or raw[at] != ServiceType.HEARTBEAT or session != self._heartbeat_session:
            return
        self._misses = 0
        result = raw[at + 3]
        if result != ResultCode.OK:
            effects.append(Note(Event.REFUSED, None, session, f"registration: {result}"))
            return
        if not self.registered:
            self.registered = True
            self.platform = raw[_SOURCE]
            effects.append(Note(Event.REGISTERED, None, session, f"first {self._first}"))
            self._heartbeat_due = now + self._period()
        self._first = _AGAIN

    def _request(self, heard: Heard, now: float, effects: list[Effect]) -> None:
        """Take a whole frame with a right checksum."""
        faults = self.faults
        if faults is not HEALTHY and self._struck(faults, heard, effects):
            return
        self.received += 1
        packet = heard.packet
        if packet is None:
            self._unreadable(heard, effects)
            return
        session = packet.session
        stored = self._answers.get(session)
        if stored is not None and stored[0] is heard and now < stored[2]:
            if stored[1]:
                self._send(stored[1], heard.ebm_id, session, "repeat", effects)
            return
        error = heard.error or self._replayed(heard, now)
        if error is not None:
            self._finish(heard, ResultCode.CERTIFICATE_INVALID, error.code, now, effects)
        elif not heard.addresses(self.device.code):
            effects.append(Note(Event.IGNORED, heard.ebm_id, session, "not addressed"))
            self._store(heard, b"", now)
        else:
            self._obey(heard, now, effects)

    def _struck(self, faults: Faults, heard: Heard, effects: list[Effect]) -> bool:
        """Whether a fault keeps the frame from being heard."""
        session = heard.packet.session if heard.packet else None
        if self._dice.hits(faults.loss):
            effects.append(Note(Event.LOST, heard.ebm_id, session, "request"))
            return True
        for probability, reboot, reason in ((faults.reboot, True, "reboot by fault"), (faults.drop, False, "drop")):
            if self._dice.hits(probability):
                effects.append(HangUp(reason, reboot=reboot))
                return True
        return False

    def _unreadable(self, heard: Heard, effects: list[Effect]) -> None:
        """Answer 13 to a frame whose checksum is right and whose structure is not, as far as its head can be read."""
        raw, error = heard.raw, heard.error
        session = int.from_bytes(raw[4:8], "big")
        effects.append(Note(Event.REFUSED, None, session, str(error)))
        at = _CODES_AT + 12 * int.from_bytes(raw[_COUNT], "big")
        service = raw[at] if at < len(raw) else 0
        self._send_answer(session, raw[_SOURCE], service, ResultCode.PARSE_ERROR, "", effects)

    def _replayed(self, heard: Heard, now: float) -> FrameError | None:
        block = heard.packet.signature if heard.packet else None
        if block is None:
            return None
        until = self._repeats_until(heard.packet.body if heard.packet else None)
        clock = now + self.servant.clock_offset
        try:
            self._guard.admit(block.certificate, block.sig_time, heard.digest, clock, until=until)
        except ReplayDetected as error:
            return error
        return None

    def _repeats_until(self, body: object) -> float | None:
        """Until when a frame may come again; None on bearers that do not repeat, and for what must not.

        A stop by its id can only end what was ended before, so it may come at any time; the stop of all may not.
        """
        if self._settings.repeating:
            if isinstance(body, StartBroadcast):
                return float(body.end)
            if isinstance(body, StopBroadcast) and body.ebm_id.ebm_id not in (None, EBM_ID_ALL):
                return inf
        return None

    def _obey(self, heard: Heard, now: float, effects: list[Effect]) -> None:
        done = self.servant.obey(heard, now, self._frame, self.platform, self.faults.refuse)
        self._report(done.before, effects)
        self._finish(heard, done.code, done.text, now, effects)
        self._report(done.after, effects)

    def _finish(self, heard: Heard, code: int, text: str, now: float, effects: list[Effect]) -> None:
        """Answer, and keep the answer for a repeat."""
        packet = heard.packet
        assert packet is not None
        session = packet.session
        if code != ResultCode.OK:
            effects.append(Note(Event.REFUSED, heard.ebm_id, session, f"{int(code)} {text}".rstrip()))
        frame = speaking.answer(session, self.device.wire, packet.source.raw, packet.service_type, code, text)
        self._store(heard, frame, now)
        self._send(frame, heard.ebm_id, session, str(int(code)), effects)

    def _store(self, heard: Heard, frame: bytes, now: float) -> None:
        assert heard.packet is not None
        answers = self._answers
        answers.pop(heard.packet.session, None)
        answers[heard.packet.session] = (heard, frame, now + self._settings.repeat_window)
        if len(answers) > _ANSWERS_KEPT:
            del answers[next(iter(answers))]

    def _send_answer(
        self, session: int, target: bytes, service: int, code: int, text: str, effects: list[Effect]
    ) -> None:
        frame = speaking.answer(session, self.device.wire, target, service, code, text)
        self._send(frame, None, session, str(int(code)), effects)

    def _send(self, frame: bytes, ebm_id: EbmId | None, session: int, reason: str, effects: list[Effect]) -> None:
        faults = self.faults
        if faults is not HEALTHY:
            if faults.silent:
                return
            if self._dice.hits(faults.loss):
                effects.append(Note(Event.LOST, ebm_id, session, "answer"))
                return
        self.answered += 1
        effects.append(Send(frame))
        effects.append(Note(Event.ANSWERED, ebm_id, session, reason))

    def _report(self, steps: list[Effect], effects: list[Effect]) -> None:
        """Pass on what the air did; a report of it gets this terminal's codes and next session."""
        for step in steps:
            if isinstance(step, Report):
                if self.faults.silent:
                    continue
                self.reported += 1
            effects.append(step)

    def _next_session(self) -> int:
        self._session = (self._session + 1) & 0xFFFFFFFF
        return self._session

    def _frame(self, service: int, content: bytes) -> tuple[int, bytes]:
        """Make a report that nobody asked for: its session, and the frame."""
        session = self._next_session()
        return session, speaking.report(session, self.device.wire, self.platform, service, content)

    def _period(self) -> float:
        return self.device.period or self._settings.heartbeat

    def _beat(self, now: float) -> list[Effect]:
        """Send a heartbeat and set the time of the next."""
        period = self._period()
        self._heartbeat_due = now + (period if self.registered else min(period, self._settings.registration_retry))
        self._misses += 1
        self._heartbeat_session = session = self._next_session()
        if self._dice.hits(self.faults.loss):
            return [Note(Event.LOST, None, session, "heartbeat")]
        wire, physical = self.device.wire, self.device.physical
        beat = speaking.heartbeat(session, wire, self.platform, self.servant.state, self._first, physical)
        return [Send(beat)]
