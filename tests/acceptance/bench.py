"""The bench 测量台 of figures F.1-F.43: a platform as test system, our gateway as adapter, emulated terminals.

The test system is a second real gateway that commands by appendix A; the adapter under test is a gateway with
``front_end``. Terminals are this project's emulated ones: what is seen is that both ends agree with the text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from emulator.air import AirFleet
from emulator.fleet import Fleet
from emulator.journal import Event
from emulator.line import Line
from emulator.registry import Row
from emulator.settings import FleetSettings
from gateway.devices.bearer import LinkState
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import AreaCode
from gateway.domain.receiver import Route, Terminal
from gateway.domain.targets import TargetForm, target_codes
from gateway.domain.warning import Severity
from gateway.protocols.adapter_address import AddressBlock
from gateway.protocols.adapter_answers import AdapterAnswer
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from tests.acceptance.analyser import Analyser, Passed, Tap, ip_cutter
from tests.acceptance.media import IpMedium, Kind, RdsMedium, TsMedium, medium
from tests.adapterkit import TOWN, say
from tests.api.apikit import Api
from tests.frontkit import Chain, chain
from tests.gatewaykit import facts, submission, terminal, until, warning

OTHER_TOWN = "350524101000"
VOLUME = 66
#: How the analyser names a start at each output.
STARTS = {Kind.RDS: "start", Kind.TS: "index", Kind.IP: "start"}
_UNTRUSTED = ("signature_missing", "signature_invalid", "unknown_certificate")
#: Nothing here is silent, so no machine may be too slow for an answer.
_PATIENT = {"answer_seconds": 5.0}


def block(*terminals: Terminal) -> AddressBlock:
    """Terminals one by one."""
    return AddressBlock.logical([one.code for one in terminals])


def town_block(area: str = TOWN) -> AddressBlock:
    """All terminals of a division."""
    return AddressBlock.logical(target_codes(AreaCode(area), TargetForm.STD))


def entries_of(start: Passed, kind: Kind) -> list[dict[str, Any]]:
    """What a start says of its messages: the fields of a frame, or the entries of an index."""
    return start.fields["messages"] if kind is Kind.TS else [start.fields]


@dataclass(eq=False)
class Bench:
    """All of a figure; ``output`` reads what the adapter sends to terminals, ``returned`` what they report by E."""

    kind: Kind
    ends: Chain
    fleet: Fleet
    terminals: tuple[Terminal, Terminal]
    route: Route | None
    output: Analyser
    returned: Analyser
    between: IpMedium | RdsMedium | TsMedium
    api: Api

    async def command(
        self, name: str = "w1", area: str = TOWN, severity: Severity = Severity.ORANGE, **changes: Any
    ) -> LiveMessage:
        """The test system broadcasts: 0x04, class 4 unless told otherwise."""
        wanted = replace(facts(area), severity=severity, **{"volume": VOLUME, **changes})
        accepted = await self.ends.city.dispatch.accept(submission(warning(name)), wanted)
        return self.ends.city.state.messages[str(accepted.message_id)]

    async def stop(self, live: LiveMessage) -> None:
        """The test system takes it off the air."""
        await self.ends.city.dispatch.cancel(live.ebm_id, "operator", "all clear")

    def line(self, number: int) -> Line:
        """The emulated terminal of ``terminals`` at this place."""
        code = self.terminals[number].code
        return next(line for line in self.fleet.lines if line.code == code)

    def plays(self, number: int) -> str | None:
        """What is audible there."""
        return self.line(number).terminal.broadcast.on_air

    def journal(self, number: int, *events: Event) -> list[tuple[str, str | None]]:
        """What happened there, as the emulated terminal says itself."""
        code, entries = self.terminals[number].code, self.fleet.journal.entries()
        return [(e.event.value, e.ebm_id) for _, e in entries if e.terminal == code and e.event in events]

    def refusals(self, number: int) -> int:
        """Frames whose signature the terminal, or the tuner for all terminals on the air, would not take."""
        if isinstance(self.fleet, AirFleet):
            return sum(count for code, count in self.fleet.refused.items() if code in _UNTRUSTED)
        return len(self.journal(number, Event.REFUSED))

    def starts(self) -> list[Passed]:
        """Starts that the output has put out: those that are right and signed."""
        return [one for one in self.output.of(STARTS[self.kind]) if one.is_right and one.is_signed]

    def begun(self) -> list[str]:
        """EBM ids of these starts, in the order of their first passing."""
        entries = [one for found in self.starts() for one in entries_of(found, self.kind)]
        return list(dict.fromkeys(entry["ebm_id"] for entry in entries))

    async def answer_to(self, frame: bytes) -> int:
        """The adapter's answer (table A.37) to a frame that anybody may have sent."""
        (answer,) = await say(self.ends.county.ports.front_end, frame)
        assert isinstance(answer.body, AdapterAnswer)
        return answer.body.code

    async def ask(self, body: Any) -> Any:
        """The test system sends one signed command; returns the content of the checked answer."""
        return (await self.ends.link.ask(body)).body

    async def put_out(self, kind: str, count: int = 1) -> list[Passed]:
        """Wait for so many different frames of a kind at the output; all are right, and signed by the adapter."""
        await until(lambda: len(self.output.of(kind)) >= count)
        found = self.output.of(kind)
        assert all(one.is_right and one.is_signed for one in found), found
        return found


@asynccontextmanager
async def bench(folder: Path, kind: Kind, trusted: str = "", **front: Any) -> AsyncIterator[Bench]:
    """A bench with two terminals, in two towns, that are ready.

    ``trusted`` is what the adapter's trust file names besides the test system, ``front`` changes its ``[front_end]``.
    """
    folder.mkdir(exist_ok=True)
    between = medium(kind)
    routes = (between.route,) if between.route is not None else terminal(TOWN).routes
    first, second = (
        replace(terminal(village, n), routes=routes) for n, village in enumerate(("350524100001", "350524101001"), 1)
    )
    async with AsyncExitStack() as stack:
        await between.open()
        stack.push_async_callback(between.close)
        ends = await stack.enter_async_context(
            chain(
                folder,
                first,
                second,
                front=front,
                county={"links": between.links, "dispatch": _PATIENT},
                trusted=trusted,
            )
        )
        key = load_key_file(folder / "county" / "signing.json", provider=default_provider())
        between.output.expect(key.pair.public)
        if isinstance(between, IpMedium):
            between.gateway_port = ends.county.ports.terminals
        back = Tap(lambda: ends.county.ports.feedback, ip_cutter)
        back.open()
        stack.push_async_callback(back.close)
        port = between.port if isinstance(between, IpMedium) else 9
        keys = {key.certificate: key.pair.public}
        settings = FleetSettings(("127.0.0.1", port), ("127.0.0.1", back.port), keys, backoff=0.02)
        fleet = between.fleet([Row(one.code, one.physical_address) for one in (first, second)], settings)
        await fleet.start()
        stack.push_async_callback(fleet.close)
        await until(lambda: all(line.terminal.registered for line in fleet.lines))
        if between.route is not None:
            bearer = ends.county.state.bearers[between.route]
            # A line to the analyser is up for a moment also where nobody listens behind it.
            await until(lambda: between.joined and bearer.health.state is LinkState.UP)
        api = Api(ends.county, await stack.enter_async_context(aiohttp.ClientSession()))
        await api.add_keys()
        yield Bench(kind, ends, fleet, (first, second), between.route, between.output, back.upward, between, api)
