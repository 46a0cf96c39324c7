"""Carrying out requests 执行指令: what each command of GD/J 089-2018 appendix D does to a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator import speaking
from emulator.broadcast import Broadcast, FrameMaker
from emulator.device import Device
from emulator.effects import Effect, Note, Report
from emulator.hearing import Heard
from emulator.journal import Event
from emulator.settings import TerminalSettings
from gateway.protocols import feedback
from gateway.protocols import parameters as tags
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.ip_bodies import (
    CertificateAuthorisation,
    PacketType,
    ParameterSetting,
    ServiceType,
    StartBroadcast,
    StatusQuery,
    StopBroadcast,
)
from gateway.protocols.results import ResultCode

_IDLE, _WORKING, _FAULTY = 1, 2, 3


@dataclass(slots=True)
class Done:
    """What to answer, and what happens before and after the answer."""

    code: int
    text: str = ""
    before: list[Effect] = field(default_factory=list)
    after: list[Effect] = field(default_factory=list)


class Servant:
    """Does what authentic, fresh requests that are meant for this terminal ask; lives from power-up to power-down."""

    __slots__ = ("broadcast", "clock_offset", "device")

    def __init__(self, device: Device, settings: TerminalSettings, clock_offset: float) -> None:
        self.device = device
        self.broadcast = Broadcast(device, settings)
        #: seconds by which the terminal's clock is ahead of true time.
        self.clock_offset = clock_offset

    @property
    def state(self) -> int:
        """终端工作状态: 1 idle, 2 working, 3 faulty (table D.7); working by its own word, see ``Claims``."""
        if self.broadcast.silent:
            return _FAULTY
        return _WORKING if self.broadcast.claimed else _IDLE

    @property
    def due(self) -> float:
        """When ``advance`` must be called next, in true time."""
        return self.broadcast.due - self.clock_offset

    def advance(self, now: float, frame: FrameMaker) -> list[Effect]:
        """End and begin what is due."""
        return self.broadcast.advance(now + self.clock_offset, frame)

    def obey(self, heard: Heard, now: float, frame: FrameMaker, platform: bytes, refuse: int | None) -> Done:
        """Carry out one request; ``refuse`` is what every start is answered with instead, if set."""
        assert heard.packet is not None
        body, session = heard.packet.body, heard.packet.session
        match body:
            case StartBroadcast():
                return self._start(heard, body, now, frame, refuse)
            case StopBroadcast():
                note = Note(Event.STOP_RECEIVED, heard.ebm_id, session, "")
                # Silence first: whoever reads the answer may rely on it.
                ended = self.broadcast.stop(heard.ebm_id, now + self.clock_offset, frame)
                code = ResultCode.OK if heard.ebm_id is not None else ResultCode.PARAMETER_INVALID
                return Done(code, before=[note, *ended])
            case ParameterSetting():
                return Done(self._set(body, now), before=[Note(Event.SET_RECEIVED, None, session, "")])
            case StatusQuery():
                answer = self._query_answer(body, session, platform)
                return Done(ResultCode.OK, before=[Note(Event.QUERY_RECEIVED, None, session, "")], after=[answer])
            case CertificateAuthorisation():
                self.device.certificates = body.lists + body.certificates
                count = f"{len(body.lists)} lists, {len(body.certificates)} certificates"
                return Done(ResultCode.OK, before=[Note(Event.CERTIFICATES_RECEIVED, None, session, count)])
        return Done(ResultCode.NOT_SUPPORTED)

    def _start(self, heard: Heard, body: StartBroadcast, now: float, frame: FrameMaker, refuse: int | None) -> Done:
        assert heard.packet is not None
        note = Note(Event.START_RECEIVED, heard.ebm_id, heard.packet.session, "")
        if refuse is not None:
            return Done(refuse, "refusal by fault", [note])
        code, text, begun = self.broadcast.start(body, heard.ebm_id, now + self.clock_offset, frame)
        return Done(code, text, [note], begun)

    def _set(self, body: ParameterSetting, now: float) -> ResultCode:
        """Take parameters in their order; the first that does not fit is answered, those before it stay set."""
        for parameter in body.params:
            if parameter.tag == tags.SET_CLOCK and isinstance(parameter.value, int):
                self.clock_offset = parameter.value - now
                continue
            code = self.device.set(parameter)
            if code is not ResultCode.OK:
                return code
        return ResultCode.OK

    def _query_answer(self, body: StatusQuery, session: int, platform: bytes) -> Report:
        """Make the answer to a query, which travels by appendix E with the query's session (E.3.1)."""
        parameters = self.device.report(body.tags, self.state)
        content = feedback.write_body(QueryAnswer(ResultCode.OK, b"", parameters))
        wire = self.device.wire
        data = speaking.report(session, wire, platform, ServiceType.QUERY, content, PacketType.ANSWER)
        return Report(data, None, session, "query answer")
