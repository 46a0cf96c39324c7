"""Orders 指令, attempts 发送 and receipts 回执: what was asked of receivers, what was handed to links, what came back.

They come by the thousand, so they hold plain strings and numbers as the store keeps them; codes and ids in them were
checked by their own types before. ``ladder`` folds them into what is known of a delivery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Order:
    """指令: one command about a message. ``session`` is unique for ever, and its ``id`` too.

    ``ebm_id`` is None for queries and settings; ``sig_time`` in the unit of the signature block.
    """

    id: int
    ebm_id: str | None
    command: str
    session: int
    profile: str
    target_codes: tuple[str, ...]
    terminals: bytes
    frame_digest: bytes
    sig_time: int
    created_at: float
    epoch: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """发送: an order's frame was written on ``route`` to these terminals (packed ids). ``id`` is the store's."""

    order_id: int
    at: float
    route: str
    terminals: bytes
    id: int = 0


class Receipt(NamedTuple):
    """回执: one piece of evidence. Its fields are columns in order: the tuple is handed to the database as it is.

    Its key is (node, seq). ``kind`` is a ``ladder.EvidenceKind`` value or a word of our own
    ("stop_acknowledged", "heartbeat"); ``late`` is 0 or 1. Plain ``str`` and ``int``: subclasses (enums, codes) cost
    1 µs each on this path, and PostgreSQL refuses a bool here.
    """

    node: int
    seq: int
    received_at: float
    terminal_id: int | None
    source: str
    ebm_id: str | None
    session: int | None
    kind: str
    attempt: int
    code: int
    standing: int
    authenticity: str
    late: int
    protocol: str
    service_type: int
    raw: bytes
    peer: str
