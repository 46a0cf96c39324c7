"""The demo's MQTT broker 消息代理: mosquitto from the system, on loopback, each terminal under its own name."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.cli.demo_processes import Child
from gateway.cli.demo_town import BEARERS
from gateway.domain.receiver import RouteKind
from gateway.errors import EnvironmentLackingError

#: What to do where it is missing.
INSTALL: Final = "未安装 mosquitto is not installed: sudo apt-get install mosquitto"
_SEARCHED: Final = "/usr/sbin:/usr/local/sbin"
_GATEWAY: Final = "gateway"
_TRIES, _PAUSE = 200, 0.05

#: A terminal may speak under its own code alone: that is what makes its topic proof of who speaks.
_RULES = """\
user {gateway}
topic readwrite ebgw/#

pattern write ebgw/terminal/%u/up
pattern write ebgw/terminal/%u/state
pattern read ebgw/terminal/%u/down
pattern read ebgw/+/area/#
"""
_SETTINGS = """\
listener {port} 127.0.0.1
persistence false
allow_anonymous false
password_file {passwords}
acl_file {rules}
max_queued_messages 10000
set_tcp_nodelay true
{user}"""


def programs() -> tuple[str, str] | None:
    """Paths of mosquitto and mosquitto_passwd; None where they are not installed."""
    path = f"{os.environ.get('PATH', '')}:{_SEARCHED}"
    broker, passwords = (shutil.which(name, path=path) for name in ("mosquitto", "mosquitto_passwd"))
    return (broker, passwords) if broker is not None and passwords is not None else None


def kinds_here(wanted: tuple[RouteKind, ...]) -> tuple[RouteKind, ...]:
    """The bearers of this machine: of all, MQTT is left out where there is no broker.

    Errors: EnvironmentLackingError where it was asked for by name.
    """
    if RouteKind.MQTT not in wanted or programs() is not None:
        return wanted
    if wanted != tuple(BEARERS):
        raise EnvironmentLackingError(INSTALL)
    return tuple(kind for kind in wanted if kind is not RouteKind.MQTT)


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """What broker, gateway and terminals read: settings of the broker, and passwords of the two sides."""

    settings: Path
    gateway: Path
    terminals: Path
    port: int


def broker_files(folder: Path, port: int, codes: Iterable[str]) -> BrokerFiles:
    """Make the files of a broker for these terminals. Errors: EnvironmentLackingError."""
    found = programs()
    if found is None:
        raise EnvironmentLackingError(INSTALL)
    folder.mkdir(mode=0o755)
    passwords = {code: secrets.token_hex(8) for code in codes}
    own = secrets.token_hex(16)
    files = BrokerFiles(folder / "mosquitto.conf", folder / "gateway.txt", folder / "terminals.txt", port)
    files.gateway.write_text(f"{_GATEWAY}\n{own}\n", encoding="utf-8")
    files.terminals.write_text(_lines(passwords), encoding="utf-8")
    hashed, rules = folder / "passwords", folder / "rules"
    hashed.write_text(_lines({_GATEWAY: own, **passwords}), encoding="utf-8")
    for private in (files.gateway, files.terminals, hashed):
        private.chmod(0o600)
    done = subprocess.run([found[1], "-U", str(hashed)], capture_output=True, text=True, check=False)  # noqa: S603 - the program found above
    if done.returncode:
        raise EnvironmentLackingError(f"mosquitto_passwd: {done.stderr.strip()}")
    rules.write_text(_RULES.format(gateway=_GATEWAY), encoding="utf-8")
    # Started by root it would become the user mosquitto, who cannot read this folder.
    user = "user root\n" if os.getuid() == 0 else ""
    files.settings.write_text(_SETTINGS.format(port=port, passwords=hashed, rules=rules, user=user), encoding="utf-8")
    return files


def broker(files: BrokerFiles, log: Path) -> Child:
    """The broker's process, not yet started."""
    found = programs()
    if found is None:
        raise EnvironmentLackingError(INSTALL)
    return Child("mosquitto", ["-c", str(files.settings)], log, program=found[0])


async def listening(child: Child, port: int) -> None:
    """Wait until the broker takes connections. Errors: EnvironmentLackingError with its last words."""
    for _ in range(_TRIES):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if not child.running:
                break
            await asyncio.sleep(_PAUSE)
            continue
        writer.close()
        return
    raise EnvironmentLackingError(f"mosquitto 未就绪 is not ready:\n{child.tail()}")


def _lines(passwords: dict[str, str]) -> str:
    return "".join(f"{name}:{password}\n" for name, password in passwords.items())
