"""CAP 1.2 and 1.1 (OASIS) → Warning: schema first, then meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from lxml import etree

from gateway.domain.events import EventType
from gateway.domain.rules import shown
from gateway.domain.warning import (
    AreaClaim,
    Reference,
    Severity,
    Status,
    Warning,
    WarningIdentity,
    WarningKind,
    WarningText,
)
from gateway.publishers.elements import Node, namespace
from gateway.publishers.event_words import event_of_codes
from gateway.publishers.findings import Findings
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.schema import check_schema
from gateway.publishers.values import read_circle, read_ring, read_time, tidy

SCOPES = ("Public", "Restricted", "Private")

#: CAP 1.2 severity → 事件级别 (platform.md 8.3).
SEVERITIES = {
    "Extreme": Severity.RED,
    "Severe": Severity.ORANGE,
    "Moderate": Severity.YELLOW,
    "Minor": Severity.BLUE,
    "Unknown": Severity.UNKNOWN,
}

_UNFIT = re.compile(r"[\s,<&]")
_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class _Info:
    """What one info block says."""

    text: WarningText
    event: EventType | None
    event_text: str
    severity: Severity
    sender_name: str
    effective: datetime | None
    onset: datetime | None
    expires: datetime | None
    claims: tuple[AreaClaim, ...]


def read_cap(root: etree._Element, profile: Profile, limits: Limits) -> Warning:
    """Understand an OASIS ``alert``; raise WarningInvalid with every broken rule.

    The severity is the highest of all info blocks, their areas are united, and the times span them all.
    """
    findings = Findings(profile)
    alert = Node(root, "alert", findings)
    check_amounts(alert, findings, limits)
    check_schema(root, namespace(root), findings)
    identity = _identity(alert, findings)
    status = choice(Status, alert.required("status"), "alert/status", findings)
    kind = choice(WarningKind, alert.required("msgType"), "alert/msgType", findings)
    scope = alert.required("scope")
    if scope and scope not in SCOPES:
        findings.broken("alert/scope", "bad_value", f"scope 的值 {shown(scope)!r} 不允许", f"must be one of {SCOPES}")
    references = _references(alert.text("references"), findings)
    if kind is WarningKind.CANCEL and not references:
        findings.broken("alert/references", "missing", "取消缺少 references", "a Cancel must name what it cancels")
    infos = [_info(node, findings, limits) for node in alert.all("info")]
    findings.refuse_if_broken()
    assert identity and status and kind
    return _assembled(identity, status, kind, scope, references, infos, findings)


def check_amounts(alert: Node, findings: Findings, limits: Limits) -> None:
    """Refuse more infos, areas, codes, rings, circles or points than the limits allow, before any are read."""
    findings.within("alert/info", "info blocks 信息块", alert.count("info"), limits.infos)
    names: dict[str, int] = {}
    points = 0
    for element in alert.element.iter(etree.Element):
        name = etree.QName(element).localname
        names[name] = names.get(name, 0) + 1
        if name == "polygon":
            points += (element.text or "").count(",")
    findings.within("alert/info/area", "areas 区域", names.get("area", 0), limits.areas)
    findings.within("alert/info/area/geocode", "geocodes 编码", names.get("geocode", 0), limits.geocodes)
    findings.within("alert/info/area/polygon", "polygons 多边形", names.get("polygon", 0), limits.polygons)
    findings.within("alert/info/area/polygon", "points 顶点", points, limits.vertices)
    findings.within("alert/info/area/circle", "circles 圆", names.get("circle", 0), limits.circles)
    findings.within("alert/references", "references 引用", len(alert.text("references").split()), limits.references)


def choice(kind: type[_E], text: str, path: str, findings: Findings) -> _E | None:
    """The member of an enumeration; another value is a broken rule, an empty one was reported before."""
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        allowed = ", ".join(kind)
        findings.broken(path, "bad_value", f"值 {shown(text)!r} 不允许", f"{shown(text)!r} is not one of {allowed}")
        return None


def claim_of(area: Node, geocodes: Sequence[tuple[str, str]], findings: Findings, limits: Limits) -> AreaClaim:
    """The area as written, with its shapes read; ``geocodes`` come in the dialect's own way."""
    rings = []
    for index, node in enumerate(area.all("polygon"), 1):
        text = tidy(node.element.text)
        if text:
            rings.append(read_ring(text, f"{area.path}/polygon[{index}]", findings, limits))
    circles = []
    for index, node in enumerate(area.all("circle"), 1):
        text = tidy(node.element.text)
        if text:
            circles.append(read_circle(text, f"{area.path}/circle[{index}]", findings))
    description = area.text("areaDesc").replace("\n", " ")
    if len(description) > limits.area_chars:
        findings.broken(
            f"{area.path}/areaDesc",
            "too_long",
            f"areaDesc 超过 {limits.area_chars} 字符",
            f"areaDesc is over {limits.area_chars} characters",
        )
    return AreaClaim(
        description=description,
        geocodes=tuple(dict.fromkeys(geocodes)),
        polygons=tuple(ring for ring in rings if ring),
        circles=tuple(circle for circle in circles if circle),
    )


