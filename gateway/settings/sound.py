"""Sound 声音 of the settings: where programmes go, how they are made, how large they may be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.settings.base import Host, Seconds, Section

#: Ports of a programme: RTP takes an even one and leaves the next to RTCP (RFC 3550 11).
_STEP = 2


class SoundSection(Section):
    """Programmes at addresses of their own. Off: start frames carry [dispatch].programme_url, and we send no sound."""

    enabled: bool = False
    #: rtp: a stream for a group or one host; unicast: datagrams for each terminal; pull: terminals fetch it
    form: Literal["rtp", "unicast", "pull"] = "rtp"
    host: Host = "239.1.1.1"
    first_port: Annotated[int, Field(ge=1, le=65000)] = 5004
    programmes: Annotated[int, Field(ge=2, le=256)] = 8
    multicast_ttl: Annotated[int, Field(ge=1, le=255)] = 16
    multicast_interface: Host | Literal[""] = ""
    unicast_limit: Annotated[int, Field(ge=1, le=20000)] = 500
    pull_base: Annotated[str, Field(pattern=r"^(https?://[^\s/]+)?$", max_length=120)] = ""
    pull_listeners: Annotated[int, Field(ge=1, le=20000)] = 100
    pull_buffer_seconds: Seconds = 10.0
    tail_seconds: Seconds = 2.0
    all_clear: bool = True
    all_clear_words: Annotated[str, Field(min_length=1, max_length=200)] = "{headline}，现已解除。"
    all_clear_words_english: Annotated[str, Field(min_length=1, max_length=200)] = "{headline}: this warning is over."
    drill_words: Annotated[str, Field(min_length=1, max_length=200)] = "这是应急广播演练。"
    drill_words_english: Annotated[str, Field(min_length=1, max_length=200)] = "This is a drill."
    all_clear_seconds: Annotated[float, Field(ge=10, le=3600)] = 90.0
    ffmpeg: str = "ffmpeg"
    espeak: str = "espeak-ng"
    kbits: Literal[32, 40, 48, 56, 64, 80, 96, 112, 128] = 64
    words_per_minute: Annotated[int, Field(ge=80, le=300)] = 150
    loudness_lufs: Annotated[float, Field(ge=-40, le=-5)] = -16.0
    repeats: Annotated[int, Field(ge=1, le=20)] = 3
    gap_seconds: Annotated[float, Field(ge=0, le=30)] = 1.5
    max_text_chars: Annotated[int, Field(ge=100, le=20000)] = 4000
    readings_file: Path | None = None
    voices: list[str] = Field(default_factory=list, max_length=100)
    program_seconds: Seconds = 60.0
    max_file_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 64 << 20
    max_file_seconds: Seconds = 3600.0
    cache_bytes: Annotated[int, Field(ge=1 << 20)] = 512 << 20
    cache_days: Annotated[float, Field(gt=0, le=3650)] = 30.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.form == "pull" and not self.pull_base:
            raise ValueError("pull_base: form pull needs the address at which terminals reach [http]")
        if self.first_port + _STEP * self.programmes > 65535:
            raise ValueError("first_port: there must be two ports for each programme below 65536")
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses of programmes, taken in turn; none with ``pull``, whose addresses are made of EBM ids."""
        return self._beginning_at(0, self.programmes)

    @property
    def spare(self) -> str:
        """An address after them, where nothing ever sounds; nothing with ``pull``."""
        return "".join(self._beginning_at(self.programmes, self.programmes + 1))

    def _beginning_at(self, first: int, after: int) -> tuple[str, ...]:
        ports = range(self.first_port + _STEP * first, self.first_port + _STEP * after, _STEP)
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.form == "rtp":
            return tuple(f"rtp://{host}:{port}" for port in ports)
        return tuple(f"udp://@{port}" for port in ports) if self.form == "unicast" else ()
