"""A program that runs for as long as sound comes: fed by standard input, heard by standard output, its end noticed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from gateway.errors import SoundProgramFailed
from gateway.programmes.toolbox import LAST_WORDS, Toolbox, end, last_words

#: Bytes that may wait for a program that does not read.
MOST_UNREAD: Final = 256 << 10
_READ: Final = 1 << 16
#: Seconds that a program has to end after its input has.
_LAST_SECONDS: Final = 5.0


class Pipe:
    """One running program. It is made by ``open`` and let go by ``finish`` or ``close``, once.

    ``on_output`` is given what it writes. ``ended`` waits for its end, whoever brought it about.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, on_output: Callable[[bytes], None]) -> None:
        self._name = name
        self._process = process
        self._complaints = bytearray()
        self._reading = asyncio.gather(self._read(on_output), self._hear())

    @classmethod
    async def open(
        cls, toolbox: Toolbox, name: str, arguments: Sequence[str], on_output: Callable[[bytes], None]
    ) -> Pipe:
        """Start the program. Errors: EnvironmentLackingError where it is missing, SoundProgramFailed."""
        try:
            process = await asyncio.create_subprocess_exec(
                *toolbox.command(name, arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise SoundProgramFailed(name, f"cannot be started: {error.strerror}") from error
        return cls(name, process, on_output)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it takes input still."""
        return self._process.returncode is None and not self._stdin.is_closing()

    def feed(self, data: bytes) -> bool:
        """Hand bytes over; False, and they are dropped, where it has ended or does not read."""
        if not self.runs or self._stdin.transport.get_write_buffer_size() > MOST_UNREAD:
            return False
        self._stdin.write(data)
        return True

    async def drain(self) -> None:
        """Wait until it has read nearly all that it was given."""
        with suppress(ConnectionError):
            await self._stdin.drain()

    async def ended(self) -> None:
        """Wait until it has ended and all of its output was handed over. Errors: SoundProgramFailed."""
        await asyncio.shield(self._reading)
        status = await self._process.wait()
        if status != 0:
            raise SoundProgramFailed(self._name, f"exit status {status}", last_words(bytes(self._complaints)))

    async def finish(self) -> None:
        """No more input comes: wait for the rest of its output. Errors: SoundProgramFailed."""
        self._stdin.close()
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self.ended()
        except TimeoutError as error:
            raise SoundProgramFailed(self._name, f"not done {_LAST_SECONDS:g} s after its input ended") from error
        finally:
            await self.close()

    async def close(self) -> None:
        """End it at once."""
        await end(self._process, read=True)
        # The pipes of a dead process end by themselves; whoever inherited them must not hold us.
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._stdin.close()
        with suppress(ConnectionError):
            await self._stdin.wait_closed()

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    async def _read(self, on_output: Callable[[bytes], None]) -> None:
        assert self._process.stdout is not None
        while data := await self._process.stdout.read(_READ):
            on_output(data)

    async def _hear(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(_READ):
            self._complaints += data
            del self._complaints[: -4 * LAST_WORDS]
