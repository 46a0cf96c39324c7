"""Whose answers are awaited 待答: what a bearer that sends once to many knows of who has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Expectation:
    """The terminals (by number) of one errand that have not answered, and what others said instead of yes."""

    __slots__ = ("_all_here", "missing", "refused")

    def __init__(self, terminals: Iterable[int]) -> None:
        self.missing = set(terminals)
        self.refused: dict[int, int] = {}
        self._all_here = asyncio.Event()
        if not self.missing:
            self._all_here.set()

    def settle(self, terminal: int, result: int) -> None:
        """Take an answer: ``result`` of GD/J 089-2018 table D.12."""
        if terminal in self.missing:
            self.missing.discard(terminal)
            if result:
                self.refused[terminal] = result
            if not self.missing:
                self._all_here.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for all, at most so long; whether all have answered."""
        try:
            async with asyncio.timeout(seconds):
                await self._all_here.wait()
        except TimeoutError:
            return False
        return True


class Expecting:
    """What is awaited now, by session id 会话标识."""

    __slots__ = ("_sessions",)

    def __init__(self) -> None:
        self._sessions: dict[int, Expectation] = {}

    def open(self, session: int, expectation: Expectation) -> None:
        """Answers in ``session`` belong to ``expectation`` from now on."""
        self._sessions[session] = expectation

    def close(self, expectation: Expectation) -> None:
        """Await it no longer, in any session."""
        for session in [s for s, e in self._sessions.items() if e is expectation]:
            del self._sessions[session]

    def settle(self, session: int, terminal: int, result: int) -> None:
        """Take an answer; one that nobody awaits changes nothing."""
        expectation = self._sessions.get(session)
        if expectation is not None:
            expectation.settle(terminal, result)
