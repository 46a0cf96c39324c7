from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError, ReplayDetected
from gateway.security.replay import ReplayGuard, ReplayMode, ReplayState, mode_of
from gateway.security.sig_time import TIME_FLOOR

ONE, TWO = CertificateSerial("000000000142"), CertificateSerial("000000000143")
NOW = 1_780_000_000


def digest(text: object) -> bytes:
    return hashlib.sha256(str(text).encode()).digest()


def fresh(guard: ReplayGuard, sig_time: int, name: object, now: float = NOW, **more: object) -> bool:
    """Whether the frame is admitted (``check`` must say the same beforehand)."""
    try:
        guard.check(ONE, sig_time, digest(name), now, **more)  # type: ignore[arg-type]
    except ReplayDetected as error:
        assert error.result == 52
        with pytest.raises(ReplayDetected):
            guard.admit(ONE, sig_time, digest(name), now, **more)  # type: ignore[arg-type]
        return False
    guard.admit(ONE, sig_time, digest(name), now, **more)  # type: ignore[arg-type]
    return True


@pytest.mark.parametrize(("offset", "good"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_the_window_of_times(offset: int, good: bool) -> None:
    assert fresh(ReplayGuard(), NOW + offset, "a") is good


def test_a_frame_seen_is_refused_and_another_of_the_same_second_is_not() -> None:
    guard = ReplayGuard()
    assert fresh(guard, NOW, "a")
    assert fresh(guard, NOW, "b")
    assert not fresh(guard, NOW, "a", NOW + 299)


def test_check_alone_remembers_nothing() -> None:
    guard = ReplayGuard()
    for _ in range(3):
        guard.check(ONE, NOW, digest("a"), NOW)
    assert guard.mode(ONE) is None
    assert guard.export() == ()


def test_counters_rise_strictly() -> None:
    guard = ReplayGuard()
    verdicts = [fresh(guard, value, name) for name, value in enumerate([2525, 2525, 2524, 2526, 9000, 2527])]
    assert verdicts == [True, False, False, True, True, False]
    assert guard.mode(ONE) is ReplayMode.COUNTER


def test_a_certificate_is_never_in_both_modes() -> None:
    timed, counting = ReplayGuard(), ReplayGuard()
    assert fresh(timed, NOW, "a")
    assert not fresh(timed, 2525, "b")
    assert fresh(counting, 2525, "a")
    assert not fresh(counting, NOW, "b")
    # The other certificate learns its own.
    counting.admit(TWO, NOW, digest("b"), NOW)
    assert counting.mode(TWO) is ReplayMode.TIME


def test_the_border_between_time_and_counter() -> None:
    assert mode_of(TIME_FLOOR) is ReplayMode.TIME
    assert mode_of(TIME_FLOOR - 1) is ReplayMode.COUNTER


def test_a_mode_set_by_hand_rules() -> None:
    guard = ReplayGuard()
    guard.set_mode(ONE, ReplayMode.COUNTER)
    assert not fresh(guard, NOW, "a")
    guard.set_mode(ONE, ReplayMode.TIME)
    assert fresh(guard, NOW, "a")
    guard.set_mode(ONE, ReplayMode.TIME)
    assert not fresh(guard, NOW, "a")


def test_roots_keep_their_counters_apart() -> None:
    guard = ReplayGuard()
    guard.admit(ONE, 10, digest("a"), NOW, root="a")
    guard.admit(ONE, 5, digest("b"), NOW, root="b")
    with pytest.raises(ReplayDetected, match="not above 10"):
        guard.check(ONE, 7, digest("c"), NOW, root="a")


def test_a_repeating_bearer_is_good_until_the_message_ends() -> None:
    guard = ReplayGuard()
    end = NOW + 3600
    assert all(fresh(guard, NOW, "ts", NOW + later, until=end) for later in (0, 1, 1200, 3600))
    assert not fresh(guard, NOW, "ts", NOW + 3601, until=end)
    # From the future is from the future on any bearer.
    assert not fresh(guard, NOW + 301, "ts", NOW, until=end)
    counting = ReplayGuard()
    assert all(fresh(counting, 7, "rds", NOW + later, until=end) for later in (0, 60))
    assert not fresh(counting, 7, "ip", NOW + 60)


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_a_time_beyond_32_bits_is_refused(value: int) -> None:
    assert not fresh(ReplayGuard(), value, "a")


def test_what_survives_a_restart() -> None:
    guard = ReplayGuard()
    guard.admit(ONE, 2525, digest("a"), NOW)
    guard.admit(TWO, NOW, digest("b"), NOW)
    kept = guard.export()
    assert set(kept) == {
        ReplayState("default", ONE, ReplayMode.COUNTER, 2525),
        ReplayState("default", TWO, ReplayMode.TIME, NOW),
    }
    after = ReplayGuard()
    after.restore(kept)
    for serial, value in ((ONE, 2525), (ONE, NOW), (TWO, NOW), (TWO, 7)):
        with pytest.raises(ReplayDetected):
            after.check(serial, value, digest("b"), NOW + 1)
    after.admit(ONE, 2526, digest("c"), NOW + 1)
    after.admit(TWO, NOW + 1, digest("d"), NOW + 1)
    # Times of one second may come twice again: the digests are there.
    after.admit(TWO, NOW + 1, digest("e"), NOW + 1)
    after.restore(kept)
    assert set(after.export()) == {kept[0]._replace(last=2526), kept[1]._replace(last=NOW + 1)}


def test_full_memory_refuses_old_times_rather_than_forget_them() -> None:
    guard = ReplayGuard(limit=10)
    for number in range(50):
        assert fresh(guard, NOW + number, number, NOW + number)
    for number in range(50):
        assert not fresh(guard, NOW + number, number, NOW + 49)
    assert fresh(guard, NOW + 50, "new", NOW + 50)
    assert len(guard._seen) == len(guard._by_time) <= 10


def test_digests_leave_with_their_window() -> None:
    guard = ReplayGuard()
    for number in range(1000):
        guard.admit(ONE, NOW + number, digest(number), NOW + number)
    assert len(guard._seen) == len(guard._by_time) <= 302


@settings(max_examples=150)
@given(
    frames=st.lists(st.tuples(st.integers(0, 6), st.integers(-320, 320)), min_size=1, max_size=60),
    limit=st.integers(1, 20),
    data=st.data(),
)
def test_no_frame_is_admitted_twice_whatever_the_clock_does(
    frames: list[tuple[int, int]], limit: int, data: st.DataObject
) -> None:
    """Frames are a few (time, body) pairs sent again and again; the clock jumps, the process restarts."""
    guard = ReplayGuard(limit=limit)
    now = NOW
    admitted: list[tuple[int, int]] = []
    for body, step in frames:
        now += step if data.draw(st.booleans()) else 0
        if data.draw(st.integers(0, 9)) == 0:
            kept = guard.export()
            guard = ReplayGuard(limit=limit)
            guard.restore(kept)
        sig_time = NOW + 40 * body
        if fresh(guard, sig_time, (sig_time, body), now):
            assert abs(now - sig_time) <= 300
            admitted.append((sig_time, body))
    assert len(admitted) == len(set(admitted))


@given(st.lists(st.integers(0, 50), max_size=60))
def test_admitted_counters_are_the_running_maxima(values: list[int]) -> None:
    guard = ReplayGuard()
    highest, expected = -1, []
    for value in values:
        if value > highest:
            highest = value
            expected.append(value)
    assert [value for name, value in enumerate(values) if fresh(guard, value, name)] == expected


def test_senseless_settings_are_refused() -> None:
    with pytest.raises(InvalidValueError):
        ReplayGuard(window=0)
    with pytest.raises(InvalidValueError):
        ReplayGuard(limit=0)
