"""Warnings by short message through a real gateway and an emulated modem on a pseudo terminal."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.modem import EmulatedModem
from gateway.api.keys import issue_key
from gateway.daemon import Gateway
from gateway.domain.codes import AreaCode
from gateway.domain.message import MessageState
from gateway.domain.zone import BEIJING
from gateway.errors import StoreError
from gateway.protocols.sms import build_submit
from gateway.publishers.profile import Profile
from gateway.publishers.rights import Publisher
from gateway.store import queries
from tests.gatewaykit import alarms_of, keep_reference, settings_for, until
from tests.protocols.test_sms import deliver_of

CHIEF, STRANGER = "+8613800138000", "+8613900139000"
WARNING = "预警 暴雨 橙色 安溪县凤城镇 2小时 请注意防范，立即转移到安全地带。"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@dataclass
class Bench:
    gateway: Gateway
    modem: EmulatedModem

    @property
    def messages(self) -> list[Any]:
        return list(self.gateway.state.messages.values())

    @property
    def answers(self) -> list[str]:
        """Texts that were sent through the modem: ours are UCS2 and short."""
        found = []
        for pdu in map(bytes.fromhex, self.modem.sent):
            body = pdu[5 + (pdu[3] + 1) // 2 + 3 :]
            found.append((body[6:] if pdu[1] & 0x40 else body).decode("utf-16-be"))
        return found


def pdus(text: str, sender: str = CHIEF, reference: int = 7, at: datetime | None = None) -> list[str]:
    """A text as it lies in a modem."""
    sent = at or datetime.now(BEIJING).replace(microsecond=0)
    return [deliver_of(pdu, sender, sent).hex().upper() for pdu in build_submit("10086", text, reference)]


@asynccontextmanager
async def bench(folder: Path, modem: EmulatedModem | None = None, **sms: Any) -> AsyncIterator[Bench]:
    own = modem or EmulatedModem()
    port = own.path or own.open()
    section = {"port": port, "numbers": {CHIEF: "chief"}, "every_seconds": 0.3, **sms}
    try:
        async with Gateway(settings_for(folder, sms=section)) as gateway:
            if not await gateway.state.store.read(queries.keys):
                holder = Publisher("chief", areas=(AreaCode("350524000000"),), profile=Profile.TOLERANT)
                await gateway.state.store.write(issue_key(holder, time.time())[1])
            yield Bench(gateway, own)
    finally:
        if modem is None:
            own.close()


async def test_a_warning_by_short_message_waits_for_a_second_person_and_its_sender_is_told(tmp_path: Path) -> None:
    async with bench(tmp_path) as duty:
        (pdu,) = pdus(WARNING)
        duty.modem.deliver(pdu)
        await until(lambda: duty.answers and not duty.modem.store)
        (live,) = duty.messages
        assert live.state is MessageState.AWAITING_APPROVAL and list(live.message.areas) == ["350524100000"]
        assert live.message.headline == "暴雨橙色预警"
        (said,) = duty.answers
        assert said.startswith(f"已受理，编号{live.ebm_id[-4:]}，待审核，")
        # The same message again, as after a crash before it was deleted: the same warning, and no second answer.
        duty.modem.deliver(pdu)
        await until(lambda: not duty.modem.store)
        assert len(duty.messages) == 1 and len(duty.answers) == 1


async def test_a_long_text_in_parts_that_come_in_disorder(tmp_path: Path) -> None:
    async with bench(tmp_path, approval=False) as duty:
        parts = pdus(WARNING + "低洼地带、危旧房屋、沿海养殖区的人员请立即撤离，" * 5)
        assert len(parts) > 2
        for part in reversed(parts[1:]):
            duty.modem.deliver(part)
        await until(lambda: duty.modem.commands.count("AT+CMGL=4") >= 3)
        assert not duty.messages and len(duty.modem.store) == len(parts) - 1
        duty.modem.deliver(parts[0])
        await until(lambda: not duty.modem.store)
        (live,) = duty.messages
        assert live.state is MessageState.ACTIVE and live.message.text.count("沿海养殖区") == 5


async def test_parts_whose_rest_never_comes_are_told(tmp_path: Path) -> None:
    async with bench(tmp_path, parts_seconds=0.2) as duty:
        duty.modem.deliver(pdus(WARNING * 4)[0])
        await until(lambda: "sms_parts" in alarms_of(duty.gateway))
        assert not duty.messages and duty.modem.store


async def test_a_stranger_is_told_to_the_operator_and_to_nobody_else(tmp_path: Path) -> None:
    async with bench(tmp_path) as duty:
        duty.modem.deliver(pdus(WARNING, STRANGER)[0])
        await until(lambda: "sms_stranger" in alarms_of(duty.gateway) and not duty.modem.store)
        assert not duty.messages and not duty.modem.sent
        page = await duty.gateway.state.store.read(queries.audit_page)
        assert [(row.actor, row.action) for row in page.items if row.action == "sms_stranger"] == [
            (STRANGER, "sms_stranger")
        ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("你好", "类别"),
        ("预警 暴雨 橙色 惠安县 2小时 速避", "无权"),
        ("解除 9999", "9999"),
    ],
)
async def test_what_is_refused_is_told_to_its_sender_and_makes_room(tmp_path: Path, text: str, said: str) -> None:
    async with bench(tmp_path) as duty:
        duty.modem.deliver(pdus(text)[0])
        await until(lambda: duty.answers and not duty.modem.store)
        assert duty.answers[0].startswith("未受理：") and said in "".join(duty.answers)
        assert "sms_refused" in alarms_of(duty.gateway) and not duty.messages


async def test_words_that_are_not_understood_wait_for_a_person_even_without_approval(tmp_path: Path) -> None:
    async with bench(tmp_path, approval=False) as duty:
        duty.modem.deliver(pdus("预警 暴雨 橙色 某某沿线 2小时 速避")[0])
        await until(lambda: duty.answers and not duty.modem.store)
        (live,) = duty.messages
        assert live.state is MessageState.AWAITING_APPROVAL and "待审核" in duty.answers[0]
        assert "areas_open" in alarms_of(duty.gateway)


async def test_its_sender_cancels_it_by_its_number(tmp_path: Path) -> None:
    async with bench(tmp_path, approval=False) as duty:
        duty.modem.deliver(pdus(WARNING)[0])
        await until(lambda: duty.messages and duty.answers)
        (live,) = duty.messages
        duty.modem.deliver(pdus(f"解除 {live.ebm_id[-4:]}")[0])
        await until(lambda: live.state is MessageState.CANCELLED)
        await until(lambda: len(duty.answers) == 2)
        assert "已取消" in duty.answers[1]


@pytest.mark.parametrize("fault", ["error", "silence", "garbage"])
async def test_a_modem_that_fails_loses_nothing(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.devices.gsm_modem._ANSWER", 0.3)
    async with bench(tmp_path) as duty:
        await until(lambda: "AT+CMGL=4" in duty.modem.commands)
        duty.modem.faults.append(fault)
        duty.modem.deliver(pdus(WARNING)[0])
        await until(lambda: "sms_modem" in alarms_of(duty.gateway))
        await until(lambda: duty.messages and not duty.modem.store)
        await until(lambda: "sms_modem" not in alarms_of(duty.gateway))


async def test_a_modem_that_is_pulled_out_is_an_alarm_and_an_answer_that_fails_takes_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.devices.gsm_modem._SEND", 0.3)
    async with bench(tmp_path) as duty:
        await until(lambda: "AT+CMGL=4" in duty.modem.commands)
        write = duty.modem._submitted
        monkeypatch.setattr(duty.modem, "_submitted", lambda pdu: None)
        duty.modem.deliver(pdus(WARNING)[0])
        await until(lambda: duty.messages)
        await until(lambda: not duty.modem.store)
        monkeypatch.setattr(duty.modem, "_submitted", write)
        duty.modem.close()
        await until(lambda: "sms_modem" in alarms_of(duty.gateway))


async def test_a_store_that_cannot_write_leaves_the_message_in_the_modem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path) as duty:
        store = duty.gateway.state.store
        write = store.write

        async def refusing(*rows: Any, urgent: bool = False) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(store, "write", refusing)
        duty.modem.deliver(pdus(WARNING)[0])
        await until(lambda: "sms_waits" in alarms_of(duty.gateway))
        assert duty.modem.store and not duty.messages
        monkeypatch.setattr(store, "write", write)
        await until(lambda: duty.messages and not duty.modem.store)
        await until(lambda: "sms_waits" not in alarms_of(duty.gateway))


async def test_what_came_while_the_gateway_was_down_is_taken_when_it_is_up_once(tmp_path: Path) -> None:
    modem = EmulatedModem()
    modem.open()
    modem.deliver(pdus(WARNING)[0])
    async with bench(tmp_path, modem) as duty:
        await until(lambda: duty.messages and not modem.store)
        ebm_id = duty.messages[0].ebm_id
    async with bench(tmp_path, modem) as duty:
        assert [live.ebm_id for live in duty.messages] == [ebm_id]
    modem.close()


async def test_a_flood_from_one_number_waits_and_another_is_served(tmp_path: Path) -> None:
    numbers = {CHIEF: "chief", STRANGER: "chief"}
    async with bench(tmp_path, most_in_an_hour=2, numbers=numbers) as duty:
        for turn in range(4):
            duty.modem.deliver(pdus(f"{WARNING}{turn}")[0])
        duty.modem.deliver(pdus(f"{WARNING}其他", STRANGER)[0])
        await until(lambda: len(duty.messages) == 3 and len(duty.modem.store) == 2)
        assert "sms_flood" in alarms_of(duty.gateway)
