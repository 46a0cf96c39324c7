"""The verdict of ``ebgw check-warning``: which rules a body breaks, and what would be broadcast."""

from __future__ import annotations

from collections.abc import Callable, Set
from datetime import datetime
from typing import Any

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.domain.events import event_name
from gateway.domain.message import AirTime
from gateway.domain.warning import Notice, Warning
from gateway.errors import UnsupportedMediaError, Violation, WarningError
from gateway.publishers.mapping import Assessment, MappingPolicy, assess
from gateway.publishers.parse import XML, Part, Unseal, guess_media_type, parse_body, parse_warning
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.reference import CountyOutlines, Regions, load_event_names
from gateway.publishers.spans import reading_json
from gateway.publishers.wrappers import Wrapper

#: Receivers that matched areas would reach: areas → (terminals, people).
Counter = Callable[[tuple[AreaCode, ...]], tuple[int, int]]
#: One warning's verdict: (body, media type) → as ``check_warning``.
Check = Callable[[bytes, str | None], dict[str, Any]]


def check_body(
    body: bytes, media_type: str | None, profile: Profile, wrappers: Set[Wrapper], check: Check
) -> dict[str, Any]:
    """Verdict on a body that may be a bundle: ``check`` on each warning, under ``items`` with its ``path``.

    A bundle is *valid* or *accepted* when every warning in it is. ``check``: (body, media type) → verdict.
    """
    kind = media_type or guess_media_type(body)
    try:
        said = parse_body(body, kind, profile, wrappers=wrappers)
    except (UnsupportedMediaError, WarningError):
        return check(body, media_type)
    if isinstance(said, Warning):
        return check(body, media_type)
    items = [{"path": part.path, "identifier": part.identifier, **_of_part(part, check)} for part in said.parts]
    return {
        "valid": all(item["valid"] for item in items),
        "accepted": all(item["accepted"] for item in items),
        "profile": str(profile),
        "wrapper": str(said.wrapper),
        "rules": [],
        "items": items,
    }


def _of_part(part: Part, check: Check) -> dict[str, Any]:
    verdict = check(part.body or b"<none/>", XML)
    if part.warning is None:
        verdict.update(valid=False, accepted=False, rules=[_rule(v) for v in part.violations])
    return verdict


def check_warning(
    body: bytes,
    media_type: str | None,
    profile: Profile,
    now: datetime,
    gazetteer: Gazetteer,
    outlines: CountyOutlines,
    count: Counter,
    air_time: AirTime,
    limits: Limits | None = None,
    policy: MappingPolicy | None = None,
    regions: Regions | None = None,
    unseal: Unseal | None = None,
) -> dict[str, Any]:
    """Verdict in the shape of design.md §6: *valid* = understood, *accepted* = we would broadcast it now and here.

    ``media_type`` None: told from the first character. ``rules`` holds what speaks against it, and in the tolerant
    profile the schema rules that were let pass; notices stand in ``message``, and there ``held`` (it is taken, and a
    person must say which areas are meant) and ``area_text`` (how areas of words alone were read).
    """
    verdict: dict[str, Any] = {
        "valid": False,
        "accepted": False,
        "profile": str(profile),
        "rules": [],
        "message": None,
        "areas": [],
        "receivers": {"terminals": 0, "population": 0},
        "text": "",
    }
    try:
        warning = parse_warning(body, media_type or guess_media_type(body), profile, limits, unseal)
    except UnsupportedMediaError as error:
        verdict["rules"] = [_rule(Violation("", error.code, str(error)))]
        return verdict
    except WarningError as error:
        verdict["rules"] = [_rule(violation) for violation in error.violations]
        return verdict
    found = assess(warning, now, gazetteer, outlines, air_time, policy, regions)
    terminals, population = count(tuple(area.code for area in found.areas)) if found.areas else (0, 0)
    verdict.update(
        valid=found.understood,
        accepted=found.accepted,
        rules=[_rule(v) for v in found.rules + found.doubts]
        + [_passed(n) for n in warning.notices if n.code == "schema"],
        message=_message(warning, found),
        areas=[{"code": str(a.code), "name": a.name, "matched_by": a.matched_by} for a in found.areas],
        receivers={"terminals": terminals, "population": population},
        text=found.facts.text if found.facts else next((t.spoken for t in warning.texts if t.spoken), ""),
    )
    return verdict


def _rule(violation: Violation) -> dict[str, str]:
    return {"code": violation.code, "path": violation.path, "message": violation.message}


def _passed(notice: Notice) -> dict[str, str]:
    """A broken schema rule that the tolerant profile let pass; its path stands at the head of the message."""
    path, _, message = notice.message.partition("：")
    return {"code": notice.code, "path": path, "message": f"已容忍 / tolerated: {message}"}


def _message(warning: Warning, found: Assessment) -> dict[str, Any]:
    facts = found.facts
    return {
        "sender": warning.identity.sender,
        "identifier": warning.identity.identifier,
        "sent": _time(warning.identity.sent),
        "sender_name": warning.sender_name,
        "status": str(warning.status),
        "kind": str(warning.kind),
        "scope": warning.scope,
        "class": int(facts.ebm_class) if facts else None,
        "class_name": facts.ebm_class.label if facts else "",
        "severity": int(warning.severity),
        "severity_name": warning.severity.label,
        "event": str(facts.event) if facts else str(warning.event or ""),
        "event_name": facts.event_name if facts else _event_name(warning),
        "headline": facts.headline if facts else next((t.headline for t in warning.texts if t.headline), ""),
        "language": facts.language if facts else "",
        "on_air": facts.on_air if facts else False,
        "start": _time(facts.start if facts else None),
        "end": _time(facts.end if facts else None),
        "expires": _time(warning.expires),
        "held": found.held,
        "mapping": [[one.rule, one.given, one.result] for one in found.decisions],
        "area_text": [reading_json(reading) for reading in found.readings],
        "references": [reference.identifier for reference in warning.references],
        "notices": [{"code": notice.code, "message": notice.message} for notice in found.notices],
    }


def _event_name(warning: Warning) -> str:
    """What the publisher calls the event, in words where a table knows its code."""
    return event_name(warning.event, load_event_names()) if warning.event is not None else warning.event_text


def _time(time: datetime | None) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None
