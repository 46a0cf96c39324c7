from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.areas import Gazetteer
from gateway.domain.message import AirTime, EbmClass
from gateway.domain.warning import AreaClaim, Reference, Severity, Status, Warning, WarningKind, WarningText
from gateway.publishers.mapping import Assessment, MappingPolicy, MessageFacts, assess, cut_at_sentence, language_code
from gateway.publishers.parse import parse_warning
from gateway.publishers.reference import CountyOutlines
from tests.publishers.conftest import AIR_TIME, ANXI, NOW, ZHEJIANG, body

Judge = Callable[..., Assessment]


@pytest.fixture
def judge(gazetteer: Gazetteer, outlines: CountyOutlines) -> Judge:
    def judged(
        warning: Warning, now: datetime = NOW, air_time: AirTime = AIR_TIME, policy: MappingPolicy | None = None
    ) -> Assessment:
        return assess(warning, now, gazetteer, outlines, air_time, policy)

    return judged


def rain() -> Warning:
    return parse_warning(body(ANXI), "application/xml")


def facts(found: Assessment) -> MessageFacts:
    assert found.facts is not None
    return found.facts


def rules(found: Assessment) -> list[str]:
    assert not found.accepted
    return [rule.code for rule in found.rules]


def test_the_example_of_the_platform_interface(judge: Judge) -> None:
    found = judge(rain())
    assert found.accepted
    assert [(area.code, area.name) for area in found.areas] == [("350524100000", "安溪县凤城镇")]
    message = facts(found)
    assert (message.ebm_class, message.severity, message.event) == (EbmClass.EMERGENCY, Severity.ORANGE, "11B03")
    assert (message.event_name, message.language, message.on_air) == ("暴雨", "zho", True)
    assert (message.start, message.end) == (NOW, NOW + timedelta(seconds=900))
    assert message.headline == "安溪县气象台发布暴雨橙色预警"
    assert message.text == "预计未来三小时凤城镇等地降雨量将达五十毫米以上，请注意防范。"
    assert message.sender_name == "安溪县气象台"


def test_end_is_the_earlier_of_expiry_and_air_time(judge: Judge) -> None:
    long = AirTime(dict.fromkeys(Severity, 86_400))
    assert facts(judge(rain(), air_time=long)).end == rain().expires
    assert facts(judge(replace(rain(), expires=None), air_time=long)).end == NOW + timedelta(days=1)


def test_a_later_onset_starts_later(judge: Judge) -> None:
    onset = NOW + timedelta(hours=1)
    assert facts(judge(replace(rain(), onset=onset))).start == onset
    assert facts(judge(replace(rain(), onset=NOW - timedelta(hours=1)))).start == NOW


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expires": NOW}, "expired"),
        ({"expires": NOW + timedelta(hours=1), "onset": NOW + timedelta(hours=1)}, "empty_span"),
        ({"scope": "Restricted"}, "scope_not_public"),
        ({"scope": "Private"}, "scope_not_public"),
        ({"restricted": True}, "restricted"),
        ({"status": Status.DRAFT}, "draft"),
        ({"status": Status.SYSTEM}, "system"),
        ({"kind": WarningKind.ACK}, "ack_error"),
        ({"kind": WarningKind.ERROR}, "ack_error"),
        ({"claims": ()}, "no_area"),
        ({"claims": (AreaClaim("Anxi County"),)}, "no_area"),
        ({"claims": (AreaClaim("浙江省北部"),)}, "outside_region"),
        ({"claims": (AreaClaim("", (("12379", "330205004001"),)),)}, "outside_region"),
        ({"texts": ()}, "no_text"),
        ({"texts": (WarningText("zh-CN"),)}, "no_text"),
    ],
)
def test_each_reason_against_broadcasting(judge: Judge, change: dict[str, object], code: str) -> None:
    found = judge(replace(rain(), **change))  # type: ignore[arg-type]
    assert rules(found) == [code]
    assert found.understood


def test_areas_that_are_not_understood_are_told_apart(judge: Judge) -> None:
    wrong = judge(replace(rain(), claims=(AreaClaim("陈埭镇", (("12379", "350582101000"),)),)))
    assert rules(wrong) == ["area_name_mismatch"]
    assert not wrong.understood


def test_the_old_example_is_outside_and_expired_at_once(judge: Judge) -> None:
    found = judge(parse_warning(body(ZHEJIANG), "application/xml"))
    assert rules(found) == ["outside_region", "expired"]
    assert found.understood


