"""Start and stop at one terminal: from the fields of table D.5 to the air, and from the air to reports and journal."""

from __future__ import annotations

from collections.abc import Callable

from emulator import speaking
from emulator.device import Device
from emulator.effects import Effect, Hush, Note, Report, Tune
from emulator.journal import Event
from emulator.playing import Change, Player, Step, Task, Verdict
from emulator.settings import Claims, TerminalSettings
from emulator.sound_source import SoundSource, source_of
from gateway.domain.codes import EBM_ID_ALL, EbmId
from gateway.domain.message import VOLUME_KEEP, EbmClass
from gateway.errors import InvalidValueError
from gateway.protocols import feedback
from gateway.protocols.feedback_bodies import FaultReport
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import ServiceType, StartBroadcast
from gateway.protocols.results import ResultCode

#: Makes a report of a service type and content: its session and the frame.
FrameMaker = Callable[[int, bytes], tuple[int, bytes]]

_ANSWERS = {
    Verdict.ACCEPTED: (ResultCode.OK, ""),
    Verdict.KNOWN: (ResultCode.OK, "known"),
    # Not 0: the sender would take it for a message on the air. 54 is final, and says that nothing will play.
    Verdict.WAS_STOPPED: (ResultCode.PARAMETER_INVALID, "message was stopped"),
    Verdict.TOO_LATE: (ResultCode.PARAMETER_INVALID, "message is over"),
    Verdict.BUSY: (ResultCode.TERMINAL_BUSY, "higher priority on air"),
}
#: Emergency, then drills, then daily; table B.20 knows the first and the last.
_KINDS = {kind: 0 if kind is EbmClass.EMERGENCY else 2 if kind is EbmClass.DAILY else 1 for kind in EbmClass}
_EVENTS = {change: Event(change.value) for change in Change}
#: 故障类型 of table E.7: 5 is the last that is named, "others reserved"; devices use 9 for anything else.
_OTHER_FAULT = 9
_FAULT, _FAULT_GONE = 1, 2


