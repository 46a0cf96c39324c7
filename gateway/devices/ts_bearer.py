"""Transport streams as a bearer 承载: signed tables on PID 0x21 towards a multiplexer, the index from open to close.

Nothing is shown before its signatures are made and its versions kept; until then what was on the air stays there. A
message ends by an index without it, at its end as on a cancel. Nobody answers here: bytes out are evidence of class
*sent*.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from gateway.devices.bearer import Carried, Errand, ErrandUnsupported, LinkHealth, LinkState, Parcel, Tools
from gateway.devices.ts_cycle import Cycle
from gateway.devices.ts_playlist import Playlist, Shown
from gateway.devices.ts_pump import Pump
from gateway.devices.ts_words import commands_of, daily_play, rendered
from gateway.domain.message import Command, EbmClass, Message
from gateway.domain.receiver import Route
from gateway.errors import GatewayError
from gateway.protocols import ts_section
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.ts_carousel import Carousel, Intervals
from gateway.protocols.ts_configuration import configure
from gateway.protocols.ts_daily import AmplifierSwitch, daily
from gateway.protocols.ts_index import IndexTable
from gateway.protocols.ts_render_daily import render_daily
from gateway.protocols.ts_section import Body, Section, TableId
from gateway.protocols.ts_split import sections_of
from gateway.settings.ts_link import TsLink

log = structlog.get_logger(__name__)

#: Longest time between two looks at what begins, ends or grows old, seconds.
_LOOK: Final = 1.0
#: Each signature takes a second of SigTime of its own, and several outputs share the signer: so many seconds for each
#: section at least, or SigTime would run ahead of the clock.
_SIGNING_PACE: Final = 4.0
#: Seconds that closing waits for its empty index.
_FAREWELL: Final = 2.0
_DOWN: Final = "传送流输出中断 the output to the multiplexer is down"
_Keys = dict[tuple[int, int], int]


class TsBearer:
    """One multiplexer of the settings."""

    carries_frames = False
    is_exclusive = False
    speaks_unasked = True

    def __init__(self, route: Route, link: TsLink, tools: Tools) -> None:
        self.route = route
        self._link, self._tools = link, tools
        self._health = LinkHealth(LinkState.UNKNOWN, tools.clock())
        self._playlist = Playlist(link)
        self._signed: dict[Section, tuple[float, bytes]] = {}
        self._pump: Pump | None = None
        self._refreshing = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._waits: list[tuple[bool, int, asyncio.Future[str]]] = []

    @property
    def health(self) -> LinkHealth:
        """Whether the network takes what is sent; what the multiplexer makes of it nobody tells."""
        return self._health

    @property
    def longest_gap(self) -> float:
        """Longest time from one index to the next since the output was opened, seconds."""
        return 0.0 if self._pump is None else self._pump.longest_gap

    async def open(self) -> None:
        """Take up the versions of the last run, and send the signed empty index from now on."""
        link = self._link
        self._loop = asyncio.get_running_loop()
        versions = _versions(await self._tools.kept(f"ts {self.route.link}"))
        intervals = Intervals(link.index_seconds, link.content_seconds, link.other_seconds)
        carousel = Carousel(intervals, versions)
        signed = await self._sign(carousel.sections)
        await self._remember(carousel, {})
        cycle = Cycle(carousel, signed, link.kilobits_per_second * 125.0)
        self._pump = Pump(link, cycle, self, self._tools.monotonic)
        self._pump.start()
        self._keeper = asyncio.create_task(self._keep(), name=f"tables of {self.route}")

    async def close(self) -> None:
        """Take all off the air, with an empty index where the network allows, and end the stream."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        pump = self._pump
        if pump is None:
            return
        self._playlist.clear()
        try:
            async with asyncio.timeout(_FAREWELL):
                generation = await self._refresh()
                if self._health.state is LinkState.UP:
                    await self._left(generation, whole=False)
        except (TimeoutError, GatewayError) as error:
            log.warning("no empty index at the end", link=str(self.route), reason=str(error) or "time")
        await asyncio.to_thread(pump.stop)
        self._pump = None
        self._fail(_DOWN)

    async def make(self, errand: Errand) -> Parcel:
        """See that it can be said; the digest is over its own bodies, since an index signs all messages together.

        Errors: ErrandUnsupported; InvalidValueError naming what does not fit a section.
        """
        bodies = self._bodies(errand)
        frames = tuple(ts_section.signed_part(section) for body in bodies for section in sections_of(body))
        return Parcel(errand, frames, 0)

    async def carry(self, parcel: Parcel) -> Carried:
        """Show or take off, and come back when the tables that say so have left."""
        errand, now = parcel.errand, self._tools.clock()
        if self._pump is None or self._health.state is LinkState.DOWN:
            if self._pump is not None and errand.command is Command.STOP and errand.message is not None:
                # Else a multiplexer that returns would find it in the index.
                self._playlist.remove(errand.message, errand.targets, now)
                await self._refresh_anyhow()
            return Carried(error=f"{_DOWN}: {self._health.detail}")
        if errand.command is Command.START and (problem := self._objection(errand, now)):
            return Carried(error=problem)
        codes = tuple(known.terminal.code for known in errand.terminals)
        if errand.certificates is not None:
            self._playlist.authorise(errand.certificates, now)
        elif errand.message is None:
            self._playlist.command(commands_of(errand, self._link), now)
        elif errand.command is Command.START:
            self._playlist.add(errand.message, errand.targets, codes)
        else:
            self._playlist.remove(errand.message, errand.targets, now)
        try:
            generation = await self._refresh()
        except GatewayError as error:
            if errand.message is not None and errand.command is Command.START:
                self._playlist.remove(errand.message, errand.targets, now)
            return Carried(error=str(error))
        if errand.message is not None and errand.command is Command.START and errand.void():
            self._playlist.remove(errand.message, errand.targets, now)
            await self._refresh_anyhow()
            return Carried(error="发出前已停播 stopped before it left")
        self._news.set()
        whole = errand.message is None or errand.message.ebm_class is EbmClass.DAILY
        error_text = await self._left(generation, whole=whole)
        if error_text:
            return Carried(error=error_text)
        self._tools.events.carried(errand.order, self.route, [known.id for known in errand.terminals])
        return Carried()

    async def probe(self) -> LinkHealth:
        """Nobody answers: how the output stands."""
        return self._health

    async def certificates(self, body: CertificateAuthorisation | None) -> None:
        """Put certificates and lists on the air (table 0xFC), or take them off. Errors: InvalidValueError."""
        before, self._playlist.certificates = self._playlist.certificates, body
        try:
            await self._refresh()
        except GatewayError:
            self._playlist.certificates = before
            raise

    # -- devices.ts_pump.Owner, in the pump's thread

    def index_left(self, generation: int) -> None:
        """An index of this generation was sent."""
        self._call(self._settle, generation, False)

    def all_left(self, generation: int) -> None:
        """All tables of this generation were sent once."""
        self._call(self._settle, generation, True)

    def reaches(self, ok: bool, detail: str) -> None:
        """The network takes what is sent, or no longer does."""
        self._call(self._stands, ok, detail)

    def _call(self, call: Callable[..., object], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    # -- inside

    def _bodies(self, errand: Errand) -> list[Body]:
        if errand.certificates is not None:
            return [errand.certificates]
        if errand.message is None:
            contents = commands_of(errand, self._link)
            switches = [one for one in contents if isinstance(one, AmplifierSwitch)]
            others = [one for one in contents if not isinstance(one, AmplifierSwitch)]
            return [*([configure(*others)] if others else []), *([daily(*switches)] if switches else [])]
        if errand.message.ebm_class is EbmClass.DAILY:
            return [render_daily([daily_play(errand.message, errand.targets, self._link)])[0]]
        return self._entry(errand, errand.message)

    def _entry(self, errand: Errand, message: Message) -> list[Body]:
        at = min(message.start, message.end)
        one = rendered(message, errand.targets, self._link, at)
        if errand.command is Command.START:
            for notice in one.notices:
                log.warning("TS says it otherwise", link=str(self.route), order=errand.order, notice=notice.message)
        return [IndexTable((one.entry,)), *([one.content] if one.content is not None else [])]

    def _objection(self, errand: Errand, now: float) -> str:
        """Why a start must not be shown now; nothing where it may."""
        if errand.void():
            return "发出前已停播 stopped before it left"
        if now >= errand.until:
            return "已过期 over before it was sent"
        if errand.message is None:
            raise ErrandUnsupported("TS: a start needs its message")
        if errand.message.ebm_class.is_drill and self._playlist.has_emergency(now):
            return "应急广播播发中，演练不上传送流 an emergency is on the air: no drill beside it (086 figure C.2)"
        return ""

    async def _refresh(self) -> int:
        """Bring what is on the air to what the playlist says; returns its generation. Errors: GatewayError."""
        async with self._refreshing:
            pump = self._pump
            assert pump is not None
            carousel = pump.carousel()
            before = carousel.versions
            _show(carousel, self._playlist.shown(self._tools.clock()))
            signed = await self._sign(carousel.sections)
            await self._remember(carousel, before)
            return pump.show(carousel, signed)

    @property
    def _resign_after(self) -> float:
        sections = len(self._signed)
        return max(self._link.resign_seconds, _SIGNING_PACE * sections if sections > 1 else 0.0)

    async def _refresh_anyhow(self) -> None:
        try:
            await self._refresh()
        except GatewayError as error:
            log.error("tables not brought up to date", link=str(self.route), reason=str(error))

    async def _sign(self, sections: tuple[Section, ...]) -> dict[Section, bytes]:
        """Bytes of sections, signed not longer ago than the settings say; what is no longer shown is forgotten."""
        now, made, limit = self._tools.monotonic(), dict[Section, tuple[float, bytes]](), self._resign_after
        for section in sections:
            known = self._signed.get(section)
            if known is None or now - known[0] >= limit:
                block = await self._tools.workshop.sign(ts_section.signed_part(section))
                known = now, ts_section.build(replace(section, trailer=block))
            made[section] = known
        self._signed = made
        return {section: raw for section, (_, raw) in made.items()}

    async def _remember(self, carousel: Carousel, before: _Keys) -> None:
        """Keep versions before they are used; contents that are gone need none, for an EBM id never comes again."""
        if carousel.versions == before:
            return
        there = {(section.table_id, section.table_id_extension) for section in carousel.sections}
        kept = {
            f"{table}.{extension}": version
            for (table, extension), version in carousel.versions.items()
            if table != TableId.CONTENT or (table, extension) in there
        }
        try:
            await self._tools.keep(f"ts {self.route.link}", kept)
        except GatewayError as error:
            # A warning is not held back for want of a number: at worst a receiver takes it for one it knows.
            log.error("TS versions not kept", link=str(self.route), reason=str(error))

    async def _left(self, generation: int, *, whole: bool) -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waits.append((whole, generation, future))
        return await future

    def _settle(self, generation: int, whole: bool) -> None:
        for wait in list(self._waits):
            if wait[1] <= generation and (whole or not wait[0]):
                self._waits.remove(wait)
                if not wait[2].done():
                    wait[2].set_result("")

    def _fail(self, why: str) -> None:
        waits, self._waits = self._waits, []
        for _, _, future in waits:
            if not future.done():
                future.set_result(why)

    def _stands(self, ok: bool, detail: str) -> None:
        state = LinkState.UP if ok else LinkState.DOWN
        where = f"{self._link.host}:{self._link.port}"
        said = f"发送正常 sending to {where}" if ok else f"{where}: {detail}"
        if not ok:
            self._fail(f"{_DOWN}: {said}")
        if self._pump is not None and (state, said) != (self._health.state, self._health.detail):
            self._health = LinkHealth(state, self._tools.clock(), said)
            self._tools.events.link(self.route, self._health)

    async def _keep(self) -> None:
        """Show what begins, take off what ends, sign anew what has grown old."""
        looked = self._tools.clock()
        while True:
            self._news.clear()
            due = self._playlist.next_change(looked) - self._tools.clock()
            try:
                async with asyncio.timeout(max(0.0, min(_LOOK, due))):
                    await self._news.wait()
                continue
            except TimeoutError:
                pass
            now, oldest = self._tools.clock(), self._tools.monotonic() - self._resign_after
            is_old = any(at <= oldest for at, _ in self._signed.values())
            if is_old or self._playlist.next_change(looked) <= now:
                looked = now
                await self._refresh_anyhow()


def _show(carousel: Carousel, shown: Shown) -> None:
    carousel.show(shown.messages)
    tables = (
        (TableId.DAILY, shown.daily),
        (TableId.CONFIGURATION, shown.configuration),
        (TableId.CERTIFICATES, shown.certificates),
    )
    for table, body in tables:
        if body is None:
            carousel.take_off(table)
        else:
            carousel.put(body)


def _versions(kept: object) -> _Keys:
    """Versions as they were kept, by table and extension."""
    if not isinstance(kept, dict):
        return {}
    parts = ((name.partition("."), version) for name, version in kept.items())
    return {(int(table), int(extension)): int(version) for (table, _, extension), version in parts}
