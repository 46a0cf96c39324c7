"""Finds the frames of GD/J 089-2018 appendices D, E and A in a stream of bytes; opens nothing, waits for nothing.

Only frames whose CRC is right come out as frames. Where one fails, the search goes on at the very next byte.
"""

from __future__ import annotations

from gateway.errors import ChecksumMismatch, FrameError, FrameTooLarge, IncompleteFrame, MalformedFrame
from gateway.protocols import adapter_framing
from gateway.protocols.checksum import checks, crc32_mpeg
from gateway.protocols.envelope import CRC_SIZE, MAGIC, MAX_LENGTH
from gateway.protocols.ip_bodies import ServiceType
from gateway.protocols.shape import HEADER_SIZE, IP_LEGACY, SHAPES, Fit, Kind, Shape, announced, hold, sounds_right, u16
from gateway.protocols.verdict import NO_FIT, TOO_LARGE, Fault, Frame, Head, Verdict

__all__ = ["Fault", "Frame", "Head", "Kind", "StreamFramer"]

#: What may exceed the ordinary limit: certificates, and the records of an adapter.
LARGE = {(Kind.IP, int(ServiceType.CERTIFICATES)), (Kind.FEEDBACK, int(ServiceType.RECORDS))}
#: A large frame must show its service type within so many bytes, so that a false header cannot make us wait for 64 KB.
_LARGE_HEAD = 512


