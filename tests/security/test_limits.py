from __future__ import annotations

import pytest

from gateway.errors import InvalidValueError
from gateway.security.limits import Notice, OncePerSource


def test_one_line_per_source_and_interval_with_the_number_passed_over() -> None:
    failures = OncePerSource(60)
    assert failures.note("10.0.0.1", 0) == Notice(True, 0)
    assert failures.note("10.0.0.1", 1) == Notice(False, 1)
    assert failures.note("10.0.0.2", 2) == Notice(True, 0)
    assert failures.note("10.0.0.1", 59.9) == Notice(False, 2)
    assert failures.note("10.0.0.1", 60) == Notice(True, 2)
    assert failures.note("10.0.0.1", 61) == Notice(False, 1)
    assert failures.total == 6


def test_many_sources_cost_bounded_memory() -> None:
    failures = OncePerSource(60, limit=100)
    assert all(failures.note(source, 0).log for source in range(1000))
    assert failures.note(999, 1) == Notice(False, 1)
    # Forgotten, so logged again.
    assert failures.note(0, 1) == Notice(True, 0)
    assert failures.total == 1002


def test_a_clock_set_back_does_not_silence_a_source() -> None:
    failures = OncePerSource(60)
    failures.note("a", 1000)
    assert failures.note("a", 10).log


def test_senseless_settings_are_refused() -> None:
    with pytest.raises(InvalidValueError):
        OncePerSource(0)
