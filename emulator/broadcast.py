"""Start and stop at one terminal: from the fields of table D.5 to the air, and from the air to reports and journal."""

from __future__ import annotations

from collections.abc import Callable

from emulator import speaking
from emulator.device import Device
from emulator.effects import Effect, Note, Report
from emulator.journal import Event
from emulator.playing import Change, Player, Step, Task, Verdict
from emulator.settings import TerminalSettings
from gateway.domain.codes import EBM_ID_ALL, EbmId
from gateway.domain.message import VOLUME_KEEP, EbmClass
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


class Broadcast:
    """The air of one terminal, told in codes, journal lines and reports; ``clock`` is its own, in Unix seconds."""

    __slots__ = ("_device", "_player", "_scale")

    def __init__(self, device: Device, settings: TerminalSettings) -> None:
        self._device = device
        self._scale = settings.scale
        self._player = Player(keeps_queue=settings.keeps_queue)

    @property
    def on_air(self) -> EbmId | None:
        """What is audible now."""
        current = self._player.current
        return current.ebm_id if current else None

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
        verdict, steps = self._player.start(self._task(body, ebm_id, clock), clock)
        return (*_ANSWERS[verdict], self._tell(steps, frame))

    def stop(self, ebm_id: EbmId | None, clock: float, frame: FrameMaker) -> list[Effect]:
        """Stop a message; the id of zeros stops all (GD/J 089-2018 table A.12), an unreadable one nothing."""
        if ebm_id is None:
            return []
        return self._tell(self._player.stop(None if ebm_id == EBM_ID_ALL else ebm_id, clock), frame)

    def advance(self, clock: float, frame: FrameMaker) -> list[Effect]:
        """End and begin what is due."""
        return self._tell(self._player.advance(clock), frame)

    def cut(self, clock: float, reason: str) -> list[Note]:
        """Lose power: plays end in the journal, and no report can be made."""
        return [Note(Event.ENDED, step.task.ebm_id, None, reason) for step in self._player.cut(clock)]

    def _task(self, body: StartBroadcast, ebm_id: EbmId, clock: float) -> Task:
        daily = body.ebm_class == EbmClass.DAILY
        key = (_KINDS[EbmClass(body.ebm_class)], int(ebm_id[0]) or 9, body.severity, body.start)
        begin = max(float(body.start), clock)
        end = begin + (body.end - begin) / self._scale
        return Task(ebm_id, key, body.start, end, daily, body.volume)

    def _tell(self, steps: list[Step], frame: FrameMaker) -> list[Effect]:
        effects: list[Effect] = []
        for step in steps:
            task, change, at = step.task, step.change, int(step.at)
            effects.append(Note(_EVENTS[change], task.ebm_id, None, ""))
            ebm = WireEbmId.of(task.ebm_id).raw
            begins = change in (Change.PLAYING, Change.RESUMED)
            if begins:
                self._turn_up(task)
            if begins or step.audible:
                content = speaking.task_switch(begins=begins, daily=task.daily, ebm=ebm, at=at)
                session, data = frame(ServiceType.TASK, content)
                effects.append(Report(data, task.ebm_id, session, "task begins" if begins else "task ends"))
            content = self._result(step, ebm)
            if content:
                session, data = frame(ServiceType.RESULT, content)
                effects.append(Report(data, task.ebm_id, session, "result"))
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
        return speaking.result(ebm=ebm, success=True, text=text, start=int(began), end=at, at=at)

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
