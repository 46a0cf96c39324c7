from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gateway.domain.warning import Reference, Severity, Status, Warning, WarningKind
from gateway.errors import WarningInvalid
from gateway.publishers.parse import parse_warning
from gateway.publishers.profile import Limits, Profile
from tests.publishers.conftest import ANXI, ZHEJIANG, body


def read(data: bytes, profile: Profile = Profile.STRICT, limits: Limits | None = None) -> Warning:
    return parse_warning(data, "application/xml", profile, limits)


def changed(old: str, new: str, name: str = ANXI) -> bytes:
    data = body(name).decode()
    assert re.search(old, data)
    return re.sub(old, new, data, count=1).encode()


def broken(data: bytes, profile: Profile = Profile.STRICT) -> list[tuple[str, str]]:
    with pytest.raises(WarningInvalid) as refused:
        read(data, profile)
    return [(v.code, v.path) for v in refused.value.violations]


def test_own_example_with_a_loudspeaker_text() -> None:
    warning = read(body(ANXI))
    assert warning.identity.sender == "35052441600000"
    assert warning.identity.identifier == "35052441600000_20261123141500_0"
    assert warning.identity.sent == datetime(2026, 11, 23, 6, 15, tzinfo=UTC)
    assert warning.event == "11B03"
    assert warning.severity is Severity.ORANGE
    assert warning.sender_name == "安溪县气象台"
    assert warning.means == ("SPEAKER",)
    assert warning.texts[0].spoken == "预计未来三小时凤城镇等地降雨量将达五十毫米以上，请注意防范。"
    assert warning.texts[0].instruction.startswith("切断低洼地带")
    assert warning.claims[0].geocodes == (("12379", "35052410000000"),)
    assert warning.onset is None


def test_interface_example_in_the_vendor_namespace() -> None:
    warning = read(body(ZHEJIANG))
    assert warning.severity is Severity.BLUE
    assert len(warning.claims[0].geocodes) == 7
    assert warning.claims[0].polygons == ()
    assert warning.means == ("SMS",)
    assert warning.texts[0].speech == "", "an SMS text is not for loudspeakers"
    assert warning.texts[0].spoken.startswith("24小时内可能")
    assert not warning.restricted


@pytest.mark.parametrize("tag", ["audencePrt", "AUDIENCEPRT", "audiencePrt"])
def test_element_names_are_found_in_any_case(tag: str) -> None:
    data = body(ANXI).replace(b"<audiencePrt/>", f"<{tag}>L01</{tag}>".encode())
    data = data.replace(b"methodName>", b"MethodName>")
    assert read(data) == read(body(ANXI))


def test_geocode_lists_lose_their_repeats() -> None:
    codes = "35052410000000,350524101000， 35052410000000、350524102000"
    claim = read(changed("<geocode>[^<]*<", f"<geocode>{codes}<")).claims[0]
    assert [value for _, value in claim.geocodes] == ["35052410000000", "350524101000", "350524102000"]


def test_several_geocode_elements_are_one_list() -> None:
    claim = read(changed("</geocode>", "</geocode><geocode>350524101000</geocode>")).claims[0]
    assert [value for _, value in claim.geocodes] == ["35052410000000", "350524101000"]


@pytest.mark.parametrize(
    "sent",
    ["2026-11-23T14:15:00+08:00", "2026-11-23 14:15:00 +08:00", "2026-11-23 06:15:00Z", "2026-11-23 14:15:00+0800"],
)
def test_other_ways_to_write_a_time(sent: str) -> None:
    assert read(changed("<sendTime>[^<]*<", f"<sendTime>{sent}<")) == read(body(ANXI))


def test_a_time_without_zone_is_beijing_time_to_the_tolerant_only() -> None:
    data = changed("<sendTime>[^<]*<", "<sendTime>2026-11-23 14:15:00<")
    assert broken(data) == [("time_zone_missing", "alert/sendTime")]
    warning = read(data, Profile.TOLERANT)
    assert warning == read(body(ANXI))
    assert [notice.code for notice in warning.notices] == ["time_zone_missing"]


def test_empty_expires_is_no_expiry() -> None:
    assert read(changed("<expires>[^<]*<", "<expires><")).expires is None


def test_references_are_bare_identifiers() -> None:
    data = changed("<references/>", "<references>35052441600000_20261123130000_0</references>")
    warning = read(data.replace(b"<msgType>Alert<", b"<msgType>Cancel<"))
    assert warning.kind is WarningKind.CANCEL
    assert warning.references == (Reference("35052441600000_20261123130000_0"),)


def test_a_cancel_without_reference_is_refused() -> None:
    assert broken(changed("<msgType>Alert<", "<msgType>Cancel<")) == [("missing", "alert/references")]


@pytest.mark.parametrize(("value", "restricted"), [("Inner", True), ("inner", True), ("None", False), ("", False)])
def test_internal_warnings_are_marked(value: str, restricted: bool) -> None:
    data = changed("<secClassification>[^<]*<", f"<secClassification>{value}<")
    assert read(data).restricted is restricted


def test_colours_in_any_case_and_nothing_else() -> None:
    assert read(changed("<severity>Orange<", "<severity>RED<")).severity is Severity.RED
    assert broken(changed("<severity>Orange<", "<severity>Extreme<")) == [("bad_value", "alert/info[1]/severity")]


def test_an_unknown_event_code_passes_and_a_word_is_kept_as_text() -> None:
    assert read(changed("<eventType>11B03<", "<eventType>19Z99<")).event == "19Z99"
    warning = read(changed("<eventType>11B03<", "<eventType>暴雨<"))
    assert (warning.event, warning.event_text) == (None, "暴雨")


def test_the_trial_root_is_always_a_test() -> None:
    data = body(ANXI).replace(b"<alert>", b"<test>").replace(b"</alert>", b"</test>")
    assert read(data).status is Status.TEST


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        ("<identifier>[^<]*<", "<identifier><", "missing", "alert/identifier"),
        ("<sendTime>[^<]*<", "<sendTime>yesterday<", "bad_time", "alert/sendTime"),
        ("<status>Actual<", "<status>Live<", "bad_value", "alert/status"),
        ("(?s)<info>.*</info>", "", "missing", "alert/info"),
        ("<severity>", "<severity>Red</severity><severity>", "repeated", "alert/info[1]/severity"),
    ],
)
def test_rules_of_the_dialect(old: str, new: str, code: str, path: str) -> None:
    assert (code, path) in broken(changed(old, new))


def test_geocodes_of_one_list_are_counted() -> None:
    data = changed("<geocode>[^<]*<", "<geocode>" + ",".join(["350524100000"] * 20) + "<")
    with pytest.raises(WarningInvalid) as refused:
        read(data, limits=Limits(geocodes=19))
    assert refused.value.violations[0].code == "too_many"
