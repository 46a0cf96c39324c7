"""Standing coverage by the last drill: each terminal goes by the newest one that was for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.daemon import Gateway
from gateway.daemon.trend import keep_trend
from gateway.domain.people import Position
from tests.api.apikit import Api
from tests.console.consolekit import Room
from tests.gatewaykit import (
    BareTerminal,
    hang_up,
    keep_reference,
    report,
    result_report,
    settings_for,
    task_report,
    terminal,
    until,
)

#: Two villages of 凤城镇, and one of 湖头镇: all of 安溪县.
A, B, C = (terminal(area) for area in ("350524100201", "350524100202", "350524102201"))


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def test_each_terminal_goes_by_the_newest_drill_that_was_for_it(tmp_path: Path) -> None:
    async with (
        Gateway(settings_for(tmp_path, dispatch={"exercise_class": 3})) as gate,
        aiohttp.ClientSession() as client,
    ):
        api = Api(gate, client)
        await api.add_keys()
        await gate.terminals.put([A, B, C], "test")
        lines = {place: await BareTerminal.connect(gate.ports.terminals, place) for place in (A, B, C)}

        async def drill(area: str, *playing: object, status: str = "Exercise") -> None:
            taken = await api.warn(who="anything", status=status, severity="blue", areas=[{"code": area}])
            live = gate.state.messages[taken.json["message_id"]]
            await until(lambda: any(getattr(entry, "kind", "") == "acknowledged" for entry in live.log))
            for place in (A, B, C):
                if place in playing:
                    now = int(gate.state.clock())
                    frames = (task_report(place, live.ebm_id, 1, now), result_report(place, live.ebm_id, 1, now))
                    await report(gate.ports.feedback, *frames)
            await until(lambda: sum(getattr(entry, "kind", "") == "played" for entry in live.log) == len(playing))

        async def people() -> tuple[int, str | None]:
            found = (await api.get("/api/v1/coverage?area=350524", "duty")).json
            drilled = found["area"]["drilled"]
            assert drilled["formula"] == "Σ P·[D ≥ 1] / Σ P" and drilled["denominator"] == found["area"]["population"]
            return drilled["numerator"], found["drilled_at"]

        each = {place: gate.services.gazetteer.get(place.area).population for place in lines}  # type: ignore[union-attr]
        assert await people() == (0, None)
        await drill("350524", A, C)
        first, at = await people()
        assert first == each[A] + each[C] and at is not None
        # An actual message proves much, yet is no drill.
        await drill("350524", B, status="Actual")
        assert (await people())[0] == first
        # The next drill is for 凤城镇 alone: A fails in it, B plays; C goes by the one before.
        await drill("350524100", B)
        assert (await people())[0] == each[B] + each[C]
        await hang_up()


async def test_a_day_holds_its_last_look(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        assert (await api.get("/api/v1/coverage/trend", "duty")).json["days"] == []
        looks = 0

        class Enough(Exception):
            pass

        async def pause(_: float) -> None:
            nonlocal looks
            looks += 1
            if looks == 2:
                await gate.terminals.put([A, B], "test")
            if looks == 3:
                raise Enough

        with pytest.raises(Enough):
            await keep_trend(gate.services, pause)
        for area in ("", "?area=350524", "?area=3505&days=5"):
            found = (await api.get(f"/api/v1/coverage/trend{area}", "duty")).json
            (day,) = found["days"]
            assert day["registered"] == 2 and day["online"] == 0
            top, below, part = day["ratios"]["planned"]
            assert 0 < top < below == day["population"] and part == round(top / below, 4)
        assert (await api.get("/api/v1/coverage/trend?days=0", "duty")).status == 422
        duty = Room(gate, [])
        visitor = await duty.visitor(Position.VIEWER)
        assert "近日 Lately" in await visitor.get()
        for browser in duty.browsers:
            await browser.close()


async def test_audible_coverage_over_http(tmp_path: Path) -> None:
    grid = tmp_path / "people.csv"
    grid.write_text("lat,lon,people\n25.06,118.18,500\n25.2,117.9,1500\n", encoding="utf-8")
    settings = settings_for(tmp_path, coverage={"grid": grid})
    async with Gateway(settings) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        await gate.terminals.put([replace(A, lat=25.06, lon=118.18, radius_m=500.0), B], "test")
        found = (await api.get("/api/v1/coverage/audible", "duty")).json
        (anxi,) = [area for area in found["areas"] if area["code"] == "350524000000"]
        assert found["grid"] == "people.csv" and (anxi["terminals"], anxi["unplaced"]) == (2, 1)
        assert 0.7 < anxi["heard_km2"] < 0.8 and 2000 < anxi["km2"] < 4000
        assert anxi["heard_people"] == 500 and anxi["people"] == 2000 and anxi["people_share"] == 0.25
        grid.write_text("lat\n", encoding="utf-8")
        assert (await api.get("/api/v1/coverage/audible", "weather")).status == 403
