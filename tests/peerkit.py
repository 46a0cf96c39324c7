"""A platform beside ours, as bytes on a socket: it packs, signs and posts by the codec, and reads its receipts."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import BodyPartReader, web

from gateway.domain.codes import CertificateSerial
from gateway.domain.zone import BEIJING
from gateway.protocols.platform import signing
from gateway.protocols.platform.conditions import ConnectionCheck, EbdResponse
from gateway.protocols.platform.ebm import Ebm, MsgBasicInfo, MsgContent
from gateway.protocols.platform.envelope import Body, Ebd, Envelope, build, name_of, parse
from gateway.protocols.platform.ids import EbdId, MessageId, PlatformCode
from gateway.protocols.platform.package import build_package, business_name, package_name, signature_name
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes_at
from gateway.security.sm2 import KeyPair, default_provider
from gateway.settings import Settings
from tests.gatewaykit import settings_for

#: Ours, as a county platform; the city above it; a county beside it.
COUNTY = PlatformCode("43505240000000101010101")
CITY = PlatformCode("33505000000000101010101")
OTHER = PlatformCode("43505210000000101010101")
_numbers = count(1)


def now() -> datetime:
    """Beijing time in whole seconds."""
    return datetime.now(BEIJING).replace(microsecond=0)


@dataclass
class Neighbour:
    """One platform with a key; ``port`` is ours."""

    code: PlatformCode = CITY
    serial: str = "0000000C1001"
    pair: KeyPair = field(default_factory=lambda: default_provider().generate())
    port: int = 0
    host: str = "127.0.0.1"

    def trusted(self) -> str:
        """Its place in a trust file."""
        key = self.pair.public.hex().upper()[-128:]
        return f'[[peer]]\ncode = "{self.code}"\nserial = "{self.serial}"\npublic_key = "{key}"\n'

    def number(self) -> EbdId:
        """A number that it never used."""
        return EbdId.build(self.code, next(_numbers))

    def business(self, body: Body, number: EbdId, **how: Any) -> bytes:
        """EBDB."""
        envelope = Envelope(
            ebd_id=number,
            ebd_type=name_of(body),
            source=how.get("source", self.code),
            source_url=None,
            destination=how.get("destination", COUNTY),
            time=now(),
            related=how.get("related"),
        )
        return build(Ebd(envelope, body))

    def sign(self, data: bytes, number: EbdId | None, coverage: Coverage = Coverage.A) -> bytes:
        """EBDS."""
        at, serial = int(now().timestamp()), CertificateSerial(self.serial)
        message = signed_bytes_at(data, at, serial, coverage)
        value = default_provider().sign(self.pair.private, self.pair.public, message)
        return signing.build(self.code.form, SignatureBlock(at, serial, value), ebd_id=number)

    def package(self, body: Body, *, files: Sequence[tuple[str, bytes]] = (), signed: bool = True, **how: Any) -> bytes:
        """EBDT: the tar."""
        number = how.pop("number", None) or self.number()
        coverage = how.pop("coverage", Coverage.A)
        business = self.business(body, number, **how)
        name = business_name(number)
        inside = [(name, business)]
        if signed:
            inside.append((signature_name(name), self.sign(business, number, coverage)))
        return build_package([*inside, *files], int(now().timestamp()))

    async def post(self, tar: bytes, *, name: str | None = None) -> Answer:
        """Post a tar as the standard says, and read the receipt."""
        form = aiohttp.FormData()
        form.add_field("field1", tar, filename=name or package_name(self.number()), content_type="application/x-tar")
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"http://{self.host}:{self.port}/ebd", data=form) as r,
        ):
            return await Answer.read(r)

    async def send(self, body: Body, **how: Any) -> Answer:
        """Pack, sign, post."""
        return await self.post(self.package(body, **how))

    async def raw(self, body: bytes, content_type: str = "multipart/form-data; boundary=b") -> Answer:
        """Post bytes as they are."""
        headers = {"Content-Type": content_type}
        url = f"http://{self.host}:{self.port}/"
        async with aiohttp.ClientSession() as client, client.post(url, data=body, headers=headers) as response:
            return await Answer.read(response)


@dataclass
class Got:
    """A package that we sent, as it came."""

    ebd: Ebd
    tar: bytes
    business: bytes
    signature: bytes | None
    #: the other files, by name
    files: dict[str, bytes]
    path: str

    @property
    def kind(self) -> str:
        """EBDType."""
        return self.ebd.envelope.ebd_type


class Listening:
    """The port of a neighbour: it keeps what comes and answers as it is told to.

    ``answers`` are taken one for each package, the last for ever: a ResultCode; "silent" closes the connection without
    a word; "unsigned"; "stranger" (signed with another key); "other" (a receipt of another package); above 99 an HTTP
    status.
    """

    def __init__(self, neighbour: Neighbour) -> None:
        self.neighbour = neighbour
        self.got: list[Got] = []
        self.beats = 0
        self.answers: list[int | str] = [1]
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it takes packages."""
        return f"http://127.0.0.1:{self.port}/ebd"

    async def open(self, port: int = 0) -> Listening:
        """Listen."""
        application = web.Application(client_max_size=64 << 20)
        application.router.add_post("/{path:.*}", self._post)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port or self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def close(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def of(self, kind: str) -> list[Got]:
        """What came of one type."""
        return [one for one in self.got if one.kind == kind]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        part = await (await request.multipart()).next()
        assert isinstance(part, BodyPartReader) and (part.filename or "").startswith("EBDT_")
        tar = bytes(await part.read())
        files: dict[str, bytes] = {}
        with tarfile.open(fileobj=io.BytesIO(tar)) as package:
            for member in package:
                held = package.extractfile(member)
                assert held is not None
                files[member.name] = held.read()
        business = next(content for name, content in files.items() if name.startswith("EBDB_"))
        ebd = parse(business)
        signature = files.pop(f"EBDS_EBDB_{ebd.envelope.ebd_id}.xml", None)
        del files[f"EBDB_{ebd.envelope.ebd_id}.xml"]
        if isinstance(ebd.body, ConnectionCheck):
            self.beats += 1
            return self._receipt(ebd, 1, signed=False)
        self.got.append(Got(ebd, tar, business, signature, files, request.path))
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if answer == "silent":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(answer, int) and answer > 99:
            return web.Response(status=answer)
        if answer == "stranger":
            stranger = Neighbour(self.neighbour.code, self.neighbour.serial)
            return self._receipt(ebd, 1, by=stranger)
        if answer == "other":
            return self._receipt(ebd, 1, about=EbdId.build(COUNTY, 999_999))
        return self._receipt(ebd, 1 if answer == "unsigned" else int(answer), signed=answer != "unsigned")

    def _receipt(
        self, ebd: Ebd, result: int, *, signed: bool = True, by: Neighbour | None = None, about: EbdId | None = None
    ) -> web.Response:
        body = EbdResponse(result=result, description="接收")
        related = about or ebd.envelope.ebd_id
        tar = (by or self.neighbour).package(body, signed=signed, destination=ebd.envelope.source, related=related)
        return web.Response(body=tar, content_type="application/x-tar")


@dataclass
class Answer:
    """A receipt, or what came in its place."""

    status: int
    headers: dict[str, str]
    body: bytes
    ebd: Ebd | None = None
    business: bytes = b""
    signature: bytes | None = None

    @classmethod
    async def read(cls, response: aiohttp.ClientResponse) -> Answer:
        """Read an answer whole."""
        body = await response.read()
        made = cls(response.status, dict(response.headers), body)
        if response.headers.get("Content-Type") == "application/x-tar":
            with tarfile.open(fileobj=io.BytesIO(body)) as tar:
                for member in tar:
                    held = tar.extractfile(member)
                    assert held is not None
                    if member.name.startswith("EBDB_"):
                        made.business = held.read()
                        made.ebd = parse(made.business)
                    else:
                        made.signature = held.read()
        return made

    @property
    def result(self) -> int:
        """ResultCode."""
        assert self.ebd is not None and isinstance(self.ebd.body, EbdResponse), self
        return self.ebd.body.result

    @property
    def words(self) -> str:
        """ResultDesc."""
        assert self.ebd is not None and isinstance(self.ebd.body, EbdResponse), self
        return self.ebd.body.description or ""

    @property
    def related(self) -> str | None:
        """RelatedEBD/EBDID."""
        assert self.ebd is not None
        return self.ebd.envelope.related


def ebm(number: int = 1, **how: Any) -> Ebm:
    """A message for 凤城镇 that starts now and lasts 15 minutes."""
    begin = how.pop("start", now())
    basic = {
        "msg_type": how.pop("msg_type", 1),
        "sender_name": "安溪县气象台",
        "sender_code": "35052441600000",
        "send_time": now() if "send_time" not in how else how.pop("send_time"),
        "event_type": "11B03",
        "severity": how.pop("severity", 2),
        "start": begin,
        "end": how.pop("end", begin + timedelta(minutes=15)),
    }
    content = MsgContent(
        language="zho",
        title="安溪县气象台发布暴雨橙色预警",
        text=how.pop("text", "预计未来三小时凤城镇等地降雨量将达五十毫米以上，请注意防范。"),
        areas=how.pop("areas", ("350524100000",)),
        auxiliaries=how.pop("auxiliaries", ()),
    )
    code: str = how.pop("code", CITY)
    return Ebm(
        ebm_id=MessageId(how.pop("ebm_id", f"{code}20261126{number:04d}")),
        basic=MsgBasicInfo(**basic),
        contents=how.pop("contents", (content,)),
        dispatches=how.pop("dispatches", ()),
        **how,
    )


def cancel(meant: str, number: int = 9001, code: str = CITY) -> Ebm:
    """A message that takes another off the air."""
    return Ebm(
        ebm_id=MessageId(f"{code}20261126{number:04d}"),
        related_ebm=MessageId(meant),
        basic=MsgBasicInfo(msg_type=2, send_time=now()),
    )


def heartbeat() -> ConnectionCheck:
    """A heartbeat's content."""
    return ConnectionCheck(reported=now())


def county(folder: Path, *neighbours: Neighbour, **sections: Any) -> Settings:
    """Settings of a county platform under the first neighbour; the others are counties beside it, below the city."""
    trust = folder / "trust.toml"
    trust.write_text("\n".join(neighbour.trusted() for neighbour in neighbours))
    peers = {}
    for place, neighbour in enumerate(neighbours):
        role = "subordinate" if place else "superior"
        peers[f"n{place}"] = {"role": role, "code": str(neighbour.code), **sections.pop(f"n{place}", {})}
    ours = {"code": str(COUNTY), "region": "350524000000"}
    return settings_for(
        folder,
        gateway=ours,
        platform={"enabled": True, "port": 0, **sections.pop("platform", {})},
        signing={"trust_file": trust},
        peers=peers,
        **sections,
    )
