"""``ebgw emulate`` and ``python -m emulator``: a run of the fleet until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

import click
from aiohttp import web

from emulator import rds_receiver, ts_receiver
from emulator.adapter import EmulatedAdapter
from emulator.adapter_cli import AdapterChoice, adapter_of, adapter_options
from emulator.addresses import Address
from emulator.air import AirFaults, AirFleet, Front
from emulator.bus import BusFleet, BusSettings
from emulator.bus_faults import BusFaults
from emulator.bus_port import port_maker
from emulator.control import make_application
from emulator.faults import Faults
from emulator.fleet import Fleet
from emulator.limits import how_many_fit, raise_file_limit
from emulator.player_cli import PlayerChoice, player_of, player_options
from emulator.rds_receiver import FORMS
from emulator.registry import Row, read_registry
from emulator.settings import Bearer, Claims, FleetSettings, MqttSettings, ReturnMode, TerminalSettings
from gateway.domain.codes import CertificateSerial
from gateway.errors import EnvironmentLackingError, GatewayError, InvalidValueError
from gateway.protocols.ts_time import TsTime
from gateway.security.curve import check_public

_USAGE, _ENVIRONMENT = 2, 3
#: Kind of route in the registry, by what carries the frames.
_ROUTES = {Bearer.TCP: "ip", Bearer.UDP: "udp", Bearer.MQTT: "mqtt"}

_P = click.FloatRange(0, 1)
_SECONDS = click.FloatRange(0, 3600)


class _Options(AdapterChoice, PlayerChoice):
    """What the command line gives, by the names of its options."""

    gateway: tuple[str, int] | None
    bus: str | None
    baud: int
    rs232: bool
    echo: bool
    rds: str | None
    form: str
    ts: tuple[str, int] | None
    ts_interface: str
    ts_time: str
    no_return: bool
    noise: float
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
    link: str
    mqtt_version: str
    prefix: str
    profile: str
    mqtt_passwords: Path | None
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
@click.option("--gateway", type=Address(), help="Where terminals connect (appendix D).")
@click.option("--bus", help="Instead: terminals on one bus behind pty:PATH, socket:PORT or rfc2217:PORT (0: any).")
@click.option("--baud", type=click.IntRange(300), default=9600, show_default=True, help="Bit rate of the bus.")
@click.option("--rs232", is_flag=True, help="The bus is an RS-232 line with one terminal.")
@click.option("--echo", is_flag=True, help="The gateway hears its own bytes on the bus.")
@click.option("--rds", help="Instead: FM receivers in an RDS encoder's place, on tcp:PORT (0: any) or pty:PATH.")
@click.option("--form", type=click.Choice(FORMS), default="frames", show_default=True, help="What the encoder takes.")
@click.option("--ts", type=Address(), help="Instead: receivers in a multiplexer's place, on this UDP address.")
@click.option("--ts-interface", default="", help="IPv4 address of the way in of a multicast group.")
@click.option("--ts-time", type=click.Choice(["utc", "beijing"]), default="utc", help="How they read index times.")
@click.option("--no-return", is_flag=True, help="Receivers of RDS and TS have no way back.")
@click.option("--noise", type=click.FloatRange(0, 1), default=0.0, help="Frames on the air with a wrong bit.")
@click.option("--feedback", type=Address(), help="Where reports go (appendix E); default: the gateway's host, 8889.")
@click.option(
    "--registry", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="CSV of terminals."
)
@click.option("--public-key", required=True, help="The platform's SM2 key, 128 hexadecimal digits.")
@click.option("--certificate", default="000000000001", show_default=True, help="Its certificate number.")
@click.option("--link", default="", help="Take only terminals of this link: routes KIND:LINK of the registry.")
@click.option("--terminals", type=click.IntRange(1), help="Take only the first so many of the registry.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--scale", type=click.FloatRange(0, min_open=True), default=1.0, help="Air time is this much shorter.")
@click.option("--heartbeat", type=click.FloatRange(0, min_open=True), default=10.0, help="Seconds.")
@click.option(
    "--bearer", type=click.Choice([bearer.value for bearer in Bearer]), default="tcp", help="What --gateway is."
)
@click.option("--group", type=Address(), help="UDP: multicast group to listen to as well.")
@click.option("--interface", default="0.0.0.0", show_default=True, help="Address of the interface to multicast groups.")  # noqa: S104
@click.option("--mqtt-version", type=click.Choice(["3.1.1", "5"]), default="5", show_default=True)
@click.option("--prefix", default="ebgw", show_default=True, help="MQTT: first level of the topics.")
@click.option("--profile", default="gdj089-2018", show_default=True, help="MQTT: device profile in the topics.")
@click.option(
    "--mqtt-passwords",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="MQTT: lines CODE:PASSWORD; each terminal logs in under its own code.",
)
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
@adapter_options
@player_options
def emulate(**options: Unpack[_Options]) -> None:
    """Run emulated terminals 终端仿真 against a gateway, on a bus, behind a transmitter, or behind an adapter.

    Prints one line of JSON when the control interface serves, and one when all terminals are registered.
    """
    try:
        settings = _settings(options)
        rows = _rows(options)
        tuner = _tuner(options)
        key = next(iter(settings.keys.items()))
        adapter = adapter_of(options, options["registry"], key, options["scale"])
    except GatewayError as error:
        raise _Failure(error, _USAGE) from error
    try:
        if options["bus"] is not None:
            _run(lambda: _bus(rows, settings, options), adapter, options["control"])
            return
        if tuner is not None:
            _run(lambda: _on_the_air(rows, settings, tuner, options), adapter, options["control"])
            return
        fit = rows[: _fit(len(rows), settings)]
        _run(lambda: Fleet(fit, settings), adapter, options["control"])
    except EnvironmentLackingError as error:
        raise _Failure(error, _ENVIRONMENT) from error
    except InvalidValueError as error:
        raise _Failure(error, _USAGE) from error


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
    ways = sum(options[way] is not None for way in ("gateway", "bus", "rds", "ts"))
    if ways > 1 or (not ways and options["adapter"] is None):
        raise InvalidValueError(
            "gateway, bus, rds, ts", options["gateway"], "give exactly one of them, or an adapter alone"
        )
    # Who is met at a bus or hears a transmitter knows the gateway by its return address alone.
    gateway = options["gateway"] or ("127.0.0.1", 9000)
    bearer = Bearer(options["bearer"])
    player = player_of(options, options["interface"], on_ip=options["gateway"] is not None)
    own_way = ReturnMode.SHORT if bearer is Bearer.TCP else ReturnMode.SAME
    return FleetSettings(
        gateway=gateway,
        feedback=options["feedback"] or (gateway[0], 8889),
        keys={CertificateSerial(options["certificate"]): key},
        terminal=TerminalSettings(
            heartbeat=options["heartbeat"],
            scale=options["scale"],
            keeps_queue=options["busy"] == "wait",
            repeating=bearer is not Bearer.TCP,
            player=None if player is None else Claims(options["claims"]),
        ),
        seed=options["seed"],
        faults=_faults(options),
        share=options["share"],
        connect_rate=options["connect_rate"],
        backoff=options["backoff"],
        backoff_cap=options["backoff_cap"],
        returns=ReturnMode(options["returns"]) if options["returns"] else own_way,
        bearer=bearer,
        mqtt=MqttSettings(
            options["prefix"],
            options["profile"],
            five=options["mqtt_version"] == "5",
            passwords=_passwords(options["mqtt_passwords"]),
        ),
        group=options["group"],
        interface=options["interface"],
        player=player,
        return_limit=options["return_limit"],
        journal=options["journal"],
    )


def _passwords(file: Path | None) -> dict[str, str]:
    """Read CODE:PASSWORD lines; raise InvalidValueError naming the first that is none."""
    if file is None:
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(":") for line in lines if line]
    wrong = next((code for code, colon, _ in pairs if not colon), None)
    if wrong is not None:
        raise InvalidValueError("mqtt-passwords", wrong, "must be lines CODE:PASSWORD")
    return {code: password for code, _, password in pairs}


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
        deaf=options["deaf"],
        stream_loss=options["stream_loss"],
    )


def _bus(rows: list[Row], settings: FleetSettings, options: _Options) -> BusFleet:
    """Make the bus that the command line asks for; raise InvalidValueError where it names no port."""
    port = port_maker(options["bus"] or "")
    fleet = BusFleet(rows, settings, BusSettings(baud=options["baud"], alone=options["rs232"]), port)
    fleet.bus_faults = BusFaults(echo=options["echo"])
    return fleet


def _rows(options: _Options) -> list[Row]:
    """Which terminals of the registry are meant; none where an adapter alone is emulated."""
    if options["bus"] is not None:
        kind = "serial"
    elif options["rds"] is not None:
        kind = "rds"
    elif options["ts"] is not None:
        kind = "ts"
    elif options["gateway"] is not None:
        kind = _ROUTES[Bearer(options["bearer"])]
    else:
        return []
    route = f"{kind}:{options['link']}" if options["link"] else kind
    return read_registry(options["registry"], route)[: options["terminals"]]


def _tuner(options: _Options) -> Callable[[AirFleet], Front] | None:
    """The receiver that the command line asks for; None for terminals on IP."""
    if options["rds"] is not None:
        return rds_receiver.tuner(options["rds"], options["form"])
    if options["ts"] is not None:
        return ts_receiver.tuner(options["ts"], options["ts_interface"], TsTime(options["ts_time"]))
    return None


def _on_the_air(
    rows: list[Row], settings: FleetSettings, tuner: Callable[[AirFleet], Front], options: _Options
) -> AirFleet:
    fleet = AirFleet(rows, settings, tuner, returns=not options["no_return"])
    fleet.air_faults = AirFaults(options["loss"], options["noise"])
    return fleet


def _run(make: Callable[[], Fleet], adapter: EmulatedAdapter | None, port: int) -> None:
    """Run with uvloop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        from asyncio import new_event_loop  # type: ignore[assignment]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(make, adapter, port))


async def serve(make: Callable[[], Fleet], adapter: EmulatedAdapter | None, port: int) -> None:
    """Run the fleet, the adapter and their control on loopback until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    fleet = make()
    if adapter is not None:
        adapter.journal = fleet.journal
    await fleet.start()
    control = web.AppRunner(make_application(fleet, adapter), access_log=None)
    try:
        if adapter is not None:
            await adapter.start()
        await control.setup()
        site = web.TCPSite(control, "127.0.0.1", port)
        try:
            await site.start()
        except OSError as error:
            raise EnvironmentLackingError(f"control port {port}: {error}") from error
        bound = int(control.addresses[0][1])
        ready: dict[str, object] = {"event": "ready", "control": f"http://127.0.0.1:{bound}", "terminals": len(fleet)}
        if isinstance(fleet, BusFleet):
            ready["url"] = fleet.port.url
        if isinstance(fleet, AirFleet):
            ready["url"] = fleet.front.url
        _say(ready)
        await _wait_first(stop, fleet)
        await stop.wait()
    finally:
        await control.cleanup()
        if adapter is not None:
            await adapter.close()
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
