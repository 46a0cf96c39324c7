from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from emulator.control import make_application
from emulator.fleet import Fleet
from emulator.journal import Event
from emulator.settings import Claims, PlayerSettings, TerminalSettings
from tests.emulator.conftest import FleetMaker
from tests.emulator.reference import Commands, Server, ebm, rows, until
from tests.ports import free_port

Caller = Callable[[Fleet], Awaitable["TestClient[Any, Any]"]]


@pytest.fixture
async def control() -> AsyncIterator[Caller]:
    clients: list[TestClient[Any, Any]] = []

    async def make(fleet: Fleet) -> TestClient[Any, Any]:
        client = TestClient(TestServer(make_application(fleet), host="127.0.0.1"))
        clients.append(client)
        await client.start_server()
        return client

    yield make
    for client in clients:
        await client.close()


async def journal(client: TestClient[Any, Any], query: str = "") -> list[dict[str, Any]]:
    response = await client.get(f"/journal{query}")
    assert response.status == 200
    return [json.loads(line) for line in (await response.text()).splitlines()]


async def test_sound_is_told_of_players_and_of_nobody_else(
    server: Server, make_fleet: FleetMaker, control: Caller
) -> None:
    assert await (await (await control(await make_fleet(1))).get("/sound")).json() == []
    terminal = TerminalSettings(heartbeat=5, player=Claims.HEARD)
    fleet = await make_fleet(1, terminal=terminal, player=PlayerSettings(interface="127.0.0.1"))
    client = await control(fleet)
    port = free_port(socket.SOCK_DGRAM)
    server.send(Commands(now=time.time()).start(1, url=f"udp://@{port}"), [rows(1)[0].code])
    await until(lambda: fleet.listening is not None and any(fleet.listening.heard()))
    (told,) = await (await client.get("/sound")).json()
    assert (told["terminal"], told["ebm_id"], told["source"]) == (rows(1)[0].code, ebm(1), f"udp://@{port}")
    assert (told["seconds"], told["first"], told["after"]) == (0.0, None, 0.0)
    assert (await client.put("/faults", json={"deaf": True, "stream_loss": 0.5})).status == 200
    assert (await (await client.get("/truth")).json())["terminals"][rows(1)[0].code]["faults"]["deaf"] is True


async def test_journal_tells_what_happened_and_continues(
    server: Server, make_fleet: FleetMaker, control: Caller
) -> None:
    fleet = await make_fleet(3, terminal=TerminalSettings(heartbeat=5))
    client = await control(fleet)
    before = await journal(client)
    assert [line["event"] for line in before].count("registered") == 3
    server.send(Commands(now=time.time()).start(1))
    await until(lambda: len(server.answers) == 3)
    after = await journal(client, f"?after={before[-1]['n']}")
    assert [line["n"] for line in after] == list(range(len(before), len(before) + len(after)))
    playing = [line for line in after if line["event"] == "playing"]
    assert {line["terminal"] for line in playing} == {row.code for row in rows(3)}
    assert {line["ebm_id"] for line in playing} == {ebm(1)}
    assert {line["session"] for line in after if line["event"] == "answered"} == {101}
    assert all(abs(line["t"] - time.time()) < 60 for line in after)


async def test_truth_counts_who_can_be_reached(server: Server, make_fleet: FleetMaker, control: Caller) -> None:
    fleet = await make_fleet(10, terminal=TerminalSettings(heartbeat=5))
    client = await control(fleet)
    codes = [row.code for row in rows(10)]
    for change in (
        {"terminals": codes[:2], "silent": True}, {"terminals": codes[2:3], "off": True},
        {"terminals": codes[3:4], "refuse": 31}, {"terminals": codes[4:5], "loss": 0.1},
    ):  # fmt: skip
        response = await client.put("/faults", json=change)
        assert await response.json() == {"terminals": len(change["terminals"])}  # type: ignore[arg-type]
    truth = await (await client.get("/truth")).json()
    assert truth["summary"]["reachable"] == 6
    assert truth["summary"]["terminals"] == 10
    assert truth["terminals"][codes[0]]["silent"] is True
    assert truth["terminals"][codes[9]]["registered"] is True
    server.send(Commands(now=time.time()).start(1))
    await until(lambda: fleet.ears.verified == 1 and len(server.answers) >= 6)
    state = (await (await client.get("/truth")).json())["terminals"]
    assert state[codes[9]]["playing"] == ebm(1)
    assert state[codes[3]]["playing"] is None
    summary = await (await client.get("/truth?terminals=0")).json()
    assert "terminals" not in summary


async def test_share_and_clear(server: Server, make_fleet: FleetMaker, control: Caller) -> None:
    fleet = await make_fleet(20)
    client = await control(fleet)
    hit = (await (await client.put("/faults", json={"share": 0.4, "loss": 0.5})).json())["terminals"]
    assert 0 < hit < 20
    assert sum(line.terminal.faults.loss == 0.5 for line in fleet.lines) == hit
    await client.put("/faults", json={"clear": True})
    assert not any(line.terminal.faults.loss for line in fleet.lines)


async def test_reboot_disconnect_and_fault(server: Server, make_fleet: FleetMaker, control: Caller) -> None:
    fleet = await make_fleet(2)
    client = await control(fleet)
    first, second = (row.code for row in rows(2))
    assert (await client.post("/reboot", json={"terminals": [first]})).status == 200
    assert (await client.post("/disconnect", json={"terminals": [second]})).status == 200

    def registered_again() -> bool:
        return sum(entry.event is Event.REGISTERED for _, entry in fleet.journal.entries()) == 4

    await until(registered_again)
    assert [e.terminal for _, e in fleet.journal.entries() if e.event is Event.REBOOT] == [first]
    response = await client.post("/fault", json={"terminals": [first], "type": 2, "text": "功放异常"})
    assert response.status == 200
    await until(lambda: any(report.service_type == 0x13 for report in server.reports))


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [("/faults", {"lost": 1}, "fault"), ("/faults", {"loss": 2}, "loss"), ("/faults", {"loss": "x"}, "loss"),
     ("/faults", {"silent": 1}, "silent"), ("/faults", {"refuse": True}, "refuse"), ("/faults", [], "body"),
     ("/faults", {"terminals": ["1"]}, "terminals"), ("/faults", {"terminals": "1"}, "terminals"),
     ("/faults", {"share": 2}, "share"), ("/faults", {"share": 1, "terminals": []}, "share"),
     ("/reboot", {"loss": 1}, "loss"), ("/fault", {"type": 999}, "type")],
)  # fmt: skip
async def test_wrong_values_are_named(
    call: str, body: Any, field: str, server: Server, make_fleet: FleetMaker, control: Caller
) -> None:
    client = await control(await make_fleet(1, wait=False))
    response = await client.request("PUT" if call == "/faults" else "POST", call, json=body)
    assert response.status == 422
    assert (await response.json())["field"] == field


async def test_body_that_is_no_json_and_after_that_is_no_number(
    server: Server, make_fleet: FleetMaker, control: Caller
) -> None:
    client = await control(await make_fleet(1, wait=False))
    assert (await client.put("/faults", data=b"{")).status == 422
    assert (await client.get("/journal?after=x")).status == 422


async def test_journal_file_holds_everything(server: Server, make_fleet: FleetMaker, tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    fleet = await make_fleet(2, journal=file)
    server.send(Commands(now=time.time()).start(1))
    await until(lambda: len(server.answers) == 2)
    await fleet.close()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["n"] for line in lines] == list(range(fleet.journal.count))
    assert [line["event"] for line in lines].count("playing") == 2
