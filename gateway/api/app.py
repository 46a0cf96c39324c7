"""The application 应用: the table of calls behind keys, limits and one form of refusal."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from aiohttp import web

from gateway.api.docs_page import docs_page
from gateway.api.openapi import openapi_document
from gateway.api.problems import HttpProblem, response_for
from gateway.api.rooms import Rooms
from gateway.api.routes import JSON, Call, Need, Reply, Route
from gateway.api.table import ROUTES
from gateway.errors import OverloadedError, RightsError, Violation
from gateway.publishers.rights import KeyKind

log = structlog.get_logger(__name__)

HTML: Final = "text/html"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Places:
    """Requests served at once: at most ``most``, half of them for one key, so that no key shuts the others out."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._each = max(1, most // 2)
        self._taken = 0
        self._by_holder: Counter[str] = Counter()

    @contextmanager
    def place(self, holder: str) -> Iterator[None]:
        """Hold one place. Errors: OverloadedError (503), HttpProblem 429."""
        if self._taken >= self._most:
            raise OverloadedError("同时请求过多 too many requests at once")
        if self._by_holder[holder] >= self._each:
            message = f"此密钥同时请求超过 {self._each} / more than {self._each} requests of this key at once"
            raise HttpProblem(429, Violation("", "too_many_requests", message), headers={"Retry-After": "1"})
        self._taken += 1
        self._by_holder[holder] += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._by_holder[holder] -= 1
            if not self._by_holder[holder]:
                del self._by_holder[holder]


def make_application(rooms: Rooms) -> web.Application:
    """The application with every call of the table, its OpenAPI document and its pages."""
    settings = rooms.services.settings.http
    app = web.Application(middlewares=[_refusals], client_max_size=settings.max_body_bytes)
    places = Places(settings.max_requests_at_once)
    routes = (*ROUTES, *_pages())
    for route in routes:
        app.router.add_route(route.method, route.path, _guarded(route, rooms, places))
    return app


def all_routes() -> tuple[Route, ...]:
    """Everything that is served, pages included."""
    return (*ROUTES, *_pages())


@web.middleware
async def _refusals(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except Exception as error:
        response = response_for(error)
    log.debug("request", method=request.method, path=request.path, status=response.status)
    return response


def _guarded(route: Route, rooms: Rooms, places: Places) -> _Handler:
    """The handler of a call behind its checks: form of the answer, key, kind of key, place."""

    async def handle(request: web.Request) -> web.StreamResponse:
        check_accept(request.headers.get("Accept", ""), route.produces)
        if route.need is Need.NOBODY:
            return await route.handler(Call(request, rooms, None))
        who = await rooms.keys.holder(request.headers.get("Authorization"))
        if route.need is Need.OPERATOR and who.kind is not KeyKind.OPERATOR:
            raise RightsError("kind", "此操作需要操作员密钥 / this call needs an operator's key")
        rooms.services.expected.heard(who.name)
        call = Call(request, rooms, who)
        if not route.counted:
            return await route.handler(call)
        with places.place(who.name):
            return await route.handler(call)

    return handle


def check_accept(accept: str, produces: frozenset[str]) -> None:
    """Raise HttpProblem 406 where an Accept header rules out every form that a call answers in."""
    if not accept or ("*/*" in accept and "q=0" not in accept):
        return
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if any(p.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for p in parameters):
            continue
        for own in produces:
            if media in ("*/*", own, f"{own.partition('/')[0]}/*"):
                return
    forms = ", ".join(sorted(produces))
    raise HttpProblem(406, Violation("Accept", "not_acceptable", f"只能以 {forms} 应答 / answers come as {forms}"))


def _pages() -> tuple[Route, ...]:
    document: dict[str, bytes] = {}

    async def openapi(call: Call) -> web.Response:
        if "json" not in document:
            made = await asyncio.to_thread(openapi_document, all_routes())
            document["json"] = json.dumps(made, ensure_ascii=False).encode()
        return web.Response(body=document["json"], content_type=JSON, charset="utf-8")

    async def docs(call: Call) -> web.Response:
        if "html" not in document:
            document["html"] = (await asyncio.to_thread(docs_page, all_routes())).encode()
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(body=document["html"], content_type=HTML, charset="utf-8", headers=headers)

    return (
        Route(
            "GET",
            "/api/v1/openapi.json",
            openapi,
            "本接口的 OpenAPI 3.1 文档 this document",
            (Reply(200, "OpenAPI 3.1", None, JSON),),
            need=Need.NOBODY,
            counted=False,
        ),
        Route(
            "GET",
            "/docs",
            docs,
            "接口说明页（离线可用） these pages, without network",
            (Reply(200, "HTML", None, HTML),),
            need=Need.NOBODY,
            counted=False,
        ),
    )
