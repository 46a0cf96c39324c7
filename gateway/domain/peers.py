"""Peers 对端平台: who else speaks the platform interface with us (GD/J 083-2018), and how each of them is treated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from gateway.domain.codes import AreaCode
from gateway.errors import InvalidValueError


class PeerRole(StrEnum):
    """What a peer is to us."""

    #: 上级平台: sends us messages, gets receipts, states, resources and logs
    SUPERIOR = "superior"
    #: 下级平台: the other way round
    SUBORDINATE = "subordinate"
    #: 广播电视台站、适配器 with this interface: gets messages, gives states
    STATION = "station"

    @property
    def commands(self) -> bool:
        """Whether it may send us messages to broadcast without asking a person."""
        return self is PeerRole.SUPERIOR


class BareSound(StrEnum):
    """What becomes of a programme file that no digest protects: the signature covers the business data alone."""

    ACCEPT = "accept"
    #: the text is spoken instead
    SPEAK = "speak"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One peer. Codes are of 23 digits (GD/J 080-2018) or 18 (the draft before it); the length tells its form.

    ``urls``: where it is called, in this order. ``networks``: from where it calls; empty: from anywhere. ``interval``:
    seconds between heartbeats, both ways; it is away when ``missed`` of them did not come. ``retry``: seconds between
    tries of a package, the last one again and again. ``lost_code``: StateCode of a terminal that is not heard of.
    """

    name: str
    role: PeerRole
    code: str
    #: ours in its books; empty: the gateway's own
    own_code: str = ""
    title: str = ""
    #: the division that it serves
    area: AreaCode | None = None
    urls: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    enabled: bool = True
    coverage_b: bool = False
    #: whether the information body EBDI goes with messages to it (GD/J 083-2018 table 1)
    information: bool = True
    bare_sound: BareSound = BareSound.ACCEPT
    #: whether its receipts may come unsigned, against GD/J 083-2018 table 2
    bare_receipts: bool = False
    interval: float = 30.0
    missed: int = 3
    connect_seconds: float = 5.0
    answer_seconds: float = 20.0
    retry: tuple[float, ...] = (5.0, 10.0, 30.0, 60.0)
    lost_code: int = 3

    def __post_init__(self) -> None:
        for field in (self.interval, self.connect_seconds, self.answer_seconds, *self.retry):
            if not 0 < field < math.inf:
                raise InvalidValueError("peer seconds", field, "must be a number above 0")
        if not self.retry:
            raise InvalidValueError("retry", self.retry, "must hold at least one pause")

    @property
    def patience(self) -> float:
        """Seconds of silence after which it is away."""
        return self.interval * self.missed

    def calls_from(self, host: str) -> bool:
        """Whether it may call from this address."""
        if not self.networks:
            return True
        address: IPv4Address | IPv6Address = ip_address(host)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)
