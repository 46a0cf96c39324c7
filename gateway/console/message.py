"""One message 消息: its life, its map filling up, the villages that were not reached, and what to do about them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from aiohttp import web

from gateway.api import reads
from gateway.api.decisions import HEARD, approve_as, refusal_for
from gateway.api.reports import FORMS, answer_report, message_work
from gateway.api.routes import JSON
from gateway.api.schemes import LISTS, scheme_body
from gateway.console import words
from gateway.console.compose import areas_in_words, extension
from gateway.console.site import Visit, holder_of
from gateway.coverage.books import OpenBook
from gateway.coverage.figures import Rule
from gateway.coverage.model import CoverageSnapshot, VillageCoverage
from gateway.dispatch.admission import admit
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Outcome, Rung
from gateway.domain.message import EbmClass, MessageState
from gateway.errors import InvalidValueError, NotFoundError, StateConflictError
from gateway.publishers.rights import check_areas
from gateway.store import queries
from gateway.store.rows import AuditRow, MessageRow, WarningRow

#: Minutes by which a message is extended at most.
_LONGEST: Final = 1440
#: Villages listed at once, the most people first.
SHOWN: Final = 40
#: One sign for each terminal of the map, by what was heard of it.
_SIGNS: Final = {None: "-", 0: "s", 1: "c", 2: "p"}


@dataclass(frozen=True, slots=True)
class Missing:
    """A village of which nothing was heard: why, by its own terminals, and what helps."""

    code: AreaCode
    name: str
    people: int
    terminals: tuple[tuple[str, str], ...]
    reason: str
    action: str
    numbers: tuple[int, ...]


async def messages(visit: Visit) -> web.Response:
    """GET /console/messages: waiting, playing, past."""
    words_ = visit.request.query.get("q", "").strip()[:200]
    limit, cursor = visit.page()
    if words_:
        read = partial(reads.warnings_page, sought=reads.Sought(words=words_))
        found = await visit.services.store.read(read, limit, cursor)
        return visit.render("found.html", page=found, text=words_)
    wanted = visit.request.query.get("list", "playing")
    if wanted not in LISTS:
        raise InvalidValueError("list", wanted, f"须为 must be one of {', '.join(LISTS)}")
    states = [state.value for state in LISTS[wanted]]
    page = await visit.services.store.read(reads.schemes_page, states, limit, cursor, None)
    return visit.render("messages.html", page=page, wanted=wanted)


async def message(visit: Visit) -> web.Response:
    """GET /console/messages/{id}."""
    row, warning = await _rows(visit)
    return visit.render("message.html", **await _facts(visit, row, warning), said=visit.request.query.get("said", ""))


async def live(visit: Visit) -> web.Response:
    """GET /console/messages/{id}/live: the part that renews itself."""
    row, warning = await _rows(visit)
    return visit.render("message_live.html", **await _facts(visit, row, warning))


async def points(visit: Visit) -> web.Response:
    """GET /console/messages/{id}/points: [x, y] of each terminal of the message in the drawing, null without one."""
    row, _ = await _rows(visit)
    opened = await visit.site.rooms.books.open(row.ebm_id)
    place, terminal = visit.site.map.place, visit.site.rooms.books.terminal

    def make() -> str:
        found: list[tuple[float, float] | None] = []
        for number in opened.live.terminals:
            one = terminal(number)
            found.append(None if one is None or one.lat is None or one.lon is None else place(one.lat, one.lon))
        return json.dumps(found, separators=(",", ":"))

    return web.Response(text=await asyncio.to_thread(make), content_type="application/json")


async def standings(visit: Visit) -> web.Response:
    """GET /console/messages/{id}/standings: a letter for each terminal, in the order of ``points``."""
    row, _ = await _rows(visit)
    opened = await visit.site.rooms.books.open(row.ebm_id)
    signs = "".join(_SIGNS[opened.book.delivery(number).reached] for number in opened.live.terminals)
    return web.Response(text=signs, content_type="text/plain", headers={"Cache-Control": "no-store"})


async def timeline(visit: Visit) -> web.Response:
    """GET /console/messages/{id}/timeline: columns of seconds, and people by class, for the chart."""
    row, _ = await _rows(visit)
    opened = await visit.site.rooms.books.open(row.ebm_id)
    found = _snapshot(visit, opened)
    began = opened.live.accepted_at
    columns = [
        [round(p.t - began, 2) for p in found.timeline],
        [p.proven for p in found.timeline],
        [p.claimed for p in found.timeline],
        [p.sent for p in found.timeline],
        [p.answered for p in found.timeline],
    ]
    return web.json_response({"target": found.target.population, "columns": columns})


async def programme(visit: Visit) -> web.Response:
    """GET /console/messages/{id}/programme: the finished sound; who has heard it is kept."""
    row, _ = await _rows(visit)
    services = visit.services
    _, message = await services.dispatch.book(row.ebm_id)
    sound = await services.dispatch.state.sound.preview(message)
    await services.store.write(AuditRow(services.clock(), visit.holder.name, HEARD, row.ebm_id), urgent=True)
    return web.Response(body=sound, content_type="audio/mpeg", headers={"Cache-Control": "no-store"})


async def report(visit: Visit) -> web.StreamResponse:
    """GET /console/messages/{id}/report?format=."""
    row, _ = await _rows(visit)
    form = visit.request.query.get("format", "html")
    if form not in FORMS:
        raise InvalidValueError("format", form, f"须为 must be one of {', '.join(FORMS)}")
    work = await message_work(visit.services, row.ebm_id, visit.session.person.name)
    return await answer_report(visit.services, work, form, visit.site.rooms.reports)


# -- acts


async def approve(visit: Visit) -> web.Response:
    """POST /console/messages/{id}/approve."""
    row = await _own(visit)
    override = visit.form.get("override") == "1"
    await approve_as(visit.services, visit.holder, row, override=override, reason=visit.form.get("reason", ""))
    return visit.go(f"/messages/{row.ebm_id}")


async def areas(visit: Visit) -> web.Response:
    """POST /console/messages/{id}/areas: a person says which divisions a waiting message is for."""
    row = await _own(visit)
    words, picked = visit.form.get("where", "").strip(), visit.form.get("county", "")
    codes = [AreaCode(code) for code in filter(None, picked.split(","))]
    if words:
        codes += areas_in_words(visit, words)
    if not codes:
        raise InvalidValueError("areas", "", "须选择或写明区域 / choose areas, or write them")
    check_areas(visit.holder, codes)
    await visit.services.dispatch.set_areas(row.ebm_id, codes, visit.holder.name, _reason(visit))
    return visit.go(f"/messages/{row.ebm_id}")


async def reject(visit: Visit) -> web.Response:
    """POST /console/messages/{id}/reject."""
    row = await _own(visit)
    await visit.services.dispatch.reject(row.ebm_id, visit.holder.name, _reason(visit))
    return visit.go(f"/messages/{row.ebm_id}")


async def cancel(visit: Visit) -> web.Response:
    """POST /console/messages/{id}/cancel."""
    row = await _own(visit)
    await visit.services.dispatch.cancel(row.ebm_id, visit.holder.name, _reason(visit))
    return visit.go(f"/messages/{row.ebm_id}")


async def extend(visit: Visit) -> web.Response:
    """POST /console/messages/{id}/extend: an update with the same words that is valid longer takes its place."""
    row = await _own(visit)
    _, warning = await _rows(visit)
    if MessageState(row.state) is not MessageState.ACTIVE or warning is None:
        raise StateConflictError("只能延长播出中的消息 only a message on air can be extended")
    minutes, reason = visit.form.get("minutes", ""), _reason(visit)
    if not minutes.isdecimal() or not 1 <= int(minutes) <= _LONGEST:
        raise InvalidValueError("minutes", minutes, f"须为 1–{_LONGEST} 分钟 / must be 1 to {_LONGEST}")
    body = extension(visit, row, warning, int(minutes))
    (item,) = visit.site.rooms.weigh(body, JSON, visit.holder).items
    services = visit.services
    taken = await admit(services.dispatch, visit.holder, item, JSON, since=services.monotonic())
    detail: dict[str, str | int] = {"by": str(taken.message_id), "minutes": int(minutes), "reason": reason}
    await services.store.write(AuditRow(services.clock(), visit.holder.name, "extend", row.ebm_id, detail), urgent=True)
    return visit.go(f"/messages/{taken.message_id}")


async def silence(visit: Visit) -> web.Response:
    """POST /console/messages/{id}/silence: this message falls silent in one division."""
    row = await _own(visit)
    area = AreaCode(visit.form.get("area", ""))
    if area not in visit.services.gazetteer:
        raise InvalidValueError("area", area, "未知的行政区划 / no division of this gateway")
    check_areas(visit.holder, (area,))
    _, message = await visit.services.dispatch.book(row.ebm_id)
    count = await visit.services.dispatch.silence_message(message, (area,), visit.holder.name, _reason(visit))
    return visit.go(f"/messages/{row.ebm_id}?said=silence:{count}")


async def retry(visit: Visit) -> web.Response:
    """POST /console/messages/{id}/retry: in one village, or wherever nothing was heard."""
    row = await _own(visit)
    opened = await visit.site.rooms.books.open(row.ebm_id)
    wanted = visit.form.get("area", "")
    missing = opened.book.coverage.unreached()
    terminal = visit.site.rooms.books.terminal
    chosen = [n for n in missing if not wanted or ((one := terminal(n)) is not None and one.area == wanted)]
    done = await visit.services.dispatch.retry(row.ebm_id, chosen, visit.holder.name)
    return visit.go(f"/messages/{row.ebm_id}?said=retry:{done.connected},{done.links},{done.waiting}")


# -- what is shown


async def _rows(visit: Visit) -> tuple[MessageRow, WarningRow | None]:
    store = visit.services.store
    row = await store.read(queries.message_by_id, visit.request.match_info["id"])
    if row is None:
        raise NotFoundError("没有此消息 no such message")
    return row, await store.read(queries.warning_by_id, row.warning_id)


async def _own(visit: Visit) -> MessageRow:
    """The message of the path; the person's areas must hold all of it."""
    row, _ = await _rows(visit)
    check_areas(visit.holder, map(AreaCode, row.areas))
    return row


