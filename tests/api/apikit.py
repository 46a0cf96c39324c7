"""A real gateway with keys, and a client that holds every refusal to the form of the contract."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp

from gateway.api.keys import issue_key
from gateway.daemon import Gateway
from gateway.domain.codes import AreaCode
from gateway.domain.receiver import Terminal
from gateway.domain.warning import Severity, Status
from gateway.publishers.rights import KeyKind, Publisher

COUNTY = "350524000000"
OTHER_COUNTY = "350521000000"
CITY = "350500000000"
CAP = "application/cap+xml"
CSV_HEAD = "code,physical_address,name,area,profile,routes,lat,lon,radius_m,in_service\n"

_numbers = count(1)

HOLDERS = (
    Publisher("weather", areas=(AreaCode(COUNTY), AreaCode("350582000000"))),
    Publisher(
        "narrow",
        areas=(AreaCode(OTHER_COUNTY),),
        event_types=("11B03",),
        highest_severity=Severity.YELLOW,
        statuses=(Status.EXERCISE,),
    ),
    Publisher("careful", areas=(AreaCode(COUNTY),), approval_needed=True),
    Publisher("anything", areas=(AreaCode(CITY),), statuses=tuple(Status)),
    Publisher("duty", KeyKind.OPERATOR, areas=(AreaCode(CITY),)),
    Publisher("county duty", KeyKind.OPERATOR, areas=(AreaCode(OTHER_COUNTY),)),
)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def codes(self) -> list[str]:
        """Codes of the broken rules."""
        return [error["code"] for error in self.json["errors"]]


@dataclass
class Api:
    """The gateway, a client, and the keys by their holders' names."""

    gateway: Gateway
    client: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.gateway.ports.http}"

    async def add_keys(self) -> None:
        for holder in HOLDERS:
            self.keys[holder.name], row = issue_key(holder, time.time())
            await self.gateway.dispatch.state.store.write(row)

    async def call(self, method: str, path: str, who: str | None = "weather", **more: Any) -> Answer:
        """One request; ``who`` names a key's holder, None sends none."""
        headers = dict(more.pop("headers", {}))
        if isinstance(more.get("data"), bytes) and len(more["data"]) > 500_000:
            # aiohttp would have large bodies from a file.
            more["data"] = io.BytesIO(more["data"])
        if who is not None:
            headers.setdefault("Authorization", f"Bearer {self.keys.get(who, who)}")
        async with self.client.request(method, self.base + path, headers=headers, **more) as response:
            answer = Answer(response.status, response.headers, await response.read())
        if answer.status >= 400:
            check_problem(answer)
        return answer

    async def get(self, path: str, who: str | None = "weather", **more: Any) -> Answer:
        return await self.call("GET", path, who, **more)

    async def post(self, path: str, who: str | None = "weather", **more: Any) -> Answer:
        return await self.call("POST", path, who, **more)

    async def warn(self, body: dict[str, Any] | None = None, who: str = "weather", **fields: Any) -> Answer:
        """POST a warning of our JSON form."""
        return await self.post("/api/v1/warnings", who, json=body or warning(**fields))

    async def register(self, *terminals: Terminal) -> None:
        """Put terminals into the registry over HTTP."""
        rows = "".join(f"{t.code},{t.physical_address},{t.name},{t.area},,ip,,,,1\n" for t in terminals)
        answer = await self.post(
            "/api/v1/terminals", "duty", data=(CSV_HEAD + rows).encode(), headers={"Content-Type": "text/csv"}
        )
        assert answer.status == 200, answer.raw


def check_problem(answer: Answer) -> None:
    """Every refusal has one form, whoever made it."""
    assert answer.headers["Content-Type"].partition(";")[0] == "application/problem+json", answer.raw[:300]
    body = answer.json
    assert body.keys() == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == answer.status
    assert body["errors"], body
    for error in body["errors"]:
        assert error.keys() == {"path", "code", "message"}
        assert error["code"]
        assert error["message"]
    assert b"Traceback" not in answer.raw
    assert b'File \\"' not in answer.raw
    if answer.status in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1


def warning(**fields: Any) -> dict[str, Any]:
    """A warning of our JSON form with an identity of its own; ``fields`` replace."""
    return {
        "sender": "35052441600000",
        "identifier": f"QZ-{next(_numbers)}",
        "sent": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "status": "Actual",
        "event": "11B03",
        "severity": "orange",
        "headline": "暴雨橙色预警",
        "text": "预计未来三小时有强降雨，请注意防范。",
        "areas": [{"code": "350524", "name": "安溪县"}],
        **fields,
    }


def cap(identifier: str, *, expires_in: float = 3600, kind: str = "Alert", references: str = "", **words: str) -> bytes:
    """A CAP 1.2 alert for 安溪县."""
    now = datetime.now(UTC).replace(microsecond=0)
    said = {"status": "Actual", "scope": "Public", "code": "350524", "name": "安溪县", "sent": now.isoformat(), **words}
    expires = (now + timedelta(seconds=expires_in)).isoformat()
    info = f"""<info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty><expires>{expires}</expires>
<headline>暴雨橙色预警</headline><description>请注意防范。</description>
<area><areaDesc>{said["name"]}</areaDesc><geocode><valueName>division</valueName><value>{said["code"]}</value></geocode>
</area></info>"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>anxi@weather.cn</sender><sent>{said["sent"]}</sent><status>{said["status"]}</status><msgType>{kind}</msgType>
<scope>{said["scope"]}</scope>{f"<references>{references}</references>" if references else ""}
{info if kind != "Cancel" else ""}</alert>""".encode()
