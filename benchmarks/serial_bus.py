"""A bus of 32 terminals at 9,600 bit/s against the time that its bytes need on the wire; the processor for 64 buses.

The bus is the emulator's, in a process of its own (this file, run as a module): a pseudo-terminal that lets bytes
through at the bit rate. The two times are read at different ends: that all hold the frame, from the bus (when its last
bit had come to the terminals); that all answered, from the gateway's side.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks.harness import Result
from benchmarks.loadgen import PLATFORM
from emulator.bus import BusFleet, BusSettings
from emulator.bus_port import PtyPort
from emulator.registry import Row
from emulator.settings import FleetSettings, TerminalSettings
from gateway.devices.bearer import Errand, LinkHealth, LinkState, Tools
from gateway.devices.events import Known, Origin
from gateway.devices.serial_bearer import SerialBearer
from gateway.devices.serial_timing import Timing
from gateway.domain.codes import AreaCode, CertificateSerial, EbmId, PhysicalAddress, ResourceCode
from gateway.domain.message import Command
from gateway.domain.receiver import Profile, Route, RouteKind, Terminal
from gateway.domain.targets import TargetForm, target_codes
from gateway.protocols import ip
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import Auxiliary, StartBroadcast
from gateway.security.coverage import SignatureBlock
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider
from gateway.settings.serial_link import SerialLink

TERMINALS = 32
BUSES = 64
BAUD = 9600
#: What the goals allow beside the bits: 3.5 characters of silence and 10 ms for each exchange.
_EACH = 0.010
_COUNTY = AreaCode("350582000000")
_CERTIFICATE = CertificateSerial("000000000042")
#: Slices over which the processor's time for the buses at work is taken, and the seconds of each.
_SLICES, _SLICE_SECONDS = 5, 1.2


def _rows(count: int) -> list[Row]:
    return [
        Row(
            ResourceCode.build(6, AreaCode(f"350582{100 + n // 900:03d}{n % 900 + 1:03d}")),
            PhysicalAddress(f"{n + 1:012d}"),
        )
        for n in range(count)
    ]


@dataclass
class _Above:
    """What stands above the bearer: makes signed frames beforehand, and counts."""

    bus: int
    pair: KeyPair
    terminals: list[Known] = field(default_factory=list)
    answers: int = 0
    answer_bytes: int = 0
    singles: dict[int, Errand] = field(default_factory=dict)

    def __post_init__(self) -> None:
        route = Route(RouteKind.SERIAL, f"bus{self.bus}")
        profile = Profile("gdj089-2018")
        self.terminals = [
            Known(n + 1, Terminal(row.code, row.physical, "", _COUNTY, routes=(route,)), profile)
            for n, row in enumerate(_rows(TERMINALS))
        ]
        self._by_code = {known.source: known for known in self.terminals}

    def errand(self, session: int, targets: tuple[ResourceCode, ...], terminals: Sequence[Known]) -> Errand:
        at = int(time.time())
        body = StartBroadcast(
            WireEbmId.of(EbmId.build(PLATFORM, date(2026, 1, 1), session // 1000)),
            3, 1, "11B06", 80, at - 1, at + 3600, (Auxiliary.stream("rtp://239.1.1.1:5004"),),
        )  # fmt: skip
        packet = ip.request(session, PLATFORM, targets, body)

        def sign(part: bytes) -> SignatureBlock:
            value = default_provider().sign(self.pair.private, self.pair.public, part + at.to_bytes(4, "big"))
            return SignatureBlock(at, _CERTIFICATE, value)

        return Errand(session, Command.START, tuple(terminals), targets, frame=ip.build_signed(packet, sign))

    def prepare(self, base: int) -> Errand:
        """The errand for all, and those for one, signed before anything is measured."""
        self.singles = {
            known.id: self.errand(base + known.id, (known.terminal.code,), [known]) for known in self.terminals
        }
        return self.errand(base, target_codes(_COUNTY, TargetForm.STD), self.terminals)

    # -- what the bearer calls

    async def unicast(self, errand: Errand, terminal: Known) -> Errand:
        return self.singles[terminal.id]

    def find(self, code: str) -> Known | None:
        return self._by_code.get(code)

    def answered(self, known: Known, session: int, service_type: int, result: int, raw: bytes, origin: Origin) -> int:
        self.answers += 1
        self.answer_bytes += len(raw)
        return 0

    def committed(self) -> int:
        return 0

    def carried(self, order: int, route: Route, terminals: Sequence[int]) -> None:
        pass

    def link(self, route: Route, health: LinkHealth) -> None:
        pass


async def _emulate(folder: Path, public: str, count: int) -> None:
    """The process of the buses: tells on standard output when each bus's terminals had heard a frame for all."""
    fleets = []
    for number in range(count):
        path = folder / f"bus{number}"
        fleet = BusFleet(
            _rows(TERMINALS),
            FleetSettings(
                ("127.0.0.1", 9), ("127.0.0.1", 9), {_CERTIFICATE: bytes.fromhex(public)}, TerminalSettings()
            ),
            BusSettings(baud=BAUD),
            lambda receive, path=path: PtyPort(path, receive),  # type: ignore[misc]
        )
        await fleet.start()
        fleets.append(fleet)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(fleets[0].first_heard), flush=True)
    for fleet in fleets:
        await fleet.close()


