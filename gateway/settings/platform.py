"""The platform interface 平台接口 of the settings (GD/J 083-2018): our side ``[platform]``, and ``[peers.NAME]``."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.domain.codes import AreaCode
from gateway.domain.peers import BareSound, Peer, PeerRole
from gateway.settings.base import Area, ClientTls, Host, Port, Seconds, Section, Tls

PeerName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,31}$")]
_Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$", max_length=200)]
_Path = Annotated[str, Field(pattern=r"^/[^\s?#]*$", max_length=200)]
#: 23 digits (GD/J 080-2018), or 18 of the draft before it.
_PeerCode = Annotated[str, Field(pattern=r"^([0-9]{18}|[0-9]{23})$")]
_Degrees = Annotated[str, Field(pattern=r"^([0-9]{1,3}\.[0-9]{1,6})?$")]


def _network(text: str) -> str:
    ip_network(text)
    return text


class PlatformSection(Section):
    """Our side: where packages are taken, and what EBRPSInfo says of us (083 table 11)."""

    enabled: bool = False
    host: Host = "127.0.0.1"
    port: Port = 7000
    tls: Tls = Tls()
    #: beside / itself
    paths: list[_Path] = Field(default_factory=lambda: ["/ebd"], max_length=16)
    max_package_bytes: Annotated[int, Field(ge=65536, le=1 << 30)] = 100 << 20
    max_requests_at_once: Annotated[int, Field(ge=1, le=1000)] = 32
    #: empty: [gateway].code
    code: Annotated[str, Field(pattern=r"^([0-9]{23})?$")] = ""
    #: where peers reach us, written as SRC/URL; empty: not written
    url: Annotated[str, Field(pattern=r"^(https?://\S+)?$", max_length=200)] = ""
    address: Annotated[str, Field(max_length=100)] = ""
    contact: Annotated[str, Field(max_length=50)] = ""
    phone: Annotated[str, Field(max_length=50)] = ""
    longitude: _Degrees = ""
    latitude: _Degrees = ""
    info_seconds: Seconds = 86400.0
    platform_state_seconds: Seconds = 1800.0
    terminal_state_seconds: Seconds = 300.0
    #: share of the terminals that must have played for state 3 播发成功; below it 4 with the share
    #: while a message plays, its counts are told so often, where they change
    progress_seconds: Seconds = 30.0
    #: how long results of terminals may come in after the end of a message
    settle_seconds: Seconds = 5.0
    success_rate: Annotated[float, Field(ge=0, le=1)] = 0.9


class PeerSection(Section):
    """A platform, station or adapter with this interface; its key stands in ``[signing] trust_file``."""

    role: Literal["superior", "subordinate", "station"]
    code: _PeerCode
    own_code: Annotated[str, Field(pattern=r"^([0-9]{18}|[0-9]{23})?$")] = ""
    title: Annotated[str, Field(max_length=100)] = ""
    area: Area | None = None
    url: _Url | None = None
    standby_url: _Url | None = None
    networks: list[Annotated[str, AfterValidator(_network)]] = Field(default_factory=list, max_length=64)
    enabled: bool = True
    coverage_b: bool = False
    information: bool = True
    bare_sound: Literal["accept", "speak", "refuse"] = "accept"
    bare_receipts: bool = False
    heartbeat_seconds: Seconds = 30.0
    missed_heartbeats: Annotated[int, Field(ge=1, le=100)] = 3
    connect_seconds: Seconds = 5.0
    answer_seconds: Seconds = 20.0
    retry_seconds: list[Seconds] = Field(default_factory=lambda: [5.0, 10.0, 30.0, 60.0], min_length=1, max_length=16)
    lost_code: Literal[2, 3] = 3
    tls: ClientTls = ClientTls()

    def peer(self, name: str) -> Peer:
        """The same as the rooms know it."""
        networks: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(text) for text in self.networks)
        return Peer(
            name=name,
            role=PeerRole(self.role),
            code=self.code,
            own_code=self.own_code,
            title=self.title or name,
            area=None if self.area is None else AreaCode(self.area),
            urls=tuple(url for url in (self.url, self.standby_url) if url),
            networks=networks,
            enabled=self.enabled,
            coverage_b=self.coverage_b,
            information=self.information,
            bare_sound=BareSound(self.bare_sound),
            bare_receipts=self.bare_receipts,
            interval=self.heartbeat_seconds,
            missed=self.missed_heartbeats,
            connect_seconds=self.connect_seconds,
            answer_seconds=self.answer_seconds,
            retry=tuple(self.retry_seconds),
            lost_code=self.lost_code,
        )
