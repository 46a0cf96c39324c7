"""References 引用 of warnings: which message an update or a cancel means, as it stands now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.dispatch.content import sent_text
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.state import State
from gateway.dispatch.submission import Submission
from gateway.domain.message import MessageState
from gateway.domain.warning import Notice, Reference, WarningKind
from gateway.errors import RightsError
from gateway.store import queries
from gateway.store.rows import WarningRow

REFERENCE_OVER = Notice("reference_over", "所引用的预警已结束 the warning it updates is over")


@dataclass(slots=True)
class Turn:
    """One at a time for an identity, and how many want it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class References:
    """Finds messages by what warnings refer to. ``turns`` are the identities that are taken in now."""

    def __init__(self, state: State, turns: Mapping[tuple[str, str, str], Turn]) -> None:
        self._state = state
        self._turns = turns

    async def named(self, references: Iterable[Reference]) -> list[WarningRow]:
        """Warnings with messages that these references mean, oldest first; all of them are in memory, or over."""
        found: dict[str, WarningRow] = {}
        for reference in references:
            for row in await self._state.store.read(queries.warnings_by_identifier, reference.identifier):
                same_sender = reference.sender is None or row.sender == reference.sender
                same_time = reference.sent is None or row.sent == sent_text(reference.sent)
                if same_sender and same_time and row.ebm_id is not None and row.kind != WarningKind.CANCEL.value:
                    found[row.id] = row
        for row in found.values():
            await self._entered(row)
        return sorted(found.values(), key=lambda row: row.received_at)

    async def _entered(self, row: WarningRow) -> None:
        """Wait for a message that is on disk and not yet in memory: whoever ends it must find it there."""
        turn = self._turns.get((row.sender, row.identifier, row.sent))
        # One with references waits for us to let ``_changes`` go: it cannot be on disk.
        if turn is not None and not row.references and row.ebm_id not in self._state.messages:
            async with turn.lock:
                return

    def newest(self, row: WarningRow) -> LiveMessage | None:
        """The message of a warning, or the one that took its place since."""
        live = self._state.messages.get(row.ebm_id or "")
        while live is not None and live.state is MessageState.SUPERSEDED:
            heir = next((m for m in self._state.messages.values() if m.supersedes == live.ebm_id), None)
            if heir is None:
                break
            live = heir
        return live

    async def for_update(self, submission: Submission, notices: list[Notice]) -> LiveMessage | None:
        """The message that an update takes the place of; None, with a notice, where there is none. RightsError."""
        if submission.warning.kind is not WarningKind.UPDATE:
            return None
        rows = await self.named(submission.warning.references)
        if not rows:
            notices.append(
                Notice(
                    "unknown_reference",
                    "更新所引用的预警未知，按新预警处理 update of an unknown reference, taken as new",
                )
            )
            return None
        may_touch(submission, rows)
        live = self.newest(rows[-1])
        if live is None or live.state.is_over or live.ending:
            notices.append(REFERENCE_OVER)
            return None
        return live


def may_touch(submission: Submission, rows: Iterable[WarningRow]) -> None:
    """Only the publisher of a warning, or an operator, may change or end it."""
    for row in rows:
        if row.publisher != submission.publisher and not submission.operator:
            raise RightsError(
                "reference",
                f"所引用的预警 {row.identifier} 属于其他发布者 / it was published by somebody else",
            )
