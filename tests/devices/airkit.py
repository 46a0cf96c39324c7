"""What the one-way outputs are tested with: messages, errands, a workshop with a real key, ears in dispatch's place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.devices.bearer import Errand, LinkHealth, Tools
from gateway.devices.events import Known
from gateway.domain.codes import AreaCode, EbmId, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.message import Command, EbmClass, Message, frame_priority
from gateway.domain.receiver import Profile, Route, Terminal
from gateway.domain.targets import TargetForm, target_codes
from gateway.domain.warning import Severity
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes, signed_bytes_at
from gateway.security.sm2 import default_provider
from tests.emulator.reference import CERTIFICATE, COUNTY, PLATFORM, keys, rows

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
PROFILE = Profile("gdj089-2018")


def known_terminals(count: int, route: str) -> list[Known]:
    """The terminals of ``reference.rows`` as the registry has them."""
    return [
        Known(n, Terminal(row.code, row.physical, row.name, row.code.area, routes=(Route.parse(route),)), PROFILE)
        for n, row in enumerate(rows(count), start=1)
    ]


def message(number: int = 1, *, start: datetime = NOW, seconds: float = 600.0, **changes: Any) -> Message:
    """An emergency of the county unless ``changes`` say otherwise."""
    values: dict[str, Any] = {
        "ebm_class": EbmClass.EMERGENCY,
        "severity": Severity.RED,
        "event": EventType("11B01"),
        "volume": 255,
        "programme_url": "rtp://239.1.1.1:5004",
        "areas": (COUNTY,),
        "headline": "暴雨红色预警",
        "text": "",
    }
    return Message(
        ebm_id=EbmId(f"{PLATFORM}20260601{number:04d}"),
        warning_id=f"w{number}",
        start=start,
        end=start + timedelta(seconds=seconds),
        **{**values, **changes},
    )


def verifies(data: bytes, block: SignatureBlock) -> bool:
    """Whether a signature of the workshop is right (coverage A)."""
    return default_provider().verify(keys().public, signed_bytes(data, block, Coverage.A), block.value)


@dataclass
class Desk:
    """Makes errands, signs, keeps what is to be kept, and listens where dispatch would; its clock goes by hand."""

    now: float = NOW.timestamp()
    order: int = 100
    signed: int = 0
    kept: dict[str, object] = field(default_factory=dict)
    health: list[LinkHealth] = field(default_factory=list)
    told: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    async def sign(self, data: bytes) -> SignatureBlock:
        self.signed += 1
        time = int(self.now) + self.signed
        value = default_provider().sign(
            keys().private, keys().public, signed_bytes_at(data, time, CERTIFICATE, Coverage.A)
        )
        return SignatureBlock(time, CERTIFICATE, value)

    async def keep(self, name: str, value: object) -> None:
        await asyncio.sleep(0)
        self.kept[name] = value

    async def read(self, name: str) -> object:
        return self.kept.get(name)

    def carried(self, order: int, route: Route, terminals: Sequence[int]) -> None:
        self.told.append((order, tuple(terminals)))

    def link(self, route: Route, health: LinkHealth) -> None:
        self.health.append(health)

    @property
    def orders(self) -> list[int]:
        """Orders whose bytes went out."""
        return [order for order, _ in self.told]

    def tools(self, monotonic: Callable[[], float] | None = None) -> Tools:
        return Tools(
            events=self,  # type: ignore[arg-type]  # an output tells no more than this
            workshop=self,  # type: ignore[arg-type]  # nor asks more
            clock=lambda: self.now,
            monotonic=monotonic or asyncio.get_running_loop().time,
            members=lambda _route: (),
            own_code=PLATFORM,
            keep=self.keep,
            kept=self.read,
        )

    def start(self, message_: Message, terminals: Sequence[Known], **changes: Any) -> Errand:
        until = message_.end.timestamp()
        return self._errand(Command.START, message_, terminals, until=until, **changes)

    def stop(self, message_: Message, terminals: Sequence[Known], **changes: Any) -> Errand:
        return self._errand(Command.STOP, message_, terminals, **changes)

    def ask(self, command: Command, terminals: Sequence[Known], **changes: Any) -> Errand:
        return self._errand(command, None, terminals, **changes)

    def _errand(self, command: Command, message_: Message | None, terminals: Sequence[Known], **changes: Any) -> Errand:
        self.order += 1
        values: dict[str, Any] = {"targets": tuple(known.terminal.code for known in terminals)}
        if message_ is not None:
            values["targets"] = area_codes(*message_.areas)
            ahead = -1 if command is Command.STOP else 0
            values["priority"] = (ahead, *frame_priority(message_.ebm_class, 3, message_.severity, message_.start))
        return Errand(self.order, command, tuple(terminals), message=message_, **{**values, **changes})


def area_codes(*areas: AreaCode) -> tuple[ResourceCode, ...]:
    """Group codes of areas, as dispatch makes them."""
    return tuple(code for area in areas for code in target_codes(area, TargetForm.STD))
