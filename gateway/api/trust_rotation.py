"""Changing the signing key 密钥更替 over HTTP."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field, model_validator

from gateway.api.models import Reason, Reply, Request
from gateway.api.routes import Call, answer
from gateway.api.trust_lists import desk_of
from gateway.dispatch.rotation import RotationState
from gateway.store.rows import AuditRow

_MISSING = 200


class RotationReply(Reply):
    """Which key signs, which follows, and who is not proven to hold a list that names it (the first 200)."""

    current: str
    next: str | None
    devices: int
    ready: int
    missing: list[str]


class RotateBody(Request):
    """``force`` with a reason: though some are not proven to hold it."""

    force: bool = False
    reason: Reason = Field(default="")

    @model_validator(mode="after")
    def _why(self) -> RotateBody:
        if self.force and not self.reason:
            raise ValueError("强制更替须说明原因 force needs a reason")
        return self


async def get_rotation(call: Call) -> web.Response:
    """GET /api/v1/trust/rotation."""
    return answer(_reply(desk_of(call).rotation.look()))


async def post_rotation(call: Call) -> web.Response:
    """POST /api/v1/trust/rotation."""
    desk, services = desk_of(call), call.rooms.services
    asked = await call.model(RotateBody, optional=True)
    before = desk.rotation.look()
    detail = {"from": before.current, "to": before.next, "missing": len(before.missing), "reason": asked.reason}
    await services.store.write(AuditRow(services.clock(), call.holder.name, "rotate_key", "signing", detail))
    return answer(_reply(desk.rotation.advance(force=asked.force)))


def _reply(state: RotationState) -> RotationReply:
    return RotationReply(
        current=state.current,
        next=state.next,
        devices=state.devices,
        ready=state.ready,
        missing=list(state.missing[:_MISSING]),
    )
