"""What an RDS output has on the air: which packets belong to which message, until when, and who waits for them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.devices.bearer import Errand
from gateway.domain.codes import ResourceCode
from gateway.domain.message import Message
from gateway.domain.targets import addresses


@dataclass(slots=True, eq=False)
class OnAir:
    """Packets that circulate for one message and one list of codes; a start, or a stop for a part of the area."""

    message: Message
    targets: tuple[ResourceCode, ...]
    codes: tuple[ResourceCode, ...]
    keys: tuple[str, ...]
    is_start: bool
    #: when its signatures were made, in monotonic seconds
    signed_at: float

    def is_covered_by(self, targets: Iterable[ResourceCode]) -> bool:
        """Whether a stop for ``targets`` reaches every terminal that this start was for."""
        wanted = tuple(map(str, targets))
        return all(any(addresses(target, code) for target in wanted) for code in self.codes)


def name_of(errand: Errand) -> str:
    """Key of what an errand puts on the air: the same for the same message, command and codes."""
    if errand.message is None:
        return f"{errand.command}:{errand.order}"
    codes = hashlib.sha256("".join(errand.targets).encode()).hexdigest()[:16]
    return f"{errand.command}:{errand.message.ebm_id}:{codes}"


@dataclass(slots=True)
class Waiting:
    """Who waits until packets have left."""

    _waits: dict[str, list[asyncio.Future[str]]] = field(default_factory=dict)

    def add(self, key: str) -> asyncio.Future[str]:
        """A future that is the empty text once ``key`` has left, else why it will not."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waits.setdefault(key, []).append(future)
        return future

    def settle(self, key: str, why_not: str = "") -> None:
        """It has left, or never will."""
        for future in self._waits.pop(key, ()):
            if not future.done():
                future.set_result(why_not)

    def fail_all(self, why_not: str) -> None:
        """None of them will leave."""
        for key in tuple(self._waits):
            self.settle(key, why_not)
