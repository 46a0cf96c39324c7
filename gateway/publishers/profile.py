"""How strictly a publisher's bodies are read, and how large they may be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """Reading profile of a publisher 发布者.

    ``strict``: every rule of the schema and of the meaning holds. ``tolerant``: a broken schema rule is reported as a
    notice as long as the meaning stays unambiguous (element order, a missing certainty, a signed CAP 1.1).
    ``signed``: strict, and an XML signature by a certificate pinned to the publisher must cover the alert; only what it
    covers is read.
    """

    STRICT = "strict"
    TOLERANT = "tolerant"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps that are checked before work or memory is spent on a body.

    ``body_bytes`` in bytes; ``tag_chars`` is the length of one start tag with its attributes; the rest are counts.
    The defaults leave room for the largest real alerts seen (880 KB with one ring of 44,000 points; 820 areas).
    """

    body_bytes: int = 2 * 1024 * 1024
    depth: int = 32
    elements: int = 20_000
    tag_chars: int = 16_384
    bundle: int = 200
    infos: int = 32
    areas: int = 2_000
    geocodes: int = 10_000
    references: int = 1_000
    polygons: int = 500
    circles: int = 500
    vertices: int = 100_000
    text_chars: int = 20_000
    area_chars: int = 2_000
