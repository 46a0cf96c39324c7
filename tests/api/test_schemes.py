"""Plans and schemes over HTTP: shown before the approval, kept after, listed as waiting, playing and past."""

from __future__ import annotations

import pytest

from gateway.dispatch.planner import Planner
from gateway.domain.approval import ApprovalRules
from gateway.domain.plans import Plan, Siren
from gateway.domain.warning import Severity
from tests.api.apikit import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "/api/v1/warnings"


async def listed(api: Api, which: str, who: str = "duty") -> set[str]:
    items = (await api.get(f"/api/v1/schemes?list={which}&limit=1000", who)).json["items"]
    return {item["message_id"] for item in items}


async def test_a_scheme_is_shown_before_the_approval_and_kept_after(api: Api) -> None:
    plan = Plan("rain", "暴雨", events=("11B03",), volume=40, repeats=2, siren=Siren.CHIME)
    api.gateway.state.planner = Planner((plan, Plan("other")), ApprovalRules(severities=(Severity.ORANGE,)))
    taken = (await api.warn()).json
    assert taken["state"] == "awaiting_approval"
    before = (await api.get(f"{URL}/{taken['warning_id']}")).json
    scheme = before["scheme"]
    assert (scheme["plan"], scheme["title"], scheme["others"]) == ("rain", "暴雨", ["other"])
    assert (scheme["volume"], scheme["repeats"], scheme["siren"], before["volume"]) == (40, 2, "chime", 40)
    assert scheme["approval"]["reasons"] == ["severity"]
    assert "级别" in scheme["approval"]["words"]
    ebm_id = taken["message_id"]
    assert ebm_id in await listed(api, "waiting")
    await api.post(f"{URL}/{ebm_id}/approve", "duty")
    assert ebm_id in await listed(api, "playing") and ebm_id not in await listed(api, "waiting")
    await api.post(f"{URL}/{ebm_id}/cancel")
    assert ebm_id in await listed(api, "past") and ebm_id not in await listed(api, "playing")
    assert (await api.get(f"{URL}/{ebm_id}")).json["scheme"] == scheme


async def test_publishers_see_the_schemes_of_their_own_messages_alone(api: Api) -> None:
    api.gateway.state.planner = Planner()
    ebm_id = (await api.warn()).json["message_id"]
    assert ebm_id in await listed(api, "playing", "weather")
    assert ebm_id not in await listed(api, "playing", "anything")
    assert (await api.get("/api/v1/schemes?list=lost")).status == 422


async def test_pages_of_schemes_follow_each_other(api: Api) -> None:
    for _ in range(3):
        await api.warn()
    first = (await api.get("/api/v1/schemes?list=playing&limit=2", "duty")).json
    second = (await api.get(f"/api/v1/schemes?list=playing&limit=2&cursor={first['next']}", "duty")).json
    ids = [item["message_id"] for item in first["items"] + second["items"]]
    assert len(set(ids)) == len(ids) >= 3
    assert ids == sorted(ids, reverse=True)


async def test_plans_of_the_settings_are_listed(api: Api) -> None:
    assert (await api.get("/api/v1/plans")).json == {"items": []}
