"""Adapters over HTTP: what they are asked and told themselves, against an emulated one on loopback."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from emulator.adapter_faults import AdapterFaults
from tests.adapterkit import Pair, behind, pair
from tests.api.apikit import Answer, Api
from tests.gatewaykit import keep_reference

CODE = "63505241000010314010401"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@asynccontextmanager
async def town(folder: Path, **more: Any) -> AsyncIterator[tuple[Pair, Api]]:
    async with pair(folder, behind(), **more) as ends, aiohttp.ClientSession() as client:
        api = Api(ends.gate, client)
        await api.add_keys()
        yield ends, api


async def ask(api: Api, what: str, who: str = "duty", link: str = "box", **more: Any) -> Answer:
    return await api.post(f"/api/v1/links/{link}/adapter", who, json={"ask": what, **more})


async def test_an_adapter_tells_its_channels_records_and_faults(tmp_path: Path) -> None:
    async with town(tmp_path) as (ends, api):
        live = await ends.broadcast()
        for what, key in (("outputs", "channels"), ("inputs", "channels"), ("records", "records")):
            answer = await ask(api, what)
            assert answer.status == 200, answer.raw
            assert answer.json["answer"][key], answer.json
        assert answer.json["answer"]["records"][0]["ebm_id"] == live.ebm_id
        fault = await ask(api, "fault")
        assert fault.json["answer"]["fault_type"] == 0


@pytest.mark.parametrize(
    ("what", "fields", "number"),
    [
        ("report_to", {"host": "10.0.0.1", "port": 8799, "period_s": 60}, 0x0D),
        ("white_list", {"entries": [{"operation": "add", "phone": "13800138000", "areas": ["350524100000"]}]}, 0x0C),
        ("certificates", {"certificates": [base64.b64encode(b"c").decode()]}, 0x41),
        ("terminal_certificates", {"lists": [base64.b64encode(b"l").decode()]}, 0x40),
        (
            "lock_frequency",
            {"freq_khz": 514000, "symbol_rate_k": 6875, "modulation": "qam64", "codes": [CODE]},
            0x01,
        ),
    ],
)
async def test_what_it_is_told_goes_out_signed_and_into_the_audit(
    tmp_path: Path, what: str, fields: dict[str, Any], number: int
) -> None:
    async with town(tmp_path) as (ends, api):
        answer = await ask(api, what, **fields)
        assert (answer.status, answer.json) == (200, {"answer": {}}), answer.raw
        assert number in [packet.protocol_type for packet in ends.adapter.tally.heard]


async def test_refusals_and_silence_are_told_with_their_reason(tmp_path: Path) -> None:
    async with town(tmp_path, link={"tries": 1, "answer_seconds": 0.2}) as (ends, api):
        ends.adapter.faults = AdapterFaults(other_message=True)
        other = await ask(api, "fault")
        assert (other.status, other.codes) == (502, ["answer_mismatch"])
        await ends.adapter.close()
        silent = await ask(api, "fault")
        assert (silent.status, silent.codes) == (502, ["link"])


@pytest.mark.parametrize(
    ("what", "fields", "status"),
    [
        ("nonsense", {}, 422),
        ("certificates", {}, 422),
        ("certificates", {"lists": ["@"]}, 422),
        ("report_to", {"host": "x y", "port": 1, "period_s": 1}, 422),
        ("report_to", {"host": "x", "port": 0, "period_s": 1}, 422),
        ("white_list", {"entries": []}, 422),
        ("lock_frequency", {"freq_khz": 1, "symbol_rate_k": 1, "modulation": "qam512", "codes": [CODE]}, 422),
    ],
)
async def test_what_is_wrong_is_refused_before_anything_is_sent(
    tmp_path: Path, what: str, fields: dict[str, Any], status: int
) -> None:
    async with town(tmp_path) as (ends, api):
        before = len(ends.adapter.tally.heard)
        assert (await ask(api, what, **fields)).status == status
        assert len(ends.adapter.tally.heard) == before


async def test_only_operators_ask_and_only_adapters_are_asked(tmp_path: Path) -> None:
    async with town(tmp_path) as (_, api):
        assert (await ask(api, "fault", "weather")).status == 403
        assert (await ask(api, "fault", link="nobody")).status == 404
