"""Routes 接口表: each call of the API as data; the same table serves requests, OpenAPI and the pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.api.problems import HttpProblem, too_large
from gateway.api.rooms import Rooms
from gateway.api.services import Services
from gateway.domain.codes import AreaCode
from gateway.errors import InvalidValueError, RightsError, UnsupportedMediaError, Violation
from gateway.publishers.rights import KeyKind, Publisher

M = TypeVar("M", bound=BaseModel)

JSON: Final = "application/json"
#: Seconds for a body to come whole: a peer that died must not hold its place among the requests for ever.
BODY_SECONDS: Final = 30.0
#: Bytes of a body taken at once where it is read as it comes.
_PIECE: Final = 1 << 16


class Need(Enum):
    """Which key a call asks for."""

    NOBODY = "不需要密钥 no key"
    KEY = "任何密钥 any key"
    OPERATOR = "操作员密钥 an operator's key"


@dataclass(slots=True)
class Call:
    """One request on its way through a handler; ``who`` is None only where no key is needed."""

    request: web.Request
    rooms: Rooms
    who: Publisher | None

    @property
    def holder(self) -> Publisher:
        """Who calls."""
        if self.who is None:
            raise RightsError("key", "此操作需要密钥 / this call needs a key")
        return self.who

    @property
    def is_operator(self) -> bool:
        """Whether an operator calls."""
        return self.holder.kind is KeyKind.OPERATOR

    def query(self, model: type[M]) -> M:
        """The query parameters; raise pydantic's ValidationError, answered 422."""
        return model.model_validate(dict(self.request.query))

    async def body(self) -> bytes:
        """The whole body; raise HttpProblem 413 before more than the limit is held, 408 where it does not come."""
        limit = self.rooms.services.settings.http.max_body_bytes
        if (self.request.content_length or 0) > limit:
            raise too_large(limit)
        if self.request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise HttpProblem(415, Violation("Content-Encoding", "encoded", "正文不得压缩 / send the body unencoded"))
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self.request.read()
        except TimeoutError:
            message = f"正文未在 {BODY_SECONDS:g} 秒内收齐 / the body did not come in time"
            raise HttpProblem(408, Violation("", "too_slow", message), close=True) from None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, of any length; raise TimeoutError where its sender stands still."""
        while True:
            async with asyncio.timeout(BODY_SECONDS):
                piece = await self.request.content.read(_PIECE)
            if not piece:
                return
            yield piece

    def divisions(self, digits: Iterable[str]) -> list[AreaCode]:
        """Divisions named in ``areas`` of a body. Errors: InvalidValueError for what is none of this gateway's."""
        return divisions_of(self.rooms.services, digits)

    async def model(self, model: type[M], *, optional: bool = False) -> M:
        """A JSON body as ``model``; an empty one counts as ``{}`` where ``optional``.

        Errors: UnsupportedMediaError 415, ValidationError (400 no JSON, 422 a rule).
        """
        raw = await self.body()
        if optional and not raw:
            return model.model_validate({})
        if self.request.content_type != JSON:
            raise UnsupportedMediaError(self.request.content_type, (JSON,))
        return model.model_validate_json(raw)


def divisions_of(services: Services, digits: Iterable[str]) -> list[AreaCode]:
    """Codes of divisions, as ``areas`` of a body names them. Errors: InvalidValueError for what is none of ours."""
    areas = []
    for position, each in enumerate(digits):
        area = AreaCode(each)
        if area not in services.gazetteer:
            raise InvalidValueError(f"areas/{position}", each, "未知的行政区划 / no division of this gateway")
        areas.append(area)
    return areas


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Body:
    """One form of body that a call takes; ``model`` None for text, described in ``words``."""

    media_type: str
    model: type[BaseModel] | None = None
    words: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a call; ``model`` None for none or for text of ``media_type``."""

    status: int
    words: str
    model: type[BaseModel] | None = None
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Route:
    """One call. ``problems``: the statuses it may refuse with, beside 401, 403, 406 and 503 of every keyed call."""

    method: str
    path: str
    handler: Handler
    summary: str
    replies: tuple[Reply, ...]
    need: Need = Need.KEY
    takes: tuple[Body, ...] = ()
    query: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()
    words: str = ""
    #: long answers (events) hold no place among the requests served at once
    counted: bool = True

    @property
    def produces(self) -> frozenset[str]:
        """Media types of its good answers."""
        return frozenset(reply.media_type for reply in self.replies if reply.status < 400)


def answer(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A model as the JSON body of an answer."""
    body = model.model_dump_json(by_alias=True).encode()
    return web.Response(status=status, body=body, content_type=JSON, charset="utf-8", headers=headers)


async def answer_off_loop(make: Callable[[], BaseModel]) -> web.Response:
    """The same for a long list, made and written out in a thread: a full page takes tens of milliseconds."""
    body = await asyncio.to_thread(lambda: make().model_dump_json(by_alias=True).encode())
    return web.Response(body=body, content_type=JSON, charset="utf-8")