class StreamFramer:
    """Incremental framer of one connection or line.

    ``max_frame`` limits ordinary frames and ``max_large`` certificates and records, in bytes; no more than the larger
    is ever held between calls. ``adapters``: look for frames of appendix A too, whose mark is common in other bytes.
    The caller keeps the time: what stays ``pending`` too long it gives up by ``expire``.
    """

    __slots__ = ("_adapters", "_barred", "_held", "_max_frame", "_max_large", "_need", "_open")

    def __init__(self, max_frame: int = 4096, max_large: int = MAX_LENGTH, *, adapters: bool = False) -> None:
        self._adapters = adapters
        self._max_frame = max_frame
        self._max_large = max(max_frame, max_large)
        self._held = bytearray()
        # Up to here no large frame of appendix A is looked for: one failed that claimed these bytes, and each more
        # that was tried inside it would cost as much again.
        self._barred = 0
        self._need = 2
        self._open: Fault | None = None

    @property
    def pending(self) -> int:
        """Bytes held because a frame may have begun; 0 when nothing is awaited."""
        return len(self._held)

    @property
    def wanted(self) -> int:
        """Bytes that must come before more can be told of the frame that may have begun; 0 when none has."""
        return max(1, self._need - len(self._held)) if self._held else 0

    def feed(self, data: bytes | bytearray | memoryview) -> list[Frame | Fault]:
        """Take the next bytes; return what they complete, in order."""
        if not self._held and type(data) is bytes:
            kind = self._whole(data)
            if kind is not None:
                return [Frame(kind, data)]
        self._held += data
        return self._scan() if len(self._held) >= self._need else []

    def expire(self) -> list[Frame | Fault]:
        """Give up the frame that is pending, and look again from its second byte on."""
        if not self._held:
            return []
        missing = max(1, self._need - len(self._held))
        self._open = Fault(IncompleteFrame(missing, offset=len(self._held)), 1)
        self._drop(1)
        return self._scan()

    def finish(self) -> list[Frame | Fault]:
        """Give up all that is pending: the stream has ended."""
        found: list[Frame | Fault] = []
        while self._held:
            found += self.expire()
        return found

    def _whole(self, data: bytes) -> Kind | None:
        """Recognise the common case, one segment that is exactly one ordinary frame of appendix D or E."""
        size = len(data)
        if size < 30 or size > self._max_frame or data[0] != 0xFE or data[1] != 0xFD:
            return None
        is_ip = data[10] << 8 | data[11] == size
        is_feedback = data[9] << 8 | data[10] == size
        if is_ip == is_feedback or not checks(data):
            return None
        return Kind.IP if is_ip else Kind.FEEDBACK

    def _scan(self) -> list[Frame | Fault]:
        held, found, at = self._held, list[Frame | Fault](), 0
        while True:
            mark = self._mark(at)
            if mark < 0:
                begun = self._begun(at)
                self._pass_over(len(held) - begun - at)
                at, self._need = len(held) - begun, max(2, begun + 1)
                break
            self._pass_over(mark - at)
            at = mark
            verdict = self._judge(at)
            if verdict.kind is not None:
                self._close(found)
                found.append(Frame(verdict.kind, bytes(held[at : at + verdict.size])))
                at += verdict.size
            elif verdict.error is not None:
                self._blame(found, verdict)
                self._barred = max(self._barred, at + verdict.size)
                at += 1
            else:
                self._need = verdict.size
                break
        self._close(found)
        self._drop(at)
        return found

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._barred = max(0, self._barred - count)

    def _mark(self, at: int) -> int:
        """Return where the next mark stands, from ``at`` on, or a number below 0."""
        return adapter_framing.next_mark(self._held, at) if self._adapters else self._held.find(MAGIC, at)

    def _begun(self, at: int) -> int:
        """Return how many bytes at the end, none before ``at``, may be the beginning of a mark."""
        if self._held.endswith(MAGIC[:1], at):
            return 1
        return adapter_framing.begun(self._held, at) if self._adapters else 0

    def _judge(self, at: int) -> Verdict:
        """Decide about the header at ``at`` in all its readings."""
        held = self._held
        if held[at] != MAGIC[0]:
            max_large = self._max_large if at >= self._barred else self._max_frame
            return adapter_framing.judge(held, at, self._max_frame, max_large)
        if len(held) - at < HEADER_SIZE:
            return Verdict(HEADER_SIZE)
        if held[at + 8] not in (1, 2) and min(u16(held, at + 10), u16(held, at + 9)) > self._max_frame:
            return TOO_LARGE
        bad: Verdict | None = None
        too_large = False
        need = 0
        for shape in SHAPES:
            verdict = self._read_as(at, shape)
            if verdict.kind is not None:
                return verdict
            if verdict.error is None:
                need = min(need or verdict.size, verdict.size)
            elif verdict is TOO_LARGE:
                too_large = True
            elif verdict is not NO_FIT:
                bad = bad if bad and bad.head else verdict
        if need:
            return Verdict(need)
        return bad or (TOO_LARGE if too_large else NO_FIT)

    def _read_as(self, at: int, shape: Shape) -> Verdict:
        """Decide about the header at ``at`` in one reading."""
        held = self._held
        total = announced(held, at, shape)
        if total < shape.smallest:
            return NO_FIT
        if total > self._max_frame and (total > self._max_large or shape is IP_LEGACY or held[at + 8] not in (1, 2)):
            return TOO_LARGE
        fit, number = hold(held, at, shape, total)
        if total > self._max_frame:
            if fit is Fit.UNKNOWN and number <= _LARGE_HEAD:
                return Verdict(number)
            if fit is not Fit.YES or (shape.kind, held[at + number]) not in LARGE:
                return TOO_LARGE
        elif fit is Fit.UNKNOWN:
            return Verdict(number)
        elif fit is Fit.NO and not sounds_right(held, at, shape):
            return NO_FIT
        if len(held) - at < total:
            return Verdict(total)
        frame = bytes(held[at : at + total])
        if checks(frame):
            return Verdict(total, kind=shape.kind)
        stated = int.from_bytes(frame[-CRC_SIZE:], "big")
        error = ChecksumMismatch(stated, crc32_mpeg(frame[:-CRC_SIZE]), offset=total - CRC_SIZE)
        return Verdict(0, error=error, head=_head_of(frame, shape, number) if fit is Fit.YES else None)

    def _pass_over(self, count: int) -> None:
        """Count ``count`` bytes to the fault that is open, or open one."""
        if count <= 0:
            return
        if self._open is None:
            self._open = Fault(MalformedFrame("mark: bytes that begin no frame"), count)
        else:
            self._open = self._open._replace(skipped=self._open.skipped + count)

    def _blame(self, found: list[Frame | Fault], verdict: Verdict) -> None:
        """Open a fault for a header that failed; one run of noise stays one fault, of its first telling kind."""
        before = self._open
        if before is None or verdict.head is not None:
            self._close(found)
            self._open = Fault(self._error(verdict), 1, verdict.head)
        elif type(before.error) is MalformedFrame and before.head is None:
            self._open = Fault(self._error(verdict), before.skipped + 1)
        else:
            self._open = before._replace(skipped=before.skipped + 1)

    def _error(self, verdict: Verdict) -> FrameError:
        """Make the error to hand out; the constants are shared and must not collect tracebacks."""
        if verdict is TOO_LARGE:
            return FrameTooLarge(f"length: exceeds {self._max_frame} bytes", offset=HEADER_SIZE - 2)
        if verdict is NO_FIT or verdict.error is None:
            return MalformedFrame("lengths: counts inside do not add up to the length announced")
        return verdict.error

    def _close(self, found: list[Frame | Fault]) -> None:
        if self._open is not None:
            found.append(self._open)
            self._open = None


def _head_of(frame: bytes, shape: Shape, type_at: int) -> Head:
    return Head(
        kind=shape.kind,
        session=int.from_bytes(frame[4:8], "big"),
        packet_type=frame[8],
        source=frame[shape.source_at : shape.count_at],
        service_type=frame[type_at],
    )
