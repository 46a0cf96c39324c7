"""udp: a start to 10,000 terminals as datagrams and all their answers, against a bare socket that does the same."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from dataclasses import dataclass, field

from benchmarks.errands import Above
from benchmarks.harness import Generator, Result, Sample, compare
from benchmarks.loadgen import PLATFORM
from gateway.daemon import raise_file_limit
from gateway.devices.udp_bearer import UdpBearer
from gateway.domain.receiver import Route
from gateway.protocols import fastpath
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import ServiceType
from gateway.settings.udp_link import UdpLink

TERMINALS = 10_000
_BUFFER = 8 << 20
_SO_RCVBUFFORCE = 33
#: Seconds without an answer after which one must have been lost.
_PATIENCE = 5.0


@dataclass(slots=True)
class _BareSocket:
    """The baseline: one socket that sends to each address and reads what comes back; it keeps nothing."""

    hello: bytes
    sock: socket.socket = field(init=False)
    addresses: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.sock.bind(("127.0.0.1", 0))

    def meet(self, count: int) -> None:
        """Learn the address of each by its first datagram, and answer that; blocking."""
        for _ in range(count):
            _, address = self.sock.recvfrom(4096)
            self.sock.sendto(self.hello, address)
            self.addresses.append(address)
        self.sock.setblocking(False)

    def fan_out(self, frame: bytes) -> Sample:
        """Send ``frame`` to all and read all answers."""
        poll = select.epoll()
        poll.register(self.sock, select.EPOLLIN)
        cpu, start = time.process_time(), time.perf_counter()
        send, receive = self.sock.sendto, self.sock.recvfrom
        for address in self.addresses:
            send(frame, address)
        missing = len(self.addresses)
        while missing:
            if not poll.poll(_PATIENCE):
                raise TimeoutError(f"{missing} answers were lost; raise net.core.rmem_max")
            try:
                while missing:
                    receive(65535)
                    missing -= 1
            except BlockingIOError:
                continue
        sample = Sample(time.perf_counter() - start, time.process_time() - cpu)
        poll.close()
        return sample


async def udp(passes: int = 15) -> Result:
    """From the parcel to the last answer handed upward; no datagram may be lost."""
    raise_file_limit()
    above = Above(TERMINALS, Route.parse("udp:bench"))
    link = UdpLink(
        kind="udp", host="127.0.0.1", port=0, answer_seconds=_PATIENCE, tries=0, receive_buffer_bytes=_BUFFER
    )  # fmt: skip
    bearer = UdpBearer(
        "bench", link, above, above,  # type: ignore[arg-type]  # as much of dispatch as is called
        own_code=str(PLATFORM), verified=above.verified, clock=time.time,
    )  # fmt: skip
    await bearer.open()
    code = WireCode.of(PLATFORM).raw
    bare = _BareSocket(fastpath.build_answer(1, ServiceType.HEARTBEAT, code, code, 0))
    meeting = asyncio.get_running_loop().run_in_executor(None, bare.meet, TERMINALS)
    generators = [
        await Generator.start(bearer.address[1], TERMINALS, "udp"),
        await Generator.start(bare.sock.getsockname()[1], TERMINALS, "udp"),
    ]
    await meeting
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
            base = bare.fan_out(errand.frame)
            if number > 1:  # the first pair warms both sides up
                pairs.append((ours, base))
            await asyncio.sleep(0.05)
    finally:
        for generator in generators:
            await generator.close()
        bare.sock.close()
        await bearer.close()
    return compare("udp", pairs, baseline_name="bare socket loop, keeps nothing", n=TERMINALS, goal=1.4)
