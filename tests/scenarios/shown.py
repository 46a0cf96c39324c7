"""What an interface showed once must be shown for ever: the best word of each delivery and count, kept and compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.scenarios.processes import Client

RUNGS = ("planned", "sent", "acknowledged", "playing", "played")
STOPS = ("none", "planned", "sent", "acknowledged")


@dataclass(slots=True)
class _Seen:
    rung: int = 0
    stop: int = 0
    attempts: int = 0
    evidence: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Shown:
    """Everything that was ever shown of some warnings; ``look`` fails when less is shown than before."""

    seen: dict[tuple[str, str], _Seen] = field(default_factory=dict)
    figures: dict[str, tuple[int, ...]] = field(default_factory=dict)
    looks: int = 0

    @property
    def receipts(self) -> int:
        """Pieces of evidence that were shown and are held against every later look."""
        return sum(len(seen.evidence) for seen in self.seen.values())

    async def look(self, api: Client, warning_id: str) -> None:
        """Read deliveries and coverage of a warning. Errors: Gone (the daemon was killed meanwhile)."""
        coverage = await api.get(f"/api/v1/warnings/{warning_id}/coverage")
        figures = _figures(coverage)
        before = self.figures.get(warning_id, (0,) * len(figures))
        fallen = [(old, new) for old, new in zip(before, figures, strict=True) if new < old]
        assert not fallen, f"coverage of {warning_id} fell: {before} to {figures}"
        self.figures[warning_id] = figures
        for terminal, delivery in (await api.deliveries(warning_id)).items():
            self._compare(warning_id, terminal, delivery)
        self.looks += 1

    def _compare(self, warning_id: str, terminal: str, delivery: dict[str, Any]) -> None:
        seen = self.seen.setdefault((warning_id, terminal), _Seen())
        rung, stop = RUNGS.index(delivery["rung"]), STOPS.index(delivery["stop"])
        evidence = {f"{e['at']} {e['kind']} {e['session']} {e['raw']}" for e in delivery["evidence"]}
        where = f"{warning_id} at {terminal}"
        assert rung >= seen.rung, f"{where}: rung fell from {RUNGS[seen.rung]} to {RUNGS[rung]}"
        assert delivery["attempts"] >= seen.attempts, f"{where}: attempts fell"
        assert evidence >= seen.evidence, f"{where}: evidence is lost: {seen.evidence - evidence}"
        # A stop that was only planned is no evidence; one that was sent or answered is.
        if seen.stop >= STOPS.index("sent"):
            assert stop >= seen.stop, f"{where}: stop fell from {STOPS[seen.stop]} to {STOPS[stop]}"
        seen.rung, seen.stop, seen.attempts, seen.evidence = rung, stop, delivery["attempts"], evidence


def _figures(coverage: dict[str, Any]) -> tuple[int, ...]:
    """Numbers that only rise: terminals proven and answered, and those on each rung or above."""
    states = [coverage["states"][rung] for rung in RUNGS]
    above = [sum(states[place:]) for place in range(len(RUNGS))]
    return (coverage["reached"]["proven"]["terminals"], coverage["answered"]["terminals"], *above)
