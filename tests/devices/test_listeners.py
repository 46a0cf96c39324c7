"""The ports of a whole gateway: real sockets, real TLS, a real store, and a healthy terminal beside every bad one."""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gateway.store.batch as batch_module
from gateway.devices import listeners
from gateway.domain.codes import ResourceCode
from gateway.domain.orders import Receipt
from gateway.errors import EnvironmentLackingError
from gateway.protocols import ip
from gateway.protocols.checksum import seal
from gateway.protocols.framing import Frame, StreamFramer
from gateway.protocols.ip_bodies import GeneralAnswer
from gateway.store import queries
from tests.devices.harness import beat, report_beat
from tests.gatewaykit import (
    BareTerminal,
    Gateway,
    facts,
    report,
    result_report,
    settings_for,
    submission,
    task_report,
    terminal,
    until,
    warning,
)

A, B = terminal("350524100001"), terminal("350524100002")
EBM = "3" * 35


class Wire:
    """A peer that speaks bytes and notes how it ended."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.heard = bytearray()

    @classmethod
    async def open(cls, port: int, **how: Any) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", port, **how))

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0)

    async def results(self, count: int) -> list[int]:
        """Result codes of the answers, once there are so many."""
        while len(found := self._answers()) < count:
            data = await asyncio.wait_for(self._reader.read(65536), 5)
            if not data:
                raise AssertionError(f"closed after {found}")
            self.heard += data
        return found

    def _answers(self) -> list[int]:
        items = StreamFramer(65535).feed(bytes(self.heard))
        bodies = [ip.parse(item.raw).body for item in items if isinstance(item, Frame)]
        return [body.result for body in bodies if isinstance(body, GeneralAnswer)]

    async def end(self) -> bool:
        """Wait for the other side; whether it closed in order."""
        try:
            while await asyncio.wait_for(self._reader.read(65536), 5):
                pass
        except ConnectionError:
            return False
        return True

    async def close(self, *, half: bool = False) -> None:
        if half:
            self._writer.write_eof()
            return
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


@pytest.fixture
def commits_held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Hold every commit of the store back until the event is set; ``set`` at first."""
    gate = threading.Event()
    gate.set()

    def held(connection: Any, batch: Any) -> Any:
        gate.wait(10)
        return batch_module.commit(connection, batch)

    monkeypatch.setattr("gateway.store.writer.commit", held)
    yield gate
    gate.set()


def receipts(gate: Gateway) -> Any:
    return gate.state.store.read(queries.receipts_after, (-1, -1), 1000)


BEAT = beat(A, session=7, first=2)
BROKEN = seal(BEAT[:43] + b"\x20" + BEAT[44:-4])
UNKNOWN = seal(BEAT[:38] + b"\x30" + BEAT[39:-4])
FALSE = b"\xfe\xfd\x01\x00" + bytes(4) + b"\x01\x00\xff\xff" + bytes(40)

#: What the bad terminal sends, in these segments, and the answers it must get (None: it only goes away).
BAD: dict[str, tuple[list[bytes], list[int] | None]] = {
    "short": ([BEAT[:-9]], None),
    "long": ([BEAT + bytes(9)], [0]),
    "too long a length": ([seal(BEAT[:10] + b"\x00\x40" + BEAT[12:-4]), BEAT, BEAT], [0]),
    "checksum": ([BEAT[:-1] + bytes([BEAT[-1] ^ 1]), BEAT], [15, 0]),
    "structure": ([BROKEN, BEAT], [13, 0]),
    "unknown type": ([UNKNOWN, UNKNOWN, BEAT], [55, 55, 0]),
    "noise": ([random.Random(1).randbytes(100_000), BEAT], [0]),
    "false header": ([FALSE, BEAT], [0]),
    "twenty segments": ([BEAT[i : i + 3] for i in range(0, len(BEAT), 3)], [0]),
    "many in one": ([BEAT * 100], [0] * 100),
    "half, then gone": ([BEAT, BEAT[:20]], None),
    "unknown code": ([beat(A, code=ResourceCode.build(6, A.area, number=77))], [59]),
    "wrong address": ([beat(A, physical="AABBCCDDEEFF")], [71]),
}


