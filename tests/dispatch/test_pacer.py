"""The due-time heap on a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.pacer import Pacer
from tests.dispatch.fakes import FakeTimer


@given(st.lists(st.integers(-5, 100), max_size=30))
def test_everything_comes_once_and_in_order_of_time_then_of_asking(delays: list[int]) -> None:
    timer, came = FakeTimer(), list[tuple[float, int]]()
    pacer = Pacer(timer)
    for number, delay in enumerate(delays):
        pacer.after(delay, lambda n=number, d=delay: came.append((max(0.0, d), n)))  # type: ignore[misc]
    assert len(pacer) == len(delays)
    assert timer.armed == (1 if delays else 0)
    timer.advance(101)
    assert came == sorted(came)
    assert len(came) == len(delays)
    assert len(pacer) == 0
    assert timer.armed == 0


def test_nothing_comes_early() -> None:
    timer, came = FakeTimer(), list[str]()
    pacer = Pacer(timer)
    pacer.after(10, lambda: came.append("late"))
    pacer.after(1, lambda: came.append("soon"))
    timer.advance(0.9)
    assert came == []
    timer.advance(0.2)
    assert came == ["soon"]
    timer.advance(8.8)
    assert came == ["soon"]
    timer.advance(0.2)
    assert came == ["soon", "late"]


def test_what_one_call_asks_for_is_paced_too() -> None:
    timer, came = FakeTimer(), list[float]()
    pacer = Pacer(timer)

    def again() -> None:
        came.append(timer.now)
        if len(came) < 3:
            pacer.after(5, again)

    pacer.after(5, again)
    timer.advance(20)
    assert came == [105, 110, 115]


def test_one_that_fails_does_not_take_the_others_with_it() -> None:
    timer, came = FakeTimer(), list[str]()
    pacer = Pacer(timer)

    def broken() -> None:
        raise RuntimeError("broken")

    pacer.after(1, broken)
    pacer.after(1, lambda: came.append("same time"))
    pacer.after(2, lambda: came.append("later"))
    with pytest.raises(RuntimeError):
        timer.advance(3)
    timer.advance(3)
    assert came == ["same time", "later"]


def test_closed_it_forgets_all_and_arms_nothing_any_more() -> None:
    timer, came = FakeTimer(), list[str]()
    pacer = Pacer(timer)
    pacer.after(1, lambda: came.append("never"))
    pacer.close()
    pacer.after(1, lambda: came.append("nor this"))
    assert timer.armed == 0
    assert len(pacer) == 0
    timer.advance(5)
    assert came == []
