"""What is retained 保留 at a broker of the starts in force: replaced by their stop, cleared at their end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import FrameError
from gateway.protocols import ip
from gateway.protocols.ip_bodies import StartBroadcast


@dataclass(frozen=True, slots=True)
class Kept:
    """One retained frame: of which message, until when (Unix seconds), and whether it is a start."""

    ebm_id: str
    payload: bytes
    until: float
    is_start: bool


class Retained:
    """The retained frames of this gateway, by topic; the broker may have lost them, or kept them over our restart."""

    def __init__(self, own_code: str) -> None:
        self._own_code = own_code
        self._kept: dict[str, Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, topic: str, kept: Kept) -> None:
        """A frame is retained on a topic from now on, in the place of what was."""
        self._kept[topic] = kept

    def learn(self, topic: str, payload: bytes) -> None:
        """Take over what the broker says is retained, where it is ours: of a life of this gateway before."""
        if topic in self._kept:
            return
        try:
            packet = ip.parse(payload)
        except FrameError:
            return
        body = packet.body
        if packet.source.text != self._own_code:
            return
        if isinstance(body, StartBroadcast):
            self._kept[topic] = Kept(body.ebm_id.text, payload, float(body.end), is_start=True)
        else:
            # A stop does not say when its message would have ended; at the next sweep it goes.
            self._kept[topic] = Kept(topic.rsplit("/", 1)[-1], payload, 0.0, is_start=False)

    def starts_of(self, ebm_id: str) -> tuple[str, ...]:
        """Topics where a start of this message is retained."""
        return tuple(topic for topic, kept in self._kept.items() if kept.is_start and kept.ebm_id == ebm_id)

    def forget(self, topic: str) -> None:
        """Nothing is retained there any more."""
        self._kept.pop(topic, None)

    def over(self, now: float) -> tuple[str, ...]:
        """Topics whose message is over."""
        return tuple(topic for topic, kept in self._kept.items() if kept.until <= now)

    def __iter__(self) -> Iterator[tuple[str, Kept]]:
        return iter(tuple(self._kept.items()))
