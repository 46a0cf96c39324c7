"""Warnings 应急信息: taken in, listed, shown."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import AwareDatetime, Field
from sqlalchemy import Row

from gateway.api import reads
from gateway.api.models import (
    AcceptanceBody,
    AreaName,
    AreaTextBody,
    BundleBody,
    BundleItem,
    DecisionBody,
    NoticeBody,
    Page,
    PageQuery,
    Problem,
    Query,
    SpanBody,
    TargetsBody,
    WarningDetail,
    WarningItem,
    instant,
    moment,
)
from gateway.api.problems import problem_of
from gateway.api.routes import Call, answer, answer_off_loop
from gateway.api.schemes import scheme_body
from gateway.api.services import Services
from gateway.dispatch.admission import Sheaf, admit
from gateway.dispatch.submission import Acceptance
from gateway.domain.codes import AreaCode
from gateway.domain.message import MessageState
from gateway.errors import InvalidValueError, NotFoundError, RightsError, UnsupportedMediaError
from gateway.publishers.parse import MEDIA_TYPES, XML
from gateway.publishers.profile import Profile
from gateway.publishers.rights import Publisher
from gateway.publishers.spans import because

#: A body above this is read in a thread: parsing it takes more than the loop may be held.
OFF_LOOP_BYTES: Final = 50_000

#: The same where each kilobyte takes more work: signatures, several alerts.
DENSE_BYTES: Final = 8_000


class PostQuery(Query):
    """How a warning is to sound."""

    recording: str = Field(
        default="", description="录音库中的名称，代替语音合成 a recorded file in the place of speech"
    )


class SearchQuery(PageQuery):
    """What is looked for; without any of it, everything."""

    q: str = Field(
        default="", max_length=200, description="标题、正文、标识、编码中的词 words in headline, text, identifiers"
    )
    state: MessageState | None = Field(default=None, description="消息状态 state of the message")
    severity: Annotated[int, Field(ge=0, le=4)] | None = Field(default=None, description="级别 1 red to 4 blue")
    drill: bool | None = Field(default=None, description="只看演练，或只看非演练 drills alone, or all but drills")
    publisher: str = Field(default="", max_length=200)
    since: AwareDatetime | None = Field(default=None, description="收到不早于 received then or later")
    until: AwareDatetime | None = Field(default=None, description="收到早于 received before")


async def post_warning(call: Call) -> web.Response:
    """POST /api/v1/warnings."""
    request, services, who = call.request, call.rooms.services, call.holder
    if request.content_type not in MEDIA_TYPES:
        raise UnsupportedMediaError(request.content_type, MEDIA_TYPES)
    body = await call.body()
    since = services.monotonic()
    media_type = request.headers["Content-Type"]
    work = partial(call.rooms.weigh, body, media_type, who)
    dense = who.profile is Profile.SIGNED or bool(who.may_wrap_in)
    sheaf = await asyncio.to_thread(work) if len(body) > (DENSE_BYTES if dense else OFF_LOOP_BYTES) else work()
    recording = call.query(PostQuery).recording
    if sheaf.wrapper is not None:
        if recording:
            raise InvalidValueError("recording", recording, "不能用于多条预警 / is for one warning, not for a bundle")
        return answer(await _each(services, who, sheaf, since), HTTPStatus.MULTI_STATUS)
    if recording:
        if not call.is_operator:
            raise RightsError("recording", "仅操作员可播录音 / only an operator broadcasts a recorded file")
        await asyncio.to_thread(services.library.path, recording)
    taken = await admit(services.dispatch, who, sheaf.items[0], media_type, since=since, recording=recording)
    return answer(acceptance_body(taken), 202 if taken.created else 200)


async def _each(services: Services, who: Publisher, sheaf: Sheaf, since: float) -> BundleBody:
    """Take the warnings of a bundle one after the other, in their order; each has its own answer."""
    items: list[BundleItem] = []
    for item in sheaf.items:
        acceptance: AcceptanceBody | None = None
        problem: Problem | None = None
        try:
            taken = await admit(services.dispatch, who, item, XML, since=since)
        except Exception as error:
            # Whatever befalls one, the others are not lost with it; what is no refusal of ours is logged.
            problem = problem_of(error)
            status = problem.status
        else:
            acceptance = acceptance_body(taken)
            status = 202 if taken.created else 200
        items.append(
            BundleItem(
                path=item.path, identifier=item.identifier, status=status, acceptance=acceptance, problem=problem
            )
        )
    counts = Counter(item.status for item in items)
    assert sheaf.wrapper is not None
    return BundleBody(
        wrapper=sheaf.wrapper.value,
        taken=counts[202],
        known=counts[200],
        refused=len(items) - counts[202] - counts[200],
        items=items,
    )


def links_of(warning_id: str) -> dict[str, str]:
    """Where to ask on about a warning."""
    base = f"/api/v1/warnings/{warning_id}"
    return {
        "self": base,
        "deliveries": f"{base}/deliveries",
        "coverage": f"{base}/coverage",
        "cancel": f"{base}/cancel",
    }


def acceptance_body(taken: Acceptance) -> AcceptanceBody:
    """What a publisher hears."""
    return AcceptanceBody(
        warning_id=taken.warning_id,
        message_id=taken.message_id,
        state=taken.state.value if taken.state is not None else None,
        targets=TargetsBody(
            areas=taken.targets.areas, terminals=taken.targets.terminals, population=taken.targets.population
        ),
        notices=[NoticeBody(code=notice.code, message=notice.message) for notice in taken.notices],
        links=links_of(taken.warning_id),
    )


async def list_warnings(call: Call) -> web.Response:
    """GET /api/v1/warnings: operators see all, publishers their own."""
    asked = call.query(SearchQuery)
    publisher = None if call.is_operator else call.holder.name
    sought = reads.Sought(
        words=asked.q,
        state=asked.state or "",
        severity=asked.severity,
        drill=asked.drill,
        publisher=asked.publisher,
        since=None if asked.since is None else asked.since.timestamp(),
        until=None if asked.until is None else asked.until.timestamp(),
    )
    read = partial(reads.warnings_page, publisher=publisher, sought=sought)
    page = await call.rooms.services.store.read(read, asked.limit, asked.cursor)
    return await answer_off_loop(
        lambda: Page[WarningItem](items=[WarningItem(**_item(row)) for row in page.items], next=page.next)
    )


async def get_warning(call: Call) -> web.Response:
    """GET /api/v1/warnings/{id}."""
    ids = await own_ids(call)
    row = await call.rooms.services.store.read(reads.warning_detail, ids.warning_id)
    if row is None:
        raise NotFoundError(f"warning {ids.warning_id} is not known")
    return answer(_detail(row, call.rooms.services))


async def own_ids(call: Call) -> reads.Ids:
    """What the path names, if the caller may see it. Errors: NotFoundError, RightsError."""
    name = call.request.match_info["id"]
    ids = await call.rooms.services.store.read(reads.ids_of, name)
    if ids is None:
        raise NotFoundError(f"没有此信息 no warning or message {name[:80]!r}")
    if not call.is_operator and ids.publisher != call.holder.name:
        raise RightsError("warning", "属于其他发布者 / it was published by somebody else")
    return ids


def _targets(row: Row[Any]) -> TargetsBody:
    counts = row.targets or {}
    return TargetsBody(
        areas=counts.get("areas", 0), terminals=counts.get("terminals", 0), population=counts.get("population", 0)
    )


def _item(row: Row[Any]) -> dict[str, Any]:
    return {
        "warning_id": row.id,
        "message_id": row.ebm_id,
        "state": row.state,
        "kind": row.kind,
        "status": row.status,
        "sender": row.sender,
        "identifier": row.identifier,
        "sent": row.sent,
        "publisher": row.publisher,
        "received_at": moment(row.received_at),
        "headline": row.headline or "",
        "severity": row.severity,
        "event": row.event,
        "ebm_class": row.ebm_class,
        "start": instant(row.start_at),
        "end": instant(row.end_at),
        "targets": _targets(row),
        "links": links_of(row.id),
    }


def _names(codes: Iterable[str], services: Services) -> list[AreaName]:
    return [AreaName(code=code, name=services.gazetteer.full_name(AreaCode(code))) for code in codes]


def _area_text(reading: Mapping[str, Any], services: Services) -> AreaTextBody:
    spans = [
        SpanBody(
            start=span["start"],
            end=span["end"],
            words=span["words"],
            rule=span["rule"],
            doubt=span["doubt"],
            because=because(span["doubt"]),
            areas=_names(span["codes"], services),
        )
        for span in reading["spans"]
    ]
    return AreaTextBody(text=reading["text"], spans=spans)


def _detail(row: Row[Any], services: Services) -> WarningDetail:
    codes = row.areas or ()
    return WarningDetail(
        **_item(row),
        media_type=row.media_type,
        references=list(row.references or ()),
        notices=[NoticeBody(code=code, message=message) for code, message in row.notices or ()],
        areas=_names(codes, services),
        mapping=[DecisionBody(rule=rule, given=given, result=made) for rule, given, made in row.mapping or ()],
        area_text=[_area_text(reading, services) for reading in row.area_text or ()],
        text=row.text or "",
        severity_received=row.severity_received,
        volume=row.volume,
        programme_url=row.programme_url,
        state_at=instant(row.state_at),
        state_reason=row.state_reason or "",
        actor=row.actor or "",
        accepted_at=instant(row.accepted_at),
        activated_at=instant(row.activated_at),
        ended_at=instant(row.ended_at),
        supersedes=row.supersedes,
        scheme=scheme_body(row.scheme) if row.ebm_id else None,
    )
