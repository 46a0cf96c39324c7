"""Publishers 发布者 of the settings: what belongs to the holder of a key beside its rights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.settings.base import Seconds, Section

#: The name of a key (``ebgw keys publisher add NAME``).
PublisherName = Annotated[str, Field(min_length=1, max_length=64)]


class PublisherSection(Section):
    """``certificates``: PEM files of the certificates that its XML signatures are held against (profile signed).

    ``heartbeat_seconds``: within which something must be heard of it, a warning or POST /api/v1/heartbeat.
    """

    certificates: list[Path] = Field(default_factory=list, max_length=8)
    heartbeat_seconds: Seconds | None = None
