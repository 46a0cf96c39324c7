"""Addresses of programmes."""

from __future__ import annotations

import pytest

from gateway.errors import InvalidValueError
from gateway.programmes.addresses import RtpAddress, UnicastAddress, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("rtp://239.1.2.3:5004", RtpAddress(("239.1.2.3", 5004))),
        ("rtp://[ff15::1]:5004", RtpAddress(("ff15::1", 5004))),
        ("udp://@9001", UnicastAddress(9001)),
    ],
)
def test_addresses_are_read_and_written(url: str, address: RtpAddress | UnicastAddress) -> None:
    assert parse_address(url) == address
    assert str(address) == url


def test_the_colon_of_other_players_is_taken() -> None:
    assert parse_address("udp://@:9001") == UnicastAddress(9001)


@pytest.mark.parametrize(
    "url",
    ["", "rtp://239.1.2.3", "rtp://host:5004", "rtp://1.2.3.4:0", "rtp://1.2.3.4:70000", "udp://@0", "udp://1.2.3.4:5",
     "http://1.2.3.4:5", "rtp://1.2.3.4:5/x", "rtp://1.2.3.4:5?ttl=1", "rtp://[::1:5"],
)  # fmt: skip
def test_what_terminals_cannot_open_is_refused(url: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_address(url)
