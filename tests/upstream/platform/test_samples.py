"""Every file of the samples and of the standard's examples, posted as it is: its code, and nobody else disturbed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.daemon import Gateway
from gateway.protocols.platform.package import build_package
from gateway.store import package_queries
from tests.gatewaykit import alarms_of, keep_reference
from tests.peerkit import CITY, Answer, Neighbour, county, ebm, heartbeat

DATA = Path(__file__).parents[2] / "data" / "platform"
SAMPLES, PRINTED = DATA / "samples", DATA / "std-examples"
KEYS = json.loads((SAMPLES / "manifest.json").read_text(encoding="utf-8"))["keys"]
PLAY = SAMPLES / "EBDT_10335050000000001010101010000000000001001.tar"


class Sampled(Neighbour):
    """The city of the samples: its public key is known, which is all that ours needs."""

    def trusted(self) -> str:
        """Its place in a trust file, and that of a neighbour whose private key the tests hold."""
        key = KEYS["city"]["x"] + KEYS["city"]["y"]
        sampled = f'[[peer]]\ncode = "{CITY}"\nserial = "000000001001"\npublic_key = "{key}"\n'
        return sampled + super().trusted()


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@pytest.fixture
def city() -> Neighbour:
    return Sampled()


@pytest.fixture
async def gate(tmp_path: Path, city: Neighbour) -> AsyncIterator[Gateway]:
    async with Gateway(county(tmp_path, city)) as gateway:
        city.port = gateway.ports.platform
        yield gateway


def packed(file: Path) -> bytes:
    """A business data file with its signature, where it has one."""
    signature = file.with_suffix(".EBDS.xml")
    inside = [("EBDB_1.xml", file.read_bytes())]
    if signature.exists():
        inside.append(("EBDS_EBDB_1.xml", signature.read_bytes()))
    return build_package(inside, 0)


async def test_a_package_of_another_maker_is_proven_and_found_over(gate: Gateway, city: Neighbour) -> None:
    for _ in range(2):
        answer = await city.post(PLAY.read_bytes())
        assert answer.result == 1 and "over on arrival" in answer.words
        assert answer.related == PLAY.stem.removeprefix("EBDT_")
    kept = await gate.state.store.read(package_queries.received_package, str(CITY), PLAY.stem.removeprefix("EBDT_"))
    assert kept is not None and kept.business == (SAMPLES / "01_EBM_play.xml").read_bytes()
    assert not gate.state.messages


async def test_a_request_of_another_maker_is_read_as_it_stands(gate: Gateway, city: Neighbour) -> None:
    _, _, body = (SAMPLES / "http_request.bin").read_bytes().partition(b"\r\n\r\n")
    answer = await city.raw(body, "multipart/form-data; boundary=----EBDSample7d1f")
    assert answer.result == 1 and "over on arrival" in answer.words


#: By sample of the city: the code, where it is settled here. The message lacks its file; a receipt is no request.
FROM_CITY = {"01_EBM_play": 3, "07_EBM_cancel": 1, "13_ConnectionCheck": 1, "14_EBDResponse_heartbeat": 4}


async def test_each_sample_hears_what_it_is(gate: Gateway, city: Neighbour) -> None:
    for file in sorted(SAMPLES.glob("[0-9][0-9]_*.xml")):
        if file.name.endswith(".EBDS.xml"):
            continue
        data, answer = file.read_bytes(), await city.post(packed(file))
        sender = data.partition(b"<SRC>")[2].partition(b"<EBRID>")[2][:23].decode()
        if sender != CITY:
            assert answer.result == 5 and "SRC/EBRID" in answer.words, file.name
        elif (code := FROM_CITY.get(file.stem)) is not None:
            assert answer.result == code, (file.name, answer.words)
        else:
            # Proven and whole; what it is answered is its handler's.
            assert answer.result in (0, 1, 5) and answer.signature is not None, (file.name, answer.words)
    assert not gate.state.messages


async def test_what_the_standard_prints_is_a_stranger_or_no_package(gate: Gateway, city: Neighbour) -> None:
    warning = next(SAMPLES.glob("*_ALERT.xml"))
    for file in [*sorted(PRINTED.iterdir()), warning]:
        answer = await city.post(packed(file))
        is_package = "_EBD.xml" in file.name
        assert answer.result == (5 if is_package else 2), (file.name, answer.words)
        assert isinstance(answer, Answer) and "/" in answer.words
    assert alarms_of(gate).count("platform_refused") == 1
    assert (await city.send(heartbeat(), signed=False)).result == 1
    assert (await city.send(ebm(1))).result == 1 and len(gate.state.messages) == 1
