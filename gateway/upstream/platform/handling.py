"""What a package becomes once it is proven: the seam between the port and those who act on contents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.domain.peers import Peer
from gateway.protocols.platform.conditions import EbdResponse
from gateway.protocols.platform.envelope import Body, Ebd
from gateway.protocols.platform.package import Package


@dataclass(frozen=True, slots=True)
class Arrived:
    """A package whose sender is proven and whose fields are whole. ``at``: Unix seconds; ``since``: monotonic."""

    peer: Peer
    ebd: Ebd
    package: Package
    business: bytes
    signature: bytes | None
    host: str
    at: float
    since: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sender is answered (GD/J 083-2018 table 35). ``ebm_id``: the message that it speaks of, as written.

    ``final`` is False where the same package may be answered otherwise later, so that the sender may try again.
    """

    result: int
    words: str
    ebm_id: str | None = None
    final: bool = True

    @property
    def response(self) -> EbdResponse:
        """The same as a receipt says it."""
        return EbdResponse(result=self.result, description=self.words)


#: 接收解析及数据校验成功
TAKEN = Verdict(1, "接收解析及数据校验成功 taken")

#: Acts on a package; what it does is durable when it returns, and the same package may come again after a crash.
#: Errors: PackageError, OverloadedError, StoreError.
Handler: TypeAlias = Callable[[Arrived], Awaitable[Verdict]]
#: Handlers by type of content.
Handlers: TypeAlias = dict[type[Body], Handler]
