"""MQTT topics 主题 of our extension: by area, so that one publish serves it, and one pair for each terminal.

::

    PREFIX/PROFILE/area/AREA/down/EBM    starts and stops of a message; the start in force is retained
    PREFIX/PROFILE/area/AREA/down        settings and queries of an area
    PREFIX/terminal/CODE/down            a frame for one terminal alone, and our answers to it
    PREFIX/terminal/CODE/up              its answers (appendix D) and reports (appendix E)
    PREFIX/terminal/CODE/state           "online", or "offline" by its last will
    PREFIX/gateway/CODE/state            the same of this gateway

A terminal subscribes to ``PREFIX/PROFILE/area/AREA/down/#`` for its village and each division above, and to its own
``down``. The profile stands in the topic because its frames differ: two retained starts must not replace each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.domain.areas import without_nested
from gateway.domain.codes import AreaCode, ResourceCode

ONLINE, OFFLINE = b"online", b"offline"
_CODE = ResourceCode.length


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics below one prefix."""

    prefix: str

    def area(self, profile: str, area: AreaCode, ebm_id: str = "") -> str:
        """What all terminals of a profile in an area hear."""
        return f"{self.prefix}/{profile}/area/{area}/down" + (f"/{ebm_id}" if ebm_id else "")

    def down(self, code: str) -> str:
        """What one terminal hears."""
        return f"{self.prefix}/terminal/{code}/down"

    def state(self, code: str) -> str:
        """Whether the gateway with this code is there."""
        return f"{self.prefix}/gateway/{code}/state"

    @property
    def heard(self) -> tuple[str, ...]:
        """What the gateway subscribes to: terminals, and what is retained of starts."""
        return (
            f"{self.prefix}/terminal/+/up",
            f"{self.prefix}/terminal/+/state",
            f"{self.prefix}/+/area/+/down/+",
        )

    def of_terminal(self, topic: str) -> tuple[str, str] | None:
        """Code and last word (``up``, ``state``) of a terminal's topic, None for others."""
        parts = topic[len(self.prefix) + 1 :].split("/")
        if len(parts) != 3 or parts[0] != "terminal" or len(parts[1]) != _CODE:
            return None
        return parts[1], parts[2]

    def for_targets(
        self, profile: str, targets: Iterable[ResourceCode], terminals: frozenset[str], ebm_id: str = ""
    ) -> tuple[str, ...]:
        """The topics that reach all of ``targets``: areas once, whatever the form of their codes, and single codes."""
        single = [target for target in targets if target in terminals]
        areas = without_nested(target.area for target in targets if target not in terminals)
        return (*(self.area(profile, area, ebm_id) for area in areas), *map(self.down, single))

    def is_area(self, topic: str) -> bool:
        """Whether it is an area's."""
        return topic[len(self.prefix) :].count("/") >= 4
