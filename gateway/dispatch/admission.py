"""Admission 受理: a weighed warning is held against its publisher's rights, then handed to intake.

Whatever a warning comes in (a request, a file in a folder, a short message), this is the one way in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.dispatch.content import sent_text
from gateway.dispatch.service import Dispatch
from gateway.dispatch.submission import Acceptance, Facts, Submission
from gateway.domain.message import Manner
from gateway.domain.warning import Notice, Warning, WarningKind
from gateway.errors import Violation, WarningInvalid
from gateway.publishers.mapping import Assessment
from gateway.publishers.rights import KeyKind, Publisher, check_hours, check_rights
from gateway.publishers.spans import reading_json
from gateway.publishers.wrappers import Wrapper
from gateway.store import queries


@dataclass(frozen=True, slots=True)
class Weighed:
    """One warning of a body, read and weighed.

    ``path``: where it stood in a wrapped body, else empty. ``warning`` and ``found`` are None where ``violations`` say
    why it cannot be understood. ``body``: its own bytes.
    """

    path: str
    identifier: str
    body: bytes
    warning: Warning | None
    found: Assessment | None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheaf:
    """A body: one warning, or as many as its wrapper holds."""

    wrapper: Wrapper | None
    items: tuple[Weighed, ...]


#: (body, media type, publisher) → what it says and whether we would broadcast it; may run in any thread.
#: Raises as ``parse_body`` does.
Weigh = Callable[[bytes, str, Publisher], Sheaf]


async def admit(
    dispatch: Dispatch,
    who: Publisher,
    item: Weighed,
    media_type: str,
    *,
    since: float | None = None,
    recording: str = "",
) -> Acceptance:
    """Take one warning in for ``who``; rights first, then rules. The same again is answered as before.

    ``since``: monotonic time at which it was whole; ``recording`` names a recorded file to play in place of speech.
    Errors: RightsError, WarningInvalid, WarningConflict, and those of the store.
    """
    warning, found = item.warning, item.found
    if warning is None or found is None:
        raise WarningInvalid(*item.violations)
    check_rights(who, warning, found.areas)
    if warning.kind is not WarningKind.CANCEL:
        check_hours(who, datetime.fromtimestamp(dispatch.state.clock(), UTC))
    if found.rules and not await _came_before(dispatch, warning):
        raise WarningInvalid(*found.rules)
    facts = _facts(found)
    if recording and facts is not None:
        facts = replace(facts, manner=Manner.RECORDING, recording=recording)
    submission = Submission(
        warning=warning,
        body=item.body,
        media_type=media_type,
        publisher=who.name,
        operator=who.kind is KeyKind.OPERATOR,
        approval=who.approval_needed,
        since=since,
        area_text=[reading_json(reading) for reading in found.readings] or None,
        areas_open=found.held,
        mapping=[[one.rule, one.given, one.result] for one in found.decisions],
    )
    open_words = tuple(Notice(doubt.code, doubt.message) for doubt in found.doubts)
    return await dispatch.accept(submission, facts, found.notices + open_words)


async def _came_before(dispatch: Dispatch, warning: Warning) -> bool:
    """Whether its identity is known: the same again is answered as before, though it may have expired since."""
    identity = warning.identity
    known = await dispatch.state.store.read(
        queries.warning_by_identity, identity.sender, identity.identifier, sent_text(identity.sent)
    )
    return known is not None


def _facts(found: Assessment) -> Facts | None:
    facts = found.facts
    if facts is None:
        return None
    return Facts(
        areas=tuple(area.code for area in found.areas),
        ebm_class=facts.ebm_class,
        severity=facts.severity,
        event=facts.event,
        start=facts.start,
        end=facts.end,
        headline=facts.headline,
        text=facts.text,
        language=facts.tag,
    )
