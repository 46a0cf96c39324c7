"""A real gateway with a link to an emulated adapter on loopback: both ends are the parts that ship."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from emulator.adapter import AdapterSettings, EmulatedAdapter
from emulator.adapter_faults import SOUND, AdapterFaults
from gateway.devices.adapter_link import AdapterLink
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.domain.orders import Receipt
from gateway.domain.receiver import Route, RouteKind, Terminal
from gateway.protocols import adapter
from gateway.protocols.adapter import AdapterPacket
from gateway.protocols.framing import Frame, StreamFramer
from gateway.security.curve import KeyPair
from gateway.security.keys import load_key_file, new_key_file
from gateway.security.sm2 import default_provider
from tests.gatewaykit import Gateway, facts, settings_for, submission, terminal, warning
from tests.ports import free_port

BOX = Route(RouteKind.ADAPTER, "box")
FRONT = ResourceCode("43505240000000314010201")
ADAPTER_CERTIFICATE = CertificateSerial("000000000099")
TOWN = "350524100000"


@cache
def adapter_keys() -> KeyPair:
    return default_provider().generate()


def behind(number: int = 1, *more: Route) -> Terminal:
    """A terminal whose first route is the adapter."""
    return replace(terminal("350524100001", number), routes=(BOX, *more))


@dataclass(eq=False)
class Pair:
    """The gateway, its link, and the adapter at the other end."""

    gate: Gateway
    link: AdapterLink
    adapter: EmulatedAdapter

    async def broadcast(self, name: str = "w1", seconds: float = 60, start_in: float = 0) -> LiveMessage:
        accepted = await self.gate.dispatch.accept(
            submission(warning(name)), facts(TOWN, seconds=seconds, start_in=start_in)
        )
        return self.gate.state.messages[str(accepted.message_id)]


def receipts(live: LiveMessage) -> list[tuple[str, int]]:
    """Kinds and classes of committed evidence about a message."""
    return [(entry.kind, entry.standing) for entry in live.log if isinstance(entry, Receipt)]


@asynccontextmanager
async def pair(
    folder: Path,
    *terminals: Terminal,
    faults: AdapterFaults = SOUND,
    signs: bool = True,
    trusted: bool = True,
    heartbeat: float = 0.0,
    link: dict[str, Any] | None = None,
    monitor: dict[str, Any] | None = None,
    **emulated: Any,
) -> AsyncIterator[Pair]:
    """Gateway and adapter; ``trusted``: the gateway knows the adapter's key."""
    folder.mkdir(exist_ok=True)
    provider = default_provider()
    key_path = folder / "signing.json"
    if not key_path.exists():
        new_key_file(key_path, CertificateSerial("000000000100"), provider=provider, now=datetime.now(UTC))
    key = load_key_file(key_path, provider=provider)
    reports = free_port()
    emulator = EmulatedAdapter(
        AdapterSettings(
            code=FRONT,
            keys={key.certificate: key.pair.public},
            platform=("127.0.0.1", reports),
            pair=adapter_keys() if signs else None,
            certificate=ADAPTER_CERTIFICATE,
            heartbeat=heartbeat,
            faults=faults,
            **emulated,
        ),
        [one.code for one in terminals],
    )
    await emulator.start()
    signing: dict[str, Any] = {"key_file": key_path}
    if trusted:
        trust = folder / "trust.toml"
        trust.write_text(
            f'[[device]]\ncode = "{FRONT}"\nserial = "{ADAPTER_CERTIFICATE}"\n'
            f'public_key = "{adapter_keys().public.hex()}"\n'
        )
        signing["trust_file"] = trust
    settings = settings_for(
        folder,
        signing=signing,
        adapters={"port": reports},
        monitor=monitor or {},
        dispatch={"backoff_first_seconds": 0.05, "backoff_longest_seconds": 0.1},
        links={
            "box": {
                "kind": "adapter",
                "code": FRONT,
                "host": "127.0.0.1",
                "port": emulator.port,
                "answer_seconds": 0.5,
                "tries": 2,
                **(link or {}),
            }
        },
    )
    try:
        async with Gateway(settings) as gate:
            if terminals:
                await gate.terminals.put(terminals, "test")
            bearer = gate.state.bearers[BOX]
            assert isinstance(bearer, AdapterLink)
            yield Pair(gate, bearer, emulator)
    finally:
        await emulator.close()


async def say(port: int, *frames: bytes, seconds: float = 2.0) -> list[AdapterPacket]:
    """Send bytes to a port and return the packets that come before the far end closes, or in time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    framer, heard = StreamFramer(adapters=True), list[AdapterPacket]()
    try:
        async with asyncio.timeout(seconds):
            for frame in frames:
                writer.write(frame)
            writer.write_eof()
            while data := await reader.read(65536):
                heard += [adapter.parse(item.raw) for item in framer.feed(data) if isinstance(item, Frame)]
    except (TimeoutError, OSError):
        pass
    finally:
        writer.transport.abort()
    return heard


def now() -> int:
    return int(time.time())
