from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.warning import Circle, Reference, Severity, Status, Warning, WarningKind
from gateway.errors import WarningError, WarningInvalid, WarningUnparseable
from gateway.publishers.json_form import JsonWarning
from gateway.publishers.parse import parse_warning
from gateway.publishers.profile import Limits, Profile

SMALLEST = {
    "sender": "35052441600000",
    "identifier": "35052441600000_20261123141500_0",
    "sent": "2026-11-23T14:15:00+08:00",
    "status": "Actual",
}
FULL = SMALLEST | {
    "kind": "Update",
    "event": "11B03",
    "severity": "orange",
    "headline": "安溪县气象台发布暴雨橙色预警",
    "text": "预计未来三小时降雨量将达五十毫米以上。",
    "instruction": "停止露天集体活动。",
    "areas": [{"code": "350524100000", "name": "凤城镇"}, {"code": "350524"}],
    "references": [{"identifier": "old"}],
    "expires": "2026-11-23T17:15:00+08:00",
    "sender_name": "安溪县气象台",
}


def read(form: object, limits: Limits | None = None, profile: Profile = Profile.STRICT) -> Warning:
    return parse_warning(json.dumps(form).encode(), "application/json", profile, limits)


def broken(form: object, limits: Limits | None = None) -> list[tuple[str, str]]:
    with pytest.raises(WarningError) as refused:
        read(form, limits)
    return [(v.code, v.path) for v in refused.value.violations]


def test_a_full_form_becomes_a_warning() -> None:
    warning = read(FULL)
    assert warning.identity.sent == datetime(2026, 11, 23, 6, 15, tzinfo=UTC)
    assert (warning.status, warning.kind, warning.severity) == (Status.ACTUAL, WarningKind.UPDATE, Severity.ORANGE)
    assert (warning.event, warning.scope) == ("11B03", "Public")
    assert warning.references == (Reference("old"),)
    assert warning.expires == datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
    assert warning.texts[0].spoken == "预计未来三小时降雨量将达五十毫米以上。\n停止露天集体活动。"
    assert [claim.geocodes[0][1] for claim in warning.claims] == ["350524100000", "350524"]


def test_the_smallest_form_has_neither_areas_nor_words() -> None:
    warning = read(SMALLEST)
    assert (warning.claims, warning.texts, warning.severity) == ((), (), Severity.UNKNOWN)


def test_order_white_space_and_zone_make_no_other_warning() -> None:
    other = dict(reversed(FULL.items())) | {"sent": "2026-11-23T06:15:00Z"}
    data = b"\xef\xbb\xbf \n" + json.dumps(other, indent=3, ensure_ascii=False).encode()
    assert parse_warning(data, "application/json") == read(FULL)


