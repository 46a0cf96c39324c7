"""What pages show and do: composing, approving, those not reached, trying again, cancelling, alarms."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.codes import AreaCode
from gateway.domain.message import MessageState
from gateway.domain.people import Position
from gateway.domain.zone import BEIJING
from gateway.store import queries
from tests.console.consolekit import Room, Visitor, room
from tests.gatewaykit import BareTerminal, keep_reference, report, result_report, task_report, terminal, until

#: Two villages of 凤城镇, 安溪县.
A, B = terminal("350524100201"), terminal("350524100202")
DRILL = {"kind": "exercise", "event": "11B01 台风", "severity": "blue", "headline": "台风演练", "text": "这是演练。"}
RED = {"kind": "actual", "event": "11B01", "severity": "red", "headline": "台风红色预警", "text": "请立即避险。"}


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def composed(visitor: Visitor, where: str = "安溪县凤城镇", **fields: str) -> str:
    """Write, look at the preview, send; the EBM id of the message whose page is shown."""
    await visitor.get("/compose")
    form = {**DRILL, "where": where, "minutes": "60", **_identity(visitor), **fields}
    await visitor.post("/compose", step="preview", **form)
    assert visitor.status == 200, visitor.page
    await visitor.post("/compose", step="send", **form)
    assert visitor.status == 200, visitor.page
    return visitor.path.rpartition("/")[2]


def _identity(visitor: Visitor) -> dict[str, str]:
    found = {name: re.search(f'name="{name}" value="([^"]*)"', visitor.page) for name in ("identifier", "sent")}
    return {name: match[1] for name, match in found.items() if match is not None}


async def with_terminals(duty: Room) -> None:
    await duty.gateway.terminals.put([A, B], "test")


async def test_a_drill_is_composed_previewed_sent_and_looks_like_one_everywhere(tmp_path: Path) -> None:
    async with room(tmp_path, dispatch={"exercise_class": 3}) as duty:
        await with_terminals(duty)
        visitor = await duty.visitor(Position.OPERATOR)
        await visitor.get("/compose")
        form = {**DRILL, "where": "安溪县凤城镇", "minutes": "60", **_identity(visitor)}
        await visitor.post("/compose", step="preview", **form)
        assert "安溪县凤城镇" in visitor.page and "演练 DRILL" in visitor.page and not duty.gateway.state.messages
        ebm_id = await composed(visitor)
        assert 'class="page-drill"' in visitor.page and "非实际预警" in visitor.page
        live = duty.gateway.state.messages[ebm_id]
        assert live.message.ebm_class.is_drill and list(map(str, live.message.areas)) == ["350524100000"]
        for path in ("", "/messages?list=playing"):
            assert "演练 DRILL" in await visitor.get(path) and "【演练】台风演练" in visitor.page
        # Sending the same form again is the same warning.
        await visitor.get("/compose")
        await visitor.post("/compose", step="send", **form)
        again = visitor.path.rpartition("/")[2]
        await visitor.get("/compose")
        await visitor.post("/compose", step="send", **form)
        assert visitor.path.rpartition("/")[2] == again and len(duty.gateway.state.messages) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"severity": ""}, "severity"),
        ({"kind": "real"}, "kind"),
        ({"where": "", "county": ""}, "areas"),
        ({"where": "某某镇"}, ""),
        ({"minutes": "0"}, "minutes"),
        ({"minutes": "9999"}, "minutes"),
        ({"headline": "", "text": ""}, ""),
        ({"event": "不存在的事件"}, ""),
        ({"sent": "yesterday"}, "sent"),
        ({"where": "福州市"}, ""),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_of_the_form_is_lost(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    async with room(tmp_path) as duty:
        visitor = await duty.visitor(Position.OPERATOR)
        await visitor.get("/compose")
        form = {**DRILL, "where": "安溪县", "minutes": "60", **_identity(visitor), "text": "不可丢失的正文", **change}
        await visitor.post("/compose", step="send", **form)
        waits = [m for m in duty.gateway.state.messages.values() if m.state is MessageState.AWAITING_APPROVAL]
        if waits:
            # Words that were not wholly understood go to a person, they are not refused.
            assert "某某" in change.get("where", "") or "福州" in change.get("where", "")
            return
        assert visitor.status == 422 and 'class="problem"' in visitor.page and said in visitor.page
        if "text" not in change:
            assert "不可丢失的正文" in visitor.page
        assert not duty.gateway.state.messages


async def test_a_red_warning_for_the_city_asks_for_its_words_to_be_typed(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        visitor = await duty.visitor(Position.APPROVER)
        await visitor.get("/compose")
        form = {**RED, "county": "350500000000", "minutes": "60", **_identity(visitor)}
        await visitor.post("/compose", step="preview", **form)
        words = "泉州市 红色 8,782,285 人"
        assert words in visitor.page
        for typed in ("", "泉州市", words + "x"):
            await visitor.post("/compose", step="send", confirm=typed, **form)
            assert visitor.status == 422 and not duty.gateway.state.messages
        await visitor.post("/compose", step="send", confirm=words, **form)
        assert visitor.status == 200 and len(duty.gateway.state.messages) == 1
        assert 'class="page-actual"' in visitor.page and "实际 ACTUAL" in visitor.page


async def test_beyond_ones_areas_nothing_can_be_composed_or_cancelled(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        county = await duty.visitor(Position.OPERATOR, name="惠安值班", areas=(AreaCode("350521000000"),))
        await county.get("/compose")
        form = {**DRILL, "where": "安溪县", "minutes": "60", **_identity(county)}
        await county.post("/compose", step="send", **form)
        assert county.status == 422 and "无权向以下区域发布" in county.page
        city = await duty.visitor(Position.OPERATOR)
        ebm_id = await composed(city)
        await county.get("/compose")
        await county.post(f"/messages/{ebm_id}/cancel", reason="试")
        assert county.status == 403
        assert not duty.gateway.state.messages[ebm_id].state.is_over


async def test_a_second_person_approves_and_the_first_may_not(tmp_path: Path) -> None:
    async with room(tmp_path, approval={"red_automatic": False, "severities": ["red"]}) as duty:
        writer, other = await duty.visitor(Position.OPERATOR), await duty.visitor(Position.APPROVER)
        ebm_id = await composed(writer, where="安溪县凤城镇", **RED)
        assert "待审核" in writer.page and "第二人" in writer.page and "批准播出" not in writer.page
        await writer.post(f"/messages/{ebm_id}/approve")
        assert writer.status == 403
        await other.get(f"/messages/{ebm_id}")
        assert "批准播出" in other.page
        await other.post(f"/messages/{ebm_id}/approve")
        assert duty.gateway.state.messages[ebm_id].state is MessageState.ACTIVE
        row = await duty.gateway.state.store.read(queries.message_by_id, ebm_id)
        assert row is not None and row.actor == "approver"


async def test_those_not_reached_stand_first_with_the_reason_and_trying_again_reaches_them(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        await with_terminals(duty)
        gate, ports = duty.gateway, duty.gateway.ports
        refusing = await BareTerminal.connect(ports.terminals, A, answer_with=33)
        visitor = await duty.visitor(Position.OPERATOR)
        ebm_id = await composed(visitor, **RED)
        live = gate.state.messages[ebm_id]
        await until(lambda: refusing.starts)
        await until(lambda: any(getattr(entry, "kind", "") == "refused" for entry in live.log))
        await visitor.get(f"/messages/{ebm_id}")
        page = visitor.page
        assert "终端拒绝" in page and "离线 offline" in page and "电话通知" in page
        signs = await visitor.get(f"/messages/{ebm_id}/standings")
        assert signs == "--"
        # The terminal has been seen to; it says yes from now on.
        refusing.answer_with = 0
        before = len(refusing.starts)
        await visitor.post(f"/messages/{ebm_id}/retry", area=str(A.area))
        assert visitor.status == 200 and "直连 1" in visitor.page
        await until(lambda: len(refusing.starts) > before)
        assert refusing.starts[-1].session not in {start.session for start in refusing.starts[:before]}
        now = int(gate.state.clock())
        await report(ports.feedback, task_report(A, ebm_id, 1, now), result_report(A, ebm_id, 1, now))
        await until(lambda: any(getattr(entry, "kind", "") == "played" for entry in live.log))
        await visitor.get(f"/messages/{ebm_id}")
        assert "终端拒绝" not in visitor.page and "离线 offline" in visitor.page
        # The other one gets it as it connects.
        await visitor.post(f"/messages/{ebm_id}/retry")
        assert "1 个离线" in visitor.page
        late = await BareTerminal.connect(ports.terminals, B)
        await until(lambda: late.starts)
        kept = await gate.state.store.read(queries.audit_page)
        assert [row.actor for row in kept.items if row.action == "retry"] == ["operator", "operator"]


async def test_cancelling_asks_for_a_reason_and_is_kept(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        await with_terminals(duty)
        visitor = await duty.visitor(Position.OPERATOR)
        line = await BareTerminal.connect(duty.gateway.ports.terminals, A)
        ebm_id = await composed(visitor, **RED)
        await until(lambda: line.starts)
        await visitor.post(f"/messages/{ebm_id}/cancel", reason=" ")
        assert visitor.status == 422
        await visitor.get(f"/messages/{ebm_id}")
        await visitor.post(f"/messages/{ebm_id}/cancel", reason="误发")
        assert "已取消" in visitor.page
        await until(lambda: line.stops)
        await visitor.get("/messages?list=past")
        assert "台风红色预警" in visitor.page


async def test_silencing_one_county_says_how_many_that_concerns(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        await with_terminals(duty)
        visitor = await duty.visitor(Position.OPERATOR)
        line = await BareTerminal.connect(duty.gateway.ports.terminals, A)
        ebm_id = await composed(visitor, where="", county="350524000000,350521000000", **{**RED, "severity": "orange"})
        await until(lambda: line.starts)
        await visitor.post(f"/messages/{ebm_id}/silence", area="999999999999", reason="误播")
        assert visitor.status == 422
        await visitor.get(f"/messages/{ebm_id}")
        await visitor.post(f"/messages/{ebm_id}/silence", area="350521000000", reason="误播")
        assert "已令 0 个终端静默" in visitor.page
        assert not line.stops


async def test_an_alarm_is_acknowledged_by_name(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        visitor = await duty.visitor(Position.OPERATOR)
        await composed(visitor, **RED)
        await visitor.get("/alarms")
        assert "no_terminals" in visitor.page
        found = re.search(r'action="/console(/alarms/\d+)"', visitor.page)
        assert found is not None
        await visitor.post(found[1])
        assert "operator" in visitor.page
        page = await duty.gateway.state.store.read(queries.alarms_page)
        assert "operator" in {row.acknowledged_by for row in page.items}


async def test_script_in_words_stays_words_and_pages_allow_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        visitor = await duty.visitor(Position.OPERATOR)
        evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
        await composed(visitor, headline=evil, text=evil)
        async with visitor.client.get(f"{visitor.base}{visitor.path}") as answer:
            raw = await answer.text()
            assert "<script>alert" not in raw and "<img src=x" not in raw and "&lt;script&gt;" in raw
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
        async with visitor.client.get(f"{visitor.base}/console/static/../../gateway/errors.py") as answer:
            assert answer.status == 404
        for name in ("console.css", "console.js", "vendor/htmx.min.js", "vendor/uPlot.iife.min.js", "icon.svg"):
            async with visitor.client.get(f"{visitor.base}/console/static/{name}") as answer:
                assert answer.status == 200
                assert "http://" not in (await answer.text()).replace("http://www.w3.org/", "")


async def test_what_does_not_exist_is_a_page_that_says_so(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        visitor = await duty.visitor(Position.OPERATOR)
        for path in ("/messages/33505000000000103010101209901010001", "/terminals/1", "/messages?list=all"):
            await visitor.get(path)
            assert visitor.status in (404, 422) and "返回总览" in visitor.page
        await visitor.get("/terminals?q=%E5%A4%A7&area=35052x")
        assert visitor.status == 422


async def test_terminals_are_found_by_code_name_place_and_state(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        await with_terminals(duty)
        await BareTerminal.connect(duty.gateway.ports.terminals, A)
        visitor = await duty.visitor(Position.VIEWER)
        asked = {
            "": (True, True),
            "?state=online": (True, False),
            "?state=offline": (False, True),
            f"?q={A.code}": (True, False),
            "?q=凤城镇": (True, True),
            "?area=350521": (False, False),
        }
        for query, both in asked.items():
            await visitor.get(f"/terminals{query}")
            assert tuple(str(one.code) in visitor.page for one in (A, B)) == both, query
        await visitor.get(f"/terminals/{A.code}")
        assert "在线 online" in visitor.page


async def test_terminals_are_asked_and_set_one_or_many(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        await with_terminals(duty)
        lines = [await BareTerminal.connect(duty.gateway.ports.terminals, one) for one in (A, B)]
        visitor = await duty.visitor(Position.OPERATOR)
        await visitor.get(f"/terminals/{A.code}")
        await visitor.post(f"/terminals/{A.code}", what="volume", volume=70)
        assert "完成 done" in visitor.page and [len(line.heard) for line in lines] == [1, 0]
        await visitor.get("/terminals?area=350524")
        for count in ("", "1", "3"):
            await visitor.post("/terminals", what="clock", area="350524", count=count)
            assert visitor.status == 422
        await visitor.get("/terminals?area=350524")
        await visitor.post("/terminals", what="clock", area="350524", count="2")
        assert visitor.status == 200 and [len(line.heard) for line in lines] == [2, 1]
        for wrong in ({"what": "volume", "volume": "101"}, {"what": "volume", "volume": ""}, {"what": "reboot"}):
            await visitor.get(f"/terminals/{A.code}")
            await visitor.post(f"/terminals/{A.code}", **wrong)
            assert visitor.status == 422
        page = await duty.gateway.state.store.read(queries.audit_page)
        assert {row.actor for row in page.items if row.action == "set"} == {"operator"}


async def test_a_person_says_which_areas_are_meant_and_then_it_may_be_approved(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        await with_terminals(duty)
        writer, other = await duty.visitor(Position.OPERATOR), await duty.visitor(Position.APPROVER)
        ebm_id = await composed(writer, where="某某沿线", **RED)
        live = duty.gateway.state.messages[ebm_id]
        await other.get(f"/messages/{ebm_id}")
        assert "区域须由人确认" in other.page and "某某沿线" in other.page
        for wrong in ({"where": "某某沿线"}, {"where": "", "county": ""}, {"where": "安溪县凤城镇", "reason": ""}):
            await other.get(f"/messages/{ebm_id}")
            await other.post(f"/messages/{ebm_id}/areas", **{"reason": "电话核实", **wrong})
            assert other.status == 422, wrong
        await other.get(f"/messages/{ebm_id}")
        await other.post(f"/messages/{ebm_id}/areas", where="安溪县凤城镇", reason="电话核实")
        assert other.status == 200 and list(map(str, live.message.areas)) == ["350524100000"]
        await other.post(f"/messages/{ebm_id}/approve")
        assert live.state is MessageState.ACTIVE


async def test_a_drill_is_held_or_planned_at_three_depths_and_hidden_while_it_is_to_surprise(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        await with_terminals(duty)
        line = await BareTerminal.connect(duty.gateway.ports.terminals, A)
        visitor, other = await duty.visitor(Position.APPROVER), await duty.visitor(Position.OPERATOR)
        form = {"title": "汛期演练", "text": "这是演练。", "where": "安溪县凤城镇", "seconds": "60", "announced": "1"}
        await visitor.get("/drills")
        await visitor.post("/drills", depth="platform", **form)
        assert visitor.status == 200 and "演练 DRILL" in visitor.page and not line.starts
        await visitor.get("/drills")
        await visitor.post("/drills", depth="terminal", **form)
        await until(lambda: line.starts)
        later = {**form, "title": "突击演练", "start": "2099-01-01T08:00"}
        await visitor.get("/drills")
        await visitor.post("/drills", depth="terminal", **later)
        assert visitor.status == 422, "at most 31 days ahead"
        soon = (datetime.now(BEIJING) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
        await visitor.get("/drills")
        await visitor.post("/drills", depth="front_end", **{**later, "start": soon, "announced": "0"})
        assert "待播 accepted" in visitor.page
        assert "突击演练" in await visitor.get("/drills") and "突击演练" not in await other.get("/drills")
        assert "汛期演练" in await other.get("/drills")
        for wrong in ({"depth": ""}, {"seconds": "9"}, {"title": " "}, {"where": "某某"}, {"start": "tomorrow"}):
            await visitor.get("/drills")
            await visitor.post("/drills", **{"depth": "platform", **form, **wrong})
            assert visitor.status == 422, wrong


async def test_a_message_is_extended_by_an_update_that_says_the_same(tmp_path: Path) -> None:
    async with room(tmp_path, dispatch={"exercise_class": 3}) as duty:
        await with_terminals(duty)
        line = await BareTerminal.connect(duty.gateway.ports.terminals, A)
        visitor = await duty.visitor(Position.OPERATOR)
        for form in (RED, DRILL):
            ebm_id = await composed(visitor, **{**form, "minutes": "10"})
            old = duty.gateway.state.messages[ebm_id]
            await until(lambda: line.starts)
            for wrong in ({"minutes": "0"}, {"minutes": "x"}, {"reason": " "}):
                await visitor.get(f"/messages/{ebm_id}")
                await visitor.post(f"/messages/{ebm_id}/extend", **{"minutes": "25", "reason": "雨未停", **wrong})
                assert visitor.status == 422
            await visitor.get(f"/messages/{ebm_id}")
            await visitor.post(f"/messages/{ebm_id}/extend", minutes="25", reason="雨未停")
            assert visitor.status == 200
            new = duty.gateway.state.messages[visitor.path.rpartition("/")[2]]
            assert new.ebm_id != ebm_id and new.state is MessageState.ACTIVE and old.state is MessageState.SUPERSEDED
            assert (new.message.headline, new.message.text) == (old.message.headline, old.message.text)
            assert new.message.areas == old.message.areas and new.message.ebm_class is old.message.ebm_class
            await visitor.get("/compose")
            await visitor.post(f"/messages/{ebm_id}/extend", minutes="25", reason="雨未停")
            assert visitor.status == 409
