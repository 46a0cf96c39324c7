"""What all benchmarks share: the generator's process, the bare baseline, passes in turn, results."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One pass: wall and processor seconds of the process that is measured."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark: ``ratio`` is the median over pairs of our cost ÷ the baseline's; smaller is better."""

    name: str
    ratio: float
    cpu_ratio: float | None
    ours: list[float]
    baseline: list[float]
    baseline_name: str
    unit: str
    n: int
    spread: list[float]
    goal: float

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps({k: _rounded(v) for k, v in asdict(self).items()}, ensure_ascii=False)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    return [_rounded(v) for v in value] if isinstance(value, list) else value


def compare(
    name: str, pairs: list[tuple[Sample, Sample]], *, baseline_name: str, n: int, goal: float, by_cpu: bool = False
) -> Result:
    """Fold interleaved pairs (ours, baseline) into a result in milliseconds, of the wall or of the processor."""
    costs = [(ours.cpu, base.cpu) if by_cpu else (ours.wall, base.wall) for ours, base in pairs]
    ratios = sorted(ours / base for ours, base in costs)
    cpu = [ours.cpu / base.cpu for ours, base in pairs if base.cpu]
    return Result(
        name=name,
        ratio=statistics.median(ratios),
        cpu_ratio=statistics.median(cpu) if cpu else None,
        ours=[ours * 1000 for ours, _ in costs],
        baseline=[base * 1000 for _, base in costs],
        baseline_name=baseline_name,
        unit="ms of processor" if by_cpu else "ms",
        n=n,
        spread=[ratios[0], ratios[-1]],
        goal=goal,
    )


@dataclass(slots=True)
class Generator:
    """The load generator's process."""

    process: asyncio.subprocess.Process

    @classmethod
    async def start(cls, port: int, count: int, *more: str, module: str = "benchmarks.loadgen") -> Generator:
        """Start it and wait until all its sockets are registered."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            str(port),
            str(count),
            *more,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        made = cls(process)
        await made._line("ready")
        return made

    async def arm(self, session: int, service_type: int) -> None:
        """Have it make the answers to the frame that comes next."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"session {session} {service_type}\n".encode())
        await self.process.stdin.drain()
        await self._line("armed")

    async def post(self, port: int, request: bytes) -> None:
        """Have it send an HTTP request."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"post {port} {request.hex()}\n".encode())
        await self.process.stdin.drain()

    async def _line(self, wanted: str) -> None:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 120)
        if line.decode().strip() != wanted:
            raise RuntimeError(f"load generator said {line!r}, not {wanted!r}")

    async def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), 30)


@dataclass(slots=True)
class BareServer:
    """The baseline: an epoll loop that sends bytes to every socket and reads what comes back; it keeps nothing."""

    hello: bytes
    listener: socket.socket = field(init=False)
    socks: list[socket.socket] = field(default_factory=list)
    poll: select.epoll = field(default_factory=select.epoll)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)

    @property
    def port(self) -> int:
        """Where it listens."""
        number: int = self.listener.getsockname()[1]
        return number

    def serve(self, count: int) -> None:
        """Take ``count`` connections and answer the first bytes of each; blocking."""
        for _ in range(count):
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not sock.recv(4096):
                raise ConnectionError("generator closed")
            sock.sendall(self.hello)
            sock.setblocking(False)
            self.socks.append(sock)
        self.by_fd = {sock.fileno(): sock for sock in self.socks}
        for fd in self.by_fd:
            self.poll.register(fd, select.EPOLLIN)

    by_fd: dict[int, socket.socket] = field(default_factory=dict)

    def fan_out(self, frame: bytes) -> tuple[Sample, float]:
        """Send ``frame`` to all and read all answers; returns the pass and the wall seconds until the last send."""
        cpu, start = time.process_time(), time.perf_counter()
        for sock in self.socks:
            sock.send(frame)
        sent = time.perf_counter() - start
        missing, by_fd, poll = len(self.socks), self.by_fd, self.poll
        while missing:
            for fd, _ in poll.poll():
                if not by_fd[fd].recv(65536):
                    raise ConnectionError("generator closed")
                missing -= 1
        return Sample(time.perf_counter() - start, time.process_time() - cpu), sent

    def close(self) -> None:
        """Close everything."""
        for sock in self.socks:
            sock.close()
        self.listener.close()
        self.poll.close()
