"""Rows as the gateway would write them."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.domain.orders import Order, Receipt
from gateway.store import Store, pack_ids
from gateway.store.rows import MessageRow, TerminalRow, WarningRow

T0 = 1_790_000_000.0


def ebm(number: int) -> str:
    """EBM id number ``number`` of a day."""
    return f"63505000000000314010401202611{number:06d}"


def warning(number: int, **changes: Any) -> WarningRow:
    """A warning; ``number`` makes it another."""
    values: dict[str, Any] = {
        "id": f"w-{number:05d}", "sender": "泉州市气象台", "identifier": f"3505-{number}",
        "sent": "2026-11-23T10:00:00+08:00", "publisher": "weather", "received_at": T0 + number,
        "media_type": "application/cap+xml", "body": b"<alert>\x00\xff</alert>", "content": '{"event":"11B03"}',
        "kind": "Alert", "status": "Actual", "ebm_id": ebm(number),
        "notices": [{"code": "coarse", "message": "按县界匹配"}], "references": [],
    }  # fmt: skip
    return WarningRow(**(values | changes))


def message(number: int, **changes: Any) -> MessageRow:
    """The message of warning ``number``."""
    values: dict[str, Any] = {
        "ebm_id": ebm(number), "warning_id": f"w-{number:05d}", "state": "accepted", "state_at": T0 + number,
        "ebm_class": 4, "severity": 1, "severity_received": 1, "event": "11B03", "volume": 100,
        "start_at": T0 + number, "end_at": T0 + number + 600, "programme_url": "", "areas": ("350500000000",),
        "headline": "台风红色预警", "text": "请立即撤离", "targets": {"areas": 1, "terminals": 3, "population": 900},
        "terminals": pack_ids([1, 2, 3]), "accepted_at": T0 + number, "platform_level": 4,
    }  # fmt: skip
    return MessageRow(**(values | changes))


def order(number: int, **changes: Any) -> Order:
    """Order ``number``, in session ``number``."""
    values: dict[str, Any] = {
        "id": number, "ebm_id": ebm(1), "command": "start", "session": 0xF000_0000 + number, "profile": "gdj089-2018",
        "target_codes": ("63505000000000314010400",), "terminals": pack_ids([1, 2, 3]), "frame_digest": b"\x01" * 32,
        "sig_time": 1_790_000_000, "created_at": T0 + number, "epoch": 29_833_333,
    }  # fmt: skip
    return Order(**(values | changes))


def terminal(number: int, **changes: Any) -> TerminalRow:
    """A terminal of village ``number``."""
    values: dict[str, Any] = {
        "code": f"6350521{number:06d}0314010401", "physical_address": f"0000{number:08d}", "name": f"终端{number}",
        "area": f"350521{number:06d}", "profile": "gdj089-2018", "routes": ("ip",), "lat": 24.9, "lon": 118.6,
    }  # fmt: skip
    return TerminalRow(**(values | changes))


def receipt(store: Store, **changes: Any) -> Receipt:
    """The next receipt of this store."""
    values: dict[str, Any] = {
        "node": store.node, "seq": store.next_receipt(), "received_at": T0 + 0.123456, "terminal_id": 7,
        "source": "63505210000010314010401", "ebm_id": ebm(1), "session": 0xF000_0001, "kind": "acknowledged",
        "attempt": 1, "code": 0, "standing": 2, "authenticity": "address", "late": 0, "protocol": "ip",
        "service_type": 2, "raw": b"\xfe\xfd\x00\x01", "peer": "127.0.0.1:20000",
    }  # fmt: skip
    return Receipt(**(values | changes))


class Told:
    """Collects what ``on_receipts`` tells, and lets a test wait for so many."""

    def __init__(self, store: Store) -> None:
        self.rows: list[Receipt] = []
        self.batches: list[int] = []
        self._news = asyncio.Event()
        store.on_receipts = self._take

    def _take(self, rows: list[Receipt]) -> None:
        self.rows.extend(rows)
        self.batches.append(len(rows))
        self._news.set()

    async def wait(self, count: int) -> None:
        """Until ``count`` receipts were committed in all, at most 10 s."""
        async with asyncio.timeout(10):
            while len(self.rows) < count:
                self._news.clear()
                await self._news.wait()
