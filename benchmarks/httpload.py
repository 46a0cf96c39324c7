"""The publishers' process: requests that were made before, each over a connection of its own.

``python -m benchmarks.httpload CONNECTIONS`` reads lines: ``run PORT FILE`` sends every request of the file, each as
its length (4 bytes) and bytes, and prints ``done STATUS…`` with the count of each status.
"""

from __future__ import annotations

import selectors
import socket
import sys
from collections import Counter
from pathlib import Path


def requests_of(file: Path) -> list[bytes]:
    """The requests of a file."""
    raw, found, at = file.read_bytes(), [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        found.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def run(port: int, requests: list[bytes], connections: int) -> Counter[int]:
    """Send all, so many at once, each over a connection of its own."""
    waiting, statuses = iter(requests), Counter[int]()
    select = selectors.DefaultSelector()
    buffers: dict[int, bytes] = {}
    socks: dict[int, socket.socket] = {}

    def send() -> None:
        request = next(waiting, None)
        if request is None:
            return
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(request)
        socks[sock.fileno()], buffers[sock.fileno()] = sock, b""
        select.register(sock, selectors.EVENT_READ)

    for _ in range(connections):
        send()
    while socks:
        for key, _ in select.select():
            sock = socks[key.fd]
            data = sock.recv(65536)
            if data:
                buffers[key.fd] += data
                continue
            select.unregister(sock)
            statuses[_status(buffers.pop(key.fd))] += 1
            del socks[key.fd]
            sock.close()
            send()
    return statuses


def _status(answer: bytes) -> int:
    """The status of an answer, 0 where it is none."""
    head = answer.partition(b"\r\n\r\n")[0]
    return int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else 0


def main() -> None:
    """Serve until the parent is gone."""
    connections = int(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        _, port, file = line.split()
        statuses = run(int(port), requests_of(Path(file)), connections)
        print("done", *(f"{status}:{count}" for status, count in sorted(statuses.items())), flush=True)


if __name__ == "__main__":
    main()
