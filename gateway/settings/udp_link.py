"""UDP to terminals, each by itself or a multicast group 组播: our extension, GD/J 089-2018 knows TCP alone."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.base import Host, Port, Seconds, Section


def _group(text: str) -> str:
    if text and not ipaddress.ip_address(text).is_multicast:
        raise ValueError("must be a multicast address (224.0.0.0/4 or ff00::/8), or empty")
    return text


class UdpLink(Section):
    """Where we listen for datagrams, and the group that we send to, if any."""

    kind: Literal["udp"]
    title: str = ""
    host: Host
    port: Port = 9001
    #: multicast address; empty: each terminal at the address that its heartbeat came from
    group: Annotated[str, AfterValidator(_group)] = ""
    group_port: Annotated[Port, Field(ge=1)] = 9002
    #: address (IPv4) or name (IPv6) of the interface that leads to the group; empty: the system's choice
    interface: str = ""
    ttl: Annotated[int, Field(ge=0, le=255)] = 1
    #: how often a frame goes to the group, and the pause between in seconds
    repeats: Annotated[int, Field(ge=1, le=20)] = 3
    interval_seconds: Seconds = 0.2
    answer_seconds: Seconds = 2.0
    #: how often those still silent are asked one by one
    tries: Annotated[int, Field(ge=0, le=10)] = 3
    receive_buffer_bytes: Annotated[int, Field(ge=65536, le=1 << 30)] = 8 << 20
    #: largest datagram without a warning
    mtu_bytes: Annotated[int, Field(ge=576, le=65535)] = 1500

    @model_validator(mode="after")
    def _one_family(self) -> UdpLink:
        if self.group and (":" in self.group) is not (":" in self.host):
            raise ValueError("group and host must both be IPv4, or both IPv6")
        return self
