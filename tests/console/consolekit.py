"""A real gateway with people, and browsers of aiohttp that keep cookies and forms."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp

from gateway.console.desk import row_of
from gateway.daemon import Gateway
from gateway.domain.codes import AreaCode
from gateway.domain.people import Person, Position
from gateway.security.passwords import hash_password
from tests.gatewaykit import hang_up, settings_for

CITY = AreaCode("350500000000")
PASSWORD = "correct horse battery"
_HASH = hash_password(PASSWORD)


@dataclass
class Visitor:
    """One browser."""

    base: str
    client: aiohttp.ClientSession
    page: str = ""
    status: int = 0
    path: str = ""

    async def get(self, path: str = "", **headers: str) -> str:
        async with self.client.get(f"{self.base}/console{path}", headers=headers) as answer:
            return await self._took(answer)

    async def post(self, path: str, *, stranger: Any = False, **fields: Any) -> str:
        form = [(k, str(v)) for k, each in fields.items() for v in (each if isinstance(each, list) else [each])]
        if not stranger:
            found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.page)
            assert found is not None, "the page that was looked at last has no form"
            form.append(("csrf", found[1]))
        async with self.client.post(f"{self.base}/console{path}", data=aiohttp.FormData(form)) as answer:
            return await self._took(answer)

    async def log_in(self, name: str, password: str = PASSWORD, code: str = "") -> str:
        return await self.post("/login", stranger=True, name=name, password=password, code=code)

    async def _took(self, answer: aiohttp.ClientResponse) -> str:
        text = unescape(await answer.text()) if "audio" not in answer.content_type else ""
        self.status, self.path = answer.status, answer.url.path
        if "html" in answer.content_type and "<!doctype" in text:
            self.page = text
        return text


@dataclass
class Room:
    """A duty room."""

    gateway: Gateway
    browsers: list[aiohttp.ClientSession]

    async def browser(self) -> Visitor:
        # Cookies of 127.0.0.1 are kept too.
        client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.browsers.append(client)
        return Visitor(f"http://127.0.0.1:{self.gateway.ports.http}", client)

    async def person(
        self, position: Position, *, name: str = "", areas: tuple[AreaCode, ...] = (CITY,), **more: Any
    ) -> str:
        name = name or position.value
        await self.gateway.state.store.write(row_of(Person(name, position, areas, _HASH, **more), 1.0))
        return name

    async def visitor(self, position: Position, **more: Any) -> Visitor:
        """Somebody of this position, logged in."""
        name = await self.person(position, **more)
        visitor = await self.browser()
        await visitor.log_in(name)
        assert visitor.status == 200 and visitor.path == "/console", visitor.page
        return visitor


@asynccontextmanager
async def room(folder: Path, **sections: Mapping[str, Any]) -> AsyncIterator[Room]:
    async with Gateway(settings_for(folder, **{k: dict(v) for k, v in sections.items()})) as gate:
        made = Room(gate, [])
        try:
            yield made
        finally:
            await hang_up()
            for client in made.browsers:
                await client.close()
