"""The gateway as a county's adapter 大喇叭适配器前端 of the settings (GD/J 089-2018 appendix A, the adapter's side)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.base import ClientTls, Code, Host, Port, Seconds, Section, Tls


class FrontEndSection(Section):
    """Who we are to a superior platform, who it is, and where; its key stands in ``[signing] trust_file``."""

    enabled: bool = False
    #: our own code as an adapter
    code: Code = "43505240000000314010201"
    host: Host = "127.0.0.1"
    port: Port = 8798
    tls: Tls = Tls()
    max_frame_bytes: Annotated[int, Field(ge=128, le=65535)] = 4096
    idle_seconds: Seconds = 30.0
    max_connections: Annotated[int, Field(ge=1, le=10000)] = 64
    platform_code: Code = "33505000000000103010101"
    platform_host: Host = "127.0.0.1"
    platform_port: Annotated[Port, Field(ge=1)] = 8799
    #: what times count from 1970 on this link: Unix seconds or Beijing wall time
    time_base: Literal["unix", "beijing"] = "unix"
    heartbeat_seconds: Seconds = 60.0
    answer_seconds: Seconds = 5.0
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    #: of the superior's port that hears our reports
    platform_tls: ClientTls = ClientTls()