def _reason(visit: Visit) -> str:
    reason = visit.form.get("reason", "").strip()
    if not reason:
        raise InvalidValueError("reason", reason, "须说明理由 / say why")
    return reason[:500]


def _snapshot(visit: Visit, opened: OpenBook) -> CoverageSnapshot:
    rule = Rule(visit.services.settings.coverage.rule)
    return opened.book.snapshot(visit.services.clock(), rule, opened.state)


async def _facts(visit: Visit, row: MessageRow, warning: WarningRow | None) -> dict[str, Any]:
    services = visit.services
    opened = await visit.site.rooms.books.open(row.ebm_id)
    found = _snapshot(visit, opened)
    state = MessageState(row.state)
    person = visit.session.person
    refused = None
    if state is MessageState.AWAITING_APPROVAL and person.position.may_act:
        refused = await refusal_for(services, holder_of(visit.session), row)
    missing: list[Missing] = []
    count = people = 0
    if state not in (MessageState.AWAITING_APPROVAL, MessageState.ACCEPTED, MessageState.REJECTED):
        missing, count, people = _missing(visit, opened)
    return {
        "row": row,
        "warning": warning,
        "state": state,
        "drill": EbmClass(row.ebm_class).is_drill,
        "coverage": found,
        "map": visit.site.map,
        "shares": {area.code: area.reached.proven.share for area in found.areas},
        "readings": [] if warning is None else warning.area_text or [],
        "counties": [
            area
            for area in services.gazetteer.children(AreaCode(services.settings.gateway.region))
            if any(own.covers(area.code) for own in person.areas)
        ],
        "scheme": scheme_body(cast("Mapping[str, Any] | None", row.scheme)),
        "areas": [services.gazetteer.full_name(AreaCode(code)) or code for code in row.areas[:30]],
        "event": services.event_names.get(row.event, row.event),
        "missing": missing,
        "missing_count": count,
        "missing_people": people,
        "refused": refused,
        "polls": not state.is_over,
        "live_terminals": len(opened.live.terminals),
    }


