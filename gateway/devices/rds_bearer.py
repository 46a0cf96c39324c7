"""RDS as a bearer 承载: signed packets repeated towards an FM transmitter's encoder until their message ends (085).

A start on RDS names no end, so a stop is sent for each: on a cancel, when air time is over, and when the gateway ends.
Nobody answers here; bytes on the line are evidence of class *sent*.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from gateway.devices.bearer import Carried, Errand, LinkHealth, LinkState, Parcel, Tools
from gateway.devices.rds_air import Air, Plan, is_text
from gateway.devices.rds_book import OnAir, Waiting, name_of
from gateway.devices.rds_line import RdsLine
from gateway.devices.rds_words import level_of, packets_of, stop_of
from gateway.domain.message import Command
from gateway.domain.receiver import Route
from gateway.errors import GatewayError, OverloadedError
from gateway.protocols import rds
from gateway.protocols.rds_plan import FOR_EVER
from gateway.security.coverage import SignatureBlock
from gateway.settings.rds_link import RdsLink

log = structlog.get_logger(__name__)

#: Seconds that closing may take to put stops on the air, and how often each goes out then.
_FAREWELL: Final = 5.0
_FAREWELL_COUNT: Final = 2
#: Longest time between two looks at what has ended or grown old, seconds.
_LOOK: Final = 1.0
#: Each signature takes a second of SigTime of its own, and several outputs share the signer: so many seconds for each
#: packet at least, or SigTime would run ahead of the clock.
_SIGNING_PACE: Final = 4.0
#: Rank of settings and queries, behind all that sounds.
_LAST: Final = (9,)
_DOWN: Final = "RDS 链路中断 the RDS link is down"
_TAKEN_OFF: Final = "发出前已停播 stopped before it left"


class RdsBearer:
    """One RDS output of the settings."""

    carries_frames = False
    is_exclusive = False
    speaks_unasked = True

    def __init__(self, route: Route, link: RdsLink, tools: Tools) -> None:
        self.route = route
        self._link, self._tools = link, tools
        self._health = LinkHealth(LinkState.UNKNOWN, tools.clock())
        self._on_air: dict[str, OnAir] = {}
        self._waiting = Waiting()
        self._air = Air(link.form)
        self._line = RdsLine(link, self._air, self, tools.monotonic)
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()

    @property
    def health(self) -> LinkHealth:
        """How the line to the encoder stands; what leaves the antenna it cannot tell."""
        return self._health

    async def open(self) -> None:
        """Take up the versions of the last run, and begin to connect."""
        kept = await self._tools.kept(f"rds {self.route.link}")
        versions = {int(level): int(at) for level, at in kept.items()} if isinstance(kept, dict) else {}
        self._air = Air(self._link.form, versions)
        self._line = RdsLine(self._link, self._air, self, self._tools.monotonic)
        self._tasks = [
            asyncio.create_task(self._line.run(), name=f"line of {self.route}"),
            asyncio.create_task(self._keep(), name=f"air of {self.route}"),
        ]

    async def close(self) -> None:
        """Take all off the air, with stops where the line allows, and let go of it."""
        if len(self._tasks) == 2:
            await _ended(self._tasks.pop())
        if self._health.state is LinkState.UP and any(one.is_start for one in self._on_air.values()):
            try:
                async with asyncio.timeout(_FAREWELL):
                    await self._farewell()
            except (TimeoutError, GatewayError) as error:
                log.warning("RDS stops not all on the air", link=str(self.route), reason=str(error) or "time")
        for task in self._tasks:
            await _ended(task)
        self._tasks.clear()
        self._waiting.fail_all(_DOWN)

    async def make(self, errand: Errand) -> Parcel:
        """Encode and sign. Errors: ErrandUnsupported; InvalidValueError naming what does not fit."""
        rendered = packets_of(errand, self._link)
        for notice in rendered.notices:
            log.warning("RDS says it otherwise", link=str(self.route), order=errand.order, notice=notice.message)
        frames, blocks = await self._signed([rds.unsigned_part(packet) for packet in rendered.packets])
        return Parcel(errand, frames, blocks[0].sig_time)

    async def carry(self, parcel: Parcel) -> Carried:
        """Let the packets circulate, and come back when each command has left once."""
        errand = parcel.errand
        try:
            return await self._carry(errand, parcel.frames)
        except OverloadedError as error:
            return Carried(error=str(error))

    async def probe(self) -> LinkHealth:
        """An encoder has no word for a test: how the line stands."""
        return self._health

    # -- devices.rds_line.Owner

    def sent(self, key: str) -> None:
        """A packet was handed over, whole."""
        self._waiting.settle(key)

    def stands(self, state: LinkState, detail: str) -> None:
        """The line came or went."""
        if state is not LinkState.UP:
            self._waiting.fail_all(f"{_DOWN}: {detail}")
        if (state, detail) != (self._health.state, self._health.detail):
            since = self._health.since if state is self._health.state else self._tools.clock()
            self._health = LinkHealth(state, since, detail)
            self._tools.events.link(self.route, self._health)

    # -- inside

    async def _carry(self, errand: Errand, frames: Sequence[bytes]) -> Carried:
        if self._health.state is not LinkState.UP:
            if errand.command is Command.STOP and errand.message is not None:
                # Else its start would be the first thing on a line that returns.
                self._take_off(errand)
            return Carried(error=f"{_DOWN}: {self._health.detail}")
        message, now = errand.message, self._tools.clock()
        if now >= errand.until and errand.command is Command.START:
            return Carried(error="已过期 over before it was sent")
        name, count = name_of(errand), self._link.setting_count
        if errand.command is Command.STOP and message is not None:
            count = self._link.stop_count
            if self._take_off(errand):
                # Others go on hearing the start: who missed the stop must meet it as long as the start.
                count = FOR_EVER
        elif errand.command is Command.START:
            count = FOR_EVER
        keys = await self._put(name, errand, frames, count)
        if errand.void():
            self._drop(keys)
            return Carried(error=_TAKEN_OFF)
        wait = 0.0
        if message is not None and count == FOR_EVER:
            is_start = errand.command is Command.START
            codes = tuple(known.terminal.code for known in errand.terminals)
            self._on_air[name] = OnAir(message, errand.targets, codes, keys, is_start, self._tools.monotonic())
            # A receiver plays a start as soon as it hears it.
            wait = max(0.0, message.start.timestamp() - now) if is_start else 0.0
            self._news.set()
        return await self._let_go(errand, keys, frames, wait)

    async def _let_go(self, errand: Errand, keys: Sequence[str], frames: Sequence[bytes], wait: float) -> Carried:
        left = [self._waiting.add(key) for key, frame in zip(keys, frames, strict=True) if not is_text(frame)]
        for key in keys:
            self._air.let_go(key, self._tools.monotonic() + wait)
        self._line.poke()
        try:
            answers = await asyncio.gather(*left)
        finally:
            for future in left:
                future.cancel()
        error = next((answer for answer in answers if answer), "")
        if error:
            return Carried(error=error)
        self._tools.events.carried(errand.order, self.route, [known.id for known in errand.terminals])
        return Carried()

    async def _put(self, name: str, errand: Errand, frames: Sequence[bytes], count: int) -> tuple[str, ...]:
        """Prepare packets and keep their versions, before any of them leaves. Errors: OverloadedError."""
        level = level_of(errand.message, self._tools.own_code)
        before = self._air.versions
        keys: list[str] = []
        for number, frame in enumerate(frames):
            link = self._link
            interval = link.text_interval_seconds if is_text(frame) else link.interval_seconds
            key = f"{name}:{number}"
            try:
                self._air.prepare(key, level, frame, Plan(errand.priority or _LAST, interval, count))
            except OverloadedError:
                if not is_text(frame):
                    self._drop(keys)
                    raise
                log.warning("no room for a text on RDS", link=str(self.route), order=errand.order)
                break
            keys.append(key)
        await self._remember(before)
        return tuple(keys)

    async def _remember(self, before: dict[int, int]) -> None:
        if self._air.versions == before:
            return
        try:
            await self._tools.keep(f"rds {self.route.link}", {str(k): v for k, v in self._air.versions.items()})
        except GatewayError as error:
            # A warning is not held back for want of a number: at worst a receiver takes it for one it knows.
            log.error("RDS versions not kept", link=str(self.route), reason=str(error))

    def _take_off(self, errand: Errand) -> bool:
        """Take starts that a stop covers off the air; returns whether a start of its message stays."""
        assert errand.message is not None
        stays = False
        for name, one in list(self._on_air.items()):
            if one.message.ebm_id != errand.message.ebm_id:
                continue
            if one.is_start and not one.is_covered_by(errand.targets):
                stays = True
                continue
            if one.is_start or not stays:
                self._drop(one.keys)
                del self._on_air[name]
        return stays

    def _drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._air.remove(key)
            self._waiting.settle(key, _TAKEN_OFF)

    async def _signed(self, parts: Sequence[bytes]) -> tuple[tuple[bytes, ...], list[SignatureBlock]]:
        blocks = [await self._tools.workshop.sign(part) for part in parts]
        return tuple(rds.assemble(part, block) for part, block in zip(parts, blocks, strict=True)), blocks

    async def _keep(self) -> None:
        """End what is over and sign anew what has grown old."""
        while True:
            self._news.clear()
            packets = sum(len(one.keys) for one in self._on_air.values())
            resign_after = max(self._link.resign_seconds, _SIGNING_PACE * packets if packets > 1 else 0.0)
            for name, one in list(self._on_air.items()):
                try:
                    if self._tools.clock() >= one.message.end.timestamp():
                        await self._end(name, one, self._link.stop_count)
                    elif self._tools.monotonic() - one.signed_at >= resign_after:
                        await self._renew(name, one)
                except GatewayError as error:
                    log.error("RDS packets not signed", link=str(self.route), reason=str(error))
            try:
                async with asyncio.timeout(_LOOK if self._on_air else None):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _end(self, name: str, one: OnAir, count: int) -> None:
        """Air time is over: no receiver knows that unless it is told."""
        if one.is_start:
            stop = stop_of(one.message, one.targets)
            frames, _ = await self._signed([rds.unsigned_part(packet) for packet in stop.packets])
            if self._on_air.get(name) is not one:
                return
            self._drop(one.keys)
            errand = Errand(0, Command.STOP, (), one.targets, one.message, priority=(-1,))
            for key in await self._put(name_of(errand), errand, frames, count):
                self._air.let_go(key, self._tools.monotonic())
            self._line.poke()
        else:
            self._drop(one.keys)
        if self._on_air.get(name) is one:
            del self._on_air[name]

    async def _renew(self, name: str, one: OnAir) -> None:
        """Who is switched on late must meet a fresh SigTime."""
        keys = [key for key in one.keys if key in self._air]
        frames, _ = await self._signed([rds.signed_data(self._air.packet(key)) for key in keys])
        if self._on_air.get(name) is not one:
            return
        before = self._air.versions
        for key, frame in zip(keys, frames, strict=True):
            self._air.renew(key, frame)
        await self._remember(before)
        one.signed_at = self._tools.monotonic()
        wait = max(0.0, one.message.start.timestamp() - self._tools.clock())
        for key in keys:
            self._air.let_go(key, self._tools.monotonic() + wait)
        self._line.poke()

    async def _farewell(self) -> None:
        for name, one in list(self._on_air.items()):
            await self._end(name, one, _FAREWELL_COUNT)
        await self._line.drained()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
