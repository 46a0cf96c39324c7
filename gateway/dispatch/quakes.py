"""Earthquake warnings 地震预警 on the live path, without whatever takes time.

No plan, no approval, no areas to be read out of words: the divisions that can be warned are worked out at the start and
when the registry changes (``aims``), so that a report is computed, signed, committed and written. A further report of
the same event is an update of the message before it, and takes its place with the same commit; a lower one is kept out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from gateway.dispatch.service import Dispatch
from gateway.dispatch.submission import Acceptance, Facts, Submission, Targets
from gateway.domain.codes import AreaCode
from gateway.domain.earthquakes import Decay, Quake, Shaken, end_of, severity_of, shaken, words_of
from gateway.domain.message import EARTHQUAKE, EbmClass
from gateway.domain.warning import Notice, Reference, Status, Warning, WarningIdentity, WarningKind, WarningText
from gateway.errors import Violation, WarningInvalid
from gateway.store import queries

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/json; form=earthquake"
#: Before the names of senders: an event of one publisher is no event of another.
_SENDER: Final = "earthquake"
#: Seconds between two looks whether the registry has changed.
_WARM: Final = 1.0


@dataclass(frozen=True, slots=True)
class QuakeRules:
    """Choices of the settings; ``speed`` in km/s, times in seconds."""

    decay: Decay = field(default_factory=Decay)
    speed: float = 3.5
    least: float = 4.0
    hold: float = 60.0
    stale: float = 120.0
    volume: int = 100


class Quakes:
    """Takes reports. ``centres`` are (lat, lon) of the divisions that may be warned, ``drill_class`` of exercises."""

    def __init__(
        self,
        dispatch: Dispatch,
        centres: Mapping[AreaCode, tuple[float, float]],
        rules: QuakeRules,
        drill_class: EbmClass,
    ) -> None:
        self._dispatch = dispatch
        self._centres = dict(centres)
        self._names = {area: dispatch.state.gazetteer.name(area) for area in centres}
        self._rules = rules
        self._drill_class = drill_class
        self._newest: dict[tuple[str, str], int] = {}
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Keep the divisions worked out, each by itself and all together, until cancelled."""
        aims = self._dispatch.state.aims
        while True:
            for area in self._centres:
                aims.of((area,))
                await asyncio.sleep(0)
            aims.of(tuple(sorted(self._centres)))
            await pause(_WARM)

    def hit(self, quake: Quake) -> tuple[Shaken, ...]:
        """Divisions that a report warns, nearest first."""
        rules = self._rules
        return shaken(quake, self._centres, speed=rules.speed, decay=rules.decay, least=rules.least)

    async def report(
        self, quake: Quake, body: bytes, publisher: str, may_address: Callable[[AreaCode], bool], since: float
    ) -> tuple[Acceptance, tuple[Shaken, ...]]:
        """Take a report; on air when this returns, and before its last frame is written.

        Errors: WarningInvalid (nobody is to be warned, too old), WarningConflict, and those of the store.
        """
        key = publisher, quake.event_id
        async with self._turns.setdefault(key, asyncio.Lock()):
            newest = await self._known(key)
            now = datetime.fromtimestamp(self._dispatch.state.clock(), UTC)
            hit = tuple(one for one in self.hit(quake) if may_address(one.area))
            if quake.report < newest:
                notice = Notice("older_report", f"已有第 {newest} 报 report {newest} came before")
                return Acceptance("", None, None, Targets(0, 0, 0), (notice,), created=False), hit
            self._require_use(quake, hit, now)
            done = await self._dispatch.accept(*self._submission(quake, hit, newest, body, publisher, now, since))
            self._newest[key] = max(newest, quake.report)
        if done.created:
            log.info("earthquake report", event_id=quake.event_id, report=quake.report, message_id=done.message_id)
        return done, hit

    async def cancel(self, quake: Quake, body: bytes, publisher: str) -> Acceptance:
        """It was a false alarm 误报: off the air at once. Errors: WarningInvalid where the event is not known."""
        key = publisher, quake.event_id
        async with self._turns.setdefault(key, asyncio.Lock()):
            newest = await self._known(key)
            if not newest:
                fault = Violation("/event_id", "unknown_event", f"事件未知 event {quake.event_id} is not known")
                raise WarningInvalid(fault)
            warning = self._warning(quake, publisher, WarningKind.CANCEL, newest, "")
            self._newest[key] = max(newest, quake.report)
            return await self._dispatch.accept(Submission(warning, body, MEDIA_TYPE, publisher), None)

    def _require_use(self, quake: Quake, hit: tuple[Shaken, ...], now: datetime) -> None:
        if (now - quake.origin).total_seconds() > self._rules.stale:
            words = f"发震已超过 {self._rules.stale:g} 秒 the earthquake is older than that"
            raise WarningInvalid(Violation("/origin", "stale", words))
        if not hit:
            words = f"无区域烈度达到 {self._rules.least:g} 度 no division of ours reaches this intensity"
            raise WarningInvalid(Violation("/magnitude", "nobody_shaken", words))

    def _submission(
        self,
        quake: Quake,
        hit: tuple[Shaken, ...],
        newest: int,
        body: bytes,
        publisher: str,
        now: datetime,
        since: float,
    ) -> tuple[Submission, Facts]:
        words = words_of(quake, hit, self._names, now)
        severity = severity_of(max(one.intensity for one in hit))
        updates = 0 < newest < quake.report
        kind = WarningKind.UPDATE if updates else WarningKind.ALERT
        warning = self._warning(quake, publisher, kind, newest if updates else 0, words)
        areas = tuple(sorted(one.area for one in hit))
        facts = Facts(
            areas=areas,
            ebm_class=EbmClass.EMERGENCY if quake.status is Status.ACTUAL else self._drill_class,
            severity=severity,
            event=EARTHQUAKE,
            start=now,
            end=end_of(hit, now, self._rules.hold),
            headline=f"地震预警（第{quake.report}报）",
            text=words,
            volume=self._rules.volume,
            instant=True,
        )
        return Submission(warning, body, MEDIA_TYPE, publisher, since=since), facts

    def _warning(self, quake: Quake, publisher: str, kind: WarningKind, newest: int, words: str) -> Warning:
        sender = f"{_SENDER}:{publisher}"
        suffix = "-cancel" if kind is WarningKind.CANCEL else ""
        references = (Reference(f"{quake.event_id}:{newest}", sender),) if newest else ()
        # The words of a countdown differ with the second in which they are made: they are no part of what was said.
        said = f"{quake.where} M{quake.magnitude:.1f} {quake.origin.isoformat()}"
        return Warning(
            identity=WarningIdentity(sender, f"{quake.event_id}:{quake.report}{suffix}", quake.sent),
            status=quake.status,
            kind=kind,
            scope="Public",
            event=EARTHQUAKE,
            event_text="地震预警",
            severity=severity_of(self._rules.least),
            texts=(WarningText("zh-CN", "地震预警", said),) if words else (),
            references=references,
            effective=quake.origin,
        )

    async def _known(self, key: tuple[str, str]) -> int:
        """The newest report of an event, 0 for none; over restarts."""
        if key not in self._newest:
            publisher, event_id = key
            rows = await self._dispatch.state.store.read(
                queries.identifiers_between, f"{_SENDER}:{publisher}", f"{event_id}:", f"{event_id};"
            )
            numbers = (row.partition(":")[2] for row in rows)
            self._newest[key] = max((int(number) for number in numbers if number.isdecimal()), default=0)
        return self._newest[key]
