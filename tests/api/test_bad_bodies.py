"""Everything in ``invalid`` and ``xml-attacks`` is refused with its rule, and costs no memory."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.apikit import CAP, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

WARNINGS = Path(__file__).parent.parent / "data" / "warnings"
BAD = sorted([*(WARNINGS / "invalid").iterdir(), *(WARNINGS / "xml-attacks").iterdir()])
URL = "/api/v1/warnings"
#: Kilobytes of growth that count as flat: the attacks would take gigabytes, the largest body allowed is 2 MB.
FLAT = 48 * 1024


def peak() -> int:
    """Greatest resident size so far, in kB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def alive(api: Api) -> None:
    assert (await api.get("/healthz", None)).status == 200


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
@pytest.mark.parametrize("media_type", [CAP, "application/xml", "application/json"])
async def test_a_bad_body_is_refused_with_its_rule_and_flat_memory(api: Api, path: Path, media_type: str) -> None:
    before = peak()
    answer = await api.post(URL, "anything", data=path.read_bytes(), headers={"Content-Type": media_type})
    assert answer.status in (400, 413, 422)
    assert peak() - before < FLAT
    await alive(api)


async def test_the_bad_bodies_are_all_there(api: Api) -> None:
    assert len(BAD) == 17


ENTITY = b'<!DOCTYPE a [<!ENTITY x "' + b"y" * 1000 + b'">]>'


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        pytest.param(ENTITY + b"<alert>" + b"&x;" * 400_000 + b"</alert>", CAP, id="entities"),
        pytest.param(b"<a>" * 500_000, CAP, id="deep"),
        pytest.param(b"<alert " + b" ".join(b'a%d="1"' % i for i in range(150_000)) + b"/>", CAP, id="attributes"),
        pytest.param(b"<alert>" + b"<x/>" * 490_000 + b"</alert>", CAP, id="elements"),
        pytest.param(b'{"a":' * 300_000, "application/json", id="json deep"),
        pytest.param(b'{"areas":[' + b"{}," * 600_000 + b"{}]}", "application/json", id="json masses"),
        pytest.param(b'{"polygons":[[' + b"[1,2]," * 300_000 + b"[1,2]]]}", "application/json", id="json points"),
        pytest.param(b"\x00" * 2_000_000, CAP, id="zeros"),
        pytest.param(b"\xff" * 2_000_000, "application/json", id="no utf-8"),
    ],
)
async def test_a_large_attack_is_refused_with_flat_memory(api: Api, body: bytes, media_type: str) -> None:
    before = peak()
    answer = await api.post(URL, "anything", data=body, headers={"Content-Type": media_type})
    assert answer.status in (400, 413, 422)
    assert peak() - before < FLAT
    await alive(api)


async def test_a_body_that_says_it_is_too_large_is_refused_at_once(api: Api) -> None:
    answer = await api.post(URL, data=b"x" * (2 << 20) + b"x", headers={"Content-Type": CAP})
    assert answer.status == 413
    assert answer.codes == ["too_large"]


async def test_an_endless_body_is_refused_once_it_passes_the_limit(api: Api) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 60 << 20:
            sent += 65_536
            yield b"x" * 65_536
            await asyncio.sleep(0)

    before = peak()
    try:
        answer = await api.post(URL, data=endless(), headers={"Content-Type": CAP})
    except (ConnectionError, OSError):
        # The gateway answered and closed while the rest was still on its way.
        pass
    else:
        assert answer.status == 413
    assert sent < 60 << 20
    assert peak() - before < FLAT
    await alive(api)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_compressed_bodies_are_not_unpacked(api: Api, encoding: str) -> None:
    answer = await api.post(URL, data=b"x" * 1000, headers={"Content-Type": CAP, "Content-Encoding": encoding})
    assert answer.status == 415


async def test_a_body_with_the_largest_real_shape_is_read_off_the_loop(api: Api) -> None:
    """880 kB with one ring of 44,000 points: the loop goes on while it is read."""
    points = " ".join(f"{24.0 + (i % 2000) / 1e4:.4f},{118.0 + i / 1e5:.5f}" for i in range(44_000))
    ring = f"{points} {points.partition(' ')[0]}"
    body = f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>huge</identifier><sender>a</sender>
<sent>2026-11-23T14:15:00+08:00</sent><status>Draft</status><msgType>Alert</msgType><scope>Public</scope>
<info><category>Met</category><event>x</event><urgency>Future</urgency><severity>Minor</severity>
<certainty>Likely</certainty><area><areaDesc>海上</areaDesc><polygon>{ring}</polygon></area></info></alert>""".encode()
    assert len(body) > 600_000
    longest = 0.0

    async def ticks() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.002)
            longest = max(longest, loop.time() - before)

    task = asyncio.create_task(ticks())
    answer = await api.post(URL, "anything", data=body, headers={"Content-Type": CAP})
    task.cancel()
    assert answer.status == 422
    assert "draft" in answer.codes
    assert longest < 0.3
