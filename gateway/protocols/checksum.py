"""CRC-32 of the frames (GD/J 089-2018 appendix G): polynomial 04C11DB7, start FFFFFFFF, not reflected or inverted.

zlib computes the mirrored sum in C. Mirroring every byte on the way in and the sum on the way out gives ours. The
CRC-16 of RDS packets and of the TS content table stands here too.
"""

from __future__ import annotations

from binascii import crc_hqx
from zlib import crc32

_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
#: Sum over data and its own CRC, in zlib's mirrored and inverted view of the zero that appendix G leaves.
_RESIDUE = 0xFFFFFFFF


def crc32_mpeg(data: bytes) -> int:
    """Return the CRC-32 of ``data`` as sent, most significant byte first (GD/J 089-2018 appendix G)."""
    mirrored = crc32(data.translate(_MIRROR)) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRROR), "big")


def checks(frame: bytes) -> bool:
    """Whether ``frame`` ends with the CRC of what stands before it."""
    return len(frame) >= 4 and crc32(frame.translate(_MIRROR)) == _RESIDUE


def seal(data: bytes) -> bytes:
    """Return ``data`` with its CRC behind it."""
    return data + crc32_mpeg(data).to_bytes(4, "big")


def crc16_ccitt(data: bytes) -> int:
    """Return CRC-16/CCITT-FALSE of ``data``: polynomial 1021, start FFFF (GD/J 085-2018 table 21, 086-2018 6.3)."""
    return crc_hqx(data, 0xFFFF)
