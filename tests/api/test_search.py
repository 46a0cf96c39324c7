"""Search over warnings and their messages: words, state, level, drills, publisher, time; on the console too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from gateway.daemon import Gateway
from gateway.domain.people import Position
from tests.api.apikit import Api
from tests.console.consolekit import Room
from tests.gatewaykit import keep_reference, settings_for


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def test_what_is_looked_for_is_found_and_nothing_else(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        typhoon = await api.warn(
            headline="台风红色预警", text="沿海养殖人员撤离", severity="red", identifier="QZ-T100%"
        )
        rain = await api.warn(headline="暴雨橙色预警", who="careful")
        drill = await api.warn(headline="台风演练", status="Exercise", severity="blue", who="anything")
        names = {one.json["warning_id"]: name for one, name in ((typhoon, "t"), (rain, "r"), (drill, "d"))}
        later = (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

        async def found(query: str, who: str = "duty") -> str:
            page = (await api.get(f"/api/v1/warnings?{query}", who)).json
            return "".join(sorted(names[item["warning_id"]] for item in page["items"]))

        for query, expected in {
            "": "drt",
            "q=台风": "dt",
            "q=台风 养殖": "t",
            "q=QZ-T100%25": "t",
            "q=%25": "t",
            "q=_": "",
            f"q={typhoon.json['message_id']}": "t",
            "state=awaiting_approval": "r",
            "severity=1": "t",
            "drill=true": "d",
            "drill=false": "rt",
            "publisher=careful": "r",
            f"since={later}": "",
            f"until={later}": "drt",
            "q=' OR 1=1 --": "",
        }.items():
            assert await found(query) == expected, query
        assert await found("q=台风", "weather") == "t", "publishers find their own"
        for wrong in ("state=asleep", "severity=5", "since=yesterday", "drill=perhaps"):
            assert (await api.get(f"/api/v1/warnings?{wrong}", "duty")).status == 422
        duty = Room(gate, [])
        visitor = await duty.visitor(Position.VIEWER)
        page = await visitor.get("/messages?q=台风")
        assert "台风红色预警" in page and "台风演练" in page and "暴雨" not in page
        assert "Nothing found" in await visitor.get("/messages?q=没有这样的词")
        for browser in duty.browsers:
            await browser.close()
