"""The golden frames of tests/vectors and what every test does to frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.protocols.checksum import seal

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "vectors.json").read_text(encoding="utf-8")
)
BY_ID = {vector["id"]: vector for vector in VECTORS}
#: Families this package reads.
FAMILIES = ("ip", "ip-legacy", "feedback", "adapter", "ts")
OURS = [vector for vector in VECTORS if vector["protocol"] in FAMILIES]


def frame(name: str) -> bytes:
    """The bytes of one vector."""
    return bytes.fromhex(BY_ID[name]["hex"])


def of(*protocols: str) -> list[str]:
    """Ids of the vectors of these protocols whose checksum is right."""
    return [vector["id"] for vector in OURS if vector["protocol"] in protocols and vector["crc_ok"]]


def resealed(data: bytes) -> bytes:
    """The frame with a right CRC in place of its last four bytes."""
    return seal(data[:-4])


def changed(data: bytes, at: int, by: int = 1, size: int = 1) -> bytes:
    """The frame with the number at ``at`` changed, and its CRC made right again."""
    number = (int.from_bytes(data[at : at + size], "big") + by) % (1 << 8 * size)
    return resealed(data[:at] + number.to_bytes(size, "big") + data[at + size :])
