"""Frames that the project writes itself: packets drawn as for the properties of the codecs, the same in every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.protocols import adapter, feedback, ip, rds, ts_section
from gateway.protocols.decode import decode
from gateway.protocols.ts_packets import Packetiser
from tests.protocols.adapter_strategies import adapter_packets
from tests.protocols.golden import VECTORS
from tests.protocols.rds_golden import bytes_of, rds_packets
from tests.protocols.strategies import feedback_packets, ip_packets
from tests.protocols.ts_strategies import sections
from tests.wireshark import capture
from tests.wireshark.capture import Capture

T = TypeVar("T")

#: Packets of a family, and what writes them.
FAMILIES: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], bytes]]] = {
    "ip": (ip_packets(), ip.build),
    "feedback": (feedback_packets(), feedback.build),
    "adapter": (adapter_packets(), adapter.build),
    "rds": (rds_packets(), rds.build),
    # without these bits (GD/J 086-2018 6.2) nobody takes it for a section
    "ts": (sections().map(lambda one: replace(one, private_indicator=1, length_reserved=3)), ts_section.build),
}
PORTS = {"adapter": capture.ADAPTER, **dict.fromkeys(("rds", "rds-frames", "rds-group"), capture.RDS)}
#: Packets of a transport stream in one datagram.
_PER_DATAGRAM = 7


def golden(*protocols: str) -> dict[str, bytes]:
    """The golden frames of these protocols by their ids."""
    return {vector["id"]: bytes_of(vector["id"]) for vector in VECTORS if vector["protocol"] in protocols}


def drawn(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """``count`` values at most: not by chance, and each once."""
    found: list[T] = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(one: T) -> None:
        if one not in found:
            found.append(one)

    collect()
    return found


def written(family: str, count: int) -> list[bytes]:
    """Frames of a family that ``decode`` knows as its own, one for each drawn packet."""
    strategy, build = FAMILIES[family]
    frames = [build(packet) for packet in drawn(strategy, count)]
    return [frame for frame in frames if decode(frame)["protocol"] == family and not decode(frame)["error"]]


def datagrams(frames: Iterable[bytes], family: str) -> Capture:
    """Each frame in a datagram of its own; sections in packets of a transport stream on PID 0x21."""
    captured, packetiser = Capture(), Packetiser()
    for frame in frames:
        if family != "ts":
            captured.datagram(frame, PORTS.get(family, capture.IP))
            continue
        packets = packetiser.packets(frame)
        for at in range(0, len(packets), _PER_DATAGRAM):
            captured.datagram(b"".join(packets[at : at + _PER_DATAGRAM]), capture.TS)
    return captured
