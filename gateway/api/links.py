"""Links 链路: every bearer of the settings, and how it stands."""

from __future__ import annotations

from aiohttp import web
from pydantic import AwareDatetime

from gateway.api.models import Reply, moment
from gateway.api.routes import Call, answer
from gateway.domain.receiver import Route, RouteKind
from gateway.settings import Settings


class LinkBody(Reply):
    """One link; ``state`` is unknown, up or down since ``since``; ``terminals`` counts those whose routes name it."""

    route: str
    kind: str
    title: str
    state: str
    since: AwareDatetime
    detail: str
    one_way: bool
    terminals: int


class LinksReply(Reply):
    """All links, by route."""

    items: list[LinkBody]


async def list_links(call: Call) -> web.Response:
    """GET /api/v1/links."""
    services = call.rooms.services
    dispatch = services.dispatch
    return answer(
        LinksReply(
            items=[
                LinkBody(
                    route=str(route),
                    kind=route.kind.value,
                    title=title_of(services.settings, route),
                    state=bearer.health.state.value,
                    since=moment(bearer.health.since),
                    detail=bearer.health.detail,
                    one_way=route.kind.is_one_way,
                    terminals=len(dispatch.members(route)),
                )
                for route, bearer in sorted(dispatch.state.bearers.items(), key=lambda pair: str(pair[0]))
            ]
        )
    )


def title_of(settings: Settings, route: Route) -> str:
    """How people call a link; that of a platform is the peer's."""
    if route.kind is RouteKind.PLATFORM:
        return settings.peers[route.link].title or route.link
    return settings.links[route.link].title
