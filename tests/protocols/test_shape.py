import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.shape import FEEDBACK, IP, IP_LEGACY, SHAPES, Fit, hold, shapes_of, sounds_right
from tests.protocols.golden import BY_ID, changed, frame, of

SHAPE_OF = {"ip": IP, "ip-legacy": IP_LEGACY, "feedback": FEEDBACK}


@pytest.mark.parametrize("name", of("ip", "ip-legacy", "feedback"))
def test_every_frame_fits_one_shape_only(name: str) -> None:
    data, expected = frame(name), SHAPE_OF[BY_ID[name]["protocol"]]
    assert shapes_of(data)[0] is expected
    fitting = [shape for shape in SHAPES if hold(data, 0, shape, len(data)).fit is Fit.YES]
    assert fitting == [expected]
    assert data[hold(data, 0, expected, len(data)).number] in (0x01, 0x02, *range(0x10, 0x18), 0x30)


@pytest.mark.parametrize("name", ["C1", "C11", "C46"])
def test_a_shape_asks_for_what_it_needs_and_then_decides(name: str) -> None:
    data, shape = frame(name), SHAPE_OF[BY_ID[name]["protocol"]]
    size = 12
    while (fitting := hold(data[:size], 0, shape, len(data))).fit is Fit.UNKNOWN:
        assert size < fitting.number <= len(data)
        size = fitting.number
    assert fitting.fit is Fit.YES


def test_counts_beyond_the_length_fit_nothing() -> None:
    data = changed(frame("C1"), 24, 500, 2)
    assert hold(data, 0, IP, len(data)).fit is Fit.NO
    assert hold(data, 0, IP, 20).fit is Fit.NO


def test_a_head_sounds_right_by_its_fixed_fields_and_decimal_source() -> None:
    good = frame("C5")
    assert sounds_right(good, 0, IP)
    assert sounds_right(b"\0" + frame("C11"), 1, FEEDBACK)
    for at, value in ((2, 2), (8, 3), (9, 2), (12, 0x63), (15, 0xAA)):
        assert not sounds_right(good[:at] + bytes([value]) + good[at + 1 :], 0, IP)
    assert not sounds_right(good[:20], 0, IP)
    assert not sounds_right(good, 0, IP_LEGACY)


@given(st.binary(max_size=200), st.integers(0, 0xFFFF))
def test_any_bytes_can_be_held_against_any_shape(data: bytes, total: int) -> None:
    assert len(shapes_of(data)) <= len(SHAPES)
    for shape in SHAPES:
        fitting = hold(data, 0, shape, total)
        assert fitting.fit is not Fit.YES or fitting.number < total
