from __future__ import annotations

import pytest

from emulator.sound_source import SoundSource, Way, parse_source
from gateway.errors import InvalidValueError
from gateway.programmes.addresses import RtpAddress, UnicastAddress


@pytest.mark.parametrize(
    ("url", "way", "host", "port", "group"),
    [
        ("rtp://239.1.1.1:5004", Way.RTP, "239.1.1.1", 5004, True),
        ("rtp://127.0.0.1:5006", Way.RTP, "127.0.0.1", 5006, False),
        ("rtp://[ff15::1]:5004", Way.RTP, "ff15::1", 5004, True),
        ("udp://@5008", Way.UNICAST, "", 5008, False),
        ("udp://@:5008", Way.UNICAST, "", 5008, False),
        ("http://gateway.example/sound/1.mp3", Way.PULL, "gateway.example", 80, False),
        ("https://127.0.0.1:8443/sound/1.mp3", Way.PULL, "127.0.0.1", 8443, False),
    ],
)
def test_addresses_of_table_d5(url: str, way: Way, host: str, port: int, group: bool) -> None:
    source = parse_source(url)
    assert source == SoundSource(way, url, host, port)
    assert source.is_group is group


@pytest.mark.parametrize(
    "url",
    [
        "", "rtp://239.1.1.1", "rtp://239.1.1.1:0", "rtp://239.1.1.1:70000", "rtp://town.example:5004", "udp://@0",
        "udp://@70000", "udp://239.1.1.1:5004", "rtsp://127.0.0.1:554/1", "http:///1.mp3", "rtp://[ff15::1:5004",
    ],
)  # fmt: skip
def test_what_is_no_address_is_named(url: str) -> None:
    with pytest.raises(InvalidValueError, match="programme address"):
        parse_source(url)


def test_what_the_gateway_writes_is_read() -> None:
    assert parse_source(str(RtpAddress(("ff15::1", 5004)))).way is Way.RTP
    assert parse_source(str(UnicastAddress(5008))).way is Way.UNICAST
