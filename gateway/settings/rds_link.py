"""An RDS encoder RDS编码控制器 of the settings: the output to an FM transmitter (GD/J 085-2018)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.base import Seconds, Section


class RdsLink(Section):
    """Where the encoder takes its input, in which form, and how often packets are repeated."""

    kind: Literal["rds"]
    title: str = ""
    #: ``tcp://host:port`` of the encoder, or a serial port of this machine
    url: Annotated[str, Field(pattern=r"^(tcp://\S+:\d{1,5}|/\S+)$")]
    #: of a serial port
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    #: what the encoder takes: packets (table 1), frames of 8 bytes (table 21), groups of 104 bits (figure 4)
    form: Literal["packets", "frames", "groups"] = "frames"
    #: what the sub-carrier takes: 1187.5 bit/s in groups of 104 bits, one frame each
    frames_per_second: Annotated[float, Field(gt=0, le=100_000)] = 11.4
    #: where the programme is heard, MHz with two decimals; empty leaves receivers where they are
    frequency: Annotated[str, Field(pattern=r"^(\d{1,4}\.\d{2})?$")] = ""
    #: drills play what the receiver holds
    stored_audio: bool = False
    interval_seconds: Seconds = 2.0
    text_interval_seconds: Seconds = 30.0
    stop_count: Annotated[int, Field(ge=1, le=254)] = 20
    setting_count: Annotated[int, Field(ge=1, le=254)] = 5
    resign_seconds: Seconds = 120.0
    #: how long the encoder may take nothing before its line is given up
    stall_seconds: Seconds = 10.0
    backoff_longest_seconds: Seconds = 30.0
