"""``ebgw emulate`` and ``python -m emulator``: a run of the fleet until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TypedDict, Unpack

import click
from aiohttp import web

from emulator.control import make_application
from emulator.faults import Faults
from emulator.fleet import Fleet
from emulator.limits import how_many_fit, raise_file_limit
from emulator.registry import Row, read_registry
from emulator.settings import Bearer, FleetSettings, MqttSettings, ReturnMode, TerminalSettings
from gateway.domain.codes import CertificateSerial
from gateway.errors import EnvironmentLackingError, GatewayError, InvalidValueError
from gateway.security.curve import check_public

_USAGE, _ENVIRONMENT = 2, 3
#: Kind of route in the registry, by what carries the frames.
_ROUTES = {Bearer.TCP: "ip", Bearer.UDP: "udp", Bearer.MQTT: "mqtt"}


class _Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT."""

    name = "HOST:PORT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:  # fmt: skip
        """Split at the last colon."""
        host, _, port = str(value).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            self.fail(f"{value!r} is not HOST:PORT", param, ctx)
        return host.strip("[]"), int(port)


_P = click.FloatRange(0, 1)
_SECONDS = click.FloatRange(0, 3600)


class _Options(TypedDict):
    """What the command line gives, by the names of its options."""

    gateway: tuple[str, int]
    feedback: tuple[str, int] | None
    registry: Path
    public_key: str
    certificate: str
    terminals: int | None
    seed: int
    scale: float
    heartbeat: float
    returns: str | None
    bearer: str
    group: tuple[str, int] | None
    interface: str
    mqtt_version: str
    prefix: str
    profile: str
    return_limit: int
    busy: str
    connect_rate: float
    backoff: float
    backoff_cap: float
    loss: float
    delay: float
    jitter: float
    split: float
    merge: float
    garbage: float
    corrupt: float
    refuse: int | None
    skew: float
    silent: bool
    off: bool
    drop: float
    reboot: float
    share: float
    control: int
    journal: Path | None


@click.command("emulate")
@click.option("--gateway", type=_Address(), required=True, help="Where terminals connect (appendix D).")
@click.option("--feedback", type=_Address(), help="Where reports go (appendix E); default: the gateway's host, 8889.")
@click.option(
    "--registry", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="CSV of terminals."
)
@click.option("--public-key", required=True, help="The platform's SM2 key, 128 hexadecimal digits.")
@click.option("--certificate", default="000000000001", show_default=True, help="Its certificate number.")
@click.option("--terminals", type=click.IntRange(1), help="Take only the first so many of the registry.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--scale", type=click.FloatRange(0, min_open=True), default=1.0, help="Air time is this much shorter.")
@click.option("--heartbeat", type=click.FloatRange(0, min_open=True), default=10.0, help="Seconds.")
@click.option(
    "--bearer", type=click.Choice([bearer.value for bearer in Bearer]), default="tcp", help="What --gateway is."
)
@click.option("--group", type=_Address(), help="UDP: multicast group to listen to as well.")
@click.option("--interface", default="0.0.0.0", show_default=True, help="UDP: address of the interface to the group.")  # noqa: S104
@click.option("--mqtt-version", type=click.Choice(["3.1.1", "5"]), default="5", show_default=True)
@click.option("--prefix", default="ebgw", show_default=True, help="MQTT: first level of the topics.")
@click.option("--profile", default="gdj089-2018", show_default=True, help="MQTT: device profile in the topics.")
@click.option(
    "--return",
    "returns",
    type=click.Choice([mode.value for mode in ReturnMode]),
    help="How reports leave; default: short on TCP, else same.",
)
@click.option("--return-limit", type=click.IntRange(1), default=200, help="Short report connections at once.")
@click.option("--busy", type=click.Choice(["wait", "refuse"]), default="wait", help="A lower start waits, or gets 73.")
@click.option(
    "--connect-rate", type=click.FloatRange(0, min_open=True), default=2000.0, help="First connections a second."
)
@click.option(
    "--backoff", type=click.FloatRange(0, min_open=True), default=0.2, help="First wait to reconnect, seconds."
)
@click.option("--backoff-cap", type=click.FloatRange(0, min_open=True), default=3.0, help="Longest wait, seconds.")
@click.option("--loss", type=_P, default=0.0, help="Frames that vanish.")
@click.option("--delay", type=_SECONDS, default=0.0, help="Seconds before anything leaves.")
@click.option("--jitter", type=_SECONDS, default=0.0, help="Up to so many seconds more.")
@click.option("--split", type=_P, default=0.0, help="Frames sent in pieces.")
@click.option("--merge", type=_SECONDS, default=0.0, help="Seconds for which frames are held to leave together.")
@click.option("--garbage", type=_P, default=0.0, help="Frames with noise before them.")
@click.option("--corrupt", type=_P, default=0.0, help="Frames with a wrong checksum.")
@click.option("--refuse", type=click.IntRange(1, 255), help="Answer every start with this code.")
@click.option("--skew", type=float, default=0.0, help="Seconds the clocks are ahead.")
@click.option("--silent", is_flag=True, help="Neither answers nor reports.")
@click.option("--off", is_flag=True, help="No power.")
@click.option("--drop", type=_P, default=0.0, help="A frame cuts the line.")
@click.option("--reboot", type=_P, default=0.0, help="A frame restarts the terminal.")
@click.option("--share", type=_P, default=1.0, help="Share of the fleet that suffers these faults.")
@click.option("--control", type=click.IntRange(0, 65535), default=0, help="Port of the control interface; 0: any.")
@click.option("--journal", type=click.Path(dir_okay=False, path_type=Path), help="File the journal is appended to.")
def emulate(**options: Unpack[_Options]) -> None:
    """Run emulated terminals 终端仿真 against a gateway until stopped.

    Prints one line of JSON when the control interface serves, and one when all terminals are registered.
    """
    try:
        settings = _settings(options)
        rows = read_registry(options["registry"], _ROUTES[settings.bearer])[: options["terminals"]]
    except GatewayError as error:
        raise _Failure(error, _USAGE) from error
    try:
        _run(rows[: _fit(len(rows), settings)], settings, options["control"])
    except EnvironmentLackingError as error:
        raise _Failure(error, _ENVIRONMENT) from error


