"""Health: /healthz says that the process lives, /readyz that it can serve."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway import __version__
from gateway.api.models import CheckBody, HealthBody, ReadyBody
from gateway.api.problems import HttpProblem
from gateway.api.routes import Call, answer
from gateway.api.services import Services
from gateway.errors import Violation

_RETRY_SECONDS: Final = 5


async def healthz(call: Call) -> web.Response:
    """GET /healthz."""
    return answer(HealthBody(status="ok", version=__version__))


async def readyz(call: Call) -> web.Response:
    """GET /readyz: 200, or 503 with what is missing."""
    required, doubtful = checks(call.rooms.services)
    missing = [check for check in required if not check.ok]
    if missing:
        raise HttpProblem(
            503,
            *(Violation(check.name, "not_ready", check.words) for check in missing),
            headers={"Retry-After": str(_RETRY_SECONDS)},
        )
    return answer(ReadyBody(ready=True, checks=[*required, *doubtful]))


def checks(services: Services) -> tuple[list[CheckBody], list[CheckBody]]:
    """What serving needs, and what is only doubtful: a clock that nothing keeps is an alarm, yet warnings go out."""
    healthy = services.store.healthy
    required = [
        CheckBody(
            name="store", ok=healthy, words="可写 writable" if healthy else "无法写入 the store cannot be written"
        ),
        CheckBody(name="key", ok=True, words="签名密钥已加载并自检 signing key loaded and self-tested"),
    ]
    kept = services.clock_synchronised()
    words = {True: "已同步 synchronised", False: "未同步 not synchronised", None: "未知 cannot be asked"}
    doubtful = [CheckBody(name="clock", ok=kept is not False, words=words[kept])]
    # Without speech and files the signals still sound, and text goes out.
    doubtful += [CheckBody(name=c.name, ok=c.present, words=f"{c.zh} {c.en}") for c in services.capabilities]
    return required, doubtful