def test_a_cancel_needs_neither_area_nor_text(judge: Judge) -> None:
    cancel = replace(rain(), kind=WarningKind.CANCEL, claims=(), texts=(), expires=NOW, references=(Reference("x"),))
    found = judge(cancel)
    assert found.accepted
    assert found.facts is None


def test_an_update_of_nothing_is_noted(judge: Judge) -> None:
    found = judge(replace(rain(), kind=WarningKind.UPDATE))
    assert found.accepted
    assert "no_reference" in {notice.code for notice in found.notices}


def test_tests_and_exercises_are_never_emergencies(judge: Judge) -> None:
    for status in (Status.TEST, Status.EXERCISE):
        found = judge(replace(rain(), status=status))
        assert found.accepted
        assert facts(found).ebm_class is EbmClass.SYSTEM_DRILL
        assert not facts(found).on_air
        assert "no_device_frames" in {notice.code for notice in found.notices}
    real = MappingPolicy(drill_class=EbmClass.REAL_DRILL)
    assert facts(judge(replace(rain(), status=Status.EXERCISE), policy=real)).on_air
    assert not facts(judge(replace(rain(), status=Status.TEST), policy=real)).on_air


@pytest.mark.parametrize("words", ["本次为演练", "This is a test of the system.", "全县防空警报测试"])
def test_a_test_that_says_so_only_in_its_words_is_noted(judge: Judge, words: str) -> None:
    found = judge(replace(rain(), texts=(WarningText("zh-CN", description=words),)))
    assert facts(found).ebm_class is EbmClass.EMERGENCY
    assert "maybe_test" in {notice.code for notice in found.notices}


@pytest.mark.parametrize(
    ("words", "event"),
    [
        ("暴雨", "11B03"),
        ("暴雨橙色预警", "11B03"),
        ("Typhoon", "11B01"),
        ("EARTHQUAKE", "11C00"),
        ("Coronal rain", "11111"),
    ],
)
def test_events_by_their_words(judge: Judge, words: str, event: str) -> None:
    found = judge(replace(rain(), event=None, event_text=words))
    assert facts(found).event == event
    assert ("unknown_event" in {notice.code for notice in found.notices}) is (event == "11111")


def test_a_received_code_passes_through_unchanged(judge: Judge) -> None:
    data = body(ANXI).replace(b"11B03", b"10203")
    message = facts(judge(parse_warning(data, "application/xml")))
    assert (message.event, message.event_name) == ("10203", "暴雨")


def test_chinese_is_preferred_and_every_language_named(judge: Judge) -> None:
    texts = (
        WarningText("en", headline="Rain", description="Heavy rain."),
        WarningText("zh-CN", headline="暴雨", description="有暴雨。"),
        WarningText("zh-CN", description="注意防范。"),
        WarningText("bo", description="x"),
    )
    message = facts(judge(replace(rain(), texts=texts)))
    assert (message.language, message.headline, message.text) == ("zho", "暴雨", "有暴雨。\n注意防范。")
    assert message.languages == ("eng", "zho", "bod")
    english = facts(judge(replace(rain(), texts=texts), policy=MappingPolicy(language="en")))
    assert (english.language, english.text) == ("eng", "Heavy rain.")


def test_long_texts_are_cut_at_whole_sentences_with_a_notice(judge: Judge) -> None:
    texts = (WarningText("zh-CN", description="第一句。第二句很长很长很长。"),)
    found = judge(replace(rain(), texts=texts), policy=MappingPolicy(text_chars=8))
    assert facts(found).text == "第一句。"
    assert "text_cut" in {notice.code for notice in found.notices}


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("一。二。三。", 4, "一。二。"),
        ("abc def", 3, "abc"),
        ("One. Two.", 5, "One."),
        ("Wind 3.5 m/s. Hail.", 13, "Wind 3.5 m/s."),
        ("短", 10, "短"),
    ],
)
def test_cutting(text: str, limit: int, kept: str) -> None:
    assert cut_at_sentence(text, limit) == kept


@given(st.text("一二。！a. \n", max_size=60), st.integers(1, 40))
def test_a_cut_text_is_a_beginning_within_the_limit(text: str, limit: int) -> None:
    kept = cut_at_sentence(text, limit)
    assert text.startswith(kept)
    assert len(kept) <= limit
    assert kept or not text.strip()


@pytest.mark.parametrize(
    ("tag", "code"), [("zh-CN", "zho"), ("ZH", "zho"), ("zho", "zho"), ("en-US", "eng"), ("ug", "uig"), ("xx", "und")]
)
def test_language_codes(tag: str, code: str) -> None:
    assert language_code(tag) == code
