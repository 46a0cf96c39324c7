"""The emulated adapter by its command line and on its own: journal, truth, registry, options."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from emulator.adapter import AdapterSettings, EmulatedAdapter
from emulator.adapter_cli import AdapterChoice, adapter_of
from emulator.adapter_device import AdapterDevice
from emulator.adapter_faults import NAMES, AdapterFaults
from emulator.cli import emulate
from emulator.control import make_application
from emulator.fleet import Fleet
from emulator.journal import Event
from emulator.registry import read_registry
from emulator.settings import FleetSettings
from gateway.domain.receiver import TimeBase
from gateway.errors import EnvironmentLackingError, InvalidValueError
from gateway.protocols import adapter
from gateway.protocols.adapter_address import AddressBlock
from gateway.protocols.adapter_answers import BroadcastAnswer
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop
from gateway.protocols.adapter_reports import TaskEnd, TaskStart
from gateway.protocols.fields import WireEbmId
from gateway.protocols.signature import SignatureBlock
from tests.adapterkit import FRONT, adapter_keys, say
from tests.emulator.reference import CERTIFICATE, NOON, ebm, keys, rows

ROWS = rows(3)
HEADER = "code,physical_address,name,routes\n"


def registry(folder: Path) -> Path:
    path = folder / "terminals.csv"
    routes = ("ip", "ip;adapter:anxi", "adapter:anxi;ip")
    lines = [f"{row.code},{row.physical},x,{route}\n" for row, route in zip(ROWS, routes, strict=True)]
    path.write_text(HEADER + "".join(lines) + f"{ROWS[0].code[:-2]}77,0102030405,x,adapter:anxi2\n")
    return path


def start(sequence: int, begin: float, length: float, *numbers: int) -> BroadcastStart:
    block = AddressBlock.logical(ROWS[number].code for number in numbers)
    at = int(NOON + begin)
    return BroadcastStart(WireEbmId.of(ebm(sequence)), 4, "11B06", 1, at, int(at + length), 80, block)


class Book:
    """A device with its notes."""

    def __init__(self, base: TimeBase = TimeBase.UNIX) -> None:
        self.notes: list[tuple[str, Event]] = []
        codes = [row.code for row in ROWS]
        self.device = AdapterDevice(FRONT, codes, base, lambda who, event, *_: self.notes.append((who, event)))

    def obey(self, body: BroadcastStart | BroadcastStop, now: float = NOON) -> int:
        answer = self.device.obey(adapter.command(body), now)
        assert isinstance(answer, BroadcastAnswer)
        return answer.result


def test_a_task_begins_and_ends_in_its_time_and_is_reported() -> None:
    book = Book()
    assert book.obey(start(1, 10, 60, 0, 1)) == 0
    assert (book.device.advance(NOON + 9), book.device.due) == ([], NOON + 10)
    (begun,) = book.device.advance(NOON + 10)
    assert isinstance(begun, TaskStart) and [code.code for code in begun.codes] == [ROWS[0].code, ROWS[1].code]
    assert book.device.state == 2
    (ended,) = book.device.advance(NOON + 71)
    assert isinstance(ended, TaskEnd)
    assert [event for who, event in book.notes if who == ROWS[0].code] == [
        Event.START_RECEIVED, Event.PLAYING, Event.ENDED,
    ]  # fmt: skip


def test_the_same_message_for_more_codes_is_one_task() -> None:
    book = Book()
    book.obey(start(1, 0, 60, 0))
    book.device.advance(NOON)
    book.obey(start(1, 0, 60, 0, 1))
    assert [who for who, event in book.notes if event is Event.PLAYING] == [ROWS[0].code, ROWS[1].code]


def test_a_stop_of_some_leaves_the_others_on_and_of_all_ends_the_task() -> None:
    book = Book()
    book.obey(start(1, 0, 60, 0, 1))
    book.device.advance(NOON)
    book.obey(BroadcastStop(WireEbmId.of(ebm(1)), AddressBlock.logical([ROWS[0].code])))
    assert book.device.advance(NOON + 1) == []
    book.obey(BroadcastStop(WireEbmId.of("0" * 35), AddressBlock.logical([ROWS[1].code])), NOON + 2)
    assert [type(report) for report in book.device.advance(NOON + 2)] == [TaskEnd]


def test_an_end_that_is_past_in_its_own_base_is_taken_and_never_begun() -> None:
    book = Book(TimeBase.BEIJING)
    assert book.obey(start(1, 0, 60, 0)) == 0
    assert book.device.tasks == {}
    assert (FRONT, Event.MISSED) in book.notes


def test_rows_behind_an_adapter_are_those_that_name_its_link(tmp_path: Path) -> None:
    path = registry(tmp_path)
    assert [row.code for row in read_registry(path, "adapter:anxi")] == [ROWS[1].code, ROWS[2].code]
    assert [row.code for row in read_registry(path)] == [row.code for row in ROWS]


@pytest.mark.parametrize("name", NAMES)
def test_every_named_fault_is_one(name: str) -> None:
    assert getattr(AdapterFaults(**{name: True}), name) is True


def test_a_negative_cut_is_refused() -> None:
    with pytest.raises(InvalidValueError):
        AdapterFaults(cut_after=-1)


def choice(**changes: Any) -> AdapterChoice:
    base: Mapping[str, Any] = {
        "adapter": ("127.0.0.1", 8799), "adapter_code": FRONT, "adapter_link": "anxi", "adapter_reports": None,
        "adapter_key": None, "adapter_heartbeat": 0.0, "adapter_base": "beijing",
        "adapter_fault": ("corrupt", "silent"), "adapter_cut_after": 7, "adapter_sound": None,
    }  # fmt: skip
    return cast(AdapterChoice, {**base, **changes})


def test_options_become_an_adapter(tmp_path: Path) -> None:
    key = (CERTIFICATE, keys().public)
    made = adapter_of(choice(), registry(tmp_path), key, 2.0)
    assert made is not None
    assert (made.settings.base, made.faults) == (
        TimeBase.BEIJING,
        AdapterFaults(corrupt=True, silent=True, cut_after=7),
    )
    assert [one.code for one in made.device.terminals] == [ROWS[1].code, ROWS[2].code]
    assert adapter_of(choice(adapter=None), registry(tmp_path), key, 1.0) is None
    with pytest.raises(InvalidValueError, match="adapter-link"):
        adapter_of(choice(adapter_link="nobody"), registry(tmp_path), key, 1.0)


def test_the_command_line_names_what_is_wrong(tmp_path: Path) -> None:
    arguments = [
        "--gateway", "127.0.0.1:9", "--registry", str(registry(tmp_path)), "--public-key", keys().public.hex(),
        "--adapter", "127.0.0.1:8799", "--adapter-link", "nobody",
    ]  # fmt: skip
    result = CliRunner().invoke(emulate, arguments)
    assert result.exit_code == 2 and "adapter-link" in result.output


async def test_a_port_that_is_taken_is_told() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(EnvironmentLackingError):
            await EmulatedAdapter(AdapterSettings(FRONT, {}, port=port), []).start()
    finally:
        server.close()
        await server.wait_closed()


async def test_truth_and_journal_are_served_with_those_of_the_fleet(tmp_path: Path) -> None:
    fleet = Fleet([], FleetSettings(("127.0.0.1", 9), ("127.0.0.1", 9), {CERTIFICATE: keys().public}))
    settings = AdapterSettings(FRONT, {CERTIFICATE: keys().public}, pair=adapter_keys())
    box = EmulatedAdapter(settings, [ROWS[0].code], fleet.journal)
    await fleet.start()
    await box.start()
    client = TestClient(TestServer(make_application(fleet, box)))
    try:
        await client.start_server()
        forged = adapter.assemble(
            adapter.unsigned_part(adapter.command(start(1, 0, 60, 0))), SignatureBlock(1, CERTIFICATE, bytes(64))
        )
        (answer,) = await say(box.port, forged)
        assert answer.body.code == 4  # type: ignore[union-attr]
        async with client.get("/truth") as response:
            truth = (await response.json())["adapter"]
        assert truth["code"] == FRONT and truth["counts"]["refused"] == 1 and truth["playing"] == {}
        async with client.get("/journal") as response:
            events = [json.loads(line)["event"] for line in (await response.text()).splitlines()]
        assert events == ["refused"]
    finally:
        await client.close()
        await box.close()
        await fleet.close()
