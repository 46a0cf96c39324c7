import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError
from gateway.protocols.time_base import ClockVerdict, TimeBase, check_clock, to_unix, to_wire

NOON = 1717228800


def test_beijing_counts_eight_hours_more() -> None:
    assert to_wire(NOON, TimeBase.UNIX) == NOON
    assert to_wire(NOON, TimeBase.BEIJING) == NOON + 28_800
    assert to_unix(NOON + 28_800, TimeBase.BEIJING) == NOON


@given(st.integers(0, 0xFFFFFFFF), st.sampled_from(TimeBase))
def test_what_is_on_the_wire_comes_back(wire: int, base: TimeBase) -> None:
    assert to_wire(to_unix(wire, base), base) == wire


@pytest.mark.parametrize(
    ("unix", "base"), [(-1, TimeBase.UNIX), (1 << 32, TimeBase.UNIX), ((1 << 32) - 28_800, TimeBase.BEIJING)]
)
def test_what_32_bits_do_not_hold_is_refused(unix: int, base: TimeBase) -> None:
    with pytest.raises(InvalidValueError, match="time"):
        to_wire(unix, base)


@pytest.mark.parametrize(
    ("base", "ahead", "verdict", "proposed"),
    [
        (TimeBase.UNIX, 0, ClockVerdict.PLAUSIBLE, None),
        (TimeBase.UNIX, 120, ClockVerdict.PLAUSIBLE, None),
        (TimeBase.UNIX, -121, ClockVerdict.CLOCK_OFF, None),
        (TimeBase.UNIX, 28_800, ClockVerdict.OTHER_BASE, TimeBase.BEIJING),
        (TimeBase.UNIX, 28_680, ClockVerdict.OTHER_BASE, TimeBase.BEIJING),
        (TimeBase.UNIX, 28_921, ClockVerdict.CLOCK_OFF, None),
        (TimeBase.UNIX, -28_800, ClockVerdict.CLOCK_OFF, None),
        (TimeBase.BEIJING, 28_800, ClockVerdict.PLAUSIBLE, None),
        (TimeBase.BEIJING, 0, ClockVerdict.OTHER_BASE, TimeBase.UNIX),
        (TimeBase.BEIJING, 57_600, ClockVerdict.CLOCK_OFF, None),
        (TimeBase.UNIX, 3_600, ClockVerdict.CLOCK_OFF, None),
    ],
)
def test_what_a_connection_time_says(
    base: TimeBase, ahead: int, verdict: ClockVerdict, proposed: TimeBase | None
) -> None:
    check = check_clock(NOON + ahead, float(NOON), base)
    assert (check.verdict, check.proposed) == (verdict, proposed)
    assert check.ahead_s == ahead - (28_800 if base is TimeBase.BEIJING else 0)


def test_the_tolerance_is_the_callers() -> None:
    assert check_clock(NOON + 200, NOON, TimeBase.UNIX).verdict is ClockVerdict.CLOCK_OFF
    assert check_clock(NOON + 200, NOON, TimeBase.UNIX, tolerance=300).verdict is ClockVerdict.PLAUSIBLE