class _Failure(click.ClickException):
    """An error of ours with its exit code."""

    def __init__(self, error: GatewayError, exit_code: int) -> None:
        super().__init__(str(error))
        self.exit_code = exit_code  # type: ignore[misc]  # click declares for the class what it reads from the object


def _fit(wanted: int, settings: FleetSettings) -> int:
    """Raise the limit of open files, and say plainly when fewer terminals fit than are wanted."""
    files = raise_file_limit()
    spare = settings.return_limit if settings.returns is ReturnMode.SHORT else 0
    each = 2 if settings.returns is ReturnMode.LONG else 1
    fit = how_many_fit(files, wanted, returns=spare, each=each)
    if fit < wanted:
        click.echo(f"{wanted} terminals wanted, {fit} fit into {files} open files (ulimit -n)", err=True)
    return fit


def _settings(options: _Options) -> FleetSettings:
    """Make the settings of a run from the command line; raise GatewayError naming what is wrong."""
    try:
        key = bytes.fromhex(options["public_key"])
    except ValueError:
        raise InvalidValueError("public-key", options["public_key"], "must be 128 hexadecimal digits") from None
    check_public(key)
    bearer = Bearer(options["bearer"])
    own_way = ReturnMode.SHORT if bearer is Bearer.TCP else ReturnMode.SAME
    return FleetSettings(
        gateway=options["gateway"],
        feedback=options["feedback"] or (options["gateway"][0], 8889),
        keys={CertificateSerial(options["certificate"]): key},
        terminal=TerminalSettings(
            heartbeat=options["heartbeat"],
            scale=options["scale"],
            keeps_queue=options["busy"] == "wait",
            repeating=bearer is not Bearer.TCP,
        ),
        seed=options["seed"],
        faults=_faults(options),
        share=options["share"],
        connect_rate=options["connect_rate"],
        backoff=options["backoff"],
        backoff_cap=options["backoff_cap"],
        returns=ReturnMode(options["returns"]) if options["returns"] else own_way,
        bearer=bearer,
        mqtt=MqttSettings(options["prefix"], options["profile"], five=options["mqtt_version"] == "5"),
        group=options["group"],
        interface=options["interface"],
        return_limit=options["return_limit"],
        journal=options["journal"],
    )


def _faults(options: _Options) -> Faults:
    return Faults(
        loss=options["loss"],
        delay=options["delay"],
        jitter=options["jitter"],
        split=options["split"],
        merge=options["merge"],
        garbage=options["garbage"],
        corrupt=options["corrupt"],
        refuse=options["refuse"],
        skew=options["skew"],
        silent=options["silent"],
        off=options["off"],
        drop=options["drop"],
        reboot=options["reboot"],
    )


def _run(rows: list[Row], settings: FleetSettings, port: int) -> None:
    """Run with uvloop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        from asyncio import new_event_loop  # type: ignore[assignment]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(rows, settings, port))


async def serve(rows: list[Row], settings: FleetSettings, port: int) -> None:
    """Run the fleet and its control on loopback until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    fleet = Fleet(rows, settings)
    await fleet.start()
    control = web.AppRunner(make_application(fleet), access_log=None)
    try:
        await control.setup()
        site = web.TCPSite(control, "127.0.0.1", port)
        try:
            await site.start()
        except OSError as error:
            raise EnvironmentLackingError(f"control port {port}: {error}") from error
        bound = int(control.addresses[0][1])
        _say({"event": "ready", "control": f"http://127.0.0.1:{bound}", "terminals": len(fleet)})
        await _wait_first(stop, fleet)
        await stop.wait()
    finally:
        await control.cleanup()
        await fleet.close()


async def _wait_first(stop: asyncio.Event, fleet: Fleet) -> None:
    """Say when all are registered, unless told to stop before."""
    waits = [asyncio.create_task(event.wait()) for event in (stop, fleet.all_registered)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    if fleet.all_registered.is_set() and not stop.is_set():
        registered = sum(line.terminal.registered for line in fleet.lines)
        _say({"event": "connected", "terminals": registered})


def _say(fields: dict[str, object]) -> None:
    click.echo(json.dumps(fields))
