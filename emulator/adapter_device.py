"""An emulated adapter 适配器仿真: what each command of GD/J 089-2018 appendix A does to it and to what is behind it.

No I/O: commands go in, the content of the answer comes out; ``advance`` begins and ends tasks and gives the reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from emulator.journal import Event
from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.receiver import TimeBase
from gateway.domain.targets import addresses
from gateway.protocols import adapter_commands as commands
from gateway.protocols.adapter import AdapterPacket, ProtocolType
from gateway.protocols.adapter_address import AddressBlock
from gateway.protocols.adapter_answers import AdapterAnswer, BroadcastAnswer, FaultDetail
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop
from gateway.protocols.adapter_channels import ChannelType, InputChannel, InputChannels, OutputChannel, OutputChannels
from gateway.protocols.adapter_reports import AdapterRecord, AdapterRecords, Output, TaskEnd, TaskStart
from gateway.protocols.adapter_results import FAILURE, SUCCESS, ReturnCode
from gateway.protocols.adapter_special import FrequencyLock
from gateway.protocols.adapter_types import ANSWERS, Body
from gateway.protocols.fields import WireCode
from gateway.protocols.time_base import to_unix

#: Writes of the journal: terminal, event, EBM id, reason.
Note = Callable[[str, Event, EbmId | None, str], None]
#: program_resource of table A.33: the platform.
_BY_PLATFORM = 1
#: task_state of table A.30: waiting, on air, done.
_WAITING, _ON_AIR, _DONE = 1, 2, 3
_OUTPUT = Output(ChannelType.IP, 1)


@dataclass(slots=True)
class Behind:
    """A terminal behind the adapter, as far as commands set it."""

    code: ResourceCode
    settings: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Task:
    """One broadcast; times in Unix seconds."""

    command: BroadcastStart
    terminals: tuple[Behind, ...]
    begin: float
    end: float
    state: int = _WAITING


class AdapterDevice:
    """The memory of one adapter. ``base`` is what its clock counts; air time is ``scale`` times shorter."""

    def __init__(
        self,
        code: ResourceCode,
        terminals: Iterable[ResourceCode],
        base: TimeBase,
        note: Note,
        scale: float = 1.0,
    ) -> None:
        self.code, self.base, self._note, self._scale = code, base, note, scale
        self.terminals = tuple(Behind(one) for one in terminals)
        self.tasks: dict[str, Task] = {}
        #: what concerns the adapter itself, by the name of the command.
        self.settings: dict[str, Body] = {}
        self.refuses = False

    @property
    def front(self) -> WireCode:
        """Its code as on the wire."""
        return WireCode.of(self.code)

    @property
    def state(self) -> int:
        """state of table A.35: 1 idle, 2 working."""
        return 2 if any(task.state == _ON_AIR for task in self.tasks.values()) else 1

    @property
    def due(self) -> float:
        """When ``advance`` must be called next, Unix seconds."""
        times = (
            task.begin if task.state == _WAITING else task.end for task in self.tasks.values() if task.state < _DONE
        )
        return min(times, default=inf)

    def is_on_air(self, ebm_id: str) -> bool:
        """Whether the task of a message (35 digits) plays."""
        task = self.tasks.get(ebm_id)
        return task is not None and task.state == _ON_AIR

    def truth(self) -> Mapping[str, object]:
        """What is so, for tests and demonstrations."""
        playing = {ebm_id: len(task.terminals) for ebm_id, task in self.tasks.items() if task.state == _ON_AIR}
        return {
            "code": self.code,
            "playing": playing,
            "settings": sorted(self.settings),
            "terminals": {one.code: one.settings for one in self.terminals},
        }

    def obey(self, packet: AdapterPacket, now: float) -> Body:
        """Carry out one command and return the content of its answer (table A.4)."""
        body = packet.body
        match body:
            case BroadcastStart():
                return self._answered(body, self._start(body, now))
            case BroadcastStop():
                return self._answered(body, self._stop(body, now))
            case commands.OutputChannelQuery():
                return OutputChannels(self.front, (OutputChannel(1, ChannelType.IP),))
            case commands.InputChannelQuery():
                return InputChannels(self.front, (InputChannel(1, "平台".encode(), 1, self.state),))
            case commands.RecordQuery():
                return AdapterRecords(self.front, tuple(self._records(body)))
            case commands.FaultQuery():
                return FaultDetail(self.front, 0)
            case commands.TerminalQuery():
                for one in self.addressed(body.address):
                    self._note(one.code, Event.QUERY_RECEIVED, None, f"tags {list(body.tags)}")
                return AdapterAnswer(ReturnCode.OK)
        if ANSWERS.get(packet.protocol_type) is not ProtocolType.ANSWER:
            return AdapterAnswer(ReturnCode.UNKNOWN)
        self._set(body)  # type: ignore[arg-type]  # a type that is answered has a layout
        return AdapterAnswer(ReturnCode.OK)

    def advance(self, now: float) -> list[Body]:
        """Begin and end what is due; returns the reports 0x18 and 0x19."""
        reports: list[Body] = []
        for task in self.tasks.values():
            if task.state == _WAITING and task.begin <= now:
                task.state = _ON_AIR
                self._all(task, Event.PLAYING, "")
                reports.append(self._begun(task))
            if task.state == _ON_AIR and task.end <= now:
                task.state = _DONE
                self._all(task, Event.ENDED, "")
                reports.append(TaskEnd(self.front, task.command.ebm_id))
        return reports

    def addressed(self, block: AddressBlock) -> list[Behind]:
        """Terminals behind it that an address block means."""
        targets = [code.digits for code in block.codes if code.digits is not None]
        return [one for one in self.terminals if any(addresses(target, one.code) for target in targets)]

    # -- broadcasts

    def _answered(self, body: BroadcastStart | BroadcastStop, why_not: str) -> BroadcastAnswer:
        return BroadcastAnswer(self.front, body.ebm_id, FAILURE if why_not else SUCCESS, why_not.encode())

    def _start(self, body: BroadcastStart, now: float) -> str:
        """Take a start; returns why not. The same message again, or for further codes, is one task."""
        terminals = self.addressed(body.address)
        for one in terminals:
            self._note(one.code, Event.START_RECEIVED, body.ebm_id.ebm_id, "")
        if self.refuses:
            return "busy"
        begin, end = (float(to_unix(seconds, self.base)) for seconds in (body.start, body.end))
        end = begin + (end - begin) / self._scale
        if end <= now:
            # As real ones do: taken, and never begun.
            self._note(self.code, Event.MISSED, body.ebm_id.ebm_id, "its end is past")
            return ""
        known = self.tasks.get(body.ebm_id.text)
        if known is None:
            self.tasks[body.ebm_id.text] = Task(body, tuple(terminals), begin, end)
        elif known.state < _DONE:
            new = [one for one in terminals if one not in known.terminals]
            known.terminals = (*known.terminals, *new)
            if known.state == _ON_AIR:
                for one in new:
                    self._note(one.code, Event.PLAYING, body.ebm_id.ebm_id, "")
        return ""

    def _stop(self, body: BroadcastStop, now: float) -> str:
        """Silence the terminals named; a task without terminals is over."""
        if self.refuses:
            return "busy"
        quiet = self.addressed(body.address)
        every = not body.ebm_id.text.strip("0")
        for ebm_id, task in self.tasks.items():
            if task.state == _DONE or not (every or ebm_id == body.ebm_id.text):
                continue
            for one in task.terminals:
                if one in quiet:
                    self._note(one.code, Event.STOPPED, body.ebm_id.ebm_id, "")
            task.terminals = tuple(one for one in task.terminals if one not in quiet)
            if not task.terminals:
                task.end = now
                task.begin = min(task.begin, now)
                task.state = max(task.state, _ON_AIR)
        return ""

    def _all(self, task: Task, event: Event, reason: str) -> None:
        for one in task.terminals:
            self._note(one.code, event, task.command.ebm_id.ebm_id, reason)

    def _begun(self, task: Task) -> TaskStart:
        start = task.command
        return TaskStart(
            front_code=self.front,
            ebm_id=start.ebm_id,
            resource=_BY_PLATFORM,
            ebm_class=start.ebm_class,
            severity=start.severity,
            event=start.event,
            input_channel=start.input_channel,
            outputs=(_OUTPUT,),
            telephone=None,
            volume=start.volume,
            codes=start.address.codes,
            code_size=start.address.code_size,
        )

    def _records(self, query: commands.RecordQuery) -> Iterable[AdapterRecord]:
        for task in self.tasks.values():
            start = task.command
            wanted = query.ebm_id in (commands.ANY_EBM_ID, start.ebm_id)
            if wanted and start.start <= query.end and query.start <= start.end:
                yield AdapterRecord(
                    start.ebm_id, task.state, _BY_PLATFORM, start.ebm_class, start.severity, start.event,
                    start.start, start.end, start.volume, start.input_channel, (_OUTPUT,), None, start.address.codes,
                )  # fmt: skip

    # -- settings

    def _set(self, body: Body) -> None:
        """Keep a setting with the adapter, and with each terminal that it names."""
        name = type(body).__name__
        self.settings[name] = body
        concerned: Iterable[Behind] = ()
        value: object = body
        match body:
            case commands.VolumeSetting():
                concerned, value = self.addressed(body.address), body.volume
            case commands.AmplifierSwitch():
                concerned, value = self.addressed(body.address), body.switch
            case commands.PeriodSetting():
                concerned, value = self.addressed(body.address), body.period_s
            case commands.RebackSetting():
                concerned, value = self.addressed(body.address), body.reback.text
            case FrequencyLock():
                concerned, value = self.addressed(body.address), body.freq_khz
            case commands.NetworkSetting():
                concerned = [one for one in self.terminals if one.code == body.code.digits]
                value = body.ip
            case commands.ClockSetting():
                concerned, value = self.terminals, to_unix(body.time, self.base)
        self._note(self.code, Event.SET_RECEIVED, None, name)
        for one in concerned:
            one.settings[name] = value
            self._note(one.code, Event.SET_RECEIVED, None, name)
