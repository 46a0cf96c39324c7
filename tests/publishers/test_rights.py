from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gateway.domain.codes import AreaCode
from gateway.domain.warning import MatchedArea, Severity, Status, Warning, WarningKind
from gateway.errors import InvalidValueError, RightsError
from gateway.publishers.parse import parse_warning
from gateway.publishers.rights import KeyKind, KeyRing, Publisher, check_areas, check_rights, hash_key, new_key
from tests.publishers.conftest import ANXI, body

ANXI_COUNTY = AreaCode("350524000000")
WEATHER = Publisher(
    "安溪县气象台", areas=(ANXI_COUNTY,), event_types=("11B*", "11A51"), highest_severity=Severity.ORANGE
)
FENGCHENG = (MatchedArea(AreaCode("350524100000"), "凤城镇", "code"),)


def rain() -> Warning:
    return parse_warning(body(ANXI), "application/xml")


def refused(publisher: Publisher, warning: Warning, areas: tuple[MatchedArea, ...] = FENGCHENG) -> str:
    with pytest.raises(RightsError) as error:
        check_rights(publisher, warning, areas)
    assert publisher.name in str(error.value)
    return error.value.right


def test_within_its_rights_nothing_is_raised() -> None:
    check_rights(WEATHER, rain(), FENGCHENG)
    check_rights(Publisher("all", areas=(AreaCode("0" * 12),)), rain(), FENGCHENG)


def test_each_right_is_named() -> None:
    assert refused(WEATHER, replace(rain(), status=Status.DRAFT)) == "status"
    assert refused(WEATHER, replace(rain(), severity=Severity.RED)) == "severity"
    assert refused(WEATHER, replace(rain(), event=None, event_text="地震")) == "event"
    assert refused(WEATHER, replace(rain(), event=None, event_text="something new")) == "event"
    assert refused(WEATHER, rain(), (MatchedArea(AreaCode("350525000000"), "永春县", "code"),)) == "area"


def test_a_wider_area_than_its_own_is_beyond_its_rights() -> None:
    assert refused(WEATHER, rain(), (MatchedArea(AreaCode("350500000000"), "泉州市", "code"),)) == "area"


def test_less_urgent_and_unknown_severities_are_within() -> None:
    for severity in (Severity.ORANGE, Severity.YELLOW, Severity.BLUE, Severity.UNKNOWN):
        check_rights(WEATHER, replace(rain(), severity=severity), FENGCHENG)


def test_event_rights_by_code_prefix_and_word() -> None:
    assert WEATHER.may_send_event("11B03")
    assert WEATHER.may_send_event("11A51")
    assert not WEATHER.may_send_event("11A01")
    check_rights(WEATHER, replace(rain(), event=None, event_text="暴雨"), FENGCHENG)


def test_a_cancel_is_held_to_areas_and_status_alone() -> None:
    cancel = replace(rain(), kind=WarningKind.CANCEL, severity=Severity.RED, event=None, event_text="")
    check_rights(WEATHER, cancel, ())
    assert refused(WEATHER, replace(cancel, status=Status.SYSTEM), ()) == "status"
    with pytest.raises(RightsError):
        check_areas(WEATHER, [AreaCode("350525000000")])


def test_a_publisher_without_name_or_areas_cannot_be() -> None:
    with pytest.raises(InvalidValueError):
        Publisher(" ", areas=(ANXI_COUNTY,))
    with pytest.raises(InvalidValueError):
        Publisher("x")


def test_keys_are_long_random_and_stored_as_hashes() -> None:
    plain, hashed = new_key()
    other, _ = new_key()
    assert plain != other
    assert re.fullmatch(r"ebgw_[\w-]{43}", plain)
    assert hashed == hash_key(plain)
    assert re.fullmatch("[0-9a-f]{64}", hashed)
    assert plain not in hashed


def test_a_ring_finds_the_holder_and_nobody_else() -> None:
    plain, hashed = new_key()
    other, other_hash = new_key()
    operator = Publisher("值班员", KeyKind.OPERATOR, areas=(ANXI_COUNTY,))
    ring = KeyRing([(hashed.upper(), WEATHER), (other_hash, operator)])
    assert ring.find(plain) is WEATHER
    assert ring.find(other) is operator
    assert len(ring) == 2
    for wrong in ("", "ebgw_", plain[:-1], hashed, "中文\udcff"):
        assert ring.find(wrong) is None
