"""Composing 编制: a person writes a warning, sees what would become of it, and only then sends it.

It goes the way of every publisher's warning: the same rules, rights, plans and approval.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from gateway.console.site import Visit
from gateway.dispatch.admission import Weighed, admit
from gateway.dispatch.planner import called, reasons_in_words
from gateway.domain.approval import Weighed as Weighing
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.domain.message import DRILL_MARK
from gateway.domain.plans import Case, Scheme
from gateway.domain.warning import Severity, Status
from gateway.errors import InvalidValueError, RightsError, Violation, WarningError, WarningInvalid
from gateway.publishers.event_words import event_of_words
from gateway.publishers.rights import Publisher, check_areas
from gateway.store.rows import AuditRow, MessageRow, WarningRow

_JSON: Final = "application/json"
#: People from whom on a red warning that is actual asks for its words to be typed.
CONFIRM_PEOPLE: Final = 1_000_000
_MINUTES: Final = (10, 30, 60, 120, 360, 720, 1440)
_EMPTY: Final = {
    "kind": "exercise",
    "event": "",
    "severity": "",
    "headline": "",
    "text": "",
    "where": "",
    "county": "",
    "minutes": "60",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a warning."""

    areas: tuple[str, ...]
    people: int
    villages: int
    terminals: int
    online: int
    headline: str
    text: str
    scheme: Scheme | None
    waits: str
    problems: tuple[Violation, ...]
    notices: tuple[str, ...]
    #: what must be typed before it is sent; empty: nothing
    confirm: str

    @property
    def possible(self) -> bool:
        """Whether it could be sent."""
        return not self.problems


async def compose(visit: Visit) -> web.Response:
    """GET /console/compose."""
    return _page(visit, {**_EMPTY, "identifier": f"console-{secrets.token_hex(6)}", "sent": _now(visit).isoformat()})


async def send(visit: Visit) -> web.Response:
    """POST /console/compose: a preview, or with ``step=send`` the warning itself."""
    said = {name: visit.form.get(name, "").strip() for name in (*_EMPTY, "identifier", "sent")}
    said["county"] = visit.form.get("county", "")
    holder = visit.holder
    try:
        body = _body(visit, said)
        item = visit.site.rooms.weigh(body, _JSON, holder).items[0]
        found = _preview(visit, item, holder)
    except (WarningError, InvalidValueError, RightsError) as error:
        problems = tuple(getattr(error, "violations", ())) or (Violation("", error.code, str(error)),)
        return _page(visit, said, problems=problems, status=422)
    if visit.form.get("step") != "send" or not found.possible:
        return _page(visit, said, found=found, problems=found.problems, status=422 if found.problems else 200)
    if found.confirm and visit.form.get("confirm", "").strip() != found.confirm:
        wrong = Violation("confirm", "not_confirmed", f"须输入 type exactly: {found.confirm}")
        return _page(visit, said, found=found, problems=(wrong,), status=422)
    services = visit.services
    taken = await admit(services.dispatch, holder, item, _JSON, since=services.monotonic())
    row = AuditRow(services.clock(), holder.name, "composed", str(taken.message_id), {"confirmed": found.confirm})
    await services.store.write(row, urgent=True)
    return visit.go(f"/messages/{taken.message_id}")


def extension(visit: Visit, row: MessageRow, warning: WarningRow, minutes: int) -> bytes:
    """Our JSON form of an update that says the same and is valid for so many minutes from now."""
    now = _now(visit)
    form = {
        "sender": visit.services.settings.gateway.code,
        "identifier": f"extend-{secrets.token_hex(6)}",
        "sent": now.isoformat(),
        "status": warning.status,
        "kind": "Update",
        "event": row.event,
        "severity": Severity(row.severity).name.lower(),
        "language": row.language,
        "headline": row.headline.removeprefix(DRILL_MARK),
        "text": row.text.removeprefix(DRILL_MARK),
        "areas": [{"code": code} for code in row.areas],
        "references": [{"identifier": warning.identifier, "sender": warning.sender, "sent": warning.sent}],
        "expires": (now + timedelta(minutes=minutes)).isoformat(),
    }
    return json.dumps(form, ensure_ascii=False).encode()


def areas_in_words(visit: Visit, words: str) -> tuple[AreaCode, ...]:
    """Divisions that words name, all of them understood. Errors: WarningInvalid, naming what is not."""
    form = {
        "sender": "console",
        "identifier": "areas",
        "sent": _now(visit).isoformat(),
        "status": "Exercise",
        "severity": "blue",
        "event": "11A52",
        "headline": "区域",
        "text": "区域",
        "areas": [{"name": words}],
    }
    (item,) = visit.site.rooms.weigh(json.dumps(form, ensure_ascii=False).encode(), _JSON, visit.holder).items
    if item.found is None or item.found.doubts or not item.found.areas:
        doubts = item.violations if item.found is None else (*item.found.doubts, *item.found.rules)
        raise WarningInvalid(*(doubts or (Violation("areas", "unknown_area", f"未识别 not understood: {words[:80]}"),)))
    return tuple(area.code for area in item.found.areas)


