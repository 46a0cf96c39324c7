"""The demo's children: daemon and emulator, started, waited for, and ended by their own process ids."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from gateway.errors import EnvironmentLackingError

#: Seconds that a child may take to say that it serves, and to end.
_READY_SECONDS = 60.0
_END_SECONDS = 15.0
_TAIL = 600
_PR_SET_PDEATHSIG = 1


class Child:
    """A process of ours whose standard output is JSON Lines; what else it says goes to ``log``."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path, *, program: str = sys.executable) -> None:
        self.name = name
        self._program = program
        self._arguments = arguments
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        # What EBGW_… of the caller says is meant for another gateway.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EBGW_")}
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment,
                # Ctrl-C is ours to hear: the children are then ended in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._reader = asyncio.create_task(self._read(), name=f"output of {self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is None:
            return
        await asyncio.shield(self._end(process))
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.returncode is None

    async def line(self, event: str) -> dict[str, Any]:
        """The next line with this event; raise EnvironmentLackingError when it ends or is silent instead."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while (line := await self._lines.get()) is not None:
                    if line.get("event") == event:
                        return line
        except TimeoutError:
            raise EnvironmentLackingError(
                f"{self.name} 在 {_READY_SECONDS:g} 秒内未就绪 / was not ready in time; see {self._log}"
            ) from None
        raise EnvironmentLackingError(f"{self.name} 已退出 / ended; {self._log}:\n{self.tail()}")

    def tail(self) -> str:
        """The last words of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip()

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if isinstance(line, dict):
                self._lines.put_nowait(line)
        self._lines.put_nowait(None)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.returncode is not None:
                return
            try:
                process.send_signal(number)
                # Not wait_for: before Python 3.12 it loses a Ctrl-C that comes as the process ends.
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
            except ProcessLookupError:
                return
            except TimeoutError:
                continue


def _die_with_parent() -> None:
    """In the child before it begins: the kernel ends it should the demo be killed without a chance to do so."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
