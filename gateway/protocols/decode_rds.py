"""RDS packets, RDS frames and groups (GD/J 085-2018), shown by the contract of ``decode``.

A packet has no mark: it is known by its head. Frames (8 bytes each) and groups (13 bytes each) are shown as the packet
that they carry where they are all there, else as what they are.
"""

from __future__ import annotations

from typing import Any

from gateway.errors import (
    ChecksumMismatch,
    FrameError,
    FrameTooLarge,
    IncompleteFrame,
    MalformedFrame,
    SignatureInvalid,
)
from gateway.protocols import rds, rds_frames, rds_groups
from gateway.protocols.checksum import crc16_ccitt
from gateway.protocols.decode_contract import Verifier, checksum_of, result
from gateway.protocols.decode_fields import hex_of
from gateway.protocols.decode_rds_fields import kind_of, packet_fields
from gateway.protocols.rds_bodies import CONTENTS, RdsType
from gateway.protocols.rds_frames import CHUNK_SIZE, FRAME, FRAME_SIZE, RdsFrame
from gateway.protocols.rds_framing import needed
from gateway.protocols.rds_groups import GROUP_SIZE, Group

#: Heads of other protocols: appendices D and E, and the adapter's of A. Tables of TS begin with the reserved type 31.
_OTHERS = (b"\xfe\xfd", b"\x49\x00\x01", b"\x50\x00\x01")
#: Right check words of 10 bits, among all, that make bytes groups: two of the four blocks may be hurt.
_RIGHT_SHARE = 0.5

Json = dict[str, Any]


def knows(data: bytes) -> bool:
    """Whether ``data`` begins like a packet of a known type, is a whole packet, or is made of RDS frames or groups."""
    if data.startswith(_OTHERS):
        return False
    return _is_packet(data) or _are_groups(data) or _are_frames(data) or _begins_packet(data)


def read(data: bytes, verifier: Verifier) -> Json:
    """Show ``data``, which ``knows`` took; raises FrameError where not even its length is sure."""
    if _is_packet(data):
        return _show_packet(data, verifier, None)
    if _are_groups(data):
        return _show_groups(data, verifier)
    if _are_frames(data):
        return _show_frames(data, verifier)
    size = rds.announced(data)
    if size > len(data):
        raise IncompleteFrame(size - len(data), offset=len(data))
    more = MalformedFrame(f"{len(data) - size} bytes after the end of the packet", offset=size)
    return _show_packet(data[:size], verifier, more)


def _is_packet(data: bytes) -> bool:
    """Whether the length is that of the packet, and each code begins with the reserved nibble (0 from some devices)."""
    if len(data) < rds.MIN_PACKET or rds.announced(data) != len(data) or data[0] >> 3 == RdsType.RESERVED:
        return False
    first, count = rds.HEAD_SIZE + 1, data[2]
    if first + rds.CODE_SIZE * count > len(data) - (rds.MIN_PACKET - first):
        return False
    return all(data[first + rds.CODE_SIZE * at] >> 4 in (0x0, 0xF) for at in range(count))


def _begins_packet(data: bytes) -> bool:
    """Whether a packet of a known type begins: enough of it is there to see its first code."""
    return len(data) > rds.HEAD_SIZE + 1 and data[0] >> 3 in CONTENTS and needed(data, 0) > 0


def _are_frames(data: bytes) -> bool:
    """Whether ``data`` is RDS frames of known levels, with possible numbers, alike for each level and version."""
    if not data or len(data) % FRAME_SIZE:
        return False
    totals: dict[tuple[int, int], int] = {}
    for frame in _frames(data):
        total = totals.setdefault((frame.level, frame.version), frame.total)
        if frame.level not in rds_frames.LEVELS or total != frame.total:
            return False
        if total < rds_frames.MIN_FRAMES or frame.index >= total:
            return False
    return True


def _are_groups(data: bytes) -> bool:
    if not data or len(data) % GROUP_SIZE:
        return False
    offsets = [name for group in _groups(data) for name in group.offsets]
    return sum(name is not None for name in offsets) > _RIGHT_SHARE * len(offsets)


def _frames(data: bytes) -> list[RdsFrame]:
    return [FRAME.parse(data[at : at + FRAME_SIZE]) for at in range(0, len(data), FRAME_SIZE)]


def _groups(data: bytes) -> list[Group]:
    return [rds_groups.decode(data[at : at + GROUP_SIZE]) for at in range(0, len(data), GROUP_SIZE)]


