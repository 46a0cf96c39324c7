"""Folders that warnings are dropped into 文件投递 of the settings: ``[drop.NAME]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.base import Seconds, Section
from gateway.settings.publishers import PublisherName

DropFolderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class DropSection(Section):
    """``publisher``: the key whose rights hold for every file. ``names``: whether file names must be those of 12379."""

    folder: Path
    publisher: PublisherName
    names: Literal["12379", "any"] = "12379"
    every_seconds: Seconds = 2.0
    settle_seconds: Seconds = 2.0
