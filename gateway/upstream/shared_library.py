"""The library shared between platforms 节目共享: what a city or a county shares is fetched, and kept as theirs.

Each source is another gateway of this kind. Its shared programmes come under ``SOURCE-ID``, with their owner; recorded
files come with them. What the source takes back goes here too, unless a schedule of ours plays it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

import aiohttp
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.dispatch.alarms import Alarms
from gateway.dispatch.daily_book import DailyBook, Programme
from gateway.errors import GatewayError, LinkError, StateConflictError
from gateway.programmes.library import Library

log = structlog.get_logger(__name__)

#: Bytes of a list of programmes, and how many of them are taken from one source.
_LIST_BYTES: Final = 4 << 20
_MOST: Final = 1000
_CHUNK: Final = 1 << 16
_ALARM: Final = "library_source"


@dataclass(frozen=True, slots=True)
class Source:
    """Another platform's library. ``every`` and ``patience`` (for one answer) in seconds."""

    name: str
    url: str
    key: str
    every: float = 600.0
    patience: float = 30.0


class _Shared(BaseModel):
    """A programme as the other platform lists it; keys that we do not know are its own business."""

    model_config = ConfigDict(extra="ignore")

    id: str
    title: str
    kind: Literal["stream", "text", "file"]
    source: str
    owner: str


class SharedLibrary:
    """Keeps what one source shares; ``own_code`` is our resource code: what is ours does not come back to us."""

    def __init__(self, source: Source, book: DailyBook, library: Library, alarms: Alarms, own_code: str) -> None:
        self._source = source
        self._book = book
        self._library = library
        self._alarms = alarms
        self._own_code = own_code
        #: of each recorded file, what the source called its present content
        self._versions: dict[str, str] = {}

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Fetch again and again, until cancelled. A source that fails is told, and tried again."""
        while True:
            try:
                await self.fetch()
                self._alarms.clear(_ALARM, self._source.name)
            except (GatewayError, aiohttp.ClientError, OSError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                self._alarms.raise_(_ALARM, self._source.name, f"节目共享失败 shared library not fetched: {reason}")
            await pause(self._source.every)

    async def fetch(self) -> int:
        """Fetch once; returns how many programmes the source shares with us.

        Errors: LinkError for an answer that is none; aiohttp's errors and TimeoutError for a source that is away.
        """
        headers = {"Authorization": f"Bearer {self._source.key}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._source.patience, sock_read=self._source.patience)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as client:
            shared = [one for one in await self._listed(client) if one.owner != self._own_code]
            for one in shared:
                await self._keep(client, one)
        await self._drop_all_but({self._id(one.id) for one in shared})
        return len(shared)

    async def _listed(self, client: aiohttp.ClientSession) -> list[_Shared]:
        async with client.get(f"{self._source.url}/api/v1/programmes", params={"shared": "true"}) as answer:
            if answer.status != 200:
                raise LinkError(f"{self._source.url}: HTTP {answer.status}")
            body = await answer.content.read(_LIST_BYTES + 1)
            while len(body) <= _LIST_BYTES and (more := await answer.content.read(_LIST_BYTES)):
                body += more
        if len(body) > _LIST_BYTES:
            raise LinkError(f"{self._source.url}: the list is longer than {_LIST_BYTES} bytes")
        try:
            listed = _Listed.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise LinkError(f"{self._source.url}: no list of programmes: {place}: {first['msg']}") from error
        return listed.items[:_MOST]

    def _id(self, theirs: str) -> str:
        return f"{self._source.name}-{theirs}"[:64]

    async def _keep(self, client: aiohttp.ClientSession, one: _Shared) -> None:
        name = self._id(one.id)
        source = one.source
        if one.kind == "file":
            source = self._id(one.source)
            await self._fetch_file(client, one.source, source)
        wanted = Programme(name, one.title[:100], one.kind, source, one.owner, shared=False)
        if self._book.programmes.get(name) != wanted:
            await self._book.put_programme(wanted, self._actor)

    async def _fetch_file(self, client: aiohttp.ClientSession, theirs: str, name: str) -> None:
        known = self._versions.get(name)
        headers = {"If-None-Match": known} if known else {}
        async with client.get(f"{self._source.url}/api/v1/recordings/{theirs}", headers=headers) as answer:
            if answer.status == 304:
                return
            if answer.status != 200:
                raise LinkError(f"{self._source.url}: recording {theirs[:64]!r}: HTTP {answer.status}")
            await self._library.put(name, answer.content.iter_chunked(_CHUNK))
            self._versions[name] = answer.headers.get("ETag", "")

    async def _drop_all_but(self, kept: set[str]) -> None:
        prefix = f"{self._source.name}-"
        theirs = [p for p in self._book.programmes.values() if p.id.startswith(prefix) and p.owner != self._own_code]
        for programme in theirs:
            if programme.id in kept:
                continue
            try:
                await self._book.drop_programme(programme.id, self._actor)
            except StateConflictError as error:
                log.warning("taken back by its owner, still played here", programme=programme.id, error=str(error))
                continue
            if programme.kind == "file" and not self._plays(programme.source):
                await asyncio.to_thread(self._library.drop, programme.source)

    def _plays(self, recording: str) -> bool:
        return any(p.kind == "file" and p.source == recording for p in self._book.programmes.values())

    @property
    def _actor(self) -> str:
        return f"共享 library {self._source.name}"


class _Listed(BaseModel):
    model_config = ConfigDict(extra="ignore")

    items: list[_Shared]
