"""Our JSON form of a warning, for publishers without CAP. The model stands in the OpenAPI document as it is here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.domain.warning import (
    AreaClaim,
    Circle,
    Reference,
    Severity,
    Status,
    Warning,
    WarningIdentity,
    WarningKind,
    WarningText,
)
from gateway.errors import Violation, WarningInvalid, WarningUnparseable
from gateway.publishers.event_words import event_type
from gateway.publishers.findings import MAX_FINDINGS, Findings
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.rules import broken, shown

#: Name of the code system of its areas in our claims.
GEOCODE_SYSTEM = "division"

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=r"^[^\s,<&]+$")]
_Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True)]
_Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
_Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
_Point = tuple[_Lat, _Lon]

_SEVERITIES = {
    "red": Severity.RED,
    "orange": Severity.ORANGE,
    "yellow": Severity.YELLOW,
    "blue": Severity.BLUE,
    "unknown": Severity.UNKNOWN,
}


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class JsonArea(_Form):
    """A division 行政区划 by code; its name is held against the code, lest a wrong town be alarmed."""

    code: Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{14})$")]
    name: _Line = ""


class JsonCircle(_Form):
    """A circle: centre in degrees (WGS 84), radius in km."""

    lat: _Lat
    lon: _Lon
    radius_km: Annotated[float, Field(ge=0, le=20_040, allow_inf_nan=False)]


class JsonReference(_Form):
    """An earlier warning that this one updates or cancels."""

    identifier: _Name
    sender: _Name | None = None
    sent: AwareDatetime | None = None


class JsonWarning(_Form):
    """A warning 应急信息. Times are RFC 3339 with a zone; unknown fields are refused."""

    sender: _Name = Field(description="发布单位标识 identity of the sender, such as 35052441600000")
    identifier: _Name = Field(description="信息标识, unique with sender and sent")
    sent: AwareDatetime = Field(description="发布时间 time of issue")
    status: Literal["Actual", "Exercise", "System", "Test", "Draft"] = Field(description="as CAP 1.2 status")
    kind: Literal["Alert", "Update", "Cancel"] = Field(default="Alert", description="as CAP 1.2 msgType")
    scope: Literal["Public", "Restricted", "Private"] = Field(default="Public", description="as CAP 1.2 scope")
    event: _Line = Field(default="", description="事件类型 code (11B03 or 10203), or its name")
    severity: Literal["red", "orange", "yellow", "blue", "unknown"] = Field(default="unknown", description="事件级别")
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] = "zh-CN"
    headline: _Line = ""
    text: _Text = Field(default="", description="正文 description")
    instruction: _Text = Field(default="", description="防御指南")
    speech: _Text = Field(default="", description="大喇叭文本 text to be read aloud instead of text and instruction")
    sender_name: _Line = ""
    areas: tuple[JsonArea, ...] = ()
    polygons: tuple[Annotated[tuple[_Point, ...], Field(min_length=3)], ...] = Field(
        default=(), description="rings of [lat, lon]; used only when no area is given"
    )
    circles: tuple[JsonCircle, ...] = Field(default=(), description="used only when no area is given")
    references: tuple[JsonReference, ...] = ()
    effective: AwareDatetime | None = None
    onset: AwareDatetime | None = None
    expires: AwareDatetime | None = None


def read_json(body: bytes, profile: Profile, limits: Limits) -> Warning:
    """Understand our JSON form; raise WarningUnparseable or WarningInvalid with every broken rule."""
    _refuse_unreadable(body, limits)
    try:
        form = JsonWarning.model_validate_json(body)
    except ValidationError as error:
        raise WarningInvalid(*_violations(error)) from None
    findings = Findings(profile)
    if profile is Profile.SIGNED:
        findings.broken("", "signature_missing", "JSON 形式没有数字签名", "the JSON form carries no signature")
    _check(form, findings, limits)
    findings.refuse_if_broken()
    text = WarningText(form.language, form.headline, form.text, form.instruction, form.speech)
    return Warning(
        identity=WarningIdentity(form.sender, form.identifier, form.sent.astimezone(UTC)),
        status=Status(form.status),
        kind=WarningKind(form.kind),
        scope=form.scope,
        event=event_type(form.event) if form.event[:1].isdigit() else None,
        event_text=form.event,
        severity=_SEVERITIES[form.severity],
        texts=(text,) if text.spoken else (),
        claims=_claims(form),
        references=tuple(Reference(r.identifier, r.sender, _utc(r.sent)) for r in form.references),
        effective=_utc(form.effective),
        onset=_utc(form.onset),
        expires=_utc(form.expires),
        sender_name=form.sender_name,
        notices=findings.notices,
    )


def _refuse_unreadable(body: bytes, limits: Limits) -> None:
    """Size, encoding, amount of values, double keys: what the model behind would not tell."""
    if len(body) > limits.body_bytes:
        raise WarningUnparseable(
            broken("", "too_large", f"正文超过 {limits.body_bytes} 字节", f"the body exceeds {limits.body_bytes} bytes")
        )
    if not body.strip():
        raise WarningUnparseable(broken("", "empty", "正文为空", "the body is empty"))
    if body.count(b",") + body.count(b"[") + body.count(b"{") > 4 * limits.vertices:
        raise WarningUnparseable(broken("", "too_many", "JSON 值过多", "too many JSON values"))
    if body.count(b"[") + body.count(b"{") > 2 * limits.vertices:
        raise WarningUnparseable(broken("", "too_many", "JSON 值过多", "too many JSON values"))
    try:
        json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except WarningUnparseable:
        raise
    except UnicodeDecodeError:
        raise WarningUnparseable(broken("", "encoding", "不是 UTF-8 编码", "the body is not UTF-8")) from None
    except RecursionError:
        raise WarningUnparseable(broken("", "too_deep", "JSON 嵌套过深", "JSON is nested too deep")) from None
    except ValueError as error:
        reason = shown(str(error), 120)
        raise WarningUnparseable(broken("", "not_well_formed", "不是正确的 JSON", f"not JSON: {reason}")) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise WarningUnparseable(
            broken(shown(twice), "repeated", f"字段 {shown(twice)!r} 出现多次", f"field {shown(twice)!r} stands twice")
        )
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _violations(error: ValidationError) -> list[Violation]:
    found = []
    for item in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_FINDINGS]:
        path = "/".join(shown(str(part), 40) for part in item["loc"])
        code = {"missing": "missing", "extra_forbidden": "unknown_field"}.get(item["type"], "bad_value")
        chinese = {"missing": "缺少字段", "unknown_field": "未知字段"}.get(code, "字段值不正确")
        found.append(broken(path, code, chinese, shown(item["msg"], 200)))
    return found


def _check(form: JsonWarning, findings: Findings, limits: Limits) -> None:
    findings.within("areas", "areas 区域", len(form.areas), limits.areas)
    findings.within("polygons", "polygons 多边形", len(form.polygons), limits.polygons)
    findings.within("polygons", "points 顶点", sum(map(len, form.polygons)), limits.vertices)
    findings.within("circles", "circles 圆", len(form.circles), limits.circles)
    findings.within("references", "references 引用", len(form.references), limits.references)
    for index, ring in enumerate(form.polygons):
        if len(set(ring)) < 3:
            findings.broken(
                f"polygons/{index}", "bad_polygon", "多边形少于三个不同的点", "fewer than three different points"
            )
    for name in ("text", "instruction", "speech"):
        if len(getattr(form, name)) > limits.text_chars:
            findings.broken(
                name, "too_long", f"超过 {limits.text_chars} 字符", f"is over {limits.text_chars} characters"
            )
    if form.kind == "Cancel" and not form.references:
        findings.broken("references", "missing", "取消缺少 references", "a Cancel must name what it cancels")


def _claims(form: JsonWarning) -> tuple[AreaClaim, ...]:
    claims = [AreaClaim(area.name, ((GEOCODE_SYSTEM, area.code),)) for area in form.areas]
    if form.polygons or form.circles:
        rings = tuple(ring if ring[0] == ring[-1] else (*ring, ring[0]) for ring in form.polygons)
        circles = tuple(Circle(c.lat, c.lon, c.radius_km) for c in form.circles)
        claims.append(AreaClaim("", (), rings, circles))
    return tuple(dict.fromkeys(claims))


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC) if time else None