def _identity(alert: Node, findings: Findings) -> WarningIdentity | None:
    identifier, sender = alert.required("identifier"), alert.required("sender")
    for name, value in (("identifier", identifier), ("sender", sender)):
        if len(value) > 256:
            findings.broken(f"alert/{name}", "too_long", f"{name} 超过 256 字符", f"{name} is over 256 characters")
        elif _UNFIT.search(value):
            findings.minor(
                f"alert/{name}", "bad_identifier", f"{name} 含空白、逗号或 < &", f"{name} holds a blank, comma, < or &"
            )
    sent = read_time(alert.required("sent"), "alert/sent", findings)
    return WarningIdentity(sender, identifier, sent) if identifier and sender and sent else None


def _references(text: str, findings: Findings) -> tuple[Reference, ...]:
    """``sender,identifier,sent`` triples parted by white space (CAP 1.2 §3.2.1)."""
    found = []
    for item in text.split():
        parts = item.split(",")
        if len(parts) == 3 and parts[1]:
            sent = read_time(parts[2], "alert/references", findings)
            found.append(Reference(parts[1], parts[0] or None, sent))
        else:
            findings.minor(
                "alert/references",
                "bad_reference",
                f"引用 {shown(item)!r} 不是 sender,identifier,sent",
                f"{shown(item)!r} is not sender,identifier,sent",
            )
            if len(parts) == 1:
                found.append(Reference(item))
    return tuple(found)


def _info(info: Node, findings: Findings, limits: Limits) -> _Info:
    severity_text = info.required("severity")
    severity = SEVERITIES.get(severity_text)
    if severity is None and severity_text:
        findings.broken(
            f"{info.path}/severity",
            "bad_value",
            f"severity 的值 {shown(severity_text)!r} 不允许",
            f"{shown(severity_text)!r} is not one of {', '.join(SEVERITIES)}",
        )
    event_text = info.text("event").replace("\n", " ")
    if not event_text:
        findings.minor(f"{info.path}/event", "missing", "缺少 event", "event is missing or empty")
    codes = [(node.text("valueName"), node.text("value")) for node in info.all("eventCode")]
    text = WarningText(
        language=info.text("language") or "en-US",
        headline=info.text("headline").replace("\n", " "),
        description=info.text("description"),
        instruction=info.text("instruction"),
    )
    for name, value in (("description", text.description), ("instruction", text.instruction)):
        if len(value) > limits.text_chars:
            findings.broken(
                f"{info.path}/{name}",
                "too_long",
                f"{name} 超过 {limits.text_chars} 字符",
                f"{name} is over {limits.text_chars} characters",
            )
    claims = [
        claim_of(area, [(n.text("valueName"), n.text("value")) for n in area.all("geocode")], findings, limits)
        for area in info.all("area")
    ]
    return _Info(
        text=text,
        event=event_of_codes(codes),
        event_text=event_text,
        severity=severity or Severity.UNKNOWN,
        sender_name=info.text("senderName").replace("\n", " "),
        effective=read_time(info.text("effective"), f"{info.path}/effective", findings),
        onset=read_time(info.text("onset"), f"{info.path}/onset", findings),
        expires=read_time(info.text("expires"), f"{info.path}/expires", findings),
        claims=tuple(claims),
    )


def _assembled(
    identity: WarningIdentity,
    status: Status,
    kind: WarningKind,
    scope: str,
    references: tuple[Reference, ...],
    infos: Sequence[_Info],
    findings: Findings,
) -> Warning:
    if len({(i.severity, i.effective, i.onset, i.expires) for i in infos}) > 1:
        findings.noted(
            "infos_differ",
            "各 info 的级别或时间不同，取最高级别和合并时间",
            "info blocks differ in severity or times; the highest severity and the whole span are taken",
        )
    return Warning(
        identity=identity,
        status=status,
        kind=kind,
        scope=scope,
        event=next((i.event for i in infos if i.event), None),
        event_text=infos[0].event_text if infos else "",
        severity=min((i.severity for i in infos), key=lambda s: s.rank, default=Severity.UNKNOWN),
        texts=tuple(i.text for i in infos),
        claims=tuple(dict.fromkeys(claim for i in infos for claim in i.claims)),
        references=references,
        effective=min((i.effective for i in infos if i.effective), default=None),
        onset=min((i.onset for i in infos if i.onset), default=None),
        expires=max((i.expires for i in infos if i.expires), default=None),
        sender_name=next((i.sender_name for i in infos if i.sender_name), ""),
        notices=findings.notices,
    )
