"""The retry table of the design as a pure rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.retry import RetryRule, Step
from gateway.protocols.results import MEANINGS, ResultCode

RULE = RetryRule()
counts = st.integers(0, 20)


@pytest.mark.parametrize("result", [11, 31, 53, 73])
def test_busy_and_slow_back_off_and_get_a_new_session(result: int) -> None:
    assert [RULE.after_answer(result, 1, session) for session in range(7)] == [Step.RENEW] * 5 + [Step.GIVE_UP] * 2


@pytest.mark.parametrize("result", [13, 15])
def test_hurt_on_the_way_gets_the_same_bytes_at_most_three_times_then_a_new_session(result: int) -> None:
    assert [RULE.after_answer(result, tries, 1) for tries in range(1, 5)] == [
        Step.REPEAT,
        Step.REPEAT,
        Step.RENEW,
        Step.RENEW,
    ]
    assert RULE.after_answer(result, 3, 5) is Step.GIVE_UP


@pytest.mark.parametrize("result", [12, 14, 52, 54, 55, 59, 71, 99, 255])
def test_what_will_never_work_and_what_nobody_knows_is_for_a_person(result: int) -> None:
    assert {RULE.after_answer(result, tries, session) for tries in range(5) for session in range(5)} == {Step.GIVE_UP}


def test_yes_is_the_end_of_it() -> None:
    assert RULE.after_answer(0, 3, 5) is Step.DONE


@given(counts, counts)
def test_silence_repeats_then_renews_then_ends(tries: int, session: int) -> None:
    step = RULE.after_silence(tries, session)
    if tries < RULE.same_frame_tries:
        assert step is Step.REPEAT
    else:
        assert step is (Step.RENEW if session < RULE.sessions else Step.GIVE_UP)


@given(st.integers(0, 255), st.integers(1, 10), st.integers(1, 10))
def test_no_answer_keeps_a_delivery_going_for_ever(result: int, same: int, sessions: int) -> None:
    rule = RetryRule(same_frame_tries=same, sessions=sessions)
    written, tries, session = 1, 1, 1
    while (step := rule.after_answer(result, tries, session)) not in (Step.DONE, Step.GIVE_UP):
        tries, session = (tries + 1, session) if step is Step.REPEAT else (1, session + 1)
        written += 1
        assert written <= same * sessions
    assert (step is Step.DONE) == (result == ResultCode.OK)


@given(st.integers(-3, 100))
def test_pauses_grow_and_are_capped(session: int) -> None:
    rule = RetryRule(first_wait=2.0, longest_wait=60.0)
    pause = rule.pause(session)
    assert 2.0 <= pause <= 60.5
    least = min(60.0, 2.0 * 2 ** (max(1, session) - 1))
    assert least <= pause <= least + 0.5


def test_every_code_of_the_standard_has_a_step() -> None:
    assert {RULE.after_answer(int(code), 1, 1) for code in MEANINGS} == set(Step)
