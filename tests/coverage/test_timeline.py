"""The timeline: bounded, in order, and true at each of its points."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.coverage.timeline import LIMIT, Timeline


def _grow(gaps: list[float], limit: int = LIMIT) -> tuple[list[tuple[float, int]], tuple[tuple[float, int], ...]]:
    """Count one more at each instant; every true (t, count) and the points of the timeline."""
    line: Timeline[int] = Timeline(100.0, 0, limit=limit)
    truth, changed, count = [(100.0, 0)], 100.0, 0
    for gap in gaps:
        at = changed + gap
        if at >= line.due:
            line.turn(changed, count, at)
        changed, count = at, count + 1
        truth.append((at, count))
    return truth, line.points(changed, count)


@given(st.lists(st.floats(0, 30), max_size=200), st.integers(3, 20))
def test_it_is_bounded_in_order_and_ends_with_the_present(gaps: list[float], limit: int) -> None:
    truth, points = _grow(gaps, limit)
    assert len(points) <= limit
    assert points[0] == (100.0, 0)
    assert points[-1] == truth[-1]
    assert sorted(points) == list(points)
    last_at = dict(truth)
    assert all(last_at[t] == count for t, count in points if t > 100.0)


def test_a_minute_of_receipts_becomes_at_most_five_hundred_points_evenly_spread() -> None:
    _, points = _grow([0.005] * 12_000)
    assert LIMIT / 2 - 5 <= len(points) <= LIMIT
    gaps = [b[0] - a[0] for a, b in pairwise(points)]
    assert max(gaps) <= 0.4


def test_receipts_hours_later_do_not_cost_the_first_seconds_their_place() -> None:
    _, points = _grow([0.5] * 8 + [7200.0])
    assert [t - 100 for t, _ in points] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 7204])


def test_nothing_is_added_while_nothing_changes() -> None:
    line: Timeline[int] = Timeline(0.0, 0)
    for second in range(1, 50):
        line.turn(0.0, 0, float(second))
    assert line.points(0.0, 0) == ((0.0, 0),)


def test_a_change_at_the_origin_stands_after_the_zero() -> None:
    line: Timeline[int] = Timeline(5.0, 0)
    assert line.points(5.0, 3) == ((5.0, 0), (5.0, 3))
