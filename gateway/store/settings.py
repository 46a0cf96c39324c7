"""Where the store lives and what it may hold back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Settings of the store.

    ``url`` is ``sqlite:///path`` or ``postgresql://user@host/database``. ``batch_rows`` bounds one commit;
    ``queue_rows`` bounds what waits for it (rows of calls) and ``receipt_rows`` what waits of receipts, also while the
    database is away. ``receipt_linger`` is how long (seconds) receipts wait for company: while more came in that time
    they wait again, up to ``receipt_linger_longest``, so that a burst costs few commits. ``pack_from`` or more receipts
    of one commit are kept packed until the store is idle, while fewer than ``packed_rows`` wait so; ``idle`` is how
    long (seconds) nothing must have come before rows are made of them and the log is copied into the database file.
    ``busy_timeout`` (seconds) bounds the wait for another process that holds the database. ``switch_interval``
    (seconds) becomes that of the whole interpreter, unless it is shorter already.
    """

    url: str
    batch_rows: int = 2_000
    queue_rows: int = 50_000
    receipt_rows: int = 500_000
    pack_from: int = 64
    packed_rows: int = 100_000
    receipt_linger: float = 0.002
    receipt_linger_longest: float = 0.04
    idle: float = 1.0
    busy_timeout: float = 5.0
    readers: int = 4
    #: With Python's own 5 ms a loop that is busy in slices of 1-5 ms starves the writer: it wakes too late at each of
    #: the loop's system calls, and each of them starts its 5 ms anew. Measured: a commit of 35 ms took up to 30 s; with
    #: 0.5 ms never above 51 ms.
    switch_interval: float = 0.0005

    def __post_init__(self) -> None:
        url = self.parsed
        backend = url.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise InvalidValueError("store.url", self.url, "must begin with sqlite:/// or postgresql://")
        if backend == "sqlite" and url.database in (None, "", ":memory:"):
            raise InvalidValueError("store.url", self.url, "must name a file: a store in memory keeps nothing")
        for name in ("batch_rows", "queue_rows", "receipt_rows", "pack_from", "packed_rows", "readers"):
            if getattr(self, name) < 1:
                raise InvalidValueError(f"store.{name}", getattr(self, name), "must be at least 1")
        for name in ("receipt_linger", "receipt_linger_longest", "idle", "busy_timeout"):
            if not 0 <= getattr(self, name) <= 60:
                raise InvalidValueError(f"store.{name}", getattr(self, name), "must be 0-60 seconds")
        if not 0.0001 <= self.switch_interval <= 0.005:
            raise InvalidValueError("store.switch_interval", self.switch_interval, "must be 0.0001-0.005 seconds")

    @property
    def is_sqlite(self) -> bool:
        """Whether the store is a file of SQLite, and not a server."""
        return self.parsed.get_backend_name() == "sqlite"

    @property
    def parsed(self) -> URL:
        """The URL in parts, with the driver that the gateway uses; raise InvalidValueError when it is none."""
        try:
            url = make_url(self.url)
        except ArgumentError as error:
            raise InvalidValueError(
                "store.url", self.url, "must be a database URL such as sqlite:///ebgw.db"
            ) from error
        return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url
