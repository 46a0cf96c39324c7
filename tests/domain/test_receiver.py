"""Terminals and profiles: defaults of the standard, and no wrong state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import AreaCode, PhysicalAddress, ResourceCode
from gateway.domain.receiver import IP_ROUTE, Profile, Terminal, UnsignedForm
from gateway.errors import InvalidValueError

AREA = AreaCode("350524100201")
TERMINAL = Terminal(ResourceCode.build(6, AREA), PhysicalAddress("000000000001"), "凤城 1 号", AREA)


def test_a_terminal_speaks_appendix_d_over_ip_unless_said_otherwise() -> None:
    assert TERMINAL.routes == (IP_ROUTE,)
    assert TERMINAL.in_service
    profile = Profile(TERMINAL.profile)
    assert (profile.code_length, profile.unsigned_form) == (12, UnsignedForm.ZERO_LENGTH)


def test_a_terminal_may_carry_a_code_of_another_place() -> None:
    moved = replace(TERMINAL, area=AreaCode("350524101200"))
    assert moved.code.area != moved.area


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 5000))
def test_positions_on_earth_are_taken(lat: float, lon: float, radius: float) -> None:
    assert replace(TERMINAL, lat=lat, lon=lon, radius_m=radius).radius_m == radius


@pytest.mark.parametrize(
    ("lat", "lon", "radius", "field"),
    [
        (25.0, None, 0.0, "lat, lon"),
        (None, 118.0, 0.0, "lat, lon"),
        (90.1, 118.0, 0.0, "lat"),
        (float("nan"), 118.0, 0.0, "lat"),
        (25.0, 180.5, 0.0, "lon"),
        (25.0, float("-inf"), 0.0, "lon"),
        (25.0, 118.0, -1.0, "radius_m"),
        (25.0, 118.0, float("inf"), "radius_m"),
        (25.0, 118.0, float("nan"), "radius_m"),
    ],
)
def test_other_positions_are_refused_by_name(lat: float | None, lon: float | None, radius: float, field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        replace(TERMINAL, lat=lat, lon=lon, radius_m=radius)
    assert caught.value.field == field


@pytest.mark.parametrize("length", [0, 8, 11, 23])
def test_a_code_has_nine_or_twelve_bytes(length: int) -> None:
    with pytest.raises(InvalidValueError, match="code_length"):
        Profile("x", code_length=length)
    assert Profile("x", code_length=9).code_length == 9


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_heartbeat_takes_time(seconds: float) -> None:
    with pytest.raises(InvalidValueError, match="heartbeat_seconds"):
        Profile("x", heartbeat_seconds=seconds)
