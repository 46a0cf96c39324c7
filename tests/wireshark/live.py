"""What really passes over loopback: captured by dumpcap, and the same bytes without the dissector."""

from __future__ import annotations

import os
import socket
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.gatewaykit import until
from tests.ports import free_port
from tests.wireshark import tshark

#: Ports of the two ends of a packet.
Flow = tuple[int, int]

_FIRST, _LAST = b"ebgw: the capture has begun", b"ebgw: the capture may end"
#: Seconds until a packet must be in the file; dumpcap writes what it has twice a second.
_PATIENCE = 20.0


@asynccontextmanager
async def captured(pcap: Path, ports: Iterable[int]) -> AsyncIterator[None]:
    """Write to ``pcap`` all that passes over loopback to and from ``ports`` while this is open.

    Without the right to capture the test is skipped, or fails where EBGW_TEST_WIRESHARK=required.
    """
    marker = free_port(socket.SOCK_DGRAM)
    wanted = " or ".join(f"port {port}" for port in (*ports, marker))
    command = [tshark.program("dumpcap"), "-q", "-p", "-i", "lo", "-f", wanted, "-w", str(pcap)]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as dumpcap,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):

        def came(mark: bytes) -> bool:
            """Whether a datagram that is sent until it comes is in the file, or the capture has ended by itself."""
            sender.sendto(mark, ("127.0.0.1", marker))
            return dumpcap.poll() is not None or (pcap.exists() and mark in pcap.read_bytes())

        try:
            await until(lambda: came(_FIRST), _PATIENCE)
            if dumpcap.returncode is not None:
                _lacking((dumpcap.stderr.read() if dumpcap.stderr else b"").decode("utf-8", "replace"))
            yield
            await until(lambda: came(_LAST), _PATIENCE)
        finally:
            dumpcap.terminate()
            dumpcap.wait(_PATIENCE)


def _lacking(why: str) -> None:
    text = f"no right to capture on lo: {why.strip()}"
    if os.environ.get("EBGW_TEST_WIRESHARK") == "required":
        pytest.fail(text)
    pytest.skip(text)


def payloads(pcap: Path) -> dict[Flow, list[bytes]]:
    """Bytes of the segments and datagrams of each flow, in order; read by tshark alone, without the dissector."""
    fields = ("tcp.srcport", "tcp.dstport", "tcp.payload", "udp.srcport", "udp.dstport", "udp.payload")
    asked = [word for name in fields for word in ("-e", name)]
    found: dict[Flow, list[bytes]] = defaultdict(list)
    for line in tshark.run("-r", str(pcap), "-T", "fields", *asked, loaded=False).splitlines():
        columns = line.split("\t")
        for source, target, payload in (columns[:3], columns[3:]):
            if payload:
                found[int(source), int(target)].append(bytes.fromhex(payload.replace(":", "")))
    return found
