"""Reading: query-only connections in threads of their own; each call sees the database as of one instant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from gateway.errors import InvalidValueError, StoreError

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """A small pool of threads, one connection each; what is committed when a call begins is seen by it."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="store-reader")

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``query(connection, …)`` in a thread; raise StoreError when it fails or tries to write.

        InvalidValueError for an argument that the database cannot even compare.
        """

        def once() -> T:
            with self._engine.begin() as connection:
                return query(connection, *args, **kwargs)

        def run() -> T:
            try:
                try:
                    return once()
                except DBAPIError as error:
                    # A server restarted while the connection was idle: all of the pool is known stale now, ask again.
                    if not error.connection_invalidated:
                        raise
                    return once()
            except (DataError, UnicodeEncodeError) as error:
                # a NUL or half a surrogate that somebody put into a URL
                raise InvalidValueError("query", str(error)[:80], "holds a value that no row can have") from error
            except SQLAlchemyError as error:
                orig = error.orig if isinstance(error, DBAPIError) else None
                raise StoreError(f"the database cannot be read: {orig or error}") from error

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, run)
        except RuntimeError as error:
            if "shutdown" in str(error):
                raise StoreError("the store is closed") from error
            raise

    async def close(self) -> None:
        """Let running queries end and close the connections."""
        await asyncio.to_thread(self._pool.shutdown)
        self._engine.dispose()
