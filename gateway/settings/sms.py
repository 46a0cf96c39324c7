"""Short messages 短信 of the settings: the duty room's modem, and whose numbers may publish."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.base import Seconds, Section
from gateway.settings.publishers import PublisherName

PhoneNumber = Annotated[str, Field(pattern=r"^\+?\d{5,20}$")]


class SmsSection(Section):
    """``port`` empty: off. ``numbers``: number → key whose rights hold for what it sends."""

    port: Annotated[str, Field(pattern=r"^(|/.+|socket://[^/]+:\d+|rfc2217://[^/]+:\d+.*)$")] = ""
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 115_200
    numbers: dict[PhoneNumber, PublisherName] = Field(default={})
    #: a number can be forged: a second person looks first
    approval: bool = True
    #: whether the sender is told what became of it
    answer: bool = True
    every_seconds: Seconds = 20.0
    #: messages of one number that are read in an hour; more wait in the modem
    most_in_an_hour: Annotated[int, Field(ge=1, le=1000)] = 30
    #: after which parts whose rest never came are told
    parts_seconds: Seconds = 300.0
