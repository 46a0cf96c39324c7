"""Rooms: what every handler of the API may use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gateway.api.auth import Keys
from gateway.api.services import Services
from gateway.api.watch import Watch
from gateway.coverage.books import Books
from gateway.dispatch.admission import Weigh


@dataclass(frozen=True, slots=True)
class Rooms:
    """The gateway's services, keys in force, books of messages, the watch that tells of changes, the weighing."""

    services: Services
    keys: Keys
    books: Books
    watch: Watch
    weigh: Weigh
    #: one report is made at a time: each takes a processor for a second
    reports: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
