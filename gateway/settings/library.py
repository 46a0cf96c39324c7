"""Libraries of other platforms 节目共享 of the settings: ``[library.NAME]``, each fetched again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.settings.base import Seconds, Section

SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,15}$")]


class LibrarySource(Section):
    """Another platform; ``key_file`` holds the key that it gave us (any key of its; mode 0600)."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+$", max_length=200)]
    key_file: Path
    every_seconds: Seconds = 600.0
    patience_seconds: Seconds = 30.0
