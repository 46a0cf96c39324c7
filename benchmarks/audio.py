"""audio: 500 unicast streams of one programme: processor time over the time they sound, beside a bare sendto loop."""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
import time
from contextlib import suppress

from benchmarks.harness import Result, Sample
from gateway.domain.warning import Severity
from gateway.programmes.broadcast import Broadcast
from gateway.programmes.options import FRAME_SECONDS
from gateway.programmes.outlets import FRAMES_IN_PACKET, UnicastOutlet
from gateway.programmes.programme import Programme
from gateway.programmes.pulls import PullOutlet
from gateway.programmes.signals import packaged, signal_of

STREAMS = 500
#: Share of a core that they may take.
ALLOWED = 0.25
#: Seconds of sound in one pass, and before the first.
_SECONDS, _BEFORE = 6.0, 1.0
_BUFFER = 16 << 20
_SO_RCVBUFFORCE = 33


def _receivers(port: int) -> list[tuple[str, int]]:
    """Terminals, each with an address of loopback of its own."""
    return [(f"127.77.{number // 250}.{number % 250 + 1}", port) for number in range(STREAMS)]


def _programme() -> Programme:
    signal = signal_of(Severity.RED)
    return Programme("bench", packaged(signal), signal.turns)


class _Listener:
    """The process that takes what is sent, in the place of all terminals."""

    async def __aenter__(self) -> _Listener:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.audio", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self.port = int(await self._line())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()

    async def came(self) -> int:
        """Datagrams since it was asked last."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"?\n")
        return int(await self._line())

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        return await asyncio.wait_for(self.process.stdout.readline(), 60)


async def _ours(listener: _Listener) -> Sample:
    """One pass of our sender, in time with the clock."""
    outlet = UnicastOutlet()
    for receiver in _receivers(listener.port):
        outlet.add(receiver)
    pulls = PullOutlet(64, 10.0, lambda: None)  # every programme can be pulled too
    broadcast = Broadcast(_programme(), [outlet, pulls])
    broadcast.start()
    await asyncio.sleep(_BEFORE)
    sent, cpu, start = outlet.sent, time.process_time(), time.perf_counter()
    await asyncio.sleep(_SECONDS)
    sample = Sample(time.perf_counter() - start, time.process_time() - cpu)
    sent = outlet.sent - sent
    broadcast.stop()
    expected = _SECONDS / FRAME_SECONDS * STREAMS / FRAMES_IN_PACKET
    if outlet.unsent or broadcast.missed or not 0.98 < sent / expected < 1.02:
        raise RuntimeError(f"{sent} of {expected:.0f} packets sent, {broadcast.missed} frames missed, {outlet.unsent}")
    await asyncio.sleep(0.1)
    came = await listener.came()
    if came != outlet.sent:
        raise RuntimeError(f"{outlet.sent} packets sent, {came} came: raise net.core.rmem_max")
    return sample


def _bare(port: int) -> Sample:
    """The same datagrams at the same times from a loop that knows nothing else; blocking."""
    programme = _programme()
    packet = b"".join(programme.take() for _ in range(FRAMES_IN_PACKET))
    groups = [_receivers(port)[turn::FRAMES_IN_PACKET] for turn in range(FRAMES_IN_PACKET)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        cpu, start = time.process_time(), time.perf_counter()
        for frame in range(round(_SECONDS / FRAME_SECONDS)):
            time.sleep(max(0.0, start + frame * FRAME_SECONDS - time.perf_counter()))
            for receiver in groups[frame % FRAMES_IN_PACKET]:
                sock.sendto(packet, receiver)
        return Sample(time.perf_counter() - start, time.process_time() - cpu)


async def audio(passes: int = 5) -> Result:
    """Share of a core; ``cpu_ratio`` is that of our processor time to the bare loop's."""
    pairs = []
    async with _Listener() as listener:
        for _ in range(passes):
            ours, base = await _ours(listener), _bare(listener.port)
            pairs.append((ours, base))
            await asyncio.sleep(0.1)
            await listener.came()
    shares = [ours.cpu / ours.wall for ours, _ in pairs]
    bare = [base.cpu / base.wall for _, base in pairs]
    ours_share, bare_share = statistics.median(shares), statistics.median(bare)
    print(f"  audio: {STREAMS} streams {ours_share:.2%} of a core, bare loop {bare_share:.2%}", file=sys.stderr)
    return Result(
        name="audio",
        ratio=ours_share,
        cpu_ratio=statistics.median([our / base for our, base in zip(shares, bare, strict=True)]),
        ours=shares,
        baseline=bare,
        baseline_name="the time that it sounds; cpu: bare sendto loop of the same datagrams",
        unit="share of a core",
        n=STREAMS,
        spread=[min(shares), max(shares)],
        goal=ALLOWED,
    )


def _listen() -> None:
    """Take datagrams and count them; each line of standard input asks how many."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        sock.bind(("0.0.0.0", 0))
        sock.setblocking(False)
        print(sock.getsockname()[1], flush=True)
        asyncio.run(_count(sock))


async def _count(sock: socket.socket) -> None:
    came, loop = 0, asyncio.get_running_loop()

    def read() -> None:
        nonlocal came
        with suppress(BlockingIOError):
            while True:
                sock.recv(2048)
                came += 1

    loop.add_reader(sock, read)
    while await loop.run_in_executor(None, sys.stdin.readline):
        read()
        print(came, flush=True)
        came = 0


if __name__ == "__main__":
    _listen()
