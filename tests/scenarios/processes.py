"""Real processes for tests, and clients of what they serve.

Nothing stays behind: every process is ended by its own id when its ``with`` block ends, and by the kernel should the
test's process die first.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout

#: Below the kernel's ephemeral ports: a client that dials a closed port of that range may meet itself.
_PR_SET_PDEATHSIG = 1
_END_SECONDS = 15.0


async def until(condition: Callable[[], Any], seconds: float = 20.0, what: str = "") -> Any:
    """Wait until something is true and return it; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        value = await found if inspect.isawaitable(found) else found
        if value:
            return value
        assert time.monotonic() < deadline, f"did not come true within {seconds:g} s: {what or condition}"
        await asyncio.sleep(0.02)


def _die_with_parent() -> None:
    """In the child before it begins."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child whose standard output is JSON Lines, kept in a file as its log is."""

    def __init__(self, folder: Path, name: str, arguments: Sequence[str], before: Sequence[str] = ()) -> None:
        self.name = name
        self.out, self.log = folder / f"{name}.out", folder / f"{name}.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EBGW_")}
        with self.out.open("wb") as out, self.log.open("wb") as log:
            self._child = subprocess.Popen(
                [*before, sys.executable, *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=environment, preexec_fn=_die_with_parent,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    @property
    def rss(self) -> int:
        """Resident memory in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def lines(self) -> list[dict[str, Any]]:
        """Whole lines said so far."""
        whole = self.out.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    async def line(self, event: str, seconds: float = 30.0) -> dict[str, Any]:
        """Wait for a line with this event."""

        def said() -> dict[str, Any] | None:
            found = next((line for line in self.lines() if line.get("event") == event), None)
            assert found or self.running, f"{self.name} ended: {self.tail()}"
            return found

        found: dict[str, Any] = await until(said, seconds, f"{self.name} says {event}")
        return found

    def tail(self) -> str:
        """The last words of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._child.kill()
        self._child.wait()

    def end(self) -> int:
        """SIGTERM, then SIGKILL if that was not enough; returns the exit code."""
        if self.running:
            self._child.terminate()
            try:
                self._child.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._child.wait()


class Refused(Exception):
    """An answer of 400 and above."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status} {body}")
        self.status = status


class Gone(Exception):
    """No answer: nobody listens, or the connection broke."""


class Client:
    """JSON over HTTP to one address; ``async with``."""

    def __init__(self, url: str, key: str = "", seconds: float = 10.0) -> None:
        self._url, self._seconds = url, seconds
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def __aenter__(self) -> Self:
        self._session = ClientSession(headers=self._headers, timeout=ClientTimeout(self._seconds))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        media_type: str = "application/json",
    ) -> tuple[int, Any]:
        """Status and body. Errors: Refused, Gone."""
        content = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, Mapping) else body
        headers = {"Content-Type": media_type} if content is not None else {}
        data = None if content is None else BytesIO(content)
        try:
            async with self._session.request(method, self._url + path, data=data, headers=headers) as response:
                text = await response.text()
                if response.status >= 400:
                    raise Refused(response.status, text)
                return response.status, json.loads(text)
        except (ClientError, OSError, TimeoutError) as error:
            raise Gone(f"{method} {path}: {error or type(error).__name__}") from error

    async def get(self, path: str) -> Any:
        return (await self.call("GET", path))[1]

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return (await self.call("POST", path, body))[1]

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        return (await self.call("PUT", path, body))[1]

    async def deliveries(self, warning_id: str) -> dict[str, dict[str, Any]]:
        """All deliveries by terminal."""
        found: dict[str, dict[str, Any]] = {}
        cursor = ""
        while True:
            page = await self.get(f"/api/v1/warnings/{warning_id}/deliveries?limit=1000{cursor}")
            found.update((item["terminal"], item) for item in page["items"])
            if not page["next"]:
                return found
            cursor = f"&cursor={page['next']}"
