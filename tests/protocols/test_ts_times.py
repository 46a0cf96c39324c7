from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError
from gateway.protocols.ts_time import OPEN_END, WALL_CLOCK, MjdTime, TsTime, WallClock


def test_the_example_of_annex_a() -> None:
    # MJD 45218 is 1982-09-06
    assert MjdTime((45218).to_bytes(2, "big") + b"\0\0\0").clock == datetime(1982, 9, 6)


def test_the_vector_in_both_readings() -> None:
    time = MjdTime(bytes.fromhex("EC2E160000"))
    assert time.clock == datetime(2024, 6, 1, 16)
    assert time.seconds(TsTime.BEIJING) == 1717228800
    assert time.seconds(TsTime.UTC) == 1717228800 + 28800
    assert MjdTime.of(1717228800, TsTime.BEIJING) == time
    assert MjdTime.of(1717228800, TsTime.UTC).raw.hex() == "ec2e080000"


def test_midnight_moves_the_day() -> None:
    # 2024-06-01 16:00:00 UTC is midnight of the 2nd in Beijing
    assert MjdTime.of(1717257600, TsTime.BEIJING).raw.hex() == "ec2f000000"


@given(st.integers(0, 2155593599 - 28800), st.sampled_from(TsTime))
def test_times_come_back(seconds: int, ts_time: TsTime) -> None:
    assert MjdTime.of(seconds, ts_time).seconds(ts_time) == seconds


@pytest.mark.parametrize("raw", ["FFFFFFFFFF", "EC2E240000", "EC2E006000", "EC2E000060", "EC2E0A0000"])
def test_what_is_no_time(raw: str) -> None:
    assert MjdTime(bytes.fromhex(raw)).clock is None
    assert MjdTime(bytes.fromhex(raw)).seconds(TsTime.UTC) is None


def test_an_open_end_is_all_ones() -> None:
    assert OPEN_END.raw == b"\xff" * 5


def test_the_last_day_of_16_bits() -> None:
    assert MjdTime.of(2155593599, TsTime.UTC).clock == datetime(2038, 4, 22, 23, 59, 59)
    with pytest.raises(InvalidValueError, match="2038-04-22"):
        MjdTime.of(2155593600, TsTime.UTC)


def test_the_wall_clock_is_beijing() -> None:
    clock = WallClock.of(1717228800)
    assert clock == WallClock(2024, 6, 1, 16, 0, 0)
    assert clock.seconds == 1717228800
    assert WALL_CLOCK.build(clock).hex() == "07e80601100000"
    assert WallClock(2024, 2, 30, 0, 0, 0).seconds is None
