"""What is kept 入库 of a warning that was taken, and of its message."""

from __future__ import annotations

from dataclasses import asdict

from gateway.dispatch.content import sent_text
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.submission import Facts, Submission, Targets
from gateway.domain.warning import Notice
from gateway.store.packing import pack_ids
from gateway.store.rows import MessageRow, WarningRow


def warning_row(
    submission: Submission, warning_id: str, content: str, now: float, notices: list[Notice], ebm_id: str
) -> WarningRow:
    """A warning that was taken, with its body to the byte."""
    warning = submission.warning
    return WarningRow(
        id=warning_id,
        sender=warning.identity.sender,
        identifier=warning.identity.identifier,
        sent=sent_text(warning.identity.sent),
        publisher=submission.publisher,
        received_at=now,
        media_type=submission.media_type,
        body=submission.body,
        content=content,
        kind=warning.kind.value,
        status=warning.status.value,
        ebm_id=str(ebm_id),
        notices=[[notice.code, notice.message] for notice in notices],
        references=[reference.identifier for reference in warning.references],
        area_text=submission.area_text,
        mapping=submission.mapping,
    )


def message_row(live: LiveMessage, facts: Facts, targets: Targets, submission: Submission) -> MessageRow:
    """The message that was made of it."""
    message = live.message
    return MessageRow(
        ebm_id=live.ebm_id,
        warning_id=message.warning_id,
        state=live.state.value,
        state_at=live.state_at,
        ebm_class=int(message.ebm_class),
        severity=int(message.severity),
        severity_received=int(submission.warning.severity),
        event=str(message.event),
        volume=message.volume,
        start_at=message.start.timestamp(),
        end_at=message.end.timestamp(),
        programme_url=message.programme_url,
        areas=tuple(map(str, message.areas)),
        headline=message.headline,
        text=message.text,
        targets=asdict(targets),
        terminals=pack_ids(live.terminals),
        accepted_at=live.accepted_at,
        platform_level=int(message.ebm_id[0]),
        actor=submission.publisher,
        activated_at=live.activated_at,
        supersedes=live.supersedes,
        language=message.language,
        manner=message.manner.value,
        recording=message.recording or None,
        scheme=live.scheme.facts(),
    )
