"""The load generator of ``mqtt``: thousands of terminals behind a broker, each a bare socket that speaks MQTT 3.1.1.

It does as ``loadgen`` does and takes the same lines from its parent: subscribed before anything is measured, answers
made before, nothing verified. Arguments: port of the broker, number of terminals, first level of their topics.
"""

from __future__ import annotations

import select
import socket
import sys
from dataclasses import dataclass, field

from benchmarks.loadgen import PLATFORM, terminals
from gateway.devices.mqtt_topics import Topics
from gateway.domain.codes import AreaCode
from gateway.protocols import fastpath
from gateway.protocols.fields import WireCode

CITY = AreaCode("350500000000")
PROFILE = "gdj089-2018"
_CONNACK, _PUBLISH, _SUBACK = 2, 3, 9


def packet(head: int, body: bytes) -> bytes:
    """A control packet (MQTT 3.1.1, 2.2)."""
    length, size = bytearray(), len(body)
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (128 if size else 0))
        if not size:
            return bytes((head,)) + bytes(length) + body


def text(word: str) -> bytes:
    """A string with its length before it (1.5.3)."""
    raw = word.encode()
    return len(raw).to_bytes(2, "big") + raw


def connect(identifier: str) -> bytes:
    """CONNECT with a clean session and no keep-alive (3.1)."""
    return packet(0x10, text("MQTT") + b"\x04\x02\x00\x00" + text(identifier))


def subscribe(*topics: str) -> bytes:
    """SUBSCRIBE at QoS 1 (3.8)."""
    return packet(0x82, b"\x00\x01" + b"".join(text(topic) + b"\x01" for topic in topics))


def publish(topic: str, payload: bytes) -> bytes:
    """PUBLISH at QoS 1, always with packet identifier 1 (3.3): no two are on their way at once."""
    return packet(0x32, text(topic) + b"\x00\x01" + payload)


@dataclass(slots=True)
class Client:
    """One connection: bytes that are no whole packet yet stay for the next time."""

    sock: socket.socket
    rest: bytearray = field(default_factory=bytearray)

    def packets(self) -> list[tuple[int, bytes]]:
        """Read what has come: first byte and body of each packet."""
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("the broker closed a connection")
        rest = self.rest
        rest += data
        found, at = [], 0
        while len(rest) - at >= 2:
            size, shift, body = 0, 0, at + 1
            while body < len(rest):
                digit = rest[body]
                size |= (digit & 127) << shift
                shift, body = shift + 7, body + 1
                if digit < 128:
                    break
            if rest[body - 1] > 127 or len(rest) < body + size:
                break
            found.append((rest[at], bytes(rest[body : body + size])))
            at = body + size
        del rest[:at]
        return found

    def acknowledge(self, body: bytes) -> bytes:
        """PUBACK of a PUBLISH with this body (3.4)."""
        at = 2 + int.from_bytes(body[:2], "big")
        return b"\x40\x02" + body[at : at + 2]


def _enter(port: int, identifier: str, topics: tuple[str, ...]) -> Client:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(connect(identifier) + subscribe(*topics))
    client, said = Client(sock), set[int]()
    while not said >= {_CONNACK, _SUBACK}:
        said |= {head >> 4 for head, _ in client.packets()}
    sock.setblocking(False)
    return client


def main() -> None:
    """Serve until told to quit, or until the parent is gone."""
    port, count, prefix = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    topics, fleet, poll = Topics(prefix), terminals(count), select.epoll()
    clients: dict[int, tuple[Client, int]] = {}
    for index, terminal in enumerate(fleet):
        code = str(terminal.code)
        client = _enter(port, f"{prefix}-{code}", (topics.down(code), f"{topics.area(PROFILE, CITY)}/#"))
        clients[client.sock.fileno()] = (client, index)
        poll.register(client.sock.fileno(), select.EPOLLIN)
    sources = [WireCode.of(terminal.code).raw for terminal in fleet]
    ups = [f"{prefix}/terminal/{terminal.code}/up" for terminal in fleet]
    target = WireCode.of(PLATFORM).raw
    answers: list[bytes] = []
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            if fd not in clients:
                words = sys.stdin.readline().split()
                if not words or words[0] == "quit":
                    return
                session, service_type = int(words[1]), int(words[2])
                answers = [
                    publish(up, fastpath.build_answer(session, service_type, source, target, 0))
                    for up, source in zip(ups, sources, strict=True)
                ]
                print("armed", flush=True)
                continue
            client, index = clients[fd]
            for head, body in client.packets():
                if head >> 4 == _PUBLISH:
                    client.sock.send(client.acknowledge(body) + answers[index])


if __name__ == "__main__":
    main()
