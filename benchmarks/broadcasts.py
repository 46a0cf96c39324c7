"""fanout: a start to 4,021 terminals, every answer parsed, every receipt committed, against bare epoll."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.harness import BareServer, Generator, Result, Sample, compare
from benchmarks.loadgen import PLATFORM, terminals
from gateway.daemon import Gateway, raise_file_limit
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import AreaCode, EbmId
from gateway.domain.events import EventType
from gateway.domain.message import Command, EbmClass, Message, MessageState
from gateway.domain.warning import Severity
from gateway.protocols import fastpath
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import ServiceType
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
async def rig(count: int) -> AsyncIterator[Rig]:
    """Both sides up, all terminals registered."""
    raise_file_limit()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            None,
            gateway={"data_dir": Path(folder)},
            http={"port": 0},
            terminals={"port": 0, "missed_heartbeats": 100},
            feedback={"port": 0},
            log={"level": "ERROR"},
        )
        async with Gateway(settings) as gateway:
            await gateway.terminals.put(terminals(count), "bench")
            generator = await Generator.start(gateway.ports.terminals, count)
            source = WireCode.of(PLATFORM).raw
            bare = BareServer(fastpath.build_answer(1, ServiceType.HEARTBEAT, source, source, 0))
            serving = asyncio.get_running_loop().run_in_executor(None, bare.serve, count)
            bare_generator = await Generator.start(bare.port, count)
            await serving
            # What lives by now lives for ever: the collector need not walk it in every pass, on either side.
            gc.collect()
            gc.freeze()
            try:
                yield Rig(gateway, generator, bare, bare_generator)
            finally:
                await generator.close()
                await bare_generator.close()
                bare.close()


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
    state, sender = gateway.state, gateway.dispatch._sender
    ids = array("I", (entry.id for entry in state.registry.in_areas((CITY,))))
    live = LiveMessage(message(number), MessageState.ACTIVE, 0.0, "", ids, 0, 0.0)
    state.messages[live.ebm_id] = live
    (group,) = sender.groups(live, ids)
    order, row = await sender.make(live, Command.START, group)
    await state.store.write(row)
    await rig_.generator.arm(order.session, ServiceType.START)
    done = asyncio.Event()
    before, committed = gateway.dispatch.receipts.on_committed, gateway.dispatch.receipts
    last = 0

    def check() -> None:
        if len(live.log) >= len(ids) and sum(1 for e in live.log if getattr(e, "kind", "") == "acknowledged") == len(
            ids
        ):
            done.set()

    committed.on_committed = check
    cpu, start = time.process_time(), time.perf_counter()
    await sender.write([(order, group.terminals)])
    await done.wait()
    sample = Sample(time.perf_counter() - start, time.process_time() - cpu)
    committed.on_committed = before
    del last
    state.messages.pop(live.ebm_id)
    return sample, order.frame


async def fanout(passes: int = 9) -> Result:
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
