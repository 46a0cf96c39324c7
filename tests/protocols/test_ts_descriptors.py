import pytest

from gateway.errors import InvalidValueError
from gateway.protocols.fields import Layout
from gateway.protocols.ts_descriptors import (
    CABLE,
    DESCRIPTORS,
    TERRESTRIAL,
    CableDelivery,
    Descriptor,
    Descriptors,
    TerrestrialDelivery,
)
from gateway.protocols.ts_index import CONTENT_STREAM, Stream

LOOP: Layout[Descriptors] = Layout("loop", DESCRIPTORS)


def test_cable_474_mhz_6875_kbd_qam64() -> None:
    cable = CableDelivery.of(474_000, 6_875, 3)
    # 0474.0000 MHz, reserved and FEC_outer, QAM64, 006.8750 MBd and FEC_inner
    assert CABLE.build(cable).hex() == "04740000" + "fff0" + "03" + "0068750f"
    assert (cable.freq_khz, cable.symbol_rate_k) == (474_000, 6_875)
    assert CableDelivery(0xA0000000, 0xA, 3).freq_khz is None
    assert CableDelivery(0xA0000000, 0xA, 3).symbol_rate_k is None


def test_numbers_with_too_many_digits_are_named() -> None:
    with pytest.raises(InvalidValueError, match="freq_khz"):
        CableDelivery.of(10_000_000, 6_875, 3)
    with pytest.raises(InvalidValueError, match="symbol_rate_k"):
        CableDelivery.of(474_000, 1_000_000, 3)


def test_terrestrial_fields_lie_in_nibbles() -> None:
    raw = bytes.fromhex("02D32B80" + "12345B")
    value = TERRESTRIAL.parse(raw)
    assert value == TerrestrialDelivery(0x02D32B80, 1, 2, 3, 4, 5, other_frequency=1, single_frequency=0)
    assert TERRESTRIAL.build(value) == raw


@pytest.mark.parametrize("raw", ["f003440141", "f0034401ff", "f002ab00", "f000", "00024400"])
def test_other_lengths_and_tags_stay_bytes(raw: str) -> None:
    loop = LOOP.parse(bytes.fromhex(raw))
    assert all(isinstance(one.value, bytes) for one in loop.items)
    assert LOOP.build(loop).hex() == raw


@pytest.mark.parametrize("raw", ["f0024401", "f00144", "f003ab00", "f400" + "ab00" * 512])
def test_loops_that_do_not_close_are_malformed(raw: str) -> None:
    assert LOOP.fits(bytes.fromhex(raw)) is None


def test_a_loop_beyond_1023_bytes_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="1023"):
        LOOP.build(Descriptors((Descriptor(0xAB, bytes(255)),) * 4))


def test_a_value_needs_the_layout_of_its_tag() -> None:
    with pytest.raises(InvalidValueError, match="descriptor"):
        LOOP.build(Descriptors((Descriptor(0xAB, CableDelivery.of(474_000, 6_875, 3)),)))


def test_the_content_table_as_element_has_type_5() -> None:
    assert (Stream.content().stream_type, Stream.content().pid) == (CONTENT_STREAM, 0x21) == (5, 0x21)
