"""Reading for lists of the API: warnings with their messages, without the bodies that publishers sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, or_, select

from gateway.domain.message import EbmClass
from gateway.store import schema
from gateway.store.paging import Page, fetch_page

_W, _M = schema.warnings.c, schema.messages.c
_COLUMNS = (
    _W.id,
    _W.ebm_id,
    _W.kind,
    _W.status,
    _W.sender,
    _W.identifier,
    _W.sent,
    _W.publisher,
    _W.received_at,
    _W.media_type,
    _W.notices,
    _W.references,
    _W.area_text,
    _W.mapping,
    _M.state,
    _M.headline,
    _M.severity,
    _M.severity_received,
    _M.event,
    _M.ebm_class,
    _M.start_at,
    _M.end_at,
    _M.targets,
    _M.areas,
    _M.text,
    _M.volume,
    _M.programme_url,
    _M.state_at,
    _M.state_reason,
    _M.actor,
    _M.accepted_at,
    _M.activated_at,
    _M.ended_at,
    _M.supersedes,
    _M.scheme,
)
_QUERY = select(*_COLUMNS).select_from(schema.warnings.outerjoin(schema.messages, _W.ebm_id == _M.ebm_id))


class Ids(NamedTuple):
    """A warning, its message and who published it: enough to weigh rights."""

    warning_id: str
    ebm_id: str | None
    publisher: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for among warnings and their messages; what is None or empty does not narrow it.

    ``words`` stand in the headline, the text, the identifier or the EBM id; times in Unix seconds.
    """

    words: str = ""
    state: str = ""
    severity: int | None = None
    drill: bool | None = None
    publisher: str = ""
    since: float | None = None
    until: float | None = None

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """The query with what is looked for."""
        for word in self.words.split()[:_MOST_WORDS]:
            fields = (_M.headline, _M.text, _W.identifier, _W.ebm_id, _W.id)
            query = query.where(or_(*(field.contains(word, autoescape=True) for field in fields)))
        if self.state:
            query = query.where(_M.state == self.state)
        if self.severity is not None:
            query = query.where(_M.severity == self.severity)
        if self.drill is not None:
            drills = [int(each) for each in EbmClass if each.is_drill]
            query = query.where(_M.ebm_class.in_(drills) if self.drill else _M.ebm_class.not_in(drills))
        if self.publisher:
            query = query.where(_W.publisher == self.publisher)
        if self.since is not None:
            query = query.where(_W.received_at >= self.since)
        if self.until is not None:
            query = query.where(_W.received_at < self.until)
        return query


_MOST_WORDS = 8
_EVERYTHING = Sought()


def warnings_page(
    connection: Connection, limit: int, cursor: str | None, publisher: str | None = None, sought: Sought = _EVERYTHING
) -> Page[Row[Any]]:
    """Warnings with their messages, newest first; of one publisher where named, and as ``sought``."""
    query: Select[Any] = sought.narrow(_QUERY if publisher is None else _QUERY.where(_W.publisher == publisher))
    found, rest = fetch_page(connection, query, (_W.received_at, _W.id), (float, str), limit=limit, cursor=cursor)
    return Page(tuple(found), rest)


def schemes_page(
    connection: Connection, states: list[str], limit: int, cursor: str | None, publisher: str | None = None
) -> Page[Row[Any]]:
    """Messages in some states with the warning that made them, newest first; of one publisher where named."""
    query: Select[Any] = (
        select(schema.messages, _W.publisher)
        .select_from(schema.messages.join(schema.warnings, _M.warning_id == _W.id))
        .where(_M.state.in_(states))
    )
    if publisher is not None:
        query = query.where(_W.publisher == publisher)
    found, rest = fetch_page(connection, query, (_M.accepted_at, _M.ebm_id), (float, str), limit=limit, cursor=cursor)
    return Page(tuple(found), rest)


def warning_detail(connection: Connection, warning_id: str) -> Row[Any] | None:
    """One warning with its message."""
    found: Row[Any] | None = connection.execute(_QUERY.where(_W.id == warning_id)).first()  # type: ignore[assignment]
    return found


def ids_of(connection: Connection, name: str) -> Ids | None:
    """The warning named by our id of it, or by the EBM id of its message (then the one that made the message)."""
    query = select(_W.id, _W.ebm_id, _W.publisher, _M.state)
    if len(name) == 35 and name.isdecimal():
        joined = schema.messages.join(schema.warnings, _M.warning_id == _W.id)
        found = connection.execute(query.select_from(joined).where(_M.ebm_id == name)).first()
    else:
        joined = schema.warnings.outerjoin(schema.messages, _W.ebm_id == _M.ebm_id)
        found = connection.execute(query.select_from(joined).where(_W.id == name)).first()
    return None if found is None else Ids(*found)
