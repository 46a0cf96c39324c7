"""Certificates 证书 over HTTP: which ones the gateway relies on, and how each stands."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from gateway.api.models import Reply, instant
from gateway.api.routes import Call, answer
from gateway.security.papers import Paper


class PaperBody(Reply):
    """One certificate or bare key. ``valid_to`` is the first moment at which it is no longer good."""

    number: str
    holder: str
    root: str
    issuer: str
    form: str
    uses: tuple[str, ...]
    valid_from: datetime | None
    valid_to: datetime | None
    days_left: int | None
    state: str
    revoked: str


class TrustReply(Reply):
    """All of them, by root and number."""

    as_of: datetime | None
    warning_days: float
    certificates: list[PaperBody]


async def get_trust(call: Call) -> web.Response:
    """GET /api/v1/trust."""
    services = call.rooms.services
    now, book = services.clock(), services.papers
    items = [_paper(paper, now, book.warn_days) for paper in book.papers()]
    return answer(TrustReply(as_of=instant(now), warning_days=book.warn_days, certificates=items))


def _paper(paper: Paper, now: float, warn_days: float) -> PaperBody:
    return PaperBody(
        number=paper.number,
        holder=paper.holder,
        root=paper.root,
        issuer=paper.issuer,
        form=paper.form,
        uses=paper.uses,
        valid_from=instant(paper.begins),
        valid_to=instant(paper.ends),
        days_left=paper.days_left(now),
        state=paper.state(now, warn_days).value,
        revoked=paper.revoked,
    )
