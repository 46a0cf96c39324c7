"""Addresses of programmes, as start frames carry them (GD/J 089-2018 D.5 no. 11)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.errors import InvalidValueError

Endpoint = tuple[str, int]
_UNICAST: Final = re.compile(r"udp://@:?(\d{1,5})")


@dataclass(frozen=True, slots=True)
class RtpAddress:
    """``rtp://IP:port``: one RTP stream that terminals join (a group) or that one host gets (a unicast address)."""

    endpoint: Endpoint

    def __str__(self) -> str:
        host = self.endpoint[0]
        return f"rtp://{f'[{host}]' if ':' in host else host}:{self.endpoint[1]}"


@dataclass(frozen=True, slots=True)
class UnicastAddress:
    """``udp://@port``: every terminal listens on this port, and gets mp3 in datagrams of its own."""

    port: int

    def __str__(self) -> str:
        return f"udp://@{self.port}"


def parse_address(url: str) -> RtpAddress | UnicastAddress:
    """Read a programme's address. Errors: InvalidValueError; names are refused, for a lookup may hang."""
    if match := _UNICAST.fullmatch(url):
        return UnicastAddress(_port(url, int(match[1])))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidValueError("programme address", url, str(error)) from error
    if parts.scheme != "rtp" or port is None or parts.path.strip("/") or parts.query:
        raise InvalidValueError("programme address", url, "must be rtp://IP:port or udp://@port (GD/J 089-2018 D.5)")
    return RtpAddress(endpoint(host, _port(url, port)))


def endpoint(host: str, port: int) -> Endpoint:
    """A host and port to send to. Errors: InvalidValueError for what is no IP address."""
    try:
        return str(ipaddress.ip_address(host)), _port(host, port)
    except ValueError as error:
        raise InvalidValueError("host", host, "must be an IP address") from error


def _port(value: object, port: int) -> int:
    if not 1 <= port <= 65535:
        raise InvalidValueError("port", value, "must be 1-65535")
    return port
