"""Deliveries 投递 of one message, terminal by terminal, from committed evidence."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field, StringConstraints

from gateway.api.models import (
    DeliveryBody,
    EvidenceBody,
    Page,
    PageQuery,
    ResultBody,
    StartBody,
    TimesBody,
    instant,
    moment,
)
from gateway.api.routes import Call, answer_off_loop
from gateway.api.services import Services
from gateway.api.warnings import own_ids
from gateway.coverage.books import Books, OpenBook
from gateway.dispatch.live import LogEntry, Sent
from gateway.domain.ladder import Authenticity, Outcome, Rung, Standing
from gateway.domain.message import Command
from gateway.domain.orders import Receipt
from gateway.errors import NotFoundError
from gateway.protocols.ip_bodies import ServiceType
from gateway.protocols.results import describe
from gateway.store.paging import decode_cursor, encode_cursor

_START: Final = int(ServiceType.START)
_TRUST: Final = {word.value: place for place, word in enumerate(Authenticity)}
_RUNGS: Final = {rung.label: rung for rung in Rung}


class DeliveriesQuery(PageQuery):
    """Which deliveries of a message."""

    rung: Annotated[str, StringConstraints(pattern="^(planned|sent|acknowledged|playing|played)$")] | None = Field(
        default=None, description="只看此阶 only this rung"
    )
    outcome: Outcome | None = Field(default=None, description="只看此结果 only this outcome")
    area: Annotated[str, StringConstraints(pattern=r"^\d{2,12}$")] | None = Field(
        default=None, description="区划代码前缀 digits that the area begins with"
    )


async def list_deliveries(call: Call) -> web.Response:
    """GET /api/v1/warnings/{id}/deliveries, in the order of the plan (by division)."""
    asked = call.query(DeliveriesQuery)
    ids = await own_ids(call)
    if ids.ebm_id is None:
        raise NotFoundError("没有消息 no message was made for this warning")
    after = decode_cursor(asked.cursor, (int,))[0] if asked.cursor is not None else -1
    opened = await call.rooms.books.open(ids.ebm_id)
    return await answer_off_loop(partial(deliveries_page, opened, call.rooms.books, call.rooms.services, asked, after))


def deliveries_page(
    opened: OpenBook, books: Books, services: Services, asked: DeliveriesQuery, after: int
) -> Page[DeliveryBody]:
    """Deliveries after position ``after`` of the plan that fit what was asked."""
    terminals = opened.live.terminals
    found: list[int] = []
    rest = None
    for position in range(max(0, after + 1), len(terminals)):
        if not _fits(terminals[position], opened, books, asked):
            continue
        if len(found) == asked.limit:
            rest = encode_cursor((found[-1],))
            break
        found.append(position)
    chosen = [terminals[position] for position in found]
    seen = _seen_of(opened.live.log[: opened.book.position], chosen)
    return Page[DeliveryBody](
        items=[_delivery(number, seen[number], opened, books, services) for number in chosen], next=rest
    )


def _fits(number: int, opened: OpenBook, books: Books, asked: DeliveriesQuery) -> bool:
    if asked.rung is not None and opened.book.delivery(number).rung is not _RUNGS[asked.rung]:
        return False
    if asked.outcome is not None and opened.book.outcome(number, opened.state) is not asked.outcome:
        return False
    if asked.area is not None:
        terminal = books.terminal(number)
        return terminal is not None and terminal.area.startswith(asked.area)
    return True


@dataclass(slots=True)
class _Seen:
    """Log entries about one terminal."""

    starts: list[Sent] = field(default_factory=list)
    stops: list[Sent] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)


def _seen_of(log: Sequence[LogEntry], chosen: Collection[int]) -> dict[int, _Seen]:
    seen = {number: _Seen() for number in chosen}
    for entry in log:
        if isinstance(entry, Receipt):
            about = seen.get(entry.terminal_id) if entry.terminal_id is not None else None
            if about is not None:
                about.receipts.append(entry)
        elif isinstance(entry, Sent):
            for number in entry.terminals:
                about = seen.get(number)
                if about is not None:
                    (about.starts if entry.command is Command.START else about.stops).append(entry)
    return seen


def _delivery(number: int, seen: _Seen, opened: OpenBook, books: Books, services: Services) -> DeliveryBody:
    known = opened.book.delivery(number)
    terminal = books.terminal(number)
    times = [None if math.isinf(at) else instant(at) for at in known.times]
    last = next((r for r in reversed(seen.receipts) if r.protocol == "ip" and r.service_type == _START), None)
    return DeliveryBody(
        terminal=str(terminal.code) if terminal is not None else "",
        name=terminal.name if terminal is not None else "",
        area=str(terminal.area) if terminal is not None else "",
        area_name=services.gazetteer.full_name(terminal.area) if terminal is not None else "",
        rung=known.rung.label,
        outcome=opened.book.outcome(number, opened.state).value,
        reached=known.reached.name.lower() if known.reached is not None else None,  # type: ignore[arg-type]
        route=str(seen.starts[-1].route) if seen.starts else None,
        attempts=len(seen.starts),
        starts=[StartBody(at=moment(sent.at), route=str(sent.route), session=sent.order) for sent in seen.starts],
        sessions=list(dict.fromkeys(sent.order for sent in seen.starts)),
        times=TimesBody(
            planned=moment(opened.live.accepted_at),
            sent=times[Rung.SENT],
            acknowledged=times[Rung.ACKNOWLEDGED],
            playing=times[Rung.PLAYING],
            played=times[Rung.PLAYED],
            ended=None if math.isinf(known.ended_at) else instant(known.ended_at),
        ),
        result=ResultBody(code=last.code, words=describe(last.code)) if last is not None else None,
        authenticity=max((r.authenticity for r in seen.receipts if r.authenticity), key=_trust, default="none"),
        stop=opened.book.stop(number, opened.state).label,
        stop_sessions=list(dict.fromkeys(sent.order for sent in seen.stops)),
        late=known.late,
        connected=services.hub.is_online(number),
        evidence=[_evidence(receipt) for receipt in seen.receipts],
    )


def _trust(word: str) -> int:
    return _TRUST.get(word, 0)


def _evidence(receipt: Receipt) -> EvidenceBody:
    return EvidenceBody(
        at=moment(receipt.received_at),
        kind=receipt.kind,
        protocol=receipt.protocol,
        service_type=receipt.service_type,
        session=receipt.session,
        attempt=receipt.attempt,
        code=receipt.code,
        standing=Standing(receipt.standing).name.lower(),  # type: ignore[arg-type]
        authenticity=receipt.authenticity or "none",
        late=bool(receipt.late),
        peer=receipt.peer,
        raw=receipt.raw.hex(),
    )
