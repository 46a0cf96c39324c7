"""The demo's links 链路: settings of each bearer, and the emulator that stands at its far end."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gateway.cli.demo_broker import BrokerFiles, broker_files
from gateway.cli.demo_town import BAUDS, LINKS
from gateway.domain.codes import CertificateSerial
from gateway.domain.receiver import RouteKind
from gateway.errors import EnvironmentLackingError
from gateway.security.keys import new_key_file
from gateway.security.sm2 import default_provider

#: Below the kernel's ephemeral ports: nobody's outgoing connection sits there.
_PORTS: Final = range(20000, 32000)
_HOST: Final = "127.0.0.1"
_ADAPTER_CODE: Final = "43505240000000314010201"
#: Air time on a bus is less shortened: its terminals are asked one after the other while they play.
_BUS_SCALE: Final = "10"
_ADAPTER_CERTIFICATE: Final = CertificateSerial("000000000099")

_SETTINGS: Final[Mapping[RouteKind, str]] = {
    RouteKind.ADAPTER: """
[links.{link}]
kind = "adapter"
title = "安溪县大喇叭适配器"
code = "{adapter_code}"
host = "127.0.0.1"
port = {port}
answer_seconds = 2.0
zero_signatures = "refuse"
""",
    RouteKind.SERIAL: """
[links.{link}]
kind = "serial"
title = "惠安县总线 {link}"
url = "{folder}/{link}"
baud = {baud}
mode = "rs485"
answer_seconds = 0.5
""",
    RouteKind.RDS: """
[links.{link}]
kind = "rds"
title = "德化县调频发射台"
url = "{folder}/{link}"
form = "frames"
backoff_longest_seconds = 0.5
""",
    RouteKind.TS: """
[links.{link}]
kind = "ts"
title = "永春县有线电视前端复用器"
host = "127.0.0.1"
port = {port}
""",
    RouteKind.MQTT: """
[links.{link}]
kind = "mqtt"
title = "南安市消息代理"
host = "127.0.0.1"
port = {port}
password_file = "{password_file}"
bound = true
backoff_first_seconds = 0.1
backoff_longest_seconds = 0.5
""",
    RouteKind.UDP: """
[links.{link}]
kind = "udp"
title = "泉港区数据报"
host = "127.0.0.1"
port = {port}
""",
}
_TRUST: Final = """
[signing]
trust_file = "{path}"
[adapters]
port = 0
"""


@dataclass(frozen=True, slots=True)
class Far:
    """The far end of one link: an emulator, by its arguments; ``route`` as in the registry."""

    kind: RouteKind
    route: str
    name: str
    arguments: tuple[str, ...]


class LinkPlan:
    """Everything at the far ends of the links, with ports that nobody listens on now."""

    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        named = {route for row in rows for route in row["routes"].split(";")}
        self._links = [(kind, link) for kind in LINKS for link in LINKS[kind] if f"{kind.value}:{link}" in named]
        self._kinds = list(dict.fromkeys(kind for kind, _ in self._links))
        self._codes = _codes_of(rows, RouteKind.MQTT)
        self._ports = dict(zip(self._kinds, free_ports(len(self._kinds)), strict=True))
        self._folder = Path()
        self.broker: BrokerFiles | None = None

    def settings(self, folder: Path) -> str:
        """Make keys and files in ``folder``; returns what the gateway's settings need beside their common part."""
        self._folder = folder
        text = ""
        if RouteKind.MQTT in self._kinds:
            self.broker = broker_files(folder / "broker", self._ports[RouteKind.MQTT], self._codes)
        if RouteKind.ADAPTER in self._kinds:
            text += _TRUST.format(path=self._trust())
        for kind, link in self._links:
            text += _SETTINGS[kind].format(
                link=link,
                folder=folder,
                port=self._ports[kind],
                adapter_code=_ADAPTER_CODE,
                baud=BAUDS.get(link, 0),
                password_file=self.broker.gateway if self.broker is not None else "",
            )
        return text

    def far_ends(self, ready: Mapping[str, Any]) -> list[Far]:
        """The emulators; ``ready`` is what the gateway said when it began to serve."""
        return [
            Far(kind, f"{kind.value}:{link}", f"{kind.value}-{link}", ("--link", link, *self._way(kind, link, ready)))
            for kind, link in self._links
        ]

    def _way(self, kind: RouteKind, link: str, ready: Mapping[str, Any]) -> tuple[str, ...]:
        address = f"{_HOST}:{self._ports[kind]}"
        match kind:
            case RouteKind.SERIAL:
                return ("--bus", f"pty:{self._folder / link}", "--baud", str(BAUDS[link]), "--scale", _BUS_SCALE)
            case RouteKind.RDS:
                return ("--rds", f"pty:{self._folder / link}", "--form", "frames", "--no-return")
            case RouteKind.TS:
                return ("--ts", address, "--no-return")
            case RouteKind.MQTT:
                assert self.broker is not None
                return ("--gateway", address, "--bearer", "mqtt", "--mqtt-passwords", str(self.broker.terminals))
            case RouteKind.UDP:
                return ("--gateway", address, "--bearer", "udp")
            case _:
                return (
                    "--adapter", address, "--adapter-link", link, "--adapter-code", _ADAPTER_CODE,
                    "--adapter-reports", ready["adapters"], "--adapter-key", str(self._adapter_key),
                    "--adapter-heartbeat", "2",
                )  # fmt: skip

    @property
    def _adapter_key(self) -> Path:
        return self._folder / "adapter.json"

    def _trust(self) -> Path:
        """A signing key of the adapter, and the file by which the gateway knows it."""
        key = new_key_file(self._adapter_key, _ADAPTER_CERTIFICATE, provider=default_provider(), now=datetime.now(UTC))
        path = self._folder / "trust.toml"
        path.write_text(
            f'[[device]]\ncode = "{_ADAPTER_CODE}"\nserial = "{key.certificate}"\n'
            f'public_key = "{key.pair.public.hex()}"\n',
            encoding="utf-8",
        )
        return path


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens now, neither on TCP nor on UDP. Errors: EnvironmentLackingError."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            break
        if all(_is_free(port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
            found.append(port)
    if len(found) < count:
        raise EnvironmentLackingError("没有空闲端口 no free ports")
    return found


def _is_free(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _codes_of(rows: Sequence[Mapping[str, str]], kind: RouteKind) -> list[str]:
    return [row["code"] for row in rows if any(r.startswith(f"{kind.value}:") for r in row["routes"].split(";"))]
