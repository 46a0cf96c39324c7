"""Packages made to harm: each gets its code with words, memory stays flat, and nobody beside is disturbed."""

from __future__ import annotations

import io
import os
import tarfile
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from gateway.daemon import Gateway
from gateway.protocols.platform.package import build_package
from tests.gatewaykit import alarms_of, keep_reference
from tests.peerkit import CITY, Answer, Neighbour, county, ebm, heartbeat


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@pytest.fixture
def city() -> Neighbour:
    return Neighbour()


@pytest.fixture
async def gate(tmp_path: Path, city: Neighbour) -> AsyncIterator[Gateway]:
    async with Gateway(county(tmp_path, city)) as gateway:
        city.port = gateway.ports.platform
        yield gateway


def parts(city: Neighbour) -> list[tuple[str, bytes]]:
    """EBDB and EBDS of a right message."""
    number = city.number()
    business = city.business(ebm(1), number)
    return [(f"EBDB_{number}.xml", business), (f"EBDS_EBDB_{number}.xml", city.sign(business, number))]


def tar_of(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def with_another(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Callable[[Neighbour], bytes]:
    def make(city: Neighbour) -> bytes:
        right = [(member(n), content) for n, content in parts(city)]
        return tar_of([*right, (member(name, kind, link), b"")])

    return make


def changed(old: bytes, new: bytes) -> Callable[[Neighbour], bytes]:
    """Business data changed before it is signed."""

    def make(city: Neighbour) -> bytes:
        number = city.number()
        business = city.business(ebm(1), number)
        assert old in business
        business = business.replace(old, new)
        return build_package(
            [(f"EBDB_{number}.xml", business), (f"EBDS_EBDB_{number}.xml", city.sign(business, number))], 0
        )

    return make


def of_business(data: bytes) -> Callable[[Neighbour], bytes]:
    return lambda city: build_package([("EBDB_1.xml", data), ("EBDS_EBDB_1.xml", city.sign(data, None))], 0)


def with_signature(change: Callable[[bytes], bytes]) -> Callable[[Neighbour], bytes]:
    def make(city: Neighbour) -> bytes:
        (name, business), (signature_name, signature) = parts(city)
        return build_package([(name, business), (signature_name, change(signature))], 0)

    return make


_BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE EBD [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]><EBD><EBDVersion>&c;</EBDVersion></EBD>"
)
_OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE EBD [<!ENTITY x SYSTEM "file:///etc/passwd">]><EBD>&x;</EBD>'

ATTACKS: dict[str, tuple[Callable[[Neighbour], bytes], int]] = {
    "absolute name": (with_another("/etc/cron.d/x"), 2),
    "name that climbs": (with_another("../../x"), 2),
    "symbolic link": (with_another("EBDR_a.mp3", tarfile.SYMTYPE, "/etc/passwd"), 2),
    "hard link": (with_another("EBDR_a.mp3", tarfile.LNKTYPE, "EBDB_1.xml"), 2),
    "device": (with_another("EBDR_a.mp3", tarfile.CHRTYPE), 2),
    "folder": (with_another("EBDR", tarfile.DIRTYPE), 2),
    "sparse bomb": (with_another("EBDR_a.mp3", tarfile.GNUTYPE_SPARSE), 2),
    "hundreds of members": (
        lambda city: build_package([*parts(city), *((f"EBDR_{n}.mp3", b"") for n in range(500))], 0),
        2,
    ),
    "two EBDB": (lambda city: build_package([*parts(city), *parts(city)], 0), 2),
    "no EBDB": (lambda city: build_package(parts(city)[1:], 0), 2),
    "equal names": (lambda city: build_package([*parts(city), ("EBDR_a", b"1"), ("EBDR_a", b"2")], 0), 2),
    "cut": (lambda city: build_package(parts(city), 0)[:1500], 2),
    "not a tar": (lambda _: os.urandom(4096), 2),
    "gzip": (lambda _: b"\x1f\x8b\x08" + bytes(2000), 2),
    "entities": (of_business(_BILLION), 2),
    "a file of ours": (of_business(_OUTSIDE), 2),
    "deep": (of_business(b"<EBD>" * 100_000), 2),
    "no XML": (of_business(b"\xff\xfe\x00"), 2),
    "another root": (of_business(b"<alert/>"), 2),
    "type unknown": (changed(b"EBM", b"EBX"), 2),
    "signature of other bytes": (with_signature(lambda _: b"<Signature/>"), 4),
    "signature no Base64": (
        with_signature(lambda s: s.replace(b"<SignatureValue>", b"<SignatureValue>!")),
        4,
    ),
    "times the wrong way": (changed(b"<EndTime>20", b"<EndTime>19"), 3),
    "time that is none": (changed(b"<StartTime>20", b"<StartTime>2x"), 3),
    "MsgType unknown": (changed(b"<MsgType>1", b"<MsgType>9"), 3),
    "area that is none": (changed(b"<AreaCode>350524", b"<AreaCode>35o524"), 3),
    "file that is not there": (
        changed(
            b"</MsgContent>",
            b"<Auxiliary><AuxiliaryType>2</AuxiliaryType><AuxiliaryDesc>EBDR_x.mp3</AuxiliaryDesc></Auxiliary>"
            b"</MsgContent>",
        ),
        3,
    ),
}


async def test_each_attack_gets_its_code_and_words(gate: Gateway, city: Neighbour) -> None:
    for name, (make, code) in ATTACKS.items():
        answer = await city.post(make(city))
        assert (answer.status, answer.result) == (200, code), (name, answer.words)
        assert "/" in answer.words, name
        assert not gate.state.messages, name
    # All of it is two alarms that count, not a flood.
    assert alarms_of(gate).count("platform_refused") <= 2
    assert (await city.send(ebm(2))).result == 1
    assert not list((gate.settings.gateway.data_dir / "packages").iterdir())


async def test_signatures_with_zeros_and_files_with_a_mark_are_read(gate: Gateway, city: Neighbour) -> None:
    zeros = with_signature(lambda s: s.replace(b"</SignatureValue>", b"&#x0;&#x0;</SignatureValue>"))
    assert (await city.post(zeros(city))).result == 1
    number = city.number()
    marked = b"\xef\xbb\xbf" + city.business(ebm(3), number)
    signed = [(f"EBDB_{number}.xml", marked), (f"EBDS_EBDB_{number}.xml", city.sign(marked, number))]
    assert (await city.post(build_package(signed, 0))).result == 1


async def test_ten_thousand_characters_are_taken_whole(gate: Gateway, city: Neighbour) -> None:
    text = "请立即转移到安全地带。" * 910
    assert (await city.send(ebm(4, text=text))).result == 1
    (live,) = gate.state.messages.values()
    assert live.message.text == text


async def test_the_key_of_another_platform_opens_nothing(gate: Gateway, city: Neighbour) -> None:
    number = city.number()
    business = city.business(ebm(5), number)
    # A right number of a certificate with another key, and a right key under a number that is not registered.
    for thief in (Neighbour(serial=city.serial), Neighbour(serial="0000000C1009", pair=city.pair)):
        files = [(f"EBDB_{number}.xml", business), (f"EBDS_EBDB_{number}.xml", thief.sign(business, number))]
        assert (await city.post(build_package(files, 0))).result == 4
    # Its owner's number is not spent by that.
    assert (await city.send(ebm(5), number=number)).result == 1


async def test_a_signature_of_one_package_serves_no_other(gate: Gateway, city: Neighbour) -> None:
    first, second = parts(city), parts(city)
    answer = await city.post(build_package([first[0], second[1]], 0))
    assert answer.result == 4


async def test_a_part_of_a_hundred_megabytes_costs_no_memory(gate: Gateway, city: Neighbour) -> None:
    async def endless(size: int) -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="f"; filename="EBDT_1.tar"\r\n\r\n'
        for _ in range(size >> 20):
            yield bytes(1 << 20)

    url = f"http://127.0.0.1:{city.port}/"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    tracemalloc.start()
    try:
        async with aiohttp.ClientSession() as client:
            async with client.post(url, data=endless(100 << 20), headers=headers) as response:
                assert (await Answer.read(response)).result == 2
            try:
                async with client.post(url, data=endless(101 << 20), headers=headers) as response:
                    assert response.status == 413
            except aiohttp.ClientError:
                pass  # hung up on before it was through: as good an answer to 100 MB too many
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert (await city.send(heartbeat(), signed=False)).result == 1
    assert not list((gate.settings.gateway.data_dir / "packages").iterdir())


async def test_nobody_calls_from_an_address_that_is_not_registered(tmp_path: Path, city: Neighbour) -> None:
    async with Gateway(county(tmp_path, city, n0={"networks": ["10.0.0.0/8"]})) as gateway:
        city.port = gateway.ports.platform
        answer = await city.send(ebm(6))
        assert (answer.result, answer.related) == (5, None)
        assert str(CITY) not in answer.words
