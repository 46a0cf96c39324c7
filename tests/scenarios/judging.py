"""Rules that a run must have kept, read from the emulator's journal and from the store."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.protocols import feedback
from gateway.store.blocks import unpack_receipts

_BEGINS = ("playing", "resumed")
_ENDS = ("ended", "stopped")


@dataclass(slots=True)
class Life:
    """What one terminal did, message by message, in the order of the journal."""

    #: messages that began and have not ended
    open: set[str] = field(default_factory=set)
    #: messages whose start came since the last power-up, or that ended by themselves before
    served: set[str] = field(default_factory=set)
    plays: int = 0
    reboots: int = 0


def lives_of(journal: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Life], list[str]]:
    """Follow every terminal; returns what became of each, and every rule that was broken."""
    lives: dict[str, Life] = defaultdict(Life)
    broken: list[str] = []
    since_boot: dict[str, set[str]] = defaultdict(set)
    stop_sessions: dict[str, set[int]] = defaultdict(set)
    silenced: dict[str, set[str]] = defaultdict(set)
    for line in journal:
        terminal, event, ebm_id = line["terminal"], line["event"], line["ebm_id"]
        life = lives[terminal]
        where = f"{terminal} {ebm_id} at {line['t']:.3f} (line {line['n']})"
        if event == "reboot":
            life.reboots += 1
            since_boot[terminal].clear()
            life.served &= {done for done in life.served if done.startswith("done ")}
        elif event == "start_received":
            life.served.add(ebm_id)
        elif event == "stop_received":
            stop_sessions[terminal].add(line["session"])
        elif event == "answered" and line["session"] in stop_sessions[terminal]:
            silenced[terminal].add(ebm_id)
        if event in _BEGINS and ebm_id in silenced[terminal]:
            broken.append(f"{event} after its stop was answered: {where}")
        if event == "playing":
            life.plays += 1
            if ebm_id in since_boot[terminal]:
                broken.append(f"played twice without a reboot between: {where}")
            if ebm_id in life.open:
                broken.append(f"began while it played: {where}")
            since_boot[terminal].add(ebm_id)
            life.open.add(ebm_id)
        elif event in _ENDS:
            life.open.discard(ebm_id)
        if event == "missed" or (event == "ended" and not line["reason"]):
            life.served.add(f"done {ebm_id}")
    return lives, broken


def is_served(life: Life, ebm_id: str) -> bool:
    """Whether a terminal got the start since its last power-up, or had played it to its end before."""
    return ebm_id in life.served or f"done {ebm_id}" in life.served


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store holds, read beside the gateway."""

    #: session → (command, EBM id), of every order
    orders: dict[int, tuple[str, str]]
    #: EBM id → warning id
    messages: dict[str, str]
    #: (terminal, session) of every report of appendix E
    reports: set[tuple[str, int]]
    receipts: int


def read_store(path: Path) -> Kept:
    """Read a SQLite store without touching it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as database:
        # one instant: receipts may be on their way from blocks to rows
        database.execute("BEGIN")
        orders: dict[int, tuple[str, str]] = {}
        for session, command, ebm_id in database.execute("SELECT session, command, ebm_id FROM orders"):
            assert session not in orders, f"session {session} was used twice"
            orders[session] = (command, ebm_id)
        messages = dict(database.execute("SELECT ebm_id, warning_id FROM messages"))
        receipts = list(database.execute("SELECT source, protocol, raw FROM receipts"))
        for (block,) in database.execute("SELECT packed FROM receipt_blocks"):
            receipts += [(row.source, row.protocol, row.raw) for row in unpack_receipts(block)]
    reports = {(source, feedback.parse(raw).session) for source, protocol, raw in receipts if protocol == "feedback"}
    return Kept(orders, messages, reports, len(receipts))


def unaccounted(journal: Iterable[Mapping[str, Any]], kept: Kept) -> tuple[int, list[str]]:
    """Hold the journal against the store; returns reports confirmed, and what the store does not know.

    Every frame that a terminal received must stand as an order of the same command and message, and every report whose
    connection was closed in order must be a receipt.
    """
    confirmed = 0
    broken: list[str] = []
    for line in journal:
        event, session = line["event"], line["session"]
        if event in ("start_received", "stop_received"):
            command = event.partition("_")[0]
            if kept.orders.get(session) != (command, line["ebm_id"]):
                broken.append(f"{command} {line['ebm_id']} in session {session}: {kept.orders.get(session)}")
        elif event == "report_confirmed":
            confirmed += 1
            if (line["terminal"], session) not in kept.reports:
                broken.append(f"confirmed report is lost: {line}")
    return confirmed, broken
