"""mqtt: a start to 4,000 terminals behind a real broker and all their answers, against a bare client that does so."""

from __future__ import annotations

import asyncio
import select
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.errands import CITY, Above
from benchmarks.harness import Generator, Result, Sample, compare
from benchmarks.loadgen import PLATFORM
from benchmarks.mqtt_load import PROFILE
from gateway.daemon import raise_file_limit
from gateway.devices.mqtt_bearer import MqttBearer
from gateway.devices.mqtt_topics import Topics
from gateway.domain.receiver import Route
from gateway.protocols.ip_bodies import ServiceType
from gateway.settings.mqtt_link import MqttLink

TERMINALS = 4000
_OURS, _BARE = "ebgw", "bare"
#: Seconds without an answer after which one must have been lost.
_PATIENCE = 20.0
#: As docs/mqtt.md asks for.
_SETTINGS = ("persistence false", "allow_anonymous true", "max_queued_messages 20000", "max_inflight_messages 100")


@asynccontextmanager
async def _broker() -> AsyncIterator[int]:
    """A mosquitto of our own; its port."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        raise RuntimeError("mosquitto is not installed (Debian package mosquitto)")
    with tempfile.TemporaryDirectory() as folder, socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        sock.close()
        file = Path(folder) / "mosquitto.conf"
        file.write_text("\n".join((f"listener {port} 127.0.0.1", "user root", *_SETTINGS)) + "\n")
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(program, "-c", str(file), stdout=quiet, stderr=quiet)
        try:
            yield port
        finally:
            process.terminate()
            await process.wait()


class _BareClient:
    """The baseline: the client library on an epoll loop and nothing else; it counts what it hears and keeps nothing."""

    def __init__(self, port: int) -> None:
        self.heard = 0
        self._topics = Topics(_BARE)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bare", protocol=paho.MQTTv5)
        self._client.on_message = self._count
        self._client.connect("127.0.0.1", port)
        self._subscribed = False
        self._client.on_connect = lambda client, *_: client.subscribe(f"{_BARE}/terminal/+/up", 1)
        self._client.on_subscribe = self._ready
        while not self._subscribed:
            self._client.loop(1.0)

    def _ready(self, *_: Any) -> None:
        self._subscribed = True

    def _count(self, client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        self.heard += 1

    def fan_out(self, frame: bytes, number: int) -> Sample:
        """Publish ``frame`` once and read all answers."""
        self.heard = 0
        deadline = time.monotonic() + _PATIENCE
        cpu, start = time.process_time(), time.perf_counter()
        self._client.publish(self._topics.area(PROFILE, CITY, str(number)), frame, qos=1, retain=True)
        client, poll = self._client, select.epoll()
        sock = client.socket()
        assert sock is not None
        poll.register(sock.fileno(), select.EPOLLIN)
        while self.heard < TERMINALS:
            while client.want_write():
                client.loop_write()
            if not poll.poll(1.0) and time.monotonic() > deadline:
                raise TimeoutError(f"{TERMINALS - self.heard} answers were lost")
            client.loop_read()
        sample = Sample(time.perf_counter() - start, time.process_time() - cpu)
        poll.close()
        return sample

    def close(self) -> None:
        self._client.disconnect()
        while self._client.is_connected():
            self._client.loop(1.0)


async def mqtt(passes: int = 9) -> Result:
    """From the parcel to the last answer handed upward, in processor time of this process alone."""
    raise_file_limit()
    above = Above(TERMINALS, Route.parse("mqtt:bench"))
    async with _broker() as port:
        link = MqttLink(kind="mqtt", host="127.0.0.1", port=port, prefix=_OURS, bound=True, answer_seconds=_PATIENCE)
        bearer = MqttBearer(
            "bench", link, above, own_code=str(PLATFORM), verified=above.verified, clock=time.time  # type: ignore[arg-type]
        )  # fmt: skip
        await bearer.open()
        async with asyncio.timeout(_PATIENCE):
            await above.up.wait()
        generators = [
            await Generator.start(port, TERMINALS, prefix, module="benchmarks.mqtt_load") for prefix in (_OURS, _BARE)
        ]
        bare = _BareClient(port)
        pairs = []
        try:
            for number in range(1, passes + 2):
                errand = above.errand(number)
                parcel = await bearer.make(errand)
                above.answers = 0
                await generators[0].arm(number, ServiceType.START)
                cpu, start = time.process_time(), time.perf_counter()
                carried = await bearer.carry(parcel)
                ours = Sample(time.perf_counter() - start, time.process_time() - cpu)
                if carried.error or carried.silent or above.answers != TERMINALS:
                    raise RuntimeError(f"{len(carried.silent)} silent, {above.answers} answers {carried.error}")
                await generators[1].arm(number, ServiceType.START)
                base = bare.fan_out(errand.frame, number)
                if number > 1:  # the first pair warms both sides up
                    pairs.append((ours, base))
                await asyncio.sleep(0.1)
        finally:
            for generator in generators:
                await generator.close()
            bare.close()
            await bearer.close()
    bare_name = "bare paho-mqtt client on an epoll loop, keeps nothing"
    return compare("mqtt", pairs, baseline_name=bare_name, n=TERMINALS, goal=3.0, by_cpu=True)