class _Buses:
    """The other process, and a bearer of this one at each of its buses."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stack = AsyncExitStack()
        self.pair = default_provider().generate()
        self.bearers: list[tuple[SerialBearer, _Above]] = []

    async def __aenter__(self) -> _Buses:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.serial_bus", str(folder), self.pair.public.hex(), str(self._count),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        await self.process.stdout.readline()
        for number in range(self._count):
            above = _Above(number, self.pair)
            link = SerialLink(kind="serial", url=str(folder / f"bus{number}"), baud=BAUD)
            tools = Tools(above, above, time.time, time.monotonic, lambda route: (), PLATFORM)  # type: ignore[arg-type]
            bearer = SerialBearer(Route(RouteKind.SERIAL, f"bus{number}"), link, tools)
            await bearer.open()
            await bearer.line.keeper.tried.wait()
            assert bearer.health.state is LinkState.UP, bearer.health
            self.bearers.append((bearer, above))
        return self

    async def __aexit__(self, *_: object) -> None:
        for bearer, _above in self.bearers:
            await bearer.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()
        await self._stack.aclose()

    async def first_heard(self) -> float:
        """Unix time at which the terminals of the first bus had the last frame for all."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(b"?\n")
        return float(json.loads(await self.process.stdout.readline()))


async def serial_bus(passes: int = 1) -> Result:
    """The worst of the three goals, each as a share of what it allows."""
    timing = Timing.of(SerialLink(kind="serial", url="/bus", baud=BAUD))
    held, gathered = [], []
    async with _Buses(1) as one:
        ((bearer, above),) = one.bearers
        for number in range(passes):
            errand = above.prepare(1000 * (number + 1))
            parcel = await bearer.make(errand)
            above.answers = above.answer_bytes = 0
            start, begun = time.time(), time.perf_counter()
            carried = await bearer.carry(parcel)
            took = time.perf_counter() - begun
            assert not carried.silent and not carried.refused and above.answers == TERMINALS, carried
            first = timing.wire(len(errand.frame))
            held.append((await one.first_heard() - start) / first)
            requests = sum(len(single.frame) for single in above.singles.values())
            wire = timing.wire(requests + above.answer_bytes)
            allowed = 1.1 * wire + TERMINALS * (timing.gap + _EACH)
            gathered.append((took - first) / allowed)
    slices = await _load()
    share = median(slices)
    for name, value in (("all hold the frame ÷ wire time", held), ("all answers ÷ allowed", gathered)):
        print(f"  serial_bus: {name}: {', '.join(f'{each:.3f}' for each in value)}", file=sys.stderr)
    spread = f"{min(slices):.2%}-{max(slices):.2%}"
    print(f"  serial_bus: {BUSES} buses at work: {share:.2%} of a core ({spread})", file=sys.stderr)
    shares = [max(held) / 1.05, max(gathered), share / 0.02]
    return Result(
        name="serial_bus",
        ratio=max(shares),
        cpu_ratio=None,
        ours=[max(held), max(gathered), share],
        baseline=[1.05, 1.0, 0.02],
        baseline_name="what is allowed: 1.05 × wire time; 1.1 × Σ bytes + gap + 10 ms each; 2 % of a core for 64 buses",
        unit="share",
        n=TERMINALS,
        spread=[min(shares), max(shares)],
        goal=1.0,
    )


async def _load() -> list[float]:
    """Share of a core that 64 buses take while each is polled without a pause, in each slice of time."""
    shares = []
    async with _Buses(BUSES) as many:
        parcels = [await bearer.make(above.prepare(1000)) for bearer, above in many.bearers]
        carrying = [
            asyncio.create_task(bearer.carry(parcel)) for (bearer, _), parcel in zip(many.bearers, parcels, strict=True)
        ]
        await asyncio.sleep(1.0)
        for _ in range(_SLICES):
            before, begun = time.process_time(), time.perf_counter()
            await asyncio.sleep(_SLICE_SECONDS)
            shares.append((time.process_time() - before) / (time.perf_counter() - begun))
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
    return shares


if __name__ == "__main__":
    import uvloop

    uvloop.run(_emulate(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
