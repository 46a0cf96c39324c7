"""Options of ``ebgw emulate`` that put an adapter beside the terminals, or in their place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from emulator.adapter import AdapterSettings, EmulatedAdapter
from emulator.adapter_faults import NAMES, AdapterFaults
from emulator.addresses import Address
from emulator.registry import read_registry
from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.domain.receiver import TimeBase
from gateway.errors import InvalidValueError
from gateway.protocols.mpeg_audio import split
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider

F = TypeVar("F", bound=Callable[..., Any])


class AdapterChoice(TypedDict):
    """What the options give, by their names."""

    adapter: tuple[str, int] | None
    adapter_code: str
    adapter_link: str
    adapter_reports: tuple[str, int] | None
    adapter_key: Path | None
    adapter_heartbeat: float
    adapter_base: str
    adapter_fault: tuple[str, ...]
    adapter_cut_after: int | None
    adapter_sound: Path | None


_OPTIONS = (
    click.option("--adapter", type=Address(), help="Emulate an adapter that listens here (appendix A)."),
    click.option("--adapter-code", default="43505240000000314010201", show_default=True, help="Its resource code."),
    click.option("--adapter-link", default="anxi", show_default=True, help="Its link: rows with route adapter:NAME."),
    click.option("--adapter-reports", type=Address(), help="Where it reports 0x18, 0x19, 0x20; default: nowhere."),
    click.option(
        "--adapter-key",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File of its signing key (ebgw keys new); default: its signatures are 74 zero bytes.",
    ),
    click.option("--adapter-heartbeat", type=click.FloatRange(0), default=60.0, help="Seconds; 0: none."),
    click.option("--adapter-base", type=click.Choice([base.value for base in TimeBase]), default="unix"),
    click.option("--adapter-fault", type=click.Choice(NAMES), multiple=True, help="What goes wrong at it."),
    click.option(
        "--adapter-sound",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="An mp3 file: what it sends a copy of when the platform asks for one (0x22); default: silence.",
    ),
    click.option("--adapter-cut-after", type=click.IntRange(0), help="It hangs up after so many bytes of an answer."),
)


def adapter_options(command: F) -> F:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def adapter_of(
    choice: AdapterChoice, registry: Path, key: tuple[CertificateSerial, bytes], scale: float
) -> EmulatedAdapter | None:
    """The adapter that the options ask for, not yet started; ``key`` is the platform's number and public key.

    Errors: InvalidValueError, RegistryError, KeyMaterialError.
    """
    if choice["adapter"] is None:
        return None
    own = None if choice["adapter_key"] is None else load_key_file(choice["adapter_key"], provider=default_provider())
    host, port = choice["adapter"]
    settings = AdapterSettings(
        code=ResourceCode(choice["adapter_code"]),
        keys=dict((key,)),
        platform=choice["adapter_reports"],
        host=host,
        port=port,
        pair=None if own is None else own.pair,
        base=TimeBase(choice["adapter_base"]),
        heartbeat=choice["adapter_heartbeat"],
        scale=scale,
        sound=() if choice["adapter_sound"] is None else tuple(split(choice["adapter_sound"].read_bytes())),
        faults=AdapterFaults(**dict.fromkeys(choice["adapter_fault"], True), cut_after=choice["adapter_cut_after"]),
    )
    if own is not None:
        settings = settings.signing_as(own.certificate)
    behind = [row.code for row in read_registry(registry, f"adapter:{choice['adapter_link']}")]
    if not behind:
        raise InvalidValueError("adapter-link", choice["adapter_link"], "no row of the registry has this route")
    return EmulatedAdapter(settings, behind)
