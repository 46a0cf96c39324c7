"""Our JSON form of a warning, for publishers without CAP. The model stands in the OpenAPI document as it is here."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from gateway.domain.rules import broken, shown
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
from gateway.publishers.values import parse_time

#: Name of the code system of its areas in our claims.
GEOCODE_SYSTEM = "division"

#: At least one stands for each field of each object; the fullest legal body stays far below.
_MOST_COLONS = 25_000

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _printable(text: str) -> str:
    if _CONTROLS.search(text):
        raise ValueError("control characters are not allowed")
    return text


def _time(value: object) -> datetime:
    """Only a written-out time: pydantic would take seconds since the epoch too, and guess their zone."""
    found = parse_time(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a date and time with a zone, such as 2026-11-23T14:15:00+08:00")
    return found


_Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=r"^[^\s,<&]+$"),
    AfterValidator(_printable),
]
_Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), AfterValidator(_printable)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_printable)]
_Time = Annotated[AwareDatetime, BeforeValidator(_time)]
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
    """A division 行政区划 by code; its name is held against the code, lest a wrong town be alarmed.

    Without a code the name is read as a description 区域描述, such as 安溪县凤城镇、湖头镇.
    """

    code: Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{14})$")] | None = None
    name: _Line = ""

    @model_validator(mode="after")
    def _something(self) -> JsonArea:
        if self.code is None and not self.name:
            raise ValueError("须给出 code 或 name / give a code, a name, or both")
        return self


class JsonCircle(_Form):
    """A circle: centre in degrees (WGS 84), radius in km."""

    lat: _Lat
    lon: _Lon
    radius_km: Annotated[float, Field(ge=0, le=20_040, allow_inf_nan=False)]


class JsonReference(_Form):
    """An earlier warning that this one updates or cancels."""

    identifier: _Name
    sender: _Name | None = None
    sent: _Time | None = None


class JsonWarning(_Form):
    """A warning 应急信息. Times are RFC 3339 with a zone; unknown fields are refused."""

    sender: _Name = Field(description="发布单位标识 identity of the sender, such as 35052441600000")
    identifier: _Name = Field(description="信息标识, unique with sender and sent")
    sent: _Time = Field(description="发布时间 time of issue")
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
        default=(), description="rings of [lat, lon]; used only when no area has a code"
    )
    circles: tuple[JsonCircle, ...] = Field(default=(), description="used only when no area has a code")
    references: tuple[JsonReference, ...] = ()
    effective: _Time | None = None
    onset: _Time | None = None
    expires: _Time | None = None


def read_json(body: bytes, profile: Profile, limits: Limits) -> Warning:
    """Understand our JSON form; raise WarningUnparseable or WarningInvalid with every broken rule."""
    text = _readable(body, limits)
    try:
        form = JsonWarning.model_validate_json(text)
    except ValidationError as error:
        raise WarningInvalid(*_violations(error)) from None
    findings = Findings(profile)
    if profile is Profile.SIGNED:
        findings.broken("", "signature_missing", "JSON 形式没有数字签名", "the JSON form carries no signature")
    _check(form, findings, limits)
    findings.refuse_if_broken()
    words = WarningText(form.language, form.headline, form.text, form.instruction, form.speech)
    return Warning(
        identity=WarningIdentity(form.sender, form.identifier, form.sent),
        status=Status(form.status),
        kind=WarningKind(form.kind),
        scope=form.scope,
        event=event_type(form.event),
        event_text=form.event,
        severity=_SEVERITIES[form.severity],
        texts=(words,) if words.spoken else (),
        claims=_claims(form),
        references=tuple(Reference(r.identifier, r.sender, r.sent) for r in form.references),
        effective=form.effective,
        onset=form.onset,
        expires=form.expires,
        sender_name=form.sender_name,
        notices=findings.notices,
    )


def _readable(body: bytes, limits: Limits) -> str:
    """Size, encoding, double keys and masses: what the model would not tell, or only with one report for each value."""
    if len(body) > limits.body_bytes:
        raise WarningUnparseable(
            broken("", "too_large", f"正文超过 {limits.body_bytes} 字节", f"the body exceeds {limits.body_bytes} bytes")
        )
    if not body.strip():
        raise WarningUnparseable(broken("", "empty", "正文为空", "the body is empty"))
    lists = body.count(b"[") + body.count(b"{")
    if lists > 2 * limits.vertices or lists + body.count(b",") > 4 * limits.vertices or body.count(b":") > _MOST_COLONS:
        raise WarningUnparseable(broken("", "too_many", "JSON 值过多", "too many JSON values"))
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except WarningUnparseable:
        raise
    except UnicodeDecodeError:
        raise WarningUnparseable(broken("", "encoding", "不是 UTF-8 编码", "the body is not UTF-8")) from None
    except RecursionError:
        raise WarningUnparseable(broken("", "too_deep", "JSON 嵌套过深", "JSON is nested too deep")) from None
    except ValueError as error:
        reason = shown(str(error), 120)
        raise WarningUnparseable(broken("", "not_well_formed", "不是正确的 JSON", f"not JSON: {reason}")) from None
    if isinstance(value, dict):
        _refuse_masses(value, limits)
    return text


def _refuse_masses(value: dict[str, Any], limits: Limits) -> None:
    """Amounts first, then the points of rings one by one, stopping at the first that is none."""
    findings = Findings(Profile.STRICT)
    most = {
        "areas": limits.areas,
        "polygons": limits.polygons,
        "circles": limits.circles,
        "references": limits.references,
    }
    for name, limit in most.items():
        if isinstance(value.get(name), list):
            findings.within(name, name, len(value[name]), limit)
    rings = value.get("polygons")
    if not isinstance(rings, list):
        return
    findings.within("polygons", "points 顶点", sum(len(r) for r in rings if isinstance(r, list)), limits.vertices)
    for index, ring in enumerate(rings):
        if not isinstance(ring, list) or not all(map(_is_point, ring)) or len(set(map(tuple, ring))) < 3:
            findings.broken(
                f"polygons/{index}",
                "bad_polygon",
                "多边形应为至少三个不同的 [纬度, 经度]",
                "a polygon is a list of at least three different [lat, lon] in degrees",
            )
    findings.refuse_if_broken()


def _is_point(point: object) -> bool:
    if not isinstance(point, list) or len(point) != 2:
        return False
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= most
        for value, most in zip(point, (90, 180), strict=True)
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
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
    for name in ("text", "instruction", "speech"):
        if len(getattr(form, name)) > limits.text_chars:
            findings.broken(
                name, "too_long", f"超过 {limits.text_chars} 字符", f"is over {limits.text_chars} characters"
            )
    if form.kind == "Cancel" and not form.references:
        findings.broken("references", "missing", "取消缺少 references", "a Cancel must name what it cancels")


def _claims(form: JsonWarning) -> tuple[AreaClaim, ...]:
    claims = [
        AreaClaim(area.name, ((GEOCODE_SYSTEM, area.code),) if area.code is not None else ()) for area in form.areas
    ]
    rings = tuple(ring if ring[0] == ring[-1] else (*ring, ring[0]) for ring in form.polygons)
    circles = tuple(Circle(c.lat, c.lon, c.radius_km) for c in form.circles)
    coded = next((i for i, claim in enumerate(claims) if claim.geocodes), None)
    if coded is not None:
        # Beside a code a shape is never matched, but it stays part of what was said.
        claims[coded] = replace(claims[coded], polygons=rings, circles=circles)
    elif rings or circles:
        # Shapes say more than words, as in CAP.
        claims = [AreaClaim("、".join(area.name for area in form.areas), (), rings, circles)]
    return tuple(dict.fromkeys(claims))
