"""Finds RDS packets in a stream that has no framing of its own, such as the line to an RDS encoder.

The standard leaves that line open (GD/J 085-2018 figure 1, signal 3). A packet has neither mark nor checksum; where it
begins is told from what table 1 fixes: a type of table 2, a count of at least one, a reserved nibble F before each
code, and a length that is the sum of codes, content and signature, where the content must be one of tables 3-20; where
the content may be anything, the first code must be of decimal digits. Of two million random bytes some sixty begin like
that, and one makes a whole packet. Whether a packet is true says its signature, which the caller verifies: a false head
costs the packets it lies over, and they come again.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.errors import FrameError, IncompleteFrame, MalformedFrame
from gateway.protocols import rds
from gateway.protocols.framing import Fault
from gateway.protocols.rds_bodies import CONTENTS, RdsType
from gateway.protocols.signature import BLOCK_SIZE

__all__ = ["Fault", "Packet", "RdsFramer", "needed"]

#: Sizes of contents by type: the least and the most bytes (tables 3-20).
_SIZES: dict[int, tuple[int, int]] = {
    RdsType.SCAN_LIST: (1, 1 + 5 * 255),
    RdsType.RESOURCE_CODE: (13, 13 + 255),
    RdsType.RETURN_ADDRESS: (2, 2 + 255),
    RdsType.AUTHORISATION: (1, rds.MAX_PACKET),
    RdsType.CERTIFICATES: (1, rds.MAX_PACKET),
    RdsType.QUERY: (1, 1 + 255),
    RdsType.TEXT: (20, 20 + 255),
    **{
        kind: (CONTENTS[kind].con.sizeof(),) * 2
        for kind in CONTENTS
        if kind not in (0, 1, 4, 6, 7, 8, 15)  # those above
    },
}
_ANY_SIZE = (1, rds.MAX_PACKET)


class Packet(NamedTuple):
    """One whole packet whose structure is right; its signature is still to be verified."""

    raw: bytes


def needed(data: bytes | bytearray, at: int, max_packet: int = rds.MAX_PACKET) -> int:
    """Return the size of the packet that begins at ``at`` as far as can be seen, or 0 where none begins.

    With less than two bytes there: the two that it takes to tell.
    """
    there = len(data) - at
    if there and data[at] >> 3 == RdsType.RESERVED:
        return 0
    if there < rds.HEAD_SIZE:
        return rds.HEAD_SIZE
    size = rds.announced(data, at)
    if not rds.MIN_PACKET <= size <= max_packet:
        return 0
    return size if there == rds.HEAD_SIZE or _counts_fit(data, at, size) else 0


def _counts_fit(data: bytes | bytearray, at: int, size: int) -> bool:
    """Whether the count of codes, the codes that are there and the size of the content are what the tables allow."""
    count, kind = data[at + 2], data[at] >> 3
    if not count and kind != RdsType.RESOURCE_CODE:
        return False
    content = size - rds.MIN_PACKET - rds.CODE_SIZE * count
    least, most = _SIZES.get(kind, _ANY_SIZE)
    if not least <= content <= most:
        return False
    first = at + rds.HEAD_SIZE + 1
    if most == rds.MAX_PACKET and not data[first : first + rds.CODE_SIZE].hex()[1:].isdecimal():
        return len(data) <= first  # nothing else tells such a packet from noise
    return all(byte >> 4 == 0xF for byte in data[first : first + rds.CODE_SIZE * count : rds.CODE_SIZE])


class RdsFramer:
    """Incremental framer of one line, in the shape of ``framing.StreamFramer``.

    No more than ``max_packet`` bytes are held between calls. The caller keeps the time: what stays ``pending`` too long
    it gives up by ``expire``, which looks for the next head behind the first byte of the false or cut one.
    """

    __slots__ = ("_held", "_max_packet", "_skipped", "_why")

    def __init__(self, max_packet: int = rds.MAX_PACKET) -> None:
        self._max_packet = min(max_packet, rds.MAX_PACKET)
        self._held = bytearray()
        self._skipped = 0
        self._why: FrameError | None = None

    @property
    def pending(self) -> int:
        """Bytes held because a packet may have begun; 0 when nothing is awaited."""
        return len(self._held)

    def feed(self, data: bytes | bytearray | memoryview) -> list[Packet | Fault]:
        """Take the next bytes; return what they complete, in order."""
        self._held += data
        return self._scan()

    def expire(self) -> list[Packet | Fault]:
        """Give up the packet that is pending, and look again from its second byte on."""
        if not self._held:
            return []
        missing = max(1, needed(self._held, 0, self._max_packet) - len(self._held))
        self._pass_over(IncompleteFrame(missing, offset=len(self._held)))
        del self._held[:1]
        return self._scan()

    def finish(self) -> list[Packet | Fault]:
        """Give up all that is pending: the stream has ended."""
        found: list[Packet | Fault] = []
        while self._held:
            found += self.expire()
        return found

    def _scan(self) -> list[Packet | Fault]:
        held, found, at = self._held, list[Packet | Fault](), 0
        while at < len(held):
            size = needed(held, at, self._max_packet)
            if size > len(held) - at:
                break
            error = self._wrong(bytes(held[at : at + size])) if size else _NO_HEAD
            if error is not None:
                self._pass_over(error)
                at += 1
                continue
            self._tell(found)
            found.append(Packet(bytes(held[at : at + size])))
            at += size
        self._tell(found)
        del held[:at]
        return found

    def _wrong(self, raw: bytes) -> FrameError | None:
        try:
            rds.parse(raw)
        except FrameError as error:
            return error
        return None

    def _pass_over(self, error: FrameError) -> None:
        """Count one byte to the run of noise that is open; its first telling error stands for it."""
        if self._why is None or self._why is _NO_HEAD:
            self._why = error
        self._skipped += 1

    def _tell(self, found: list[Packet | Fault]) -> None:
        if self._why is not None:
            # the constant is shared and must not collect tracebacks
            error = MalformedFrame(_NO_HEAD.message) if self._why is _NO_HEAD else self._why
            found.append(Fault(error, self._skipped))
        self._why, self._skipped = None, 0


_NO_HEAD = MalformedFrame(f"head: no packet of 085 table 1 begins here (a signature takes {BLOCK_SIZE} bytes)")
