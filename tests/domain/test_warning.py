"""Warning: identity, equality, severity, the words to be spoken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.events import EventType
from gateway.domain.warning import (
    AreaClaim,
    Notice,
    Severity,
    Status,
    Warning,
    WarningIdentity,
    WarningKind,
    WarningText,
)

SENT = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
WARNING = Warning(
    identity=WarningIdentity("35052441600000", "35052441600000_20260701080000", SENT),
    status=Status.ACTUAL,
    kind=WarningKind.ALERT,
    scope="Public",
    event=EventType("11B03"),
    event_text="暴雨",
    severity=Severity.RED,
    texts=(WarningText("zh-CN", "暴雨红色预警", "三小时内降雨一百毫米。", "请转移。"),),
    claims=(AreaClaim("安溪县", (("GB/T 2260", "350524000000"),)),),
)


@given(st.integers(-12, 14), st.integers(-12, 14))
def test_the_same_instant_in_another_zone_is_the_same_identity(east: int, west: int) -> None:
    one, other = (
        WarningIdentity("a", "b", SENT.astimezone(timezone(timedelta(hours=hours)))) for hours in (east, west)
    )
    assert one == other
    assert len({one, other}) == 1


@pytest.mark.parametrize(
    "other",
    [
        WarningIdentity("x", "b", SENT),
        WarningIdentity("a", "x", SENT),
        WarningIdentity("a", "b", SENT + timedelta(seconds=1)),
    ],
)
def test_each_part_makes_another_identity(other: WarningIdentity) -> None:
    assert WarningIdentity("a", "b", SENT) != other


def test_an_identity_is_written_as_cap_refers_to_it() -> None:
    assert str(WarningIdentity("a", "b", SENT)) == "a,b,2026-07-01T08:00:00+00:00"


def test_equal_content_is_the_same_warning_whatever_was_noticed() -> None:
    noticed = replace(WARNING, notices=(Notice("coarse", "matched by outline"),))
    assert noticed == WARNING
    assert hash(noticed) == hash(WARNING)
    assert replace(WARNING, severity=Severity.ORANGE) != WARNING
    assert replace(WARNING, texts=()) != WARNING


def test_urgency_falls_from_red_to_unknown() -> None:
    by_urgency = sorted(Severity, key=lambda severity: severity.rank)
    assert by_urgency == [Severity.RED, Severity.ORANGE, Severity.YELLOW, Severity.BLUE, Severity.UNKNOWN]
    assert [severity.label.split()[1] for severity in by_urgency] == ["red", "orange", "yellow", "blue", "unknown"]


def test_a_device_is_never_sent_severity_nought() -> None:
    assert [severity.on_device for severity in Severity] == [4, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        (WarningText("zh", "标题", "描述", "建议", "喇叭"), "喇叭"),
        (WarningText("zh", "标题", "描述", "建议"), "描述\n建议"),
        (WarningText("zh", "标题", instruction="建议"), "建议"),
        (WarningText("zh", "标题"), "标题"),
        (WarningText("zh"), ""),
    ],
)
def test_what_is_read_aloud(text: WarningText, spoken: str) -> None:
    assert text.spoken == spoken
