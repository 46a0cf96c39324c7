"""A null modem: a relay between terminals and gateway that passes every byte, both ways, one at a time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self


class NullModem:
    """``async with NullModem(port) as modem``: connect to ``modem.port`` instead."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        there: asyncio.StreamWriter | None = None
        with suppress(OSError, asyncio.CancelledError):
            back, there = await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.gather(self._pass(reader, there), self._pass(back, writer))
        for end in (writer, there):
            if end is not None:
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            for byte in data:
                writer.write(bytes((byte,)))
                # A turn of the loop for each, so that the kernel sends them one by one.
                await asyncio.sleep(0)
        if writer.can_write_eof():
            writer.write_eof()
