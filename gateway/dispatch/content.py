"""Content of a warning as canonical text: equal warnings give equal text, whatever bytes they came in."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from gateway.domain.warning import Warning


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _facts(value: object) -> dict[str, object]:
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _names(kind)}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if is_dataclass(value):
        return _facts(value)
    raise TypeError(type(value).__name__)


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=_plain, separators=(",", ":")).encode


def content_of(warning: Warning) -> str:
    """Canonical JSON of all that makes two warnings the same; notices about its reading are left out."""
    facts = _facts(warning)
    del facts["notices"]
    return _encode(facts)


def sent_text(sent: datetime) -> str:
    """The identity's time as one spelling: RFC 3339 in UTC."""
    return sent.astimezone(UTC).isoformat()
