"""A city's message through a county platform to its terminals, and what comes back: two real gateways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.coverage.figures import Rule
from gateway.daemon import Gateway
from gateway.devices.bearer import LinkState
from gateway.domain.ladder import Rung, Standing
from gateway.domain.message import EbmClass, MessageState
from gateway.protocols.platform import ebi
from gateway.protocols.platform.ebm import Ebm
from tests.gatewaykit import (
    BareTerminal,
    alarms_of,
    facts,
    hang_up,
    keep_reference,
    report,
    result_report,
    submission,
    terminal,
    until,
    warning,
)
from tests.peerkit import Listening
from tests.tierkit import DOWN, below, neighbour, tiers

FIRST, SECOND = "350524100001", "350524101200"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Gateway]]:
    city, county = tiers(tmp_path)
    async with Gateway(county) as below_, Gateway(city) as above:
        yield above, below_
        await hang_up()


async def delivered(gate: Gateway, ebm_id: str) -> dict[int, tuple[Standing | None, Rung]]:
    """What the gateway knows of each terminal."""
    opened = await gate.books.open(ebm_id)
    return {number: (known.reached, known.rung) for number, known in opened.book.coverage.deliveries()}


async def test_a_message_goes_down_is_played_and_its_coverage_comes_back_as_claimed(
    pair: tuple[Gateway, Gateway],
) -> None:
    city, county = pair
    await city.terminals.put([below(FIRST), below(SECOND)], "test")
    ours = [terminal(FIRST), terminal(SECOND)]
    await county.terminals.put(ours, "test")
    line = await BareTerminal.connect(county.ports.terminals, ours[0])
    done = await city.dispatch.accept(submission(warning("A1")), facts("350524100000", "350524101000", seconds=5))
    number = str(done.message_id)
    await until(lambda: line.starts)
    # The number of the city stands in the county's frames.
    assert list(county.state.messages) == [number]
    await report(county.ports.feedback, result_report(ours[0], number, 1, int(time.time())))
    first = city.state.registry.by_code(ours[0].code)
    second = city.state.registry.by_code(ours[1].code)
    assert first is not None and second is not None
    live = city.state.messages[number]
    await until(lambda: live.state is MessageState.ENDED, 15)
    wanted = {first.id: (Standing.CLAIMED, Rung.PLAYED), second.id: (None, Rung.ACKNOWLEDGED)}
    deadline = time.monotonic() + 10
    while await delivered(city, number) != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert await delivered(city, number) == wanted
    opened = await city.books.open(number)
    found = opened.book.snapshot(city.state.clock(), Rule.FRACTION, opened.state)
    assert (found.reached.proven.terminals, found.reached.claimed.terminals) == (0, 1)


async def test_a_cancel_follows_its_message_down(pair: tuple[Gateway, Gateway]) -> None:
    city, county = pair
    await city.terminals.put([below(FIRST)], "test")
    village = terminal(FIRST)
    await county.terminals.put([village], "test")
    line = await BareTerminal.connect(county.ports.terminals, village)
    done = await city.dispatch.accept(submission(warning("A2")), facts("350524100000"))
    number = str(done.message_id)
    await until(lambda: line.starts)
    await city.dispatch.cancel(number, "test", "误发")
    await until(lambda: line.stops)
    assert county.state.messages[number].state is MessageState.CANCELLED


async def test_a_message_waits_for_a_county_that_is_away(tmp_path: Path) -> None:
    city, county = tiers(tmp_path)
    async with Gateway(city) as above:
        await above.terminals.put([below(FIRST)], "test")
        done = await above.dispatch.accept(submission(warning("A3")), facts("350524100000"))
        await until(lambda: "peer_unreachable" in alarms_of(above))
    async with Gateway(city) as above, Gateway(county) as under:
        await until(lambda: str(done.message_id) in under.state.messages, 15)
        await until(lambda: above.state.bearers[DOWN].health.state is LinkState.UP)
        assert len(under.state.messages) == 1


async def test_a_platform_drill_sends_the_signed_package_and_starts_no_device(pair: tuple[Gateway, Gateway]) -> None:
    city, county = pair
    await city.terminals.put([below(FIRST), terminal("350521001001")], "test")
    village = terminal(FIRST)
    await county.terminals.put([village], "test")
    line = await BareTerminal.connect(county.ports.terminals, village)
    drill = replace(facts("350524100000"), ebm_class=EbmClass.SYSTEM_DRILL)
    done = await city.dispatch.accept(submission(warning("A4")), drill)
    number = str(done.message_id)
    await until(lambda: number in county.state.messages)
    assert county.state.messages[number].message.ebm_class is EbmClass.SYSTEM_DRILL
    assert not line.starts


async def test_the_package_holds_what_the_standard_asks(tmp_path: Path) -> None:
    city, county = tiers(tmp_path)
    anxi = await Listening(neighbour(county)).open(county.platform.port)
    async with Gateway(city) as above:
        await above.terminals.put([below(FIRST)], "test")
        done = await above.dispatch.accept(submission(warning("A5")), facts("350500000000"))
        await until(lambda: anxi.of("EBM"))
        (got,) = anxi.of("EBM")
        body = got.ebd.body
        assert isinstance(body, Ebm) and body.ebm_id == str(done.message_id)
        # A message for the whole city is for the whole county.
        assert body.contents[0].areas == ("350524000000",) and body.dispatches[0].platform is not None
        assert body.related_ebi is not None and len(body.related_ebi) == 40
        names = {f"EBDI_{body.related_ebi}.xml", f"EBDS_EBDI_{body.related_ebi}.xml"}
        assert set(got.files) == names
        read = ebi.parse(got.files[f"EBDI_{body.related_ebi}.xml"])
        assert read.main.ebi_id == body.related_ebi and read.contents[0].description == body.contents[0].text
    await anxi.close()


async def test_what_a_county_refuses_is_refused_and_seen(tmp_path: Path) -> None:
    city, county = tiers(tmp_path)
    anxi = await Listening(neighbour(county)).open(county.platform.port)
    anxi.answers = [3]
    async with Gateway(city) as above:
        await above.terminals.put([below(FIRST)], "test")
        await above.dispatch.accept(submission(warning("A6")), facts("350524100000"))
        await until(lambda: {"package_refused", "no_route_left"} <= set(alarms_of(above)))
        assert len(anxi.of("EBM")) == 1
    await anxi.close()
