"""The form of a short message: understood whole, or refused with the place that is wrong."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.zone import BEIJING
from gateway.errors import WarningInvalid
from gateway.publishers.sms_form import identity_of, read_sms

AT = datetime(2026, 11, 27, 3, 4, 5, tzinfo=BEIJING)
GOOD = "预警 暴雨 橙色 安溪县凤城镇、湖头镇 2小时 请注意防范。 速转移"


def test_a_warning_is_our_json_form() -> None:
    said = read_sms("+8613800138000", AT, GOOD)
    form = json.loads(said.body)
    assert form["status"] == "Actual" and form["severity"] == "orange" and form["event"] == "暴雨"
    assert form["headline"] == "暴雨橙色预警" and form["text"] == "请注意防范。 速转移"
    assert form["areas"] == [{"name": "安溪县凤城镇、湖头镇"}]
    assert datetime.fromisoformat(form["expires"]) == AT + timedelta(hours=2)
    assert form["sent"] == AT.isoformat() and form["identifier"] == identity_of("+8613800138000", AT, GOOD)


@pytest.mark.parametrize(
    "text", ["演练 台风 蓝 安溪县 30分钟 这是演练", "演练\u3000台风\n蓝色预警\u3000安溪县 30min\n这是演练"]
)
def test_a_drill_with_the_spaces_of_any_telephone(text: str) -> None:
    form = read_sms("13800138000", AT, text).form
    assert (form["status"], form["severity"], form["text"]) == ("Exercise", "blue", "这是演练")


def test_a_cancel_names_the_four_digits() -> None:
    assert read_sms("13800138000", AT, "解除 0012").cancels == "0012"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "类别"),
        ("你好", "类别"),
        ("告警 暴雨 橙色 安溪县 2小时 速避", "类别"),
        ("预警 暴雨 橙色 安溪县 2小时", "格式"),
        ("预警 下大雨啦 橙色 安溪县 2小时 速避", "事件"),
        ("预警 暴雨 紫色 安溪县 2小时 速避", "级别"),
        ("预警 暴雨 橙色 安溪县 明天 速避", "时长"),
        ("预警 暴雨 橙色 安溪县 0分钟 速避", "时长"),
        ("预警 暴雨 橙色 安溪县 25小时 速避", "时长"),
        ("解除", "编号"),
        ("解除 12", "编号"),
        ("解除 0012 0013", "编号"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(text: str, place: str) -> None:
    with pytest.raises(WarningInvalid) as refused:
        read_sms("13800138000", AT, text)
    (violation,) = refused.value.violations
    assert violation.path == place and violation.code == "sms_form" and place in violation.message


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    try:
        said = read_sms("13800138000", AT, text)
    except WarningInvalid:
        return
    assert said.cancels or said.form["text"]


def test_the_same_message_has_the_same_identity_and_another_has_not() -> None:
    one = identity_of("13800138000", AT, GOOD)
    assert one == identity_of("13800138000", AT, GOOD)
    others = {
        identity_of("13800138001", AT, GOOD),
        identity_of("13800138000", AT + timedelta(seconds=1), GOOD),
        identity_of("13800138000", AT, GOOD + "。"),
    }
    assert one not in others and len(others) == 3
