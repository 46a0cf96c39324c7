"""A city platform over a county platform, both real gateways that know each other's keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.daemon import signing_key, sm2_provider
from gateway.domain.receiver import Route, RouteKind, Terminal
from gateway.protocols.platform.ids import PlatformCode
from gateway.security.sm2 import KeyPair
from gateway.settings import Settings
from tests.gatewaykit import settings_for, terminal
from tests.peerkit import CITY, COUNTY, Neighbour
from tests.ports import free_port

#: The route from the city to the county.
DOWN = Route(RouteKind.PLATFORM, "anxi")
_QUICK: dict[str, Any] = {"heartbeat_seconds": 0.5, "retry_seconds": [0.1, 0.3], "connect_seconds": 2.0}


def tiers(folder: Path, **sections: Any) -> tuple[Settings, Settings]:
    """Settings of the city and of the county. ``city``, ``county`` add sections; ``down``, ``up`` keys of peers."""
    ports = {"city": free_port(), "county": free_port()}
    codes = {"city": CITY, "county": COUNTY}
    regions = {"city": "350500000000", "county": "350524000000"}
    for name in codes:
        (folder / name).mkdir(exist_ok=True)
    peers: dict[str, dict[str, Any]] = {
        "city": {
            "anxi": {
                "role": "subordinate",
                "code": COUNTY,
                "area": regions["county"],
                "url": f"http://127.0.0.1:{ports['county']}/ebd",
                **_QUICK,
                **sections.pop("down", {}),
            }
        },
        "county": {
            "city": {
                "role": "superior",
                "code": CITY,
                "url": f"http://127.0.0.1:{ports['city']}/ebd",
                **_QUICK,
                **sections.pop("up", {}),
            }
        },
    }
    platform = {"settle_seconds": 0.3, "progress_seconds": 0.3, "enabled": True}
    made = {
        name: settings_for(
            folder / name,
            gateway={"code": codes[name], "region": regions[name]},
            platform={**platform, "port": ports[name]},
            peers=peers[name],
            signing={"trust_file": folder / f"{name}.toml"},
            **sections.get(name, {}),
        )
        for name in codes
    }
    for name, other in (("city", "county"), ("county", "city")):
        key = signing_key(made[other], sm2_provider("auto"))
        public = key.pair.public.hex().upper()[-128:]
        entry = f'[[peer]]\ncode = "{codes[other]}"\nserial = "{key.certificate}"\npublic_key = "{public}"\n'
        (folder / f"{name}.toml").write_text(entry)
    return made["city"], made["county"]


def neighbour(settings: Settings) -> Neighbour:
    """One of the two as bytes on a socket: it signs with the gateway's own key."""
    key = signing_key(settings, sm2_provider("auto"))
    pair = key.pair
    assert isinstance(pair, KeyPair)
    return Neighbour(PlatformCode(settings.gateway.code), str(key.certificate), pair)


def below(area: str, number: int = 1) -> Terminal:
    """A county's terminal as the city's registry has it."""
    return replace(terminal(area, number), routes=(DOWN,))
