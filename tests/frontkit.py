"""Two real gateways: a city with a link to an adapter, and a county that stands where the adapter stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.devices.adapter_link import AdapterLink
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.domain.receiver import Terminal
from gateway.security.keys import SigningKey, load_key_file, new_key_file
from gateway.security.sm2 import default_provider
from tests.adapterkit import BOX, FRONT, TOWN
from tests.gatewaykit import BareTerminal, Gateway, facts, hang_up, settings_for, submission, terminal, warning
from tests.ports import free_port

CITY = ResourceCode("33505000000000103010101")
COUNTY = ResourceCode("43505240000000103010101")


@dataclass(eq=False)
class Chain:
    """City above county; ``link`` is the city's, ``terminals`` are connected to the county."""

    city: Gateway
    county: Gateway
    link: AdapterLink
    key: SigningKey

    async def broadcast(self, name: str = "w1", area: str = TOWN, seconds: float = 60) -> LiveMessage:
        accepted = await self.city.dispatch.accept(submission(warning(name)), facts(area, seconds=seconds))
        return self.city.state.messages[str(accepted.message_id)]

    def theirs(self, live: LiveMessage) -> LiveMessage | None:
        """The same message at the county."""
        return self.county.state.messages.get(live.ebm_id)


def _key(folder: Path, certificate: str) -> tuple[Path, SigningKey]:
    folder.mkdir(parents=True, exist_ok=True)
    path, provider = folder / "signing.json", default_provider()
    if not path.exists():
        new_key_file(path, CertificateSerial(certificate), provider=provider, now=datetime.now(UTC))
    return path, load_key_file(path, provider=provider)


def _trust(folder: Path, code: str, key: SigningKey) -> Path:
    path = folder / "trust.toml"
    path.write_text(
        f'[[device]]\ncode = "{code}"\nserial = "{key.certificate}"\npublic_key = "{key.pair.public.hex()}"\n'
    )
    return path


@asynccontextmanager
async def chain(
    folder: Path,
    *terminals: Terminal,
    front: dict[str, Any] | None = None,
    link: dict[str, Any] | None = None,
    county: dict[str, dict[str, Any]] | None = None,
    reports: dict[str, Any] | None = None,
    trusted: str = "",
) -> AsyncIterator[Chain]:
    """City and county with the same terminals in their registries: behind the adapter there, by IP here.

    ``trusted`` is what the county's trust file names besides the city's key.
    """
    city_path, city_key = _key(folder / "city", "000000000100")
    county_path, county_key = _key(folder / "county", "000000000200")
    commands, reports_port = free_port(), free_port()
    trust = _trust(folder / "county", CITY, city_key)
    trust.write_text(trust.read_text() + trusted)
    quick = {"answer_seconds": 0.15, "backoff_first_seconds": 0.05, "backoff_longest_seconds": 0.1}
    sections: dict[str, Any] = {
        "signing": {"key_file": county_path, "trust_file": trust},
        "dispatch": quick,
        "front_end": {
            "enabled": True,
            "code": FRONT,
            "port": commands,
            "platform_code": CITY,
            "platform_port": reports_port,
            "answer_seconds": 0.5,
            **(front or {}),
        },
        **(county or {}),
        "gateway": {"code": COUNTY, "region": "350524000000", "data_dir": folder / "county"},
    }
    low = settings_for(folder / "county", **sections)
    high = settings_for(
        folder / "city",
        signing={"key_file": city_path, "trust_file": _trust(folder / "city", FRONT, county_key)},
        adapters={"port": reports_port, **(reports or {})},
        dispatch=quick,
        links={
            "box": {
                "kind": "adapter",
                "code": FRONT,
                "host": "127.0.0.1",
                "port": commands,
                "tries": 2,
                "zero_signatures": "refuse",
                **(link or {}),
            }
        },
    )
    try:
        async with Gateway(high) as city, Gateway(low) as below:
            if terminals:
                await city.terminals.put([replace(one, routes=(BOX,)) for one in terminals], "test")
                await below.terminals.put(terminals, "test")
            bearer = city.state.bearers[BOX]
            assert isinstance(bearer, AdapterLink)
            yield Chain(city, below, bearer, city_key)
            await hang_up()
    finally:
        await hang_up()


async def connected(gate: Gateway, *terminals: Terminal, **how: Any) -> list[BareTerminal]:
    """Terminals with a connection each."""
    return [await BareTerminal.connect(gate.ports.terminals, one, **how) for one in terminals]


def speaker(number: int = 1, village: str = "350524100001") -> Terminal:
    return terminal(village, number)
