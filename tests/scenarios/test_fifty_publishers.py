"""Fifty publishers at once while two messages play: nothing is lost, taken twice or late because of another."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.api.keys import issue_key
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Standing
from gateway.publishers.profile import Profile
from gateway.publishers.rights import Publisher
from tests.api.apikit import Answer, Api, cap, warning
from tests.api.test_drop import alert
from tests.gatewaykit import (
    BareTerminal,
    Gateway,
    hang_up,
    keep_reference,
    report,
    result_report,
    settings_for,
    task_report,
    terminal,
    until,
)

PUBLISHERS, EACH = 50, 6
CITY = AreaCode("350500000000")
#: Two villages in each of two counties.
PLACES = [terminal(area) for area in ("350524100201", "350524100202", "350521100201", "350521100202")]


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def _publish(api: Api, who: str, number: int) -> list[Answer]:
    """Six warnings of one publisher, in three forms, two of them sent twice."""
    answers = []
    for turn in range(EACH):
        identifier = f"P{number:02d}-{turn}"
        if turn % 3 == 0:
            send: dict[str, Any] = {"json": warning(identifier=identifier, severity="yellow")}
        elif turn % 3 == 1:
            send = {"data": cap(identifier), "headers": {"Content-Type": "application/cap+xml"}}
        else:
            _, body = alert(EACH * number + turn)
            send = {"data": body, "headers": {"Content-Type": "application/xml"}}
        answers.append(await api.post("/api/v1/warnings", who, **send))
        if turn < 2:
            answers.append(await api.post("/api/v1/warnings", who, **send))
    return answers


@pytest.mark.timeout(90)
async def test_fifty_at_once_while_two_messages_play(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        for number in range(PUBLISHERS):
            holder = Publisher(f"p{number}", areas=(CITY,), approval_needed=True, profile=Profile.TOLERANT)
            api.keys[holder.name], row = issue_key(holder, time.time())
            await gate.state.store.write(row)
        await gate.terminals.put(PLACES, "test")
        lines = [await BareTerminal.connect(gate.ports.terminals, place) for place in PLACES]
        playing = []
        for county in ("350524", "350521"):
            taken = await api.warn(who="anything", severity="red", areas=[{"code": county}])
            assert taken.json["state"] == "active", taken.raw
            playing.append(gate.state.messages[taken.json["message_id"]])
        await until(lambda: all(line.starts for line in lines))

        async def play() -> None:
            for place in PLACES:
                live = playing[0] if place.area.startswith("350524") else playing[1]
                now = int(gate.state.clock())
                await report(gate.ports.feedback, task_report(place, live.ebm_id, 1, now))
                await asyncio.sleep(0.05)
                await report(gate.ports.feedback, result_report(place, live.ebm_id, 1, now))

        everything = await asyncio.gather(play(), *(_publish(api, f"p{n}", n) for n in range(PUBLISHERS)))
        answers = [answer for one in everything[1:] if one is not None for answer in one]
        assert {answer.status for answer in answers} == {200, 202}
        first = [answer.json["message_id"] for answer in answers if answer.status == 202]
        assert len(first) == len(set(first)) == PUBLISHERS * EACH
        assert len([answer for answer in answers if answer.status == 200]) == PUBLISHERS * 2
        assert {answer.json["state"] for answer in answers} == {"awaiting_approval"}
        # What plays was heard of meanwhile, every receipt of it, and not one more frame was written for it.
        for live in playing:
            opened = await gate.books.open(live.ebm_id)
            reached = [delivery.reached for _, delivery in opened.book.coverage.deliveries()]
            assert reached == [Standing.PROVEN] * 2
        assert [len(line.starts) for line in lines] == [1] * len(lines)
        assert gate.state.store.healthy
        await hang_up()