def test_shapes_stand_alone_or_beside_the_first_area() -> None:
    shapes = {
        "polygons": [[[25.0, 118.0], [25.1, 118.0], [25.1, 118.1]]],
        "circles": [{"lat": 25, "lon": 118, "radius_km": 3}],
    }
    ring = ((25.0, 118.0), (25.1, 118.0), (25.1, 118.1), (25.0, 118.0))
    alone = read(SMALLEST | shapes).claims
    assert [(c.polygons, c.circles, c.geocodes) for c in alone] == [((ring,), (Circle(25.0, 118.0, 3.0),), ())]
    beside = read(FULL | shapes).claims
    assert len(beside) == 2
    assert beside[0].geocodes
    assert beside[0].polygons == (ring,)


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"colour": "red"}, "unknown_field", "colour"),
        ({"areas": [{"code": "350524100000", "town": "凤城"}]}, "unknown_field", "areas/0/town"),
        ({"sender": None}, "bad_value", "sender"),
        ({"sender": "a b"}, "bad_value", "sender"),
        ({"sender": ""}, "bad_value", "sender"),
        ({"identifier": "x" * 257}, "bad_value", "identifier"),
        ({"sent": 1_700_000_000}, "bad_value", "sent"),
        ({"sent": "1700000000"}, "bad_value", "sent"),
        ({"sent": "2026-11-23T14:15:00"}, "bad_value", "sent"),
        ({"sent": "0001-01-01T00:00:00+08:00"}, "bad_value", "sent"),
        ({"expires": "2026-13-23T14:15:00Z"}, "bad_value", "expires"),
        ({"status": "actual"}, "bad_value", "status"),
        ({"severity": "purple"}, "bad_value", "severity"),
        ({"kind": "Cancel"}, "missing", "references"),
        ({"text": "a\x00b"}, "bad_value", "text"),
        ({"text": 5}, "bad_value", "text"),
        ({"text": "x" * 20_001}, "too_long", "text"),
        ({"areas": [{"code": 350524100000}]}, "bad_value", "areas/0/code"),
        ({"areas": [{"code": "3505241000"}]}, "bad_value", "areas/0/code"),
        ({"areas": {"code": "350524100000"}}, "bad_value", "areas"),
        ({"polygons": [[[25, 118], [25, 119]]]}, "bad_polygon", "polygons/0"),
        ({"polygons": [[[25, 118], [25, 118], [25, 118]]]}, "bad_polygon", "polygons/0"),
        ({"polygons": [[[95, 118], [25, 119], [26, 118]]]}, "bad_polygon", "polygons/0"),
        ({"polygons": [[["25", "118"], [25, 119], [26, 118]]]}, "bad_polygon", "polygons/0"),
        ({"polygons": [[[True, 118], [25, 119], [26, 118]]]}, "bad_polygon", "polygons/0"),
        ({"circles": [{"lat": 25, "lon": 118, "radius_km": -1}]}, "bad_value", "circles/0/radius_km"),
    ],
)
def test_each_fault_is_named_by_field(change: dict[str, Any], code: str, path: str) -> None:
    assert (code, path) in broken(SMALLEST | change)


@pytest.mark.parametrize("name", sorted(SMALLEST))
def test_required_fields(name: str) -> None:
    form = {key: value for key, value in SMALLEST.items() if key != name}
    assert broken(form) == [("missing", name)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"{", "not_well_formed"),
        (b'{"sender": NaN}', "not_well_formed"),
        (b'{"sender": "a", "sender": "b"}', "repeated"),
        (b"\xff\xfe{}", "encoding"),
        (b"[" * 3000 + b"]" * 3000, "too_deep"),
        (b"[" * 300_000, "too_many"),
        (b'"' + b"x" * (2 * 1024 * 1024) + b'"', "too_large"),
    ],
)
def test_what_is_no_json_object_is_unparseable(data: bytes, code: str) -> None:
    with pytest.raises(WarningUnparseable) as refused:
        parse_warning(data, "application/json")
    assert refused.value.violations[0].code == code


@pytest.mark.parametrize("form", [[], 1, None, "x"])
def test_other_json_values_are_invalid(form: object) -> None:
    assert broken(form) == [("bad_value", "")]


@pytest.mark.parametrize("name", ["areas", "circles", "polygons", "references"])
def test_amounts_are_limited_before_they_are_read(name: str) -> None:
    limits = Limits(areas=2, circles=2, polygons=2, references=2)
    assert broken(SMALLEST | {name: [{}] * 3}, limits) == [("too_many", name)]
    ring = [[25.0, 118.0 + n / 1000] for n in range(50)]
    assert broken(SMALLEST | {"polygons": [ring]}, Limits(vertices=49)) == [("too_many", "polygons")]


def test_a_signing_publisher_cannot_use_the_unsigned_form() -> None:
    with pytest.raises(WarningInvalid) as refused:
        read(FULL, profile=Profile.SIGNED)
    assert refused.value.violations[0].code == "signature_missing"


def test_the_model_goes_into_the_openapi_document() -> None:
    schema = JsonWarning.model_json_schema()
    assert set(schema["required"]) == set(SMALLEST)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["sent"] == {
        "description": "发布时间 time of issue",
        "format": "date-time",
        "title": "Sent",
        "type": "string",
    }
