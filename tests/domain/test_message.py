"""Message, its states, air time and the order of frames."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import AreaCode, EbmId
from gateway.domain.events import EventType
from gateway.domain.message import (
    TRANSITIONS,
    VOLUME_KEEP,
    AirTime,
    EbmClass,
    Message,
    MessageState,
    frame_priority,
    may_become,
)
from gateway.domain.warning import Severity
from gateway.errors import InvalidValueError

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
AIR = AirTime({Severity.RED: 3600, Severity.ORANGE: 1800, Severity.YELLOW: 900, Severity.BLUE: 600})
MESSAGE = Message(
    ebm_id=EbmId("43505240000000101010101" + "20260701" + "0001"),
    warning_id="w1",
    ebm_class=EbmClass.EMERGENCY,
    severity=Severity.RED,
    event=EventType("11B03"),
    volume=80,
    start=START,
    end=START + timedelta(minutes=30),
    programme_url="",
    areas=(AreaCode("350524000000"),),
    headline="暴雨红色预警",
    text="请转移",
)


@pytest.mark.parametrize("volume", [0, 1, 100, VOLUME_KEEP])
def test_volumes_of_the_standard_are_taken(volume: int) -> None:
    assert replace(MESSAGE, volume=volume).volume == volume


@given(st.integers().filter(lambda v: not 0 <= v <= 100 and v != VOLUME_KEEP))
def test_other_volumes_are_refused_by_name(volume: int) -> None:
    with pytest.raises(InvalidValueError, match=r"volume.*0-100"):
        replace(MESSAGE, volume=volume)


def test_times_must_carry_a_zone_and_run_forward() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(InvalidValueError, match="time zone"):
        replace(MESSAGE, start=naive)
    with pytest.raises(InvalidValueError, match="time zone"):
        replace(MESSAGE, end=naive + timedelta(days=1))
    for end in (START, START - timedelta(seconds=1)):
        with pytest.raises(InvalidValueError, match="after the start"):
            replace(MESSAGE, end=end)


def test_times_of_two_zones_compare_as_instants() -> None:
    beijing = timezone(timedelta(hours=8))
    end = (START + timedelta(minutes=1)).astimezone(beijing)
    assert replace(MESSAGE, end=end).end == START + timedelta(minutes=1)


def test_a_message_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        MESSAGE.volume = 1  # type: ignore[misc]


@pytest.mark.parametrize("state", [s for s in MessageState if s.is_over])
def test_nothing_leaves_an_end(state: MessageState) -> None:
    assert not any(may_become(state, then) for then in MessageState)


def test_every_state_that_is_not_over_has_a_way_on_and_no_state_follows_itself() -> None:
    for state in MessageState:
        assert state.is_over is (state not in TRANSITIONS)
        assert not may_become(state, state)


def test_a_message_is_not_started_without_being_accepted() -> None:
    assert [s for s in MessageState if may_become(s, MessageState.ACTIVE)] == [MessageState.ACCEPTED]
    assert [s for s in MessageState if may_become(s, MessageState.REJECTED)] == [MessageState.AWAITING_APPROVAL]


@given(st.lists(st.sampled_from(MessageState), max_size=12))
def test_any_wish_list_passes_through_at_most_three_states_to_one_end(wishes: list[MessageState]) -> None:
    now, passed = MessageState.AWAITING_APPROVAL, 0
    for wish in wishes:
        if may_become(now, wish):
            assert not now.is_over
            now, passed = wish, passed + 1
    assert passed <= 3


def test_every_state_can_be_met() -> None:
    met = {MessageState.AWAITING_APPROVAL}
    for _ in MessageState:
        met |= {then for now in met for then in MessageState if may_become(now, then)}
    assert met == set(MessageState)


@pytest.mark.parametrize(("severity", "seconds"), [(Severity.RED, 3600), (Severity.BLUE, 600), (Severity.UNKNOWN, 600)])
def test_air_time_is_by_severity_and_unknown_counts_as_blue(severity: Severity, seconds: int) -> None:
    assert AIR.end(START, severity, None) == START + timedelta(seconds=seconds)


def test_unknown_may_have_an_air_time_of_its_own() -> None:
    air = AirTime({**AIR.seconds, Severity.UNKNOWN: 60})
    assert air.end(START, Severity.UNKNOWN, None) == START + timedelta(seconds=60)


def test_an_early_expiry_ends_the_air_time_and_a_late_one_does_not_prolong_it() -> None:
    assert AIR.end(START, Severity.RED, START + timedelta(minutes=5)) == START + timedelta(minutes=5)
    assert AIR.end(START, Severity.RED, START + timedelta(days=1)) == START + timedelta(hours=1)


@pytest.mark.parametrize("severity", [Severity.RED, Severity.ORANGE, Severity.YELLOW, Severity.BLUE])
def test_an_air_time_that_is_missing_or_nothing_is_refused_by_name(severity: Severity) -> None:
    for seconds in ({k: v for k, v in AIR.seconds.items() if k != severity}, {**AIR.seconds, severity: 0}):
        with pytest.raises(InvalidValueError, match=severity.name.lower()):
            AirTime(seconds)


def test_drills_are_the_first_three_classes() -> None:
    assert [c for c in EbmClass if c.is_drill] == [
        EbmClass.SYSTEM_DRILL,
        EbmClass.SIMULATED_DRILL,
        EbmClass.REAL_DRILL,
    ]
    assert all(c.label for c in EbmClass)


FRAMES = st.tuples(
    st.sampled_from(EbmClass),
    st.integers(0, 6),
    st.sampled_from(Severity),
    st.integers(0, 100).map(lambda s: START + timedelta(seconds=s)),
)


@given(st.lists(FRAMES, min_size=2, max_size=8))
def test_frames_go_emergency_drill_daily_then_by_platform_severity_and_start(
    frames: list[tuple[EbmClass, int, Severity, datetime]],
) -> None:
    for one, other in pairwise(sorted(frames, key=lambda frame: frame_priority(*frame))):
        # A platform level of 0, as seen in the field, says nothing: it goes last.
        keys = [
            (ebm_class is not EbmClass.EMERGENCY, ebm_class is EbmClass.DAILY, level or 9, severity.rank, start)
            for ebm_class, level, severity, start in (one, other)
        ]
        assert keys[0] <= keys[1]