async def test_bad_input_is_answered_by_the_codes_and_felt_by_nobody_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A, B], "test")
        healthy = await BareTerminal.connect(gate.ports.terminals, B)
        for number, (name, (pieces, results)) in enumerate(BAD.items(), start=1):
            bad = await Wire.open(gate.ports.terminals)
            await bad.send(*pieces)
            before = len(healthy.answers)
            healthy.beat()
            accepted = await gate.dispatch.accept(submission(warning(f"w{number}")), facts(str(B.area)))
            await until(lambda now=number: len(healthy.starts) == now)  # type: ignore[misc]
            await until(lambda then=before: len(healthy.answers) > then)  # type: ignore[misc]
            live = gate.state.messages[str(accepted.message_id)]
            await until(lambda here=live: any(getattr(e, "kind", "") == "acknowledged" for e in here.log))  # type: ignore[misc]
            if results is not None:
                assert (await bad.results(len(results)))[: len(results)] == results, name
            await bad.close()
        await until(lambda: gate.hub.counters.connections == 1)
        assert not gate.hub.is_online(1)
        assert len([answer for answer in healthy.answers if answer.body.result == 0]) == 1 + len(BAD)  # type: ignore[union-attr]
        await healthy.close()
    # One host, so one line in a minute, however much it sends.
    assert capsys.readouterr().out.count("frame refused") == 1
    async with Gateway(settings_for(tmp_path)) as gate:
        listed = {(row.source, row.reason) for row in await gate.state.store.read(queries.strangers)}
        assert listed == {
            (str(ResourceCode.build(6, A.area, number=77)), "unknown_code"),
            (str(A.code), "physical_address_differs"),
        }


async def test_noise_costs_no_memory(tmp_path: Path) -> None:
    noise = random.Random(3).randbytes(60_000) + b"\xfe\xfd\x01\x00" * 4_000
    async with Gateway(settings_for(tmp_path)) as gate:
        bad = await Wire.open(gate.ports.terminals)
        await bad.send(noise)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            begun = time.process_time()
            for _ in range(3):
                await bad.send(noise)
            await until(lambda: gate.hub.counters.bytes_skipped >= 4 * 70_000)
            after, _ = tracemalloc.get_traced_memory()
            assert time.process_time() - begun < 5
        finally:
            tracemalloc.stop()
        assert after - before < 500_000
        await bad.close()


async def test_a_peer_that_does_not_read_is_dropped_and_the_others_hear_on(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path, terminals={"max_unsent_bytes": 4096})) as gate:
        await gate.terminals.put([A, B], "test")
        other = await BareTerminal.connect(gate.ports.terminals, B)
        slow = await Wire.open(gate.ports.terminals, limit=1024)
        await slow.send(beat(A))
        await until(lambda: gate.hub.is_online(1))
        link = gate.hub.current[1]
        for _ in range(4000):
            if not link.write(bytes(4096)):
                break
            if not _ % 100:
                await asyncio.sleep(0)
        await until(lambda: not gate.hub.is_online(1))
        assert gate.hub.counters.slow_peers_dropped == 1
        await gate.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        await until(lambda: other.starts)
        await slow.close()
        await other.close()


async def test_a_short_report_connection_ends_in_order_only_after_the_commit(
    tmp_path: Path, commits_held: threading.Event
) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A, B], "test")
        commits_held.clear()
        wire = await Wire.open(gate.ports.feedback)
        await wire.send(task_report(A, EBM, 1, 1), result_report(A, EBM, 1, 2)[:-5])
        await wire.send(result_report(A, EBM, 1, 2)[-5:])
        await wire.close(half=True)
        waiting = asyncio.create_task(wire.end())
        await until(lambda: gate.hub.counters.reports == 2)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        commits_held.set()
        assert await waiting is True
        kept = await receipts(gate)
        assert [row.kind for row in kept] == ["playing", "played"]
        assert {(row.terminal_id, row.ebm_id) for row in kept} == {(1, EBM)}
        await wire.close()


async def test_a_long_report_connection_stays_and_its_heartbeat_binds_it(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A], "test")
        wire = await Wire.open(gate.ports.feedback, local_addr=("127.0.0.2", 0))
        await wire.send(task_report(A, EBM, 1, 1))
        await until(lambda: gate.hub.counters.reports == 1)
        await wire.send(report_beat(A), task_report(A, EBM, 1, 1))
        await until(lambda: gate.dispatch.committed() == 2)
        gate.hub.sweep(asyncio.get_running_loop().time() + 200)
        await wire.send(task_report(A, EBM, 2, 2))
        await until(lambda: gate.dispatch.committed() == 3)
        kept: list[Receipt] = await receipts(gate)
        assert [(row.kind, row.standing, row.authenticity) for row in kept] == [
            ("playing", 1, "none"),
            ("playing", 2, "address"),
            ("task_ended", 2, "address"),
        ]
        assert [alarm.kind for alarm in gate.state.alarms.open if alarm.subject == A.code] == ["unbound_source"]
        await wire.close()


async def test_at_its_end_the_gateway_does_not_pretend_to_have_kept_what_it_has_not(
    tmp_path: Path, commits_held: threading.Event
) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A], "test")
        commits_held.clear()
        wire, quiet = await Wire.open(gate.ports.feedback), await Wire.open(gate.ports.feedback)
        await wire.send(task_report(A, EBM, 1, 1))
        await quiet.send(report_beat(A))
        await until(lambda: gate.hub.counters.reports == 2)
        ends = asyncio.gather(wire.end(), quiet.end())
        await gate.hub.close()
        in_order = await ends
        assert list(in_order) == [False, True]
        commits_held.set()
        await wire.close()
        await quiet.close()


