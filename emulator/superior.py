"""An emulated superior platform 上级平台: it commands, asks, and holds what comes against the standard's schemas.

``python -m emulator.superior FILE.toml`` serves until it is ended and prints each package that comes as a line of JSON.
The file: ``code``, ``serial``, ``private_key`` (hex), ``port``, ``standby_port``, ``heartbeat_seconds``, and of the
subordinate ``peer_code``, ``peer_key`` (hex, 64 bytes) and ``peer_url``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import tomllib
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import BodyPartReader, web

from emulator.superior_checks import Came, StrictChecks
from gateway.domain.codes import CertificateSerial
from gateway.domain.zone import BEIJING
from gateway.protocols.platform import signing
from gateway.protocols.platform.conditions import ConnectionCheck, EbdResponse, ResultCode
from gateway.protocols.platform.envelope import Body, Ebd, Envelope, build, name_of, parse
from gateway.protocols.platform.ids import EbdId, PlatformCode
from gateway.protocols.platform.package import (
    build_package,
    business_name,
    package_name,
    read_package,
    signature_name,
)
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes_at
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider

_PACKAGES: Final = 10_000
_SECONDS: Final = 20.0


@dataclass(frozen=True, kw_only=True)
class SuperiorSettings:
    """Who it is and whom it commands. Ports 0: any free one; ``heartbeat``: seconds, 0 for none."""

    code: PlatformCode
    serial: str
    pair: KeyPair
    peer_code: PlatformCode
    peer_key: bytes
    peer_url: str = ""
    port: int = 0
    standby_port: int = 0
    heartbeat: float = 30.0


@dataclass(frozen=True, slots=True)
class Answered:
    """A receipt of the subordinate: ResultCode, words, what it is about, and whether its signature is right."""

    result: int
    words: str
    related: str | None
    proven: bool
    #: seconds that it took
    took: float


@dataclass(slots=True)
class Faults:
    """What goes wrong on purpose. ``answers``: ResultCodes, or HTTP statuses above 99, for the next packages."""

    answers: deque[int] = field(default_factory=deque)
    #: receipts that are cut off in the middle
    cuts: int = 0
    delay: float = 0.0


class Superior:
    """One superior with a main and a standby port. ``on_package`` is told of each package that comes."""

    def __init__(self, settings: SuperiorSettings, on_package: Callable[[Came], None] = lambda _: None) -> None:
        self.settings = settings
        self.faults = Faults()
        self.came: deque[Came] = deque(maxlen=_PACKAGES)
        #: heartbeats that came, and the receipts of ours
        self.beats: deque[Came] = deque(maxlen=_PACKAGES)
        self.beats_answered: deque[Answered] = deque(maxlen=_PACKAGES)
        self._on_package = on_package
        self._checks = StrictChecks(settings.code, settings.peer_code, settings.peer_key)
        self._numbers = count(int(time.time()) << 16)
        self._runners: dict[str, web.AppRunner] = {}
        self.ports = {"main": settings.port, "standby": settings.standby_port}
        self._beating: asyncio.Task[None] | None = None
        self.peer_url = settings.peer_url

    async def open(self) -> Superior:
        """Serve both ports and begin to beat."""
        for name in self.ports:
            await self.open_port(name)
        if self.settings.heartbeat:
            self._beating = asyncio.create_task(self._beat(), name="heartbeats of the superior")
        return self

    async def open_port(self, name: str) -> None:
        """Serve ``main`` or ``standby``."""
        application = web.Application(client_max_size=256 << 20)
        application.router.add_post("/{path:.*}", self._post)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.ports[name]).start()
        self.ports[name] = runner.addresses[0][1]
        self._runners[name] = runner

    async def close_port(self, name: str) -> None:
        """Serve it no more, as if its machine were gone."""
        runner = self._runners.pop(name, None)
        if runner is not None:
            await runner.cleanup()

    async def close(self) -> None:
        """End."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        for name in tuple(self._runners):
            await self.close_port(name)

    def url(self, name: str = "main") -> str:
        """Where a port takes packages."""
        return f"http://127.0.0.1:{self.ports[name]}/ebd/{name}"

    def of(self, kind: str) -> list[Came]:
        """Packages of one type, in the order in which they came."""
        return [one for one in self.came if one.kind == kind]

    def about(self, number: str) -> list[Came]:
        """Packages that answer one of ours."""
        return [one for one in self.came if one.related == number]

    @property
    def breaches(self) -> list[str]:
        """Every rule that any package broke."""
        return [f"{one.kind}: {fault}" for one in (*self.came, *self.beats) for fault in one.faults]

    # -- sending

    def number(self) -> EbdId:
        """A number for a package."""
        return EbdId.build(self.settings.code, next(self._numbers))

    def package(
        self,
        body: Body,
        number: EbdId,
        *,
        related: EbdId | None = None,
        signed: bool = True,
        files: Sequence[tuple[str, bytes]] = (),
    ) -> bytes:
        """A whole tar."""
        envelope = Envelope(
            ebd_id=number,
            ebd_type=name_of(body),
            source=self.settings.code,
            source_url=self.url() if "main" in self._runners else None,
            destination=self.settings.peer_code,
            time=_now(),
            related=related,
        )
        business = build(Ebd(envelope, body))
        name = business_name(number)
        inside = [(name, business)]
        if signed:
            at, serial = int(time.time()), CertificateSerial(self.settings.serial)
            pair = self.settings.pair
            value = default_provider().sign(
                pair.private, pair.public, signed_bytes_at(business, at, serial, Coverage.A)
            )
            block = SignatureBlock(at, serial, value)
            inside.append((signature_name(name), signing.build(self.settings.code.form, block, ebd_id=number)))
        return build_package([*inside, *files], int(time.time()))

    async def send(self, body: Body, number: EbdId | None = None, **how: object) -> Answered:
        """Send a content and read its receipt."""
        number = number or self.number()
        return await self.post(self.package(body, number, **how), number)  # type: ignore[arg-type]  # as package takes

    async def post(self, tar: bytes, number: EbdId) -> Answered:
        """Send a package as it is."""
        form = aiohttp.FormData()
        form.add_field("file", tar, filename=package_name(number), content_type="application/x-tar")
        began = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(self.peer_url, data=form) as response,
        ):
            raw = await response.read()
        package = read_package(BytesIO(raw))
        business = package.document(package.business)
        ebd = parse(business)
        assert isinstance(ebd.body, EbdResponse), ebd.envelope.ebd_type
        proven = False
        if package.signature is not None:
            block = signing.parse(package.document(package.signature)).block
            message = signed_bytes_at(business, block.sig_time, block.certificate, Coverage.A)
            proven = default_provider().verify(self.settings.peer_key, message, block.value)
        took = time.monotonic() - began
        return Answered(ebd.body.result, ebd.body.description or "", ebd.envelope.related, proven, took)

    async def _beat(self) -> None:
        number = EbdId.heartbeat(self.settings.code)
        while True:
            # The subordinate may be away; that shows in the answers that are missing.
            with suppress(aiohttp.ClientError, OSError, TimeoutError, AssertionError):
                self.beats_answered.append(await self.send(ConnectionCheck(reported=_now()), number, signed=False))
            await asyncio.sleep(self.settings.heartbeat)

    # -- receiving

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if self.faults.delay:
            await asyncio.sleep(self.faults.delay)
        part = await (await request.multipart()).next()
        if not isinstance(part, BodyPartReader) or not part.filename:
            return web.Response(status=415)
        found = await asyncio.to_thread(self._checks.examine, bytes(await part.read()), part.filename)
        came = Came(found.ebd, found.faults, found.result, found.files, found.business, time.time(), request.path)
        heartbeat = came.kind == "ConnectionCheck"
        (self.beats if heartbeat else self.came).append(came)
        if not heartbeat:
            self._on_package(came)
        result = came.result
        if not heartbeat and self.faults.answers:
            result = self.faults.answers.popleft()
            if result > 99:
                return web.Response(status=result)
        about = None if came.ebd is None else came.ebd.envelope.ebd_id
        words = "; ".join(came.faults)[:200] or ResultCode(result).chinese
        tar = self.package(
            EbdResponse(result=result, description=words), self.number(), related=about, signed=not heartbeat
        )
        if not heartbeat and self.faults.cuts:
            self.faults.cuts -= 1
            return await self._cut(request, tar)
        return web.Response(body=tar, content_type="application/x-tar")

    @staticmethod
    async def _cut(request: web.Request, tar: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(tar)), "Content-Type": "application/x-tar"})
        await response.prepare(request)
        await response.write(tar[: len(tar) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response


def _now() -> datetime:
    return datetime.now(BEIJING).replace(microsecond=0)


def line_of(came: Came) -> str:
    """A package as a line of JSON."""
    number = None if came.ebd is None else str(came.ebd.envelope.ebd_id)
    said = {"type": came.kind, "ebd_id": number, "related": came.related, "path": came.path, "faults": came.faults}
    return json.dumps(said, ensure_ascii=False)


def settings_of(path: Path) -> SuperiorSettings:
    """Settings of a file."""
    said = tomllib.loads(path.read_text("utf-8"))
    private = bytes.fromhex(said["private_key"])
    return SuperiorSettings(
        code=PlatformCode(said["code"]),
        serial=said["serial"],
        pair=KeyPair(private, default_provider().public_of(private)),
        peer_code=PlatformCode(said["peer_code"]),
        peer_key=bytes.fromhex(said["peer_key"]),
        peer_url=said["peer_url"],
        port=said.get("port", 0),
        standby_port=said.get("standby_port", 0),
        heartbeat=said.get("heartbeat_seconds", 30.0),
    )


async def _serve(path: Path) -> None:
    superior = Superior(settings_of(path), lambda came: print(line_of(came), flush=True))
    await superior.open()
    print(json.dumps({"main": superior.url(), "standby": superior.url("standby")}), flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await superior.close()


def main() -> None:
    """Serve until ended."""
    try:
        asyncio.run(_serve(Path(sys.argv[1])))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
