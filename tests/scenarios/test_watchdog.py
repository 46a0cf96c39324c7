"""What the watchdog notices: a message short of its target, terminals of a county that are gone, a full disk."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from gateway.daemon import Gateway
from gateway.daemon.watchdog import Watchdog
from tests.api.apikit import Api
from tests.gatewaykit import (
    BareTerminal,
    alarms_of,
    hang_up,
    keep_reference,
    report,
    result_report,
    settings_for,
    task_report,
    terminal,
    until,
)


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def test_a_message_short_of_its_target_is_an_alarm_until_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = [terminal(f"3505241002{number:02d}") for number in (1, 2)]
    more = {"coverage": {"target": 0.05, "rule": "any"}}
    async with Gateway(settings_for(tmp_path, **more)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        await gate.terminals.put(town, "test")
        lines = [await BareTerminal.connect(gate.ports.terminals, one) for one in town]
        taken = await api.warn(severity="red", areas=[{"code": "350524100"}])
        live = gate.state.messages[taken.json["message_id"]]
        await until(lambda: all(line.starts for line in lines))
        dog = Watchdog(gate.services)
        await dog.look()
        assert "coverage_short" not in alarms_of(gate), "two minutes have not gone by"
        live.activated_at = gate.state.clock() - 121
        await dog.look()
        assert "coverage_short" in alarms_of(gate)
        now = int(gate.state.clock())
        for one in town:
            await report(
                gate.ports.feedback, task_report(one, live.ebm_id, 1, now), result_report(one, live.ebm_id, 1, now)
            )
        await until(lambda: sum(getattr(entry, "kind", "") == "played" for entry in live.log) == 2)
        await dog.look()
        assert "coverage_short" not in alarms_of(gate)
        await hang_up()


async def test_a_county_whose_terminals_are_gone_is_an_alarm_when_it_lasts(tmp_path: Path) -> None:
    town = [terminal(f"3505241002{number:02d}") for number in range(1, 7)]
    async with Gateway(settings_for(tmp_path, alarms={"offline_seconds": 0.0})) as gate:
        await gate.terminals.put(town, "test")
        lines = [await BareTerminal.connect(gate.ports.terminals, one) for one in town[:3]]
        dog = Watchdog(gate.services)
        await dog.look()
        assert "terminals_offline" not in alarms_of(gate), "half of them are there"
        await lines[0].close()
        await until(lambda: len(gate.hub.current) == 2)
        await dog.look()
        (alarm,) = [a for a in gate.state.alarms.open if a.kind == "terminals_offline"]
        assert alarm.subject == "350524000000" and "安溪县" in alarm.text and "6" in alarm.text
        await dog.look()
        assert alarm.count == 1
        await BareTerminal.connect(gate.ports.terminals, town[0])
        await dog.look()
        assert "terminals_offline" not in alarms_of(gate)
        await hang_up()


async def test_a_disk_that_is_nearly_full_is_an_alarm(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path, alarms={"disk_bytes": 1 << 60})) as gate:
        await Watchdog(gate.services).look()
        assert "disk_low" in alarms_of(gate)
    async with Gateway(settings_for(tmp_path, alarms={"disk_bytes": 0})) as gate:
        await Watchdog(gate.services).look()
        assert "disk_low" not in alarms_of(gate)
