"""Sound 声音 as the rest of dispatch sees it: an address for each message, on the air before its start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.errors import NotFoundError
from gateway.programmes.pulls import Pull

if TYPE_CHECKING:
    from gateway.dispatch.live import LiveMessage


@dataclass(frozen=True, slots=True)
class OnAir:
    """A programme on the air, for people. ``words``: ``pending``, ``ready`` or ``none`` with the ``problem``.

    ``streams`` counts datagram receivers, ``left_out`` terminals beyond the limit, ``listeners`` those over HTTP;
    ``seconds`` is how long it has sounded, ``missed`` how much of that a standstill cost.
    """

    ebm_id: str
    address: str
    words: str
    problem: str
    streams: int
    left_out: int
    listeners: int
    seconds: float
    missed: float


class Sound(Protocol):
    """What dispatch asks of the room where programmes are made and sent."""

    def address(self, ebm_id: str) -> str | None:
        """An address for a new message's programme; None where the settings' own stands in the frames."""
        ...

    def begin(self, live: LiveMessage) -> None:
        """Its start frames are about to leave: on the air, at once. Again, or for what does not sound, is no harm."""
        ...

    def end(self, live: LiveMessage) -> None:
        """Its stop frames have left, or its air time is over."""
        ...

    def arrived(self, terminal: int) -> None:
        """A terminal is bound to a connection."""
        ...

    def lost(self, terminal: int) -> None:
        """Its last connection is gone."""
        ...

    def on_air(self) -> list[OnAir]:
        """What sounds now."""
        ...

    def pull(self, ebm_id: str) -> Pull:
        """A listener over HTTP. Errors: NotFoundError, OverloadedError."""
        ...

    async def preview(self, live: LiveMessage) -> bytes:
        """The finished programme of a message once through: MP3. Errors: NotFoundError, SoundError."""
        ...

    async def close(self) -> None:
        """Fall silent."""
        ...


class NoSound:
    """无声: start frames name the configured address, nothing is streamed to it."""

    def address(self, ebm_id: str) -> str | None:
        """The settings' own."""
        return None

    def begin(self, live: LiveMessage) -> None:
        """Nothing sounds."""

    def end(self, live: LiveMessage) -> None:
        """Nothing sounds."""

    def arrived(self, terminal: int) -> None:
        """Nothing sounds."""

    def lost(self, terminal: int) -> None:
        """Nothing sounds."""

    def on_air(self) -> list[OnAir]:
        """Nothing."""
        return []

    def pull(self, ebm_id: str) -> Pull:
        """Nothing to listen to."""
        raise NotFoundError(f"{ebm_id} 未在推流 does not sound here")

    async def preview(self, live: LiveMessage) -> bytes:
        """There is no sound."""
        raise NotFoundError(f"{live.ebm_id}: 未启用声音 sound is not enabled here")

    async def close(self) -> None:
        """Nothing to do."""