def _show_packet(raw: bytes, verifier: Verifier, error: FrameError | None) -> Json:
    """Show one whole packet; ``error`` is what was found around it."""
    try:
        packet = rds.parse(raw)
    except MalformedFrame as broken:
        error = error or broken
        if isinstance(broken, FrameTooLarge):
            return result(protocol="rds", error=error)
        packet = rds.parse_unchecked(raw, opaque=True)
    signature = verifier.show(rds.signed_data(raw), packet.signature)
    if signature["valid"] is False:
        error = error or SignatureInvalid("signature: no coverage verifies with this key")
    return result(
        protocol="rds",
        kind=kind_of(packet),
        fields=packet_fields(packet, len(raw)),
        signature=signature,
        rebuilt=hex_of(rds.build(packet)),
        error=error,
    )


def _show_frames(data: bytes, verifier: Verifier) -> Json:
    frames = _frames(data)
    shown, right = _show_carried(frames, verifier)
    return {**shown, "kind": shown["kind"] or "frame", "rebuilt": hex_of(b"".join(map(FRAME.build, right)))}


def _show_groups(data: bytes, verifier: Verifier) -> Json:
    groups = _groups(data)
    shown, right = _show_carried([FRAME.parse(group.frame) for group in groups], verifier)
    offsets = [group.offsets for group in groups]
    shown["fields"]["offsets"] = offsets[0] if len(groups) == 1 else offsets
    built = [rds_groups.encode(FRAME.build(frame), group.offsets) for frame, group in zip(right, groups, strict=True)]
    hurt = next((at for at, group in enumerate(groups) if not group.right), None)
    if shown["checksum"] is None and len(groups) == 1:
        shown["checksum"] = checksum_of("rds", _check_words(data), _check_words(built[0]))
    if hurt is not None and shown["error"] is None:
        names = ", ".join("ABCD"[at] for at, name in enumerate(groups[hurt].offsets) if name is None)
        broken = MalformedFrame(f"group {hurt}: check word of block {names} is wrong", offset=hurt * GROUP_SIZE)
        shown["error"] = result(error=broken)["error"]
    return {**shown, "kind": shown["kind"] or "group", "rebuilt": hex_of(b"".join(built))}


def _check_words(group: bytes) -> int:
    """Return the four check words of a group as one number of 40 bits."""
    bits, words = int.from_bytes(group, "big"), 0
    for at in (3, 2, 1, 0):
        words = words << 10 | bits >> rds_groups.BLOCK_BITS * at & 0x3FF
    return words


def _show_carried(frames: list[RdsFrame], verifier: Verifier) -> tuple[Json, list[RdsFrame]]:
    """Show what ``frames`` carry, and return the frames as they should be (with the right CRC-16)."""
    first = frames[0]
    chunks = {frame.index: frame.chunk for frame in frames}
    one_packet = len({(frame.level, frame.version) for frame in frames}) == 1
    agree = all(chunks[frame.index] == frame.chunk for frame in frames)
    if not (one_packet and agree and len(chunks) == first.total):
        return _show_loose(frames), frames
    data = b"".join(chunk for _, chunk in sorted(chunks.items()))
    size = rds.announced(data)
    head = {"level": first.level, "version": first.version, "total": first.total}
    if size < rds.MIN_PACKET or rds_frames.frames_needed(size) != first.total:
        error = MalformedFrame(f"length: a packet of {size} bytes does not take {first.total} frames")
        return result(protocol="rds", fields=head | {"content": hex_of(data)}, error=error), frames
    return _show_joined(frames, head, data, verifier)


def _show_joined(frames: list[RdsFrame], head: Json, data: bytes, verifier: Verifier) -> tuple[Json, list[RdsFrame]]:
    size = rds.announced(data)
    raw, found = data[:size], int.from_bytes(data[size : size + 2], "big")
    expected = crc16_ccitt(raw)
    wrong = ChecksumMismatch(found, expected, offset=size, digits=4) if found != expected else None
    if wrong is not None:
        data = raw + expected.to_bytes(2, "big") + data[size + 2 :]
        frames = [
            RdsFrame(one.level, one.version, one.total, one.index, data[one.index * CHUNK_SIZE :][:CHUNK_SIZE])
            for one in frames
        ]
    shown = _show_packet(raw, verifier, wrong)
    packet = {"packet_length": size, "padding": len(data) - size - 2, "crc16": f"{found:04X}"}
    shown["fields"] = head | packet | {"packet": shown["fields"]}
    shown["checksum"] = checksum_of("crc16", found, expected)
    return shown, frames


def _show_loose(frames: list[RdsFrame]) -> Json:
    """Show frames that are not all frames of one packet."""
    rows = [
        {"level": one.level, "version": one.version, "total": one.total, "index": one.index, "chunk": hex_of(one.chunk)}
        for one in frames
    ]
    return result(protocol="rds", fields=rows[0] if len(rows) == 1 else {"frames": rows})
