"""Options of ``ebgw emulate`` that give terminals a player: they receive the streams that starts name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from emulator.settings import Claims, PlayerSettings
from gateway.errors import InvalidValueError

F = TypeVar("F", bound=Callable[..., Any])
_SECONDS = click.FloatRange(0, 3600, min_open=True)


class PlayerChoice(TypedDict):
    """What the options give, by their names."""

    player: bool
    claims: str
    patience: float
    linger: float
    tape: Path | None
    tapes: int
    ffmpeg: str
    deaf: bool
    stream_loss: float


_OPTIONS = (
    click.option("--player", is_flag=True, help="Terminals receive the stream that a start names (rtp, udp, http)."),
    click.option(
        "--claims",
        type=click.Choice([claim.value for claim in Claims]),
        default=Claims.HEARD.value,
        show_default=True,
        help="Player: reports of play rest on sound heard, or on the start frame alone.",
    ),
    click.option("--patience", type=_SECONDS, default=3.0, help="Player: seconds without sound that are a silence."),
    click.option("--linger", type=_SECONDS, default=6.0, help="Player: seconds for which it listens after a stop."),
    click.option(
        "--tape",
        type=click.Path(file_okay=False, path_type=Path),
        help="Player: folder for what the first terminals heard, as mp3 and wav; implies --player.",
    ),
    click.option("--tapes", type=click.IntRange(0), default=4, show_default=True, help="Player: so many of them."),
    click.option("--ffmpeg", default="ffmpeg", show_default=True, help="Player: the program that makes wav of mp3."),
    click.option("--deaf", is_flag=True, help="Player: nothing is heard."),
    click.option("--stream-loss", type=click.FloatRange(0, 1), default=0.0, help="Player: packets that vanish."),
)


def player_options(command: F) -> F:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def player_of(choice: PlayerChoice, interface: str, *, on_ip: bool) -> PlayerSettings | None:
    """The player that the options ask for; ``interface``: address of the one to multicast groups.

    Errors: InvalidValueError where terminals are not on IP.
    """
    if not choice["player"] and choice["tape"] is None:
        return None
    if not on_ip:
        raise InvalidValueError("player", True, "is for terminals on IP: others hear what their bearer carries")
    return PlayerSettings(
        choice["patience"], choice["linger"], choice["tape"], choice["tapes"], choice["ffmpeg"], interface
    )
