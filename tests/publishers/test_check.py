from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.publishers.check import check_warning
from gateway.publishers.profile import Profile
from gateway.publishers.reference import CountyOutlines
from tests.publishers.conftest import AIR_TIME, ANXI, MANIFEST, NOW, ZHEJIANG, body

Check = Callable[..., dict[str, Any]]


@pytest.fixture
def check(gazetteer: Gazetteer, outlines: CountyOutlines) -> Check:
    def count(areas: tuple[AreaCode, ...]) -> tuple[int, int]:
        return 7 * len(areas), sum(gazetteer.population(area) for area in areas)

    def checked(data: bytes, profile: Profile = Profile.STRICT, media: str | None = None, now: datetime = NOW) -> Any:
        found = check_warning(data, media, profile, now, gazetteer, outlines, count, AIR_TIME)
        return json.loads(json.dumps(found))

    return checked


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: str(row["file"]))
def test_valid_as_the_manifest_expects_and_accepted_only_here_and_now(check: Check, row: dict[str, str]) -> None:
    found = check(body(row["file"]))
    assert found["valid"] is (row["expect_unsigned_profile"] == "valid")
    assert found["accepted"] is (row["file"] == ANXI)
    assert bool(found["rules"]) is not found["accepted"]
    assert set(found) == {"valid", "accepted", "profile", "rules", "message", "areas", "receivers", "text"}
    assert all(set(rule) == {"code", "path", "message"} for rule in found["rules"])


def test_the_accepted_one_in_full(check: Check, gazetteer: Gazetteer) -> None:
    found = check(body(ANXI))
    assert found["areas"] == [{"code": "350524100000", "name": "安溪县凤城镇", "matched_by": "code"}]
    assert found["receivers"] == {"terminals": 7, "population": gazetteer.population(AreaCode("350524100000"))}
    assert found["text"].startswith("预计未来三小时")
    message = found["message"]
    assert (message["start"], message["end"]) == ("2026-11-23T06:20:00Z", "2026-11-23T06:35:00Z")
    assert (message["class"], message["severity"], message["event"], message["event_name"]) == (4, 2, "11B03", "暴雨")


def test_an_expired_warning_is_valid_and_not_accepted(check: Check) -> None:
    found = check(body(ZHEJIANG))
    assert (found["valid"], found["accepted"]) == (True, False)
    assert [rule["code"] for rule in found["rules"]] == ["outside_region", "expired"]
    assert found["receivers"] == {"terminals": 0, "population": 0}


def test_areas_that_are_not_understood_make_it_invalid(check: Check) -> None:
    data = (
        body(ANXI)
        .replace("安溪县凤城镇".encode(), "晋江市陈埭镇".encode())
        .replace(b"35052410000000", b"35058210100000")
    )
    found = check(data)
    assert (found["valid"], found["accepted"], found["areas"]) == (False, False, [])
    assert [rule["code"] for rule in found["rules"]] == ["area_name_mismatch"]


def test_tolerated_schema_rules_are_told_with_their_path(check: Check) -> None:
    found = check(body("tg-anamet/wmo-tg_capvalidator__invalid_schema.xml"), Profile.TOLERANT)
    assert found["valid"] is True
    first = [rule for rule in found["rules"] if rule["code"] == "schema"]
    assert [rule["path"] for rule in first] == ["alert/info/audience"]
    assert "tolerated" in first[0]["message"]


def test_other_media_types_are_told(check: Check) -> None:
    found = check(b"x", media="text/plain")
    assert [rule["code"] for rule in found["rules"]] == ["unsupported_media"]
    assert found["valid"] is False


def test_json_is_told_by_its_first_character(check: Check) -> None:
    form = {
        "sender": "a",
        "identifier": "b",
        "sent": "2026-11-23T14:15:00+08:00",
        "status": "Test",
        "text": "测试。",
        "event": "00000",
        "areas": [{"code": "350524", "name": "安溪县"}],
    }
    found = check(json.dumps(form).encode())
    assert found["accepted"] is True
    assert found["message"]["on_air"] is False
    assert [notice["code"] for notice in found["message"]["notices"]] == ["no_device_frames"]
