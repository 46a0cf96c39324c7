"""The HTTP interface as the commands use it: one call at a time, every failure an error of ours."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, ContentTypeError

from gateway.errors import EnvironmentLackingError, GatewayError

_SECONDS = 30.0


class HttpError(GatewayError):
    """The gateway answered with a problem (RFC 9457); ``status`` and ``problem`` are what it said."""

    code = "http"

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        said = problem.get("detail") or problem.get("title") or "no words"
        broken = [f"{e.get('path') or '/'}: {e.get('code')}: {e.get('message')}" for e in problem.get("errors") or ()]
        super().__init__("\n  ".join([f"HTTP {status} {said}", *broken]))


class ApiClient:
    """A session with one gateway; ``async with ApiClient(url, key) as api: await api.get("/api/v1/terminals")``."""

    def __init__(self, url: str, key: str = "", *, seconds: float = _SECONDS) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = ClientTimeout(total=seconds)

    async def __aenter__(self) -> Self:
        self._session = ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, **query: str | int | None) -> Any:
        """JSON of a GET; errors: HttpError, EnvironmentLackingError when nobody answers."""
        return await self._call("GET", path, query=query)

    async def text(self, path: str, **query: str | int | None) -> str:
        """Text of a GET that is not JSON, such as the emulator's journal."""
        return str(await self._call("GET", path, query=query, raw=True))

    async def file(self, path: str, header: str, **query: str | int | None) -> tuple[bytes, str]:
        """Bytes of a GET that is a file, and one header of the answer."""
        found: tuple[bytes, str] = await self._call("GET", path, query=query, header=header)
        return found

    async def post(
        self,
        path: str,
        body: bytes | dict[str, Any],
        media_type: str = "application/json",
        **query: str | int | None,
    ) -> Any:
        """JSON of a POST."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self._call("POST", path, query=query, data=data, media_type=media_type)

    async def pages(self, path: str, **query: str | int | None) -> AsyncIterator[dict[str, Any]]:
        """Items of a list, over all its pages."""
        cursor: str | None = None
        while True:
            page = await self.get(path, **query, limit=1000, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("next")
            if not cursor:
                return

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        data: bytes | None = None,
        media_type: str | None = None,
        raw: bool = False,
        header: str = "",
    ) -> Any:
        headers = {"Content-Type": media_type} if media_type else {}
        parameters = {name: str(value) for name, value in (query or {}).items() if value is not None}
        try:
            async with self._session.request(
                method, self._url + path, params=parameters, data=data, headers=headers
            ) as response:
                if response.status >= 400:
                    raise HttpError(response.status, _problem(await response.text()))
                if header:
                    return await response.read(), response.headers.get(header, "")
                return await response.text() if raw else await response.json()
        except (ContentTypeError, ValueError) as error:
            raise EnvironmentLackingError(
                f"{self._url}{path}: 不是网关的回答 / no answer of a gateway: {error}"
            ) from error
        except (ClientError, OSError, TimeoutError) as error:
            said = str(error) or type(error).__name__
            raise EnvironmentLackingError(f"{self._url}: 网关无应答 / the gateway does not answer: {said}") from error


def _problem(text: str) -> dict[str, Any]:
    try:
        problem = json.loads(text)
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"title": text[:200]}
