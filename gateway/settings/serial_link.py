"""A serial line 串行线 of the settings: RS-232, or an RS-485 bus 总线 with many terminals."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.settings.base import Seconds, Section


class SerialLink(Section):
    """A port of this machine, or a port server by ``socket://`` or ``rfc2217://``."""

    kind: Literal["serial"]
    title: str = ""
    url: Annotated[str, Field(pattern=r"^(/.+|socket://[^/]+:\d+|rfc2217://[^/]+:\d+.*)$")]
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    mode: Literal["rs232", "rs485"] = "rs485"
    #: who turns an RS-485 driver to sending: the kernel's RS-485 mode, our RTS line, or the hardware by itself
    direction: Literal["kernel", "rts", "hardware"] = "hardware"
    #: whether we hear our own bytes
    echo: bool = False
    answer_seconds: Seconds = 0.5
    tries: Annotated[int, Field(ge=1, le=10)] = 2

    @property
    def is_local(self) -> bool:
        """Whether it is a port of this machine."""
        return self.url.startswith("/")

    @model_validator(mode="after")
    def _direction_fits(self) -> SerialLink:
        if self.mode == "rs232" and (self.direction != "hardware" or self.echo):
            raise ValueError("direction and echo: an RS-232 line has no driver to turn and hears nothing of its own")
        if self.direction != "hardware" and not self.is_local:
            # Over a network nobody can tell when the last bit has left the far port.
            raise ValueError("direction: a port server must turn its driver by itself, so it must be hardware")
        return self