def _missing(visit: Visit, opened: OpenBook) -> tuple[list[Missing], int, int]:
    """Villages of which nothing was heard, the most people first; how many there are in all, and their people."""
    villages = [village for village in opened.book.coverage.villages() if village.best is None]
    villages.sort(key=lambda village: (-village.population, village.code))
    shown = [_village(visit, opened, village) for village in villages[:SHOWN]]
    return shown, len(villages), sum(village.population for village in villages)


def _village(visit: Visit, opened: OpenBook, village: VillageCoverage) -> Missing:
    books, hub = visit.site.rooms.books, visit.services.hub
    lines: list[tuple[str, str]] = []
    ranked: list[tuple[int, str, str]] = []
    for number in village.terminals:
        terminal = books.terminal(number)
        delivery = opened.book.delivery(number)
        outcome = opened.book.outcome(number, opened.state)
        reason, action, rank = _why(delivery.rung, outcome, online=hub.is_online(number))
        ranked.append((rank, reason, action))
        lines.append((terminal.code if terminal is not None else str(number), reason))
    _, reason, action = min(ranked, default=(0, "村内没有终端 no terminal in the village", "contact"))
    name = visit.services.gazetteer.full_name(village.code)
    return Missing(village.code, name, village.population, tuple(lines), reason, action, village.terminals)


def _why(rung: Rung, outcome: Outcome, *, online: bool) -> tuple[str, str, int]:
    """Why a terminal gave no evidence, what helps (retry, wait, contact), and how hopeful that is, the best first."""
    if outcome is Outcome.REFUSED:
        return "终端拒绝 it refused", "retry", 1
    if outcome is Outcome.FAILED:
        return "播放失败 it could not play", "retry", 1
    if outcome is Outcome.CANCELLED:
        return "已令静默 ordered silent", "none", 4
    if outcome is Outcome.PREEMPTED:
        return "正播更高级别消息 a higher message has it", "wait", 2
    if not online:
        return "离线 offline", "contact", 3
    if rung is Rung.ACKNOWLEDGED:
        return "已应答，未见播放 answered, not heard playing", "retry", 0
    if outcome is Outcome.UNREACHABLE:
        return "在线而无应答 connected, no answer", "retry", 1
    return f"{words.RUNGS[rung.label]}，等待回执 waiting for its answer", "wait", 0
