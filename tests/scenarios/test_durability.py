"""What the kernel saw: nothing is promised to a publisher, and nothing said to a terminal, before it is on disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import FrameError
from gateway.protocols import ip
from gateway.protocols.ip_bodies import PacketType, ServiceType
from tests.scenarios.processes import until
from tests.scenarios.town import TOWNS, Stage, make_town, warning_body
from tests.strace import Call, read_trace, strace_program

_CALLS = "fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg,sendmmsg"
_SYNCS = ("fdatasync", "fsync")
_ACCEPTED = b"HTTP/1.1 202"
_HEAD = b"\xfe\xfd\x01\x00"


def _digests(database: Path) -> dict[str, list[bytes]]:
    """Frame digests of orders, by command, in the order in which they were made."""
    found: dict[str, list[bytes]] = {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        for command, digest in store.execute("SELECT command, frame_digest FROM orders ORDER BY id"):
            found.setdefault(command, []).append(digest)
    return found


def _written(calls: list[Call], marker: bytes) -> Call:
    """The first write of these bytes to the log of the database."""
    return next(c for c in calls if c.name == "pwrite64" and c.file.endswith("-wal") and marker in c.data)


def _frames(calls: list[Call], service: ServiceType) -> list[Call]:
    """Writes of requests of this type to a terminal."""
    found = []
    for call in calls:
        start = call.data.find(_HEAD) if call.name != "pwrite64" else -1
        if start < 0:
            continue
        try:
            length = int.from_bytes(call.data[start + 10 : start + 12], "big")
            packet = ip.parse(call.data[start : start + length])
        except FrameError:
            continue
        if packet.packet_type == PacketType.REQUEST and packet.service_type == service:
            found.append(call)
    return found


def _synced_between(calls: list[Call], written: Call, promised: Call) -> bool:
    """Whether a sync of the log that began after the write was done before the promise began."""
    assert written.done < promised.begun
    return any(
        c.name in _SYNCS
        and c.file == written.file
        and c.result == 0
        and written.done < c.begun
        and c.done < promised.begun
        for c in calls
    )


@pytest.mark.timeout(90)
async def test_a_warning_is_synced_before_its_202_and_an_order_before_its_first_byte(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    before = [
        strace_program(),
        "-D",
        "-f",
        "-ttt",
        "-y",
        "-xx",
        "-s",
        "6000",
        "-e",
        f"trace={_CALLS}",
        "-o",
        str(trace),
    ]
    town = await make_town(tmp_path, 5)
    async with Stage(town, {}, before) as scene:
        identifier = "synced-before-its-202"
        status, accepted = await scene.api.call("POST", "/api/v1/warnings", warning_body(identifier, TOWNS))
        assert status == 202
        warning_id = accepted["warning_id"]

        async def every(field: str, value: str) -> bool:
            found = await scene.api.deliveries(warning_id)
            return len(found) == 5 and all(delivery[field] == value for delivery in found.values())

        await until(lambda: every("rung", "playing"), what="all terminals play")
        status, _ = await scene.api.call(
            "POST", "/api/v1/warnings", warning_body("cancel-synced-first", [], "Cancel", (identifier,))
        )
        assert status == 202
        await until(lambda: every("stop", "acknowledged"), what="all terminals stop")
    await until(lambda: "+++ exited" in trace.read_text(errors="replace")[-2000:], what="strace ends")
    calls, digests = read_trace(trace), _digests(town.database)
    promises = [c for c in calls if _ACCEPTED in c.data]
    assert len(promises) == 2
    for marker, promise in zip((identifier.encode(), b"cancel-synced-first"), promises, strict=True):
        assert _synced_between(calls, _written(calls, marker), promise)
    for command, service in (("start", ServiceType.START), ("stop", ServiceType.STOP)):
        frames = _frames(calls, service)
        assert len(frames) == 5
        assert _synced_between(calls, _written(calls, digests[command][0]), frames[0])
