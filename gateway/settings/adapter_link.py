"""An adapter 大喇叭适配器 of the settings (GD/J 089-2018 appendix A)."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.base import ClientTls, Code, Host, Port, Seconds, Section


def _ipv4_or_none(text: str) -> str:
    if text and not ipaddress.IPv4Address(text).packed.strip(b"\0"):
        raise ValueError("must be an address of this gateway, not 0.0.0.0")
    return text


class AdapterLink(Section):
    """Where an adapter listens, and how it counts time."""

    kind: Literal["adapter"]
    title: str = ""
    code: Code
    host: Host
    port: Annotated[Port, Field(ge=1)] = 8799
    answer_seconds: Seconds = 5.0
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    #: what its times count from 1970: Unix seconds or Beijing wall time
    time_base: Literal["unix", "beijing"] = "unix"
    #: what becomes of its answers whose signature is 74 zero bytes
    zero_signatures: Literal["read", "refuse"] = "read"
    #: whether starts wait while its heartbeats say that ``time_base`` is the wrong one
    clock_doubt: Literal["hold", "send"] = "hold"
    #: where terminals behind it answer queries, ``host:port``; empty: they cannot be queried over it
    return_address: Annotated[str, Field(pattern=r"^$|^[A-Za-z0-9.-]{1,200}:[0-9]{1,5}$")] = ""
    #: IPv4 to which it sends a copy of what it plays (told in 0x22, ports of [monitor]); empty: no monitoring
    monitor_ip: Annotated[str, AfterValidator(_ipv4_or_none)] = ""
    test_seconds: Seconds = 300.0
    tls: ClientTls = ClientTls()
