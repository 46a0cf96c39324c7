"""Monitoring 回传监听: the copies that adapters send of what they play (GD/J 089-2018 table A.38)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from gateway.settings.base import Host, Port, Seconds, Section


class MonitorSection(Section):
    """Ports, alarms and recordings of monitored streams; used by adapter links that set ``monitor_ip``."""

    host: Host = "127.0.0.1"
    first_port: Port = 6000
    ports: Annotated[int, Field(ge=1, le=1000)] = 16
    ports_for_each_link: Annotated[int, Field(ge=1, le=1000)] = 4
    stall_seconds: Seconds = 5.0
    silence_dbfs: Annotated[float, Field(ge=-100, le=0)] = -50.0
    silence_seconds: Seconds = 10.0
    idle_seconds: Seconds = 600.0
    listeners: Annotated[int, Field(ge=0, le=1000)] = 8
    file_seconds: Annotated[float, Field(ge=10, le=86400)] = 600.0
    record_bytes: Annotated[int, Field(ge=1 << 20)] = 2 << 30
    record_days: Annotated[float, Field(gt=0, le=3660)] = 30.0

    @model_validator(mode="after")
    def _last_port(self) -> MonitorSection:
        if self.first_port and self.first_port + self.ports - 1 > 65535:
            raise ValueError("first_port + ports - 1 must be at most 65535")
        return self
