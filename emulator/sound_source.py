"""Where a start says that its sound comes from 节目地址 (GD/J 089-2018 table D.5 no. 11), as a terminal reads it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from gateway.errors import InvalidValueError
from gateway.protocols.ip_bodies import STREAM, StartBroadcast

_UNICAST: Final = re.compile(r"udp://@:?(\d{1,5})")
_PULL_PORTS: Final = {"http": 80, "https": 443}


class Way(Enum):
    """How sound comes; only RTP numbers its packets."""

    UNICAST = "unicast"
    RTP = "rtp"
    #: our extension, for terminals behind NAT
    PULL = "pull"


@dataclass(frozen=True, slots=True)
class SoundSource:
    """One address. ``host`` is the group or host of RTP; unicast comes to the terminal's own address."""

    way: Way
    url: str
    host: str = ""
    port: int = 0

    @property
    def is_group(self) -> bool:
        """Whether it must be joined."""
        return self.way is Way.RTP and ipaddress.ip_address(self.host).is_multicast


def parse_source(url: str) -> SoundSource:
    """Read an address. Errors: InvalidValueError."""
    if match := _UNICAST.fullmatch(url):
        return SoundSource(Way.UNICAST, url, port=_port(url, int(match[1])))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "rtp":
            host = str(ipaddress.ip_address(host))
    except ValueError as error:
        raise InvalidValueError("programme address", url, str(error)) from error
    if parts.scheme in _PULL_PORTS and host:
        return SoundSource(Way.PULL, url, host, _port(url, _PULL_PORTS[parts.scheme] if port is None else port))
    if parts.scheme == "rtp" and port is not None:
        return SoundSource(Way.RTP, url, host, _port(url, port))
    raise InvalidValueError("programme address", url, "must be rtp://IP:port, udp://@port or http(s)://…")


def source_of(body: StartBroadcast) -> SoundSource | None:
    """The address that a start names, or None. Errors: InvalidValueError for one that cannot be read."""
    for auxiliary in body.aux:
        if auxiliary.kind == STREAM:
            return parse_source(auxiliary.text)
    return None


def _port(url: str, port: int) -> int:
    if not 1 <= port <= 65535:
        raise InvalidValueError("programme address", url, "must name a port 1-65535")
    return port