class Broadcast:
    """The air of one terminal, told in codes, journal lines and reports; ``clock`` is its own, in Unix seconds."""

    __slots__ = ("_claims", "_device", "_player", "_scale")

    def __init__(self, device: Device, settings: TerminalSettings) -> None:
        self._device = device
        self._scale = settings.scale
        self._claims = settings.player
        self._player = Player(keeps_queue=settings.keeps_queue)

    @property
    def on_air(self) -> EbmId | None:
        """What is audible now."""
        current = self._player.current
        return current.ebm_id if current else None

    @property
    def claimed(self) -> bool:
        """Whether something is audible by this terminal's own word."""
        current = self._player.current
        return current is not None and current.claimed

    @property
    def silent(self) -> bool:
        """Whether the sound that should be audible has been missing for long."""
        current = self._player.current
        return current is not None and current.silent and self._claims is Claims.HEARD

    @property
    def live(self) -> tuple[EbmId, ...]:
        """All that plays or waits."""
        return tuple(task.ebm_id for task in self._player.tasks)

    @property
    def due(self) -> float:
        """When ``advance`` must be called next, by the terminal's clock."""
        return self._player.due

    def start(
        self, body: StartBroadcast, ebm_id: EbmId | None, clock: float, frame: FrameMaker
    ) -> tuple[ResultCode, str, list[Effect]]:
        """Take a start; return what to answer, and what happened on the air because of it."""
        wrong = _wrong(body, ebm_id)
        if wrong or ebm_id is None:
            return ResultCode.PARAMETER_INVALID, wrong, []
        try:
            source = None if self._claims is None else source_of(body)
        except InvalidValueError as error:
            return ResultCode.PARAMETER_INVALID, error.field, []
        verdict, steps = self._player.start(self._task(body, ebm_id, clock, source), clock)
        return (*_ANSWERS[verdict], self._tell(steps, frame))

    def stop(self, ebm_id: EbmId | None, clock: float, frame: FrameMaker) -> list[Effect]:
        """Stop a message; the id of zeros stops all (GD/J 089-2018 table A.12), an unreadable one nothing."""
        if ebm_id is None:
            return []
        return self._tell(self._player.stop(None if ebm_id == EBM_ID_ALL else ebm_id, clock), frame)

    def advance(self, clock: float, frame: FrameMaker) -> list[Effect]:
        """End and begin what is due."""
        return self._tell(self._player.advance(clock), frame)

    def cut(self, clock: float, reason: str) -> list[Effect]:
        """Lose power: plays end in the journal, and no report can be made."""
        current = self._player.current
        hush: list[Effect] = [Hush(current.ebm_id)] if current is not None and current.source is not None else []
        return [*hush, *(Note(Event.ENDED, step.task.ebm_id, None, reason) for step in self._player.cut(clock))]

    def sounds(self, ebm_id: EbmId, clock: float, frame: FrameMaker) -> list[Effect]:
        """Sound of the message that should be audible is there: for the first time, or again."""
        task = self._current(ebm_id)
        if task is None:
            return []
        effects: list[Effect] = []
        task.heard = True
        if task.silent:
            task.silent = False
            effects += self._fault(task, clock, frame, _FAULT_GONE)
        if not task.claimed:
            effects.append(self._switch(task, clock, frame, begins=True))
        return effects

    def falls_silent(self, ebm_id: EbmId, clock: float, frame: FrameMaker) -> list[Effect]:
        """Its sound does not come, or comes no more."""
        task = self._current(ebm_id)
        if task is None or task.silent:
            return []
        task.silent = True
        return self._fault(task, clock, frame, _FAULT)

    def _current(self, ebm_id: EbmId) -> Task | None:
        current = self._player.current
        return current if current is not None and current.ebm_id == ebm_id else None

    def _fault(self, task: Task, clock: float, frame: FrameMaker, flag: int) -> list[Effect]:
        """A fault of table E.7, or its end; none from a terminal that goes by the start frame."""
        if self._claims is not Claims.HEARD or task.source is None:
            return []
        text = f"节目流无声 no sound from {task.source.url}"[:100]
        body = feedback.write_body(FaultReport.of(flag, _OTHER_FAULT, text, int(clock)))
        session, data = frame(ServiceType.FAULT, body)
        what = "no sound" if flag == _FAULT else "no sound: over"
        return [Report(data, task.ebm_id, session, what)]

    def _task(self, body: StartBroadcast, ebm_id: EbmId, clock: float, source: SoundSource | None) -> Task:
        daily = body.ebm_class == EbmClass.DAILY
        key = (_KINDS[EbmClass(body.ebm_class)], int(ebm_id[0]) or 9, body.severity, body.start)
        begin = max(float(body.start), clock)
        end = begin + (body.end - begin) / self._scale
        return Task(ebm_id, key, body.start, end, daily, body.volume, source=source)

    def _tell(self, steps: list[Step], frame: FrameMaker) -> list[Effect]:
        effects: list[Effect] = []
        for step in steps:
            task, change = step.task, step.change
            effects.append(Note(_EVENTS[change], task.ebm_id, None, ""))
            if change in (Change.PLAYING, Change.RESUMED):
                self._turn_up(task)
                if task.source is not None:
                    effects.append(Tune(task.ebm_id, task.source))
                if task.source is None or self._claims is not Claims.HEARD:
                    effects.append(self._switch(task, step.at, frame, begins=True))
            elif step.audible:
                effects += self._quiet(task, step.at, frame)
            content = self._result(step, WireEbmId.of(task.ebm_id).raw)
            if content:
                session, data = frame(ServiceType.RESULT, content)
                effects.append(Report(data, task.ebm_id, session, "result"))
        return effects

    def _switch(self, task: Task, at: float, frame: FrameMaker, *, begins: bool) -> Report:
        task.claimed = begins
        ebm = WireEbmId.of(task.ebm_id).raw
        session, data = frame(
            ServiceType.TASK, speaking.task_switch(begins=begins, daily=task.daily, ebm=ebm, at=int(at))
        )
        return Report(data, task.ebm_id, session, "task begins" if begins else "task ends")

    def _quiet(self, task: Task, at: float, frame: FrameMaker) -> list[Effect]:
        """What was audible is audible no more, for now or for good."""
        effects: list[Effect] = []
        if task.source is not None:
            effects.append(Hush(task.ebm_id))
        if task.silent:
            task.silent = False
            effects += self._fault(task, at, frame, _FAULT_GONE)
        if task.claimed:
            effects.append(self._switch(task, at, frame, begins=False))
        return effects

    def _result(self, step: Step, ebm: bytes) -> bytes:
        """Return the content of table E.9 for a message that is over; nothing for one stopped before it began."""
        began, at = step.task.began, int(step.at)
        if step.change is Change.MISSED:
            text = "播出通道被高优先级任务占用"
            return speaking.result(ebm=ebm, success=False, text=text, start=at, end=at, at=at)
        if step.change not in (Change.ENDED, Change.STOPPED) or began is None:
            return b""
        text = "stopped" if step.change is Change.STOPPED else ""
        success = step.task.heard or step.task.source is None or self._claims is not Claims.HEARD
        if not success:
            text = "未收到节目流 no sound came"
        return speaking.result(ebm=ebm, success=success, text=text, start=int(began), end=at, at=at)

    def _turn_up(self, task: Task) -> None:
        if task.volume != VOLUME_KEEP:
            self._device.volume = task.volume


def _wrong(body: StartBroadcast, ebm_id: EbmId | None) -> str:
    """Return which field of table D.5 breaks its rule; nothing when none does."""
    if ebm_id is None or ebm_id == EBM_ID_ALL:
        return "EBM id"
    if not EbmClass.SYSTEM_DRILL <= body.ebm_class <= EbmClass.DAILY:
        return "class"
    if not 1 <= body.severity <= 4:
        return "severity"
    if body.volume != VOLUME_KEEP and body.volume > 100:
        return "volume"
    return "" if body.start < body.end else "end before start"
