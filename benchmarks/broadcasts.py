"""What a broadcast to 4,021 loopback terminals costs, against a bare epoll loop that sends and reads the same bytes."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import BareServer, Generator, Result, Sample, compare
from benchmarks.loadgen import PLATFORM, terminals
from gateway.api.keys import issue_key
from gateway.daemon import Gateway, raise_file_limit
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import AreaCode, EbmId
from gateway.domain.events import EventType
from gateway.domain.message import Command, EbmClass, Message, MessageState
from gateway.domain.orders import Receipt
from gateway.domain.warning import Severity
from gateway.protocols import fastpath
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import ServiceType
from gateway.publishers.rights import Publisher
from gateway.settings import load_settings

TERMINALS = 4021
CITY = AreaCode("350500000000")


@dataclass(slots=True)
class Rig:
    """A real gateway with its terminals, and the bare server with as many."""

    gateway: Gateway
    generator: Generator
    bare: BareServer
    bare_generator: Generator


@asynccontextmanager
async def rig(count: int, *, bare: bool = True, **sections: dict[str, Any]) -> AsyncIterator[Rig]:
    """The gateway with ``count`` registered terminals, and beside it, when ``bare``, the baseline with as many.

    ``sections`` are added to its settings.
    """
    raise_file_limit()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            None,
            gateway={"data_dir": Path(folder)},
            http={"port": 0},
            terminals={"port": 0, "missed_heartbeats": 100},
            feedback={"port": 0},
            log={"level": "ERROR"},
            **sections,
        )
        async with Gateway(settings) as gateway:
            await gateway.terminals.put(terminals(count), "bench")
            generator = await Generator.start(gateway.ports.terminals, count)
            source = WireCode.of(PLATFORM).raw
            beside = BareServer(fastpath.build_answer(1, ServiceType.HEARTBEAT, source, source, 0))
            there = count if bare else 0
            serving = asyncio.get_running_loop().run_in_executor(None, beside.serve, there)
            bare_generator = await Generator.start(beside.port, there)
            await serving
            try:
                yield Rig(gateway, generator, beside, bare_generator)
            finally:
                await generator.close()
                await bare_generator.close()
                beside.close()


def message(number: int) -> Message:
    """A message to the whole city."""
    now = datetime.now(UTC)
    return Message(
        ebm_id=EbmId.build(PLATFORM, now.date(), number),
        warning_id=f"bench-{number}",
        ebm_class=EbmClass.REAL_DRILL,
        severity=Severity.RED,
        event=EventType("11B01"),
        volume=80,
        start=now,
        end=now + timedelta(hours=1),
        programme_url="rtp://239.1.1.1:5004",
        areas=(CITY,),
        headline="",
        text="",
    )


async def _ours(rig_: Rig, number: int) -> tuple[Sample, bytes]:
    """One broadcast of the gateway: from the first write to the commit of the last receipt."""
    gateway = rig_.gateway
    state, sender, receipts = gateway.state, gateway.dispatch.sender, gateway.dispatch.receipts
    ids = array("I", (entry.id for entry in state.registry.in_areas((CITY,))))
    live = LiveMessage(message(number), MessageState.ACTIVE, 0.0, "", ids, 0, 0.0)
    state.messages[live.ebm_id] = live
    (group,) = sender.desk.groups(live, ids)
    order, row = await sender.desk.make(live, Command.START, group)
    await state.store.write(row)
    await rig_.generator.arm(order.session, ServiceType.START)
    done = asyncio.Event()
    before = receipts.on_committed

    def check() -> None:
        if len(live.log) >= len(ids) and _acknowledged(live) == len(ids):
            done.set()

    receipts.on_committed = check
    cpu, start = time.process_time(), time.perf_counter()
    await sender.write([(order, group.terminals)])
    await done.wait()
    sample = Sample(time.perf_counter() - start, time.process_time() - cpu)
    receipts.on_committed = before
    del state.messages[live.ebm_id], state.orders[order.session]
    return sample, order.frame


def _acknowledged(live: LiveMessage) -> int:
    return sum(1 for entry in live.log if isinstance(entry, Receipt) and entry.kind == "acknowledged")


async def fanout(passes: int = 15) -> Result:
    """Start frame out, answers parsed, every receipt committed."""
    async with rig(TERMINALS) as both:
        pairs = []
        for number in range(1, passes + 2):
            ours, frame = await _ours(both, number)
            session = int.from_bytes(frame[4:8], "big")
            await both.bare_generator.arm(session, ServiceType.START)
            base, _ = both.bare.fan_out(frame)
            if number > 1:  # the first pair warms both sides up
                pairs.append((ours, base))
            await asyncio.sleep(0.05)
    return compare("fanout", pairs, baseline_name="bare epoll loop, stores nothing", n=TERMINALS, goal=1.5)


def request_for(key: str, number: int) -> bytes:
    """A warning of our JSON form to the whole city, as the bytes of a request."""
    now = datetime.now(UTC).replace(microsecond=0)
    body = json.dumps(
        {
            "sender": "bench",
            "identifier": f"bench-{number}",
            "sent": now.isoformat(),
            "status": "Actual",
            "kind": "Alert",
            "event": "11B01",
            "severity": "red",
            "headline": "台风红色预警",
            "text": "请立即转移。",
            "areas": [{"code": str(CITY), "name": "泉州市"}],
            "expires": (now + timedelta(hours=2)).isoformat(),
        }
    ).encode()
    head = (
        f"POST /api/v1/warnings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def operator_key(gateway: Gateway) -> str:
    """A key with every right."""
    plain, row = issue_key(Publisher(name="bench", areas=(CITY,)), time.time())
    await gateway.state.store.write(row)
    return plain


async def posted(rig_: Rig, port: int, request: bytes) -> Sample:
    """One request from when it is whole to its last frame handed to a link; all its answers are awaited after."""
    gateway = rig_.gateway
    state, times = gateway.state, gateway.state.counters.accept_to_wire
    session = await state.sessions.peek()
    await rig_.generator.arm(session, ServiceType.START)
    before, answered = len(times), state.counters.answers_by_result.get(0, 0)
    await rig_.generator.post(port, request)
    deadline = time.monotonic() + 30
    while len(times) == before or state.counters.answers_by_result.get(0, 0) < answered + TERMINALS:
        if time.monotonic() > deadline:
            raise TimeoutError("a broadcast did not come to its end")
        await asyncio.sleep(0.005)
    live = max(state.messages.values(), key=lambda m: m.ebm_id)
    gateway.dispatch.forget(live)
    return Sample(times[-1], 0.0)


async def accept_to_wire(broadcasts: int = 200) -> Result:
    """HTTP accept to last frame written, in turn with the whole bare fan-out."""
    async with rig(TERMINALS) as both:
        key = await operator_key(both.gateway)
        both.gateway.state.counters.accept_to_wire.clear()
        pairs = []
        for number in range(1, broadcasts + 2):
            ours = await posted(both, both.gateway.ports.http, request_for(key, number))
            await both.bare_generator.arm(number, ServiceType.START)
            base, _ = both.bare.fan_out(bytes(180))
            if number > 1:
                pairs.append((ours, base))
    return compare("accept_to_wire", pairs, baseline_name="bare fan-out", n=TERMINALS, goal=2.0)


async def sign_count() -> Result:
    """Signatures for one broadcast at 4,021 terminals ÷ signatures at 402."""
    counts = []
    for terminals_ in (TERMINALS, TERMINALS // 10):
        async with rig(terminals_, bare=False) as one:
            before = one.gateway.signatures_made
            await _ours(one, 1)
            counts.append(one.gateway.signatures_made - before)
    many, few = counts
    return Result(
        name="sign_count",
        ratio=many / few,
        cpu_ratio=None,
        ours=[float(many)],
        baseline=[float(few)],
        baseline_name=f"the same broadcast to {TERMINALS // 10} terminals",
        unit="signatures",
        n=TERMINALS,
        spread=[many / few, many / few],
        goal=1.0,
    )
