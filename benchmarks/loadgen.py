"""The load generator: thousands of terminals as bare sockets in a process of its own, the same for both sides.

It verifies nothing and computes nothing while it is measured: heartbeats and answers are made before. It talks to its
parent by lines: ``session S TYPE`` makes the answers to the frame that will come, ``post PORT HEX`` sends a request
that was made before, ``quit`` ends it. With ``udp`` as a third argument the sockets send datagrams.
"""

from __future__ import annotations

import select
import socket
import sys

from gateway.domain.codes import AreaCode, PhysicalAddress, ResourceCode
from gateway.domain.receiver import Terminal
from gateway.protocols import fastpath, ip
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import Heartbeat
from gateway.publishers.reference import load_gazetteer

PLATFORM = ResourceCode("33505000000000103010101")
_BATCH = 200


def terminals(count: int) -> list[Terminal]:
    """``count`` terminals over the villages of 泉州, the same in every process."""
    villages = [village.code for village in load_gazetteer().villages]
    made = []
    for index in range(count):
        area = AreaCode(villages[index % len(villages)])
        number = index // len(villages) + 1
        code = ResourceCode.build(6, area, number=number)
        made.append(Terminal(code, PhysicalAddress(f"{index + 1:012d}"), f"t{index}", area))
    return made


def _heartbeat(terminal: Terminal) -> bytes:
    body = Heartbeat(1, 1, bytes.fromhex(terminal.physical_address))
    return ip.build(ip.request(1, terminal.code, (PLATFORM,), body))


def _socket(port: int, udp: bool) -> socket.socket:
    if udp:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(("127.0.0.1", port))
        return sock
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _connect(port: int, count: int, poll: select.epoll, udp: bool) -> tuple[dict[int, int], list[socket.socket]]:
    """Open and register all sockets, ``_BATCH`` at a time."""
    where: dict[int, int] = {}
    socks: list[socket.socket] = []
    fleet = terminals(count)
    for start in range(0, count, _BATCH):
        batch = []
        for terminal in fleet[start : start + _BATCH]:
            sock = _socket(port, udp)
            sock.sendall(_heartbeat(terminal))
            batch.append(sock)
        for sock in batch:
            if not sock.recv(4096):
                raise ConnectionError("closed before it was registered")
            sock.setblocking(False)
            where[sock.fileno()] = len(socks)
            socks.append(sock)
            poll.register(sock.fileno(), select.EPOLLIN)
    return where, socks


def _post(port: int, request: bytes) -> None:
    """Send an HTTP request and leave its answer unread: the parent measures at its own end."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(request)
    _posts.append(sock)


_posts: list[socket.socket] = []


def main() -> None:
    """Serve until told to quit, or until the parent is gone."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    poll = select.epoll()
    where, socks = _connect(port, count, poll, "udp" in sys.argv[3:])
    sources = [WireCode.of(terminal.code).raw for terminal in terminals(count)]
    target = WireCode.of(PLATFORM).raw
    answers: list[bytes] = []
    stdin = sys.stdin.fileno()
    poll.register(stdin, select.EPOLLIN)
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            index = where.get(fd)
            if index is None:
                words = sys.stdin.readline().split()
                if not words or words[0] == "quit":
                    return
                if words[0] == "post":
                    _post(int(words[1]), bytes.fromhex(words[2]))
                    continue
                session, service_type = int(words[1]), int(words[2])
                answers = [fastpath.build_answer(session, service_type, source, target, 0) for source in sources]
                print("armed", flush=True)
                continue
            if not socks[index].recv(65536):
                poll.unregister(fd)
                continue
            if answers:
                socks[index].send(answers[index])


if __name__ == "__main__":
    main()
