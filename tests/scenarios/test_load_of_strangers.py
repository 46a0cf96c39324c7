"""Fifty hostile connections pour rubbish into both ports while a broadcast runs: no terminal feels it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from gateway.domain.codes import AreaCode, ResourceCode
from gateway.protocols import ip
from gateway.protocols.ip_bodies import Heartbeat
from tests.gatewaykit import PLATFORM
from tests.scenarios.processes import until
from tests.scenarios.town import TOWNS, Scene, Stage, make_town, warning_body

TERMINALS = 100
HOSTILE = 50
_BROADCASTS = 3
#: Seconds between two pieces of one hostile connection.
_PAUSE = 0.02
_MOST_GROWTH = 20 << 20
_MOST_LINES = 60


def _beat(number: int, *, known: ResourceCode | None = None) -> bytes:
    """A registration of somebody whom the registry does not know, or with an address that is not the terminal's."""
    code = known or ResourceCode.build(6, AreaCode("350524100001"), number=90 + number % 9)
    return ip.build(ip.request(number, code, (PLATFORM,), Heartbeat(1, 1, number.to_bytes(6))))


def _noise(dice: random.Random) -> Iterator[bytes]:
    while True:
        yield dice.randbytes(2000)


def _false_headers(dice: random.Random) -> Iterator[bytes]:
    while True:
        length = dice.choice((65535, 4096, 12, 0))
        head = b"\xfe\xfd\x01\x00" + dice.randbytes(4) + b"\x01\x00" + length.to_bytes(2)
        yield head + dice.randbytes(dice.randrange(40))


def _half_frames(dice: random.Random) -> Iterator[bytes]:
    while True:
        frame = _beat(dice.randrange(1, 1 << 30))
        yield frame[: dice.randrange(1, len(frame))]


def _wrong_checksums(dice: random.Random) -> Iterator[bytes]:
    while True:
        frame = bytearray(_beat(dice.randrange(1, 1 << 30)))
        frame[dice.randrange(len(frame))] ^= 1 << dice.randrange(8)
        yield bytes(frame)


def _impostors(dice: random.Random) -> Iterator[bytes]:
    while True:
        yield _beat(dice.randrange(1, 1 << 30), known=dice.choice((None, _victim)))


_victim = ResourceCode.build(6, AreaCode("350524100001"), "0314", 1, "04", 1)
_KINDS: tuple[Callable[[random.Random], Iterator[bytes]], ...] = (
    _noise, _false_headers, _half_frames, _wrong_checksums, _impostors,
)  # fmt: skip


async def _pour(port: int, number: int, poured: list[int], enough: asyncio.Event) -> None:
    """Connect, pour for a while, leave in one of three ways, come again, until it is enough."""
    dice = random.Random(number)
    kind = _KINDS[number % len(_KINDS)]
    while not enough.is_set():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            with suppress(OSError):
                for piece, _ in zip(kind(dice), range(dice.randrange(1, 60)), strict=False):
                    if enough.is_set():
                        break
                    writer.write(piece)
                    poured[0] += len(piece)
                    await writer.drain()
                    await asyncio.sleep(_PAUSE)
                if dice.random() < 0.3:
                    writer.write_eof()
                    async with asyncio.timeout(0.1):
                        await reader.read(100)
        except TimeoutError:
            pass
        finally:
            if dice.random() < 0.5:
                writer.transport.abort()
            else:
                writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _broadcast(scene: Scene, number: int) -> None:
    """An alert that must be proven at every terminal, and its cancel confirmed by every one."""
    warning = await scene.api.post("/api/v1/warnings", warning_body(f"w{number}", TOWNS))
    path = f"/api/v1/warnings/{warning['warning_id']}"

    async def proven() -> bool:
        return bool((await scene.api.get(f"{path}/coverage"))["reached"]["proven"]["terminals"] == TERMINALS)

    async def stopped() -> bool:
        found = await scene.api.deliveries(warning["warning_id"])
        return all(delivery["stop"] == "acknowledged" for delivery in found.values())

    await until(proven, 10, "all terminals are proven")
    await scene.api.post(f"{path}/cancel", {"reason": "test"})
    await until(stopped, 10, "all stops are confirmed")


async def test_strangers_are_not_felt(tmp_path: Path) -> None:
    town = await make_town(tmp_path, TERMINALS)
    assert str(_victim) in town.codes_in(*TOWNS)
    async with Stage(town, {"scale": 10}) as scene:
        await _broadcast(scene, 0)
        before, lines = scene.daemon.rss, scene.daemon.log.read_text().count("\n")
        poured, enough = [0], asyncio.Event()
        hostile = [
            asyncio.create_task(_pour((town.d, town.e)[number % 2], number, poured, enough))
            for number in range(HOSTILE)
        ]
        try:
            await until(lambda: poured[0] > 200_000, what="the strangers pour")
            for number in range(1, _BROADCASTS + 1):
                await _broadcast(scene, number)
            await until(lambda: poured[0] > 2_000_000, what="the strangers have poured")
        finally:
            enough.set()
            ended = await asyncio.gather(*hostile, return_exceptions=True)
        assert ended == [None] * HOSTILE
        assert (await scene.control.get("/truth?terminals=0"))["summary"]["registered"] == TERMINALS
        grown, more = scene.daemon.rss - before, scene.daemon.log.read_text().count("\n") - lines
        print(f"{poured[0] / 1e6:.1f} MB poured, grown by {grown / 1e6:.1f} MB, {more} lines logged")
        assert grown < _MOST_GROWTH
        assert more < _MOST_LINES, scene.daemon.tail()
        assert not [line for line in town.journal() if line["event"] == "disconnected"]