def _page(
    visit: Visit,
    said: Mapping[str, str],
    *,
    found: Preview | None = None,
    problems: tuple[Violation, ...] = (),
    status: int = 200,
) -> web.Response:
    services = visit.services
    city = AreaCode(services.settings.gateway.region)
    mine = visit.session.person.areas
    counties = [area for area in services.gazetteer.children(city) if any(own.covers(area.code) for own in mine)]
    return visit.render(
        "compose.html",
        status,
        said=said,
        chosen=frozenset(filter(None, said["county"].split(","))),
        found=found,
        problems=problems,
        counties=counties,
        events=services.event_names,
        minutes=_MINUTES,
        whole=[services.gazetteer.get(own) for own in mine if own in services.gazetteer],
    )


def _now(visit: Visit) -> datetime:
    return datetime.fromtimestamp(visit.services.clock(), UTC).replace(microsecond=0)


def _body(visit: Visit, said: Mapping[str, str]) -> bytes:
    """The form as our own JSON form. Errors: InvalidValueError."""
    if said["kind"] not in ("actual", "exercise"):
        raise InvalidValueError("kind", said["kind"], "须为实际或演练 / must be actual or exercise")
    if said["severity"] not in ("red", "orange", "yellow", "blue"):
        raise InvalidValueError("severity", said["severity"], "须选择级别 / choose a level")
    if not said["minutes"].isdecimal() or not 1 <= int(said["minutes"]) <= 1440:
        raise InvalidValueError("minutes", said["minutes"], "须为 1–1440 分钟 / must be 1 to 1440")
    areas: list[dict[str, str]] = [{"code": code} for code in filter(None, said["county"].split(","))]
    if said["where"]:
        areas.append({"name": said["where"]})
    if not areas:
        raise InvalidValueError("areas", "", "须选择或写明区域 / choose areas, or write them")
    # The code stands before its name in the list that the field offers.
    event = said["event"].split(" ", 1)[0]
    if event not in visit.services.event_names and event_of_words(said["event"]) is None:
        raise InvalidValueError("event", said["event"], "须为已知的事件代码或名称 / must be a known code or name")
    form: dict[str, Any] = {
        "sender": visit.services.settings.gateway.code,
        "identifier": said["identifier"],
        "sent": said["sent"],
        "status": "Actual" if said["kind"] == "actual" else "Exercise",
        "event": event,
        "severity": said["severity"],
        "headline": said["headline"],
        "text": said["text"],
        "areas": areas,
        "sender_name": visit.services.settings.gateway.name,
        "expires": (_now(visit) + timedelta(minutes=int(said["minutes"]))).isoformat(),
    }
    return json.dumps(form, ensure_ascii=False).encode()


def _preview(visit: Visit, item: Weighed, holder: Publisher) -> Preview:
    services = visit.services
    warning, found = item.warning, item.found
    if warning is None or found is None:
        raise WarningInvalid(*item.violations)
    codes = tuple(area.code for area in found.areas)
    check_areas(holder, codes)
    facts = found.facts
    state = services.dispatch.state
    villages = services.gazetteer.villages_in(codes)
    people = sum(village.population for village in villages)
    inside = [entry.id for entry in state.registry.in_areas(codes) if entry.terminal.in_service]
    scheme, waits = None, ""
    if facts is not None:
        weighed = Weighing(holder.name, facts.severity, warning.status, people, len(codes), False)
        case = Case(facts.event, facts.severity, codes, warning.status, holder.name)
        scheme, inside = called(state.planner.scheme(case, facts.ebm_class, weighed), state.registry, inside)
        if found.held:
            waits = "区域须由人确认 a person must say which areas are meant"
        elif scheme.ruling.needed:
            waits = reasons_in_words(scheme.ruling.reasons)
    return Preview(
        areas=tuple(services.gazetteer.full_name(code) for code in codes),
        people=people,
        villages=len(villages),
        terminals=len(inside),
        online=sum(map(services.hub.is_online, inside)),
        headline=facts.headline if facts is not None else "",
        text=facts.text if facts is not None else "",
        scheme=scheme,
        waits=waits,
        problems=found.rules,
        notices=(*(notice.message for notice in found.notices), *(doubt.message for doubt in found.doubts)),
        confirm=_confirm(visit, warning.status, warning.severity, codes, people),
    )


def _confirm(visit: Visit, status: Status, severity: Severity, codes: tuple[AreaCode, ...], people: int) -> str:
    """What must be typed: a red warning that is actual, for a city or for a million people, is hard by accident."""
    if status is not Status.ACTUAL or severity is not Severity.RED:
        return ""
    wide = any(code.level <= AreaLevel.CITY for code in codes)
    if not wide and people < CONFIRM_PEOPLE:
        return ""
    name = visit.services.gazetteer.name(codes[0]) if len(codes) == 1 else f"{len(codes)} 个区划"
    return f"{name} 红色 {people:,} 人"
