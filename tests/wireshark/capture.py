"""Captures written by hand: frames as datagrams or TCP segments in a pcap file of raw IPv4 packets."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

#: Ports that the tests use; those of D, E and A are the dissector's own, the others are set as preferences.
IP, ADAPTER, RDS, TS = 9000, 8799, 7850, 5000

_RAW_IPV4 = 228
_GATEWAY, _DEVICE = bytes([127, 0, 0, 1]), bytes([127, 0, 0, 2])
_TCP, _UDP = 6, 17


@dataclass(slots=True)
class Capture:
    """Packets in the order they are added; the numbers of tshark begin at 1."""

    packets: list[bytes] = field(default_factory=list)
    _sequence: dict[int, int] = field(default_factory=dict)

    def datagram(self, data: bytes, port: int) -> Self:
        """Add one UDP datagram to ``port``."""
        udp = struct.pack(">HHHH", 40000, port, 8 + len(data), 0) + data
        return self._add(_UDP, udp)

    def segment(self, data: bytes, port: int, source: int = 40000) -> Self:
        """Add one TCP segment to ``port``, in the connection of ``source``: the next bytes of its stream."""
        sequence = self._sequence.get(source, 1)
        self._sequence[source] = sequence + len(data)
        tcp = struct.pack(">HHIIBBHHH", source, port, sequence, 1, 5 << 4, 0x18, 0xFFFF, 0, 0) + data
        return self._add(_TCP, tcp)

    def write(self, path: Path) -> Path:
        """Write the pcap file; one packet a millisecond."""
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, _RAW_IPV4)
        records = (
            struct.pack("<IIII", number // 1000, number % 1000 * 1000, len(packet), len(packet)) + packet
            for number, packet in enumerate(self.packets)
        )
        path.write_bytes(head + b"".join(records))
        return path

    def _add(self, protocol: int, data: bytes) -> Self:
        size = 20 + len(data)
        head = struct.pack(">BBHHHBBH", 0x45, 0, size, len(self.packets) & 0xFFFF, 0, 64, protocol, 0)
        self.packets.append(head + _DEVICE + _GATEWAY + data)
        return self
