"""Pages of a list, newest first, by an opaque cursor that says where the next one begins."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, tuple_

from gateway.errors import InvalidValueError

T = TypeVar("T")

#: Longest page that the HTTP contract allows.
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list; ``next`` is the cursor of the rest, None at the end."""

    items: tuple[T, ...]
    next: str | None


def encode_cursor(key: tuple[Any, ...]) -> str:
    """Text of the last key seen, safe in a URL."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    """Key behind ``cursor``; raise InvalidValueError when it is none of ours."""
    rule = "must be a cursor from an earlier page"
    try:
        key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidValueError("cursor", cursor, rule) from error
    if not isinstance(key, list) or len(key) != len(kinds):
        raise InvalidValueError("cursor", cursor, rule)
    for value, kind in zip(key, kinds, strict=True):
        if type(value) is not kind or not _storable(value):
            raise InvalidValueError("cursor", cursor, rule)
    return tuple(key)


def _storable(value: object) -> bool:
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return not isinstance(value, str) or value.isprintable()


def fetch_page(
    connection: Connection,
    query: Select[Any],
    key: tuple[ColumnElement[Any], ...],
    kinds: tuple[type, ...],
    *,
    limit: int,
    cursor: str | None,
    descending: bool = True,
) -> tuple[list[Any], str | None]:
    """Rows of ``query`` in the order of ``key`` after ``cursor``, and the cursor of the rest.

    ``kinds`` are the types of the key's values. Raise InvalidValueError for a limit outside 1-1000 or a strange cursor.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidValueError("limit", limit, f"must be 1-{MAX_LIMIT}")
    if cursor is not None:
        seen = decode_cursor(cursor, kinds)
        query = query.where(tuple_(*key) < seen if descending else tuple_(*key) > seen)
    order = [column.desc() if descending else column.asc() for column in key]
    found = list(connection.execute(query.order_by(*order).limit(limit + 1)))
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]._mapping
    return found[:limit], encode_cursor(tuple(last[column] for column in key))
