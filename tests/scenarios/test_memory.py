"""Attacks on parsers, posted to the real daemon again and again: refused, and memory stays flat."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.scenarios.processes import Client, Process, Refused
from tests.scenarios.town import make_town

_FILES = Path(__file__).parents[1] / "data" / "warnings" / "xml-attacks"
_ROUNDS = 40
#: Posted at once.
_AT_ONCE = 8
#: Rounds after which the allocator has taken what it keeps.
_WARM_UP = 5
#: What all further rounds together may leave behind: noise of the allocator, less than one body of each.
_MOST_GROWTH = 2 << 20
_LARGE = 1 << 20
#: glibc gives back at once what is free, so that resident memory tells what is held and not how arenas were cut up.
_GIVE_BACK = ("env", "MALLOC_ARENA_MAX=1", "MALLOC_TRIM_THRESHOLD_=65536", "MALLOC_MMAP_THRESHOLD_=65536")


def _made() -> dict[str, tuple[bytes, str]]:
    """Bodies that are large or deep in ways that no file needs to show."""
    cap = "application/cap+xml"
    head = b'<?xml version="1.0" encoding="UTF-8"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
    return {
        "deep": (head + b"<info>" * (_LARGE // 6), cap),
        "wide": (head + b"<a/>" * (_LARGE // 4) + b"</alert>", cap),
        "attributes": (head[:-1] + b"".join(b' a%d=""' % n for n in range(_LARGE // 12)) + b"/>", cap),
        "long text": (head + b"<identifier>" + b"x" * _LARGE + b"</identifier></alert>", cap),
        "deep JSON": (b"[" * _LARGE, "application/json"),
        "wide JSON": (b'{"a":[' + b"1," * (_LARGE // 2) + b"1]}", "application/json"),
        "too large": (b"<" * ((2 << 20) + 1), cap),
        "large number": (b'{"sender":' + b"9" * (_LARGE // 2) + b"}", "application/json"),
    }


async def _refuse(api: Client, name: str, body: bytes, media_type: str) -> None:
    with pytest.raises(Refused) as refused:
        await api.call("POST", "/api/v1/warnings", body, media_type)
    assert 400 <= refused.value.status < 500, f"{name}: {refused.value}"
    assert '"errors"' in str(refused.value), name


async def _round(api: Client, bodies: dict[str, tuple[bytes, str]]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str, body: bytes, media_type: str) -> None:
        async with gate:
            await _refuse(api, name, body, media_type)

    await asyncio.gather(*(one(name, *body) for name, body in bodies.items()))


def _peak(daemon: Process) -> int:
    """The most memory the process ever held, in bytes."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) << 10


@pytest.mark.timeout(90)
async def test_attacks_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    files = {path.name: (path.read_bytes(), "application/cap+xml") for path in sorted(_FILES.iterdir())}
    assert len(files) > 10
    bodies = files | _made()
    town = await make_town(tmp_path, 3)
    with town.daemon(_GIVE_BACK) as daemon:
        await daemon.line("ready")
        async with town.api() as api:
            begun = daemon.rss
            for _ in range(_WARM_UP):
                await _round(api, bodies)
            await _round(api, files)
            before, peak = daemon.rss, _peak(daemon)
            for _ in range(_ROUNDS):
                await _round(api, files)
            for _ in range(3):
                await _round(api, bodies)
            await _round(api, files)
            grown = daemon.rss - before
            print(
                f"RSS {begun / 1e6:.0f} MB at the start, {before / 1e6:.0f} after the first rounds, "
                f"{grown / 1e6:+.1f} in the end; peak {peak / 1e6:.0f}, then {_peak(daemon) / 1e6:.0f}"
            )
            assert grown < _MOST_GROWTH
            assert _peak(daemon) - begun < 100 << 20
            assert (await api.get("/api/v1/warnings"))["items"] == []
