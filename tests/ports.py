"""Ports for what a test starts itself and must name beforehand: a broker, a database, a gateway started again."""

import os
import random
import socket

_RANGE = range(12_000, 32_000)  # below what Linux gives to outgoing connections: none of those takes a port meanwhile
_order = random.Random(os.getpid()).sample(_RANGE, len(_RANGE))


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody holds now, and that this process has not named before."""
    while _order:
        port = _order.pop()
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no free ports")


def consecutive_ports(count: int) -> int:
    """The first of ``count`` free datagram ports, two apart."""
    for _ in range(100):
        first = free_port(socket.SOCK_DGRAM)
        probes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        try:
            for number, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + 2 * number))
            return first
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")
