"""A bearer for tests: a line with scripted far ends; it does with parcels what a real one must, without a medium."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.devices.bearer import Carried, Errand, LinkHealth, LinkState, Parcel
from gateway.devices.events import Origin
from gateway.dispatch.service import Dispatch
from gateway.domain.ladder import Authenticity
from gateway.domain.message import Command
from gateway.domain.receiver import Route
from gateway.protocols import fastpath, ip
from gateway.protocols.fields import WireCode

PLATFORM = WireCode.of("33505000000000103010101").raw


@dataclass(eq=False)
class Line:
    """``mute`` terminals never answer; ``refusing`` answer with a code; ``broken`` says why nothing can leave."""

    route: Route
    dispatch: Dispatch
    carries_frames: bool = True
    is_exclusive: bool = True
    speaks_unasked: bool = True
    mute: set[int] = field(default_factory=set)
    refusing: dict[int, int] = field(default_factory=dict)
    broken: str = ""
    hold: asyncio.Event | None = None
    health: LinkHealth = field(default_factory=lambda: LinkHealth(LinkState.UP, 0.0))
    errands: list[Errand] = field(default_factory=list)
    on_make: Callable[[Errand], None] = lambda _: None

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def make(self, errand: Errand) -> Parcel:
        self.on_make(errand)
        if self.carries_frames:
            return Parcel(errand, (errand.frame,), 0)
        block = await self.dispatch.errands.sign(str(errand.order).encode())
        return Parcel(errand, (block.value,), block.sig_time)

    async def carry(self, parcel: Parcel) -> Carried:
        errand = parcel.errand
        if self.hold is not None:
            await self.hold.wait()
        if self.broken:
            return Carried(error=self.broken)
        if errand.void():
            return Carried(error="void")
        self.errands.append(errand)
        self.dispatch.carried(errand.order, self.route, [known.id for known in errand.terminals])
        if not self.route.kind.is_one_way and self.carries_frames:
            self._answer(errand)
        mute = frozenset() if self.route.kind.is_one_way else self.mute & {known.id for known in errand.terminals}
        refused = {known.id: self.refusing[known.id] for known in errand.terminals if known.id in self.refusing}
        return Carried(silent=frozenset(mute), refused=refused)

    def _answer(self, errand: Errand) -> None:
        packet = ip.parse(errand.frame)
        for known in errand.terminals:
            if known.id in self.mute:
                continue
            result = self.refusing.get(known.id, 0)
            source = WireCode.of(known.terminal.code).raw
            raw = fastpath.build_answer(packet.session, packet.service_type, source, PLATFORM, result)
            origin = Origin(str(self.route), bound=True, authenticity=Authenticity.ADDRESS)
            self.dispatch.answered(known, packet.session, packet.service_type, result, raw, origin)

    async def probe(self) -> LinkHealth:
        return self.health

    def turn(self, state: LinkState, detail: str = "cable pulled") -> None:
        """The link comes or goes."""
        self.health = LinkHealth(state, 0.0, detail)
        self.dispatch.link(self.route, self.health)

    def sent(self, command: Command) -> list[Errand]:
        """What was let out, by command."""
        return [errand for errand in self.errands if errand.command is command]
