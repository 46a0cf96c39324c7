"""A town with lists: a root, an adapter, and terminals over a connection, the adapter, RDS and a transport stream."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from emulator.adapter import AdapterSettings, EmulatedAdapter
from emulator.certificate_system import CertificateSystem
from gateway.api.keys import issue_key
from gateway.daemon import Gateway
from gateway.domain.codes import AreaCode, CertificateSerial
from gateway.domain.receiver import Route, Terminal
from gateway.protocols.certificates import CERTIFICATE, Certificate
from gateway.publishers.rights import KeyKind, Publisher
from gateway.security.curve import KeyPair
from gateway.security.keys import SigningKey, load_key_file, new_key_file
from gateway.security.sm2 import default_provider
from gateway.settings import Settings
from tests.adapterkit import FRONT, adapter_keys
from tests.api.apikit import Api
from tests.devices.test_rds_bearer import Encoder
from tests.devices.test_ts_bearer import Multiplexer
from tests.gatewaykit import hang_up, settings_for, terminal, until
from tests.ports import free_port

OURS = CertificateSerial("000000000100")
ADAPTER = CertificateSerial("000000000200")
#: ReceiverSN of the terminal on a connection, and of all others of the county.
ITS_OWN = CertificateSerial("000000000301")
SHARED = CertificateSerial("000000000302")

ON_IP = terminal("350524100001")
BEHIND = replace(terminal("350524100002"), routes=(Route.parse("adapter:box"),))
ON_RDS = replace(terminal("350524100003"), routes=(Route.parse("rds:hill"),))
ON_TS = replace(terminal("350524100004"), routes=(Route.parse("ts:cable"),))


_runs = count()


def _root() -> CertificateSystem:
    provider = default_provider()
    return CertificateSystem(CertificateSerial("000000000001"), provider.generate(), provider)


@dataclass
class ListTown:
    """Everything beside the gateway; it outlives restarts of the gateway."""

    folder: Path
    root: CertificateSystem = field(default_factory=_root)
    more_trust: str = ""
    encoder: Encoder = field(default_factory=Encoder)
    mux: Multiplexer = field(default_factory=Multiplexer)
    reports: int = field(default_factory=free_port)
    adapter: EmulatedAdapter | None = None

    @cached_property
    def key(self) -> SigningKey:
        """The key at the beginning."""
        path = self.folder / "signing.key"
        if not path.exists():
            new_key_file(path, OURS, provider=default_provider(), now=datetime.now(UTC))
        return load_key_file(path, provider=default_provider())

    def issue(
        self, serial: CertificateSerial, pair: KeyPair | None = None, until_month: tuple[int, int] = (2099, 12)
    ) -> Certificate:
        return self.root.certificate(serial, (pair or default_provider().generate()).public, until_month)

    def trust_file(self) -> Path:
        def entry(table: str, paper: Certificate, *more: str) -> str:
            return "\n".join([f"[[{table}]]", *more, f'certificate = "{CERTIFICATE.build(paper).hex()}"', ""])

        path = self.folder / "trust.toml"
        path.write_text(
            entry("root", self.issue(self.root.serial, self.root.pair), 'name = "town"')
            + entry("certificate", self.issue(OURS, self.key.pair), 'root = "town"', 'holder = "本平台"')
            + entry("device", self.issue(ADAPTER, adapter_keys()), f'code = "{FRONT}"', 'root = "town"')
            + f'[[receiver]]\ncode = "{ON_IP.code}"\nroot = "town"\nserial = "{ITS_OWN}"\n'
            + f'[[receiver]]\narea = "350524000000"\nroot = "town"\nserial = "{SHARED}"\n'
            + self.more_trust
        )
        return path

    def settings(self) -> Settings:
        assert self.adapter is not None
        quick = {"setting_seconds": 0.5, "index_seconds": 0.05, "other_seconds": 0.1, "kilobits_per_second": 2000}
        links: dict[str, Any] = {
            "box": {
                "kind": "adapter",
                "code": FRONT,
                "host": "127.0.0.1",
                "port": self.adapter.port,
                "answer_seconds": 0.5,
                "tries": 2,
            },
            "hill": {
                "kind": "rds",
                "url": f"tcp://127.0.0.1:{self.encoder.port}",
                "frames_per_second": 20_000,
                "interval_seconds": 0.01,
                "setting_count": 2,
            },
            "cable": {"kind": "ts", "host": "127.0.0.1", "port": self.mux.port, **quick},
        }
        return settings_for(
            self.folder,
            signing={"key_file": self.folder / "signing.key", "trust_file": self.trust_file()},
            adapters={"port": self.reports},
            dispatch={"answer_seconds": 0.3},
            links=links,
        )

    @asynccontextmanager
    async def around(self) -> AsyncIterator[ListTown]:
        """The far ends of all links."""
        await self.encoder.listen()
        await self.mux.listen()
        self.adapter = EmulatedAdapter(
            AdapterSettings(
                code=FRONT,
                keys={OURS: self.key.pair.public},
                platform=("127.0.0.1", self.reports),
                pair=adapter_keys(),
                certificate=ADAPTER,
                heartbeat=0.0,
            ),
            [BEHIND.code],
        )
        await self.adapter.start()
        try:
            yield self
        finally:
            await self.adapter.close()
            self.mux.close()
            await self.encoder.close()

    @asynccontextmanager
    async def gateway(self, *terminals: Terminal) -> AsyncIterator[Api]:
        """The gateway at work, with an operator's key ``duty``."""
        async with Gateway(self.settings()) as gate, aiohttp.ClientSession() as client:
            if terminals:
                await gate.terminals.put(terminals, "test")
            api = Api(gate, client)
            holder = Publisher(f"duty {next(_runs)}", KeyKind.OPERATOR, areas=(AreaCode("350500000000"),))
            api.keys["duty"], row = issue_key(holder, time.time())
            await gate.state.store.write(row)
            routes = {route for one in terminals for route in one.routes if str(route) != "ip"}
            await until(lambda: all(str(gate.state.bearers[r].health.state) != "down" for r in routes))
            try:
                yield api
            finally:
                await hang_up()


async def application(api: Api, query: str = "") -> bytes:
    answer = await api.get(f"/api/v1/trust/application{query}", "duty")
    assert answer.status == 200, answer.raw
    return answer.raw


async def take(api: Api, data: bytes, query: str = "", kind: str = "application/xml") -> Any:
    return await api.post(f"/api/v1/trust/lists{query}", "duty", data=data, headers={"Content-Type": kind})


async def publish(api: Api, **body: Any) -> dict[str, dict[str, Any]]:
    """Publish, wait for the end, and return how each device stands, by code."""
    begun = await api.post("/api/v1/trust/publication", "duty", json=body)
    assert begun.status == 202, begun.raw
    desk = api.gateway.trust
    assert desk is not None
    await until(lambda: not desk.publisher.is_running, 30)
    return await holdings(api)


async def holdings(api: Api) -> dict[str, dict[str, Any]]:
    items = (await api.get("/api/v1/trust/lists?limit=1000", "duty")).json["items"]
    return {item["code"]: item for item in items}
