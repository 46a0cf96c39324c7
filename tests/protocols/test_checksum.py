from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.checksum import checks, crc16_ccitt, crc32_mpeg, seal


def by_bits(data: bytes) -> int:
    """The shift register of appendix G, bit by bit."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ 0x04C11DB7) & 0xFFFFFFFF if register & 0x80000000 else register << 1
    return register


def test_the_check_value_of_the_polynomial() -> None:
    assert crc32_mpeg(b"123456789") == 0x0376E6E7
    assert crc32_mpeg(b"") == 0xFFFFFFFF


@given(st.binary(max_size=300))
def test_equals_the_bitwise_register(data: bytes) -> None:
    assert crc32_mpeg(data) == by_bits(data)


@given(st.binary(max_size=300), st.integers(0), st.integers(1, 255))
def test_a_sealed_frame_checks_and_a_changed_one_does_not(data: bytes, at: int, change: int) -> None:
    sealed = bytearray(seal(data))
    assert checks(bytes(sealed))
    sealed[at % len(sealed)] ^= change
    assert not checks(bytes(sealed))


def test_fewer_bytes_than_a_checksum_never_check() -> None:
    assert not any(checks(bytes(size)) for size in range(4))
    assert not checks(b"\xff\xff\xff")


def test_crc16_check_value() -> None:
    assert crc16_ccitt(b"123456789") == 0x29B1
    assert crc16_ccitt(b"") == 0xFFFF
