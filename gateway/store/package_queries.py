"""Queries about packages of the platform interface: what came from peers, what goes to them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from gateway.domain.message import MessageState
from gateway.store import rows, schema
from gateway.store.paging import Page
from gateway.store.queries import all_of, one_of, page_of


def received_package(connection: Connection, source: str, ebd_id: str) -> rows.ReceivedPackageRow | None:
    """The package of this source and number, with what it was answered."""
    c = schema.received_packages.c
    query = select(schema.received_packages).where(c.source == source, c.ebd_id == ebd_id)
    return one_of(connection, rows.ReceivedPackageRow, query)


def packages_about(connection: Connection, ebm_id: str) -> tuple[rows.ReceivedPackageRow, ...]:
    """Packages that speak of a message, by the number that they give it; oldest first."""
    c = schema.received_packages.c
    query = select(schema.received_packages).where(c.ebm_id == ebm_id).order_by(c.received_at, c.ebd_id)
    return all_of(connection, rows.ReceivedPackageRow, query)


def received_packages_page(
    connection: Connection, limit: int = 100, cursor: str | None = None
) -> Page[rows.ReceivedPackageRow]:
    """Packages of peers, newest first."""
    table, names = schema.received_packages, ("received_at", "ebd_id")
    return page_of(connection, rows.ReceivedPackageRow, table, names, (float, str), limit, cursor)


def waiting_packages(connection: Connection) -> tuple[rows.SentPackageRow, ...]:
    """Packages of ours that have not arrived, in the order in which they were made."""
    c = schema.sent_packages.c
    query = select(schema.sent_packages).where(c.state == "waiting").order_by(c.id)
    return all_of(connection, rows.SentPackageRow, query)


def told_states(connection: Connection, peer: str, ebm_id: str) -> tuple[int, ...]:
    """BrdStateCodes that a peer was told unasked of a message, or is about to be, in their order."""
    c = schema.sent_packages.c
    query = select(c.told).where(c.ebm_id == ebm_id, c.peer == peer, c.told.is_not(None)).order_by(c.id)
    return tuple(connection.execute(query).scalars())


def untold_messages(connection: Connection, peer: str, since: float) -> tuple[str, ...]:
    """Messages that a peer sent since then (Unix seconds), as it numbers them, and whose end it was not told."""
    taken, told = schema.received_packages.c, schema.sent_packages.alias().c
    over = select(told.id).where(told.peer == peer, told.ebm_id == taken.ebm_id, told.told.in_((0, 3, 4, 5)))
    query = (
        select(taken.ebm_id)
        .where(taken.peer == peer, taken.kind == "EBM", taken.result == 1, taken.ebm_id.is_not(None))
        .where(taken.received_at >= since, ~over.exists())
        .distinct()
    )
    return tuple(connection.execute(query).scalars())


def unlogged_messages(connection: Connection, peer: str, since: float, until: float) -> tuple[str, ...]:
    """Messages that ended in a time (Unix seconds) and of which a peer has no record; what was rejected needs none."""
    c, logged = schema.messages.c, schema.sent_packages.alias().c
    told = select(logged.id).where(logged.peer == peer, logged.kind == "EBMBrdLog", logged.ebm_id == c.ebm_id)
    query = (
        select(c.ebm_id)
        .where(c.ended_at >= since, c.ended_at <= until, c.state != MessageState.REJECTED.value, ~told.exists())
        .order_by(c.ended_at, c.ebm_id)
    )
    return tuple(connection.execute(query).scalars())


def sent_packages_page(
    connection: Connection, limit: int = 100, cursor: str | None = None
) -> Page[rows.SentPackageRow]:
    """Packages of ours, newest first."""
    return page_of(connection, rows.SentPackageRow, schema.sent_packages, ("id",), (int,), limit, cursor)


def sent_about(connection: Connection, ebm_id: str) -> tuple[rows.SentPackageRow, ...]:
    """Packages of ours about a message, oldest first."""
    c = schema.sent_packages.c
    query = select(schema.sent_packages).where(c.ebm_id == ebm_id).order_by(c.id).limit(1000)
    return all_of(connection, rows.SentPackageRow, query)
