"""Content of a warning as canonical text: equal warnings give equal text, whatever bytes they came in."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

from gateway.domain.warning import Warning


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(type(value).__name__)


def content_of(warning: Warning) -> str:
    """Canonical JSON of all that makes two warnings the same; notices about its reading are left out."""
    facts = asdict(warning)
    del facts["notices"]
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, default=_plain, separators=(",", ":"))


def sent_text(sent: datetime) -> str:
    """The identity's time as one spelling: RFC 3339 in UTC."""
    return sent.astimezone(UTC).isoformat()
