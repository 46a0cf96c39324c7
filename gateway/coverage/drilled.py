"""The last drill 最近演练 of each terminal: whether it was proven to play in the newest one that was for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.coverage.books import Books
from gateway.domain.ladder import Standing
from gateway.store import Store, report_queries

#: Drills looked back on: what no drill of these was for has not been proven.
LOOKED_BACK: Final = 30


@dataclass(frozen=True, slots=True)
class Drilled:
    """``proven``: terminals by number; ``newest``: when the newest drill was taken in, Unix seconds or None."""

    proven: frozenset[int]
    newest: float | None


async def last_drills(books: Books, store: Store) -> Drilled:
    """Fold the drills on air, the newest first; each terminal goes by the first of them that was for it.

    System drills reach no terminal, and do not count. Errors: StoreError.
    """
    found = await store.read(report_queries.drills_on_air, LOOKED_BACK)
    decided: dict[int, bool] = {}
    for ebm_id, _ in found:
        opened = await books.open(ebm_id)
        for number, delivery in opened.book.coverage.deliveries():
            if number not in decided:
                decided[number] = delivery.reached is Standing.PROVEN
    proven = frozenset(number for number, played in decided.items() if played)
    return Drilled(proven, found[0][1] if found else None)
