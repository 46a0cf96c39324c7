"""Live input 应急切播 of the settings: sources, and what becomes of a message whose source is dead or silent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.base import Host, Port, Seconds, Section

LiveName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class LiveRtp(Section):
    """A telephone gateway or microphone that sends RTP (MPEG audio, PCMU, PCMA) to a port of ours."""

    kind: Literal["rtp"]
    title: str = ""
    host: Host = "127.0.0.1"
    port: Annotated[Port, Field(ge=1)]
    #: it is heard from these addresses alone
    hosts: Annotated[list[Host], Field(min_length=1, max_length=16)]


class LivePush(Section):
    """An operator's page or an encoder that sends sound as the body of a request."""

    kind: Literal["push"]
    title: str = ""


class LivePull(Section):
    """A stream that is fetched; ``media_type`` where the far end does not say it."""

    kind: Literal["pull"]
    title: str = ""
    url: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=500)]
    media_type: str = ""


LiveSource = Annotated[LiveRtp | LivePush | LivePull, Field(discriminator="kind")]


class LiveSection(Section):
    """Used where ``[sound]`` is enabled."""

    buffer_seconds: Annotated[float, Field(ge=0.05, le=5)] = 0.3
    most_delay_seconds: Annotated[float, Field(ge=1, le=60)] = 10.0
    stall_seconds: Seconds = 1.0
    fallback_seconds: Seconds = 3.0
    silence_dbfs: Annotated[float, Field(ge=-100, le=0)] = -55.0
    silence_seconds: Seconds = 15.0
    wait_seconds: Seconds = 10.0
    end_seconds: Seconds = 60.0
    fallback: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = "text"
    file_seconds: Annotated[float, Field(ge=10, le=86400)] = 600.0
    record_bytes: Annotated[int, Field(ge=1 << 20)] = 2 << 30
    record_days: Annotated[float, Field(gt=0, le=3660)] = 365.0
    sources: dict[LiveName, LiveSource] = Field(default_factory=dict)