async def test_one_port_takes_both_families(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with Gateway(settings_for(tmp_path, terminals={"port": port}, feedback={"port": port})) as gate:
        assert gate.ports.terminals == gate.ports.feedback == port
        await gate.terminals.put([A], "test")
        wire = await Wire.open(port)
        await wire.send(BEAT + task_report(A, EBM, 1, 1) + BEAT)
        assert await wire.results(2) == [0, 0]
        await report(port, result_report(A, EBM, 1, 2))
        assert [row.kind for row in await receipts(gate)] == ["playing", "played"]
        await wire.close()


async def test_a_frame_on_the_other_port_is_nobodys(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A], "test")
        d, e = await Wire.open(gate.ports.terminals), await Wire.open(gate.ports.feedback)
        await d.send(task_report(A, EBM, 1, 1))
        await e.send(BEAT)
        await until(lambda: gate.hub.counters.faults == {"unknown_type": 2})
        assert not gate.hub.current
        assert gate.hub.counters.reports == 0
        await d.close()
        await e.close()


async def test_nothing_small_is_held_back_on_its_way_to_a_terminal(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        for port in (gate.ports.terminals, gate.ports.feedback):
            wire = await Wire.open(port)
            await until(lambda: gate.hub.connections)
            sock = next(iter(gate.hub.connections))._transport.get_extra_info("socket")  # type: ignore[union-attr]
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            await wire.close()
            await until(lambda: not gate.hub.connections)


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentLackingError, match=f"127.0.0.1:{port}"):
            async with Gateway(settings_for(tmp_path, feedback={"port": port})):
                raise AssertionError("it served")


async def test_the_sweep_outlives_what_breaks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "SWEEP_SECONDS", 0.01)
    async with Gateway(settings_for(tmp_path)) as gate:
        swept: list[float] = []

        def sweep(now: float) -> None:
            swept.append(now)
            raise RuntimeError("broken")

        monkeypatch.setattr(gate.hub, "sweep", sweep)
        await until(lambda: len(swept) > 2)


# -- TLS

TLS = Path(__file__).parent.parent / "security" / "tls"


@pytest.fixture
def tls(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "tls"
    folder.mkdir()
    for source in TLS.iterdir():
        shutil.copyfile(source, folder / source.name)
        (folder / source.name).chmod(0o600)
    return {"certificate": folder / "server.pem", "key": folder / "server.key", "client_ca": folder / "ca.pem"}


def client(tls: dict[str, Path], *, certificate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls["client_ca"]))
    if certificate:
        folder = tls["key"].parent
        context.load_cert_chain(folder / "client.pem", folder / "client.key")
    return context


async def test_both_ports_speak_tls(tmp_path: Path, tls: dict[str, Path], caplog: pytest.LogCaptureFixture) -> None:
    plain = {key: value for key, value in tls.items() if key != "client_ca"}
    how: dict[str, Any] = {"ssl": client(tls, certificate=False), "server_hostname": "localhost"}
    async with Gateway(settings_for(tmp_path, terminals={"tls": plain}, feedback={"tls": plain})) as gate:
        await gate.terminals.put([A, B], "test")
        line = await BareTerminal.connect(gate.ports.terminals, A, **how)
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        await until(lambda: line.starts)
        wire = await Wire.open(gate.ports.feedback, **how)
        await wire.send(task_report(A, str(accepted.message_id), 1, 1))
        await until(lambda: gate.hub.counters.reports == 1)
        await wire.close()
        without = await Wire.open(gate.ports.terminals)
        await without.send(BEAT)
        await without.end()
        await without.close()
        line.beat()
        await until(lambda: len(line.answers) == 2)
        await line.close()
    assert not caplog.records


async def test_a_client_certificate_is_asked_for_and_binds(tmp_path: Path, tls: dict[str, Path]) -> None:
    async with Gateway(settings_for(tmp_path, feedback={"tls": tls})) as gate:
        await gate.terminals.put([A], "test")
        nobody = await Wire.open(gate.ports.feedback, ssl=client(tls, certificate=False), server_hostname="localhost")
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            await nobody.send(task_report(A, EBM, 1, 1))
            await nobody.results(1)
        await nobody.close()
        assert gate.hub.counters.reports == 0
        wire = await Wire.open(gate.ports.feedback, ssl=client(tls, certificate=True), server_hostname="localhost")
        await wire.send(task_report(A, EBM, 1, 1))
        await until(lambda: gate.hub.counters.reports == 1)
        link = next(iter(gate.hub.connections))
        assert link.mtls_code  # its common name; a certificate of the terminal's own code proves what it says
        await wire.close()
