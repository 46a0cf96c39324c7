"""One scenario over five transports: an alert plays, an update takes its place, a cancel ends it.

The end is the same over each: every terminal is proven, every stop is confirmed, nobody plays on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.judging import lives_of, read_store, unaccounted
from tests.scenarios.null_modem import NullModem
from tests.scenarios.processes import until
from tests.scenarios.town import COUNTY, TOWNS, Scene, Stage, make_town, warning_body

TERMINALS = 24
_QUICK = {"answer_seconds": 0.3, "backoff_first_seconds": 0.2, "backoff_longest_seconds": 0.5}
_TRANSPORTS: dict[str, dict[str, object]] = {
    "plain": {},
    "byte by byte": {},
    "every fifth frame lost": {"loss": 0.2},
    "late": {"delay": 0.05, "jitter": 0.2},
    "pieces behind noise": {"garbage": 1.0, "split": 1.0},
}


async def _all(scene: Scene, warning_id: str, terminals: set[str], rule: Callable[[dict[str, Any]], bool]) -> bool:
    found = await scene.api.deliveries(warning_id)
    return found.keys() >= terminals and all(rule(found[terminal]) for terminal in terminals)


async def _post(scene: Scene, identifier: str, areas: tuple[str, ...], kind: str, *references: str) -> dict[str, Any]:
    status, answer = await scene.api.call("POST", "/api/v1/warnings", warning_body(identifier, areas, kind, references))
    assert status == 202
    assert isinstance(answer, dict)
    return answer


def _reached(delivery: dict[str, Any]) -> bool:
    return bool(delivery["reached"] == "proven")


def _stopped(delivery: dict[str, Any]) -> bool:
    # Where the answer to a stop was lost, the terminal's own report that the play is over says as much.
    ended = (delivery["stop"], delivery["rung"]) == ("sent", "played")
    return ended or bool(delivery["stop"] == "acknowledged")


@pytest.mark.parametrize("transport", _TRANSPORTS)
async def test_alert_update_cancel(transport: str, tmp_path: Path) -> None:
    town = await make_town(tmp_path, TERMINALS, dispatch=_QUICK)
    everybody, fewer = town.codes_in(COUNTY), town.codes_in(*TOWNS[:2])
    assert len(everybody) == TERMINALS > len(fewer) > 0
    async with AsyncExitStack() as stack:
        ways: dict[str, object] = {}
        if transport == "byte by byte":
            for name, port in (("gateway", town.d), ("feedback", town.e)):
                modem = await stack.enter_async_context(NullModem(port))
                ways[name] = f"127.0.0.1:{modem.port}"
        ways |= {"seed": 20, "scale": 20, "heartbeat": 0.5, "backoff": 0.05, "backoff_cap": 0.2}
        scene = await stack.enter_async_context(Stage(town, ways | _TRANSPORTS[transport]))
        old = await _post(scene, "old", (COUNTY,), "Alert")
        await until(lambda: _all(scene, old["warning_id"], everybody, _reached), what="the alert plays everywhere")
        new = await _post(scene, "new", TOWNS[:2], "Update", "old")
        await until(lambda: _all(scene, old["warning_id"], everybody, _stopped), what="the old one is stopped")
        await until(lambda: _all(scene, new["warning_id"], fewer, _reached), what="the update plays")
        await _post(scene, "end", (), "Cancel", "new")
        await until(lambda: _all(scene, new["warning_id"], fewer, _stopped), what="the cancel is confirmed")
        for warning_id, count, state in (
            (old["warning_id"], TERMINALS, "superseded"),
            (new["warning_id"], len(fewer), "cancelled"),
        ):
            coverage = await scene.api.get(f"/api/v1/warnings/{warning_id}/coverage")
            assert coverage["target"]["terminals"] == coverage["reached"]["proven"]["terminals"] == count
            assert coverage["answered"]["terminals"] == count
            assert (await scene.api.get(f"/api/v1/warnings/{warning_id}"))["state"] == state
        truth = await scene.control.get("/truth")
        assert [code for code, terminal in truth["terminals"].items() if terminal["live"]] == []
        await until(lambda: _silent(scene), what="all reports are delivered")
    journal = town.journal()
    lives, broken = lives_of(journal)
    assert not broken
    assert sum(life.plays for life in lives.values()) == TERMINALS + len(fewer)
    assert not any(life.open for life in lives.values())
    confirmed, lost = unaccounted(journal, read_store(town.database))
    assert not lost
    # Begin, end and result of each play.
    assert confirmed == 3 * (TERMINALS + len(fewer))


async def _silent(scene: Scene) -> bool:
    return not (await scene.control.get("/truth?terminals=0"))["summary"]["reports_waiting"]
