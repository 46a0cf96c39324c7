"""Names that the dissector shows are those of the project's own tables."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from gateway.domain.codes import ResourceCode
from gateway.domain.events import EventType, event_name
from gateway.domain.message import EbmClass
from gateway.protocols import adapter_results, ip
from gateway.protocols.adapter_types import ProtocolType
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import ServiceType, StartBroadcast
from gateway.protocols.rds_bodies import RdsType
from gateway.protocols.results import MEANINGS
from gateway.protocols.ts_section import TableId
from gateway.publishers.reference import load_event_names
from tests.wireshark import tshark
from tests.wireshark.samples import datagrams


@cache
def values() -> dict[str, dict[int, str]]:
    """Every number of the dissector's that has a name, by field."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for field, value, name in re.findall(r"^V\tebgw\.(\S+)\t(\S+)\t(.*)$", tshark.run("-G", "values"), re.MULTILINE):
        found[field][int(value, 0)] = name
    return found


def other_way(both: str) -> str:
    """``english 中文`` as ``中文 english``: the dissector has Chinese first."""
    english, chinese = both.rsplit(" ", 1)
    return f"{chinese} {english}"


def test_kinds_of_frames_have_names() -> None:
    assert set(values()["service_type"]) == set(ServiceType) | {0x30}
    assert set(values()["protocol_type"]) == set(ProtocolType)
    assert set(values()["rds_type"]) == set(RdsType) - {RdsType.RESERVED}
    assert set(values()["table_id"]) == set(TableId)
    assert set(values()["class"]) == set(EbmClass)


def test_results_have_the_names_of_the_projects_tables() -> None:
    assert values()["result"] == {code: f"{one.chinese} {one.english}" for code, one in MEANINGS.items()}
    shown = values()["return_code"]
    assert {code % 2**32 for code in adapter_results.ReturnCode} == {code % 2**32 for code in shown}
    for code, name in shown.items():
        assert name == other_way(adapter_results.describe(code if code < 2**31 else code - 2**32))


def test_event_types_have_the_names_of_the_projects_table(tmp_path: Path) -> None:
    names = load_event_names()
    events = [*map(EventType, names), EventType("11111"), EventType("12B34"), EventType("ZZZZZ")]
    code, ebm_id = ResourceCode("43415230000000103010101"), WireEbmId.of("43415230000000103010101202406010001")
    frames = [
        ip.build(ip.request(1, code, (code,), StartBroadcast(ebm_id, 4, 2, event, 80, 1, 2, ()))) for event in events
    ]
    read = tshark.read(datagrams(frames, "ip").write(tmp_path / "events.pcap"))
    shown = {one.one("event"): one.one("event_name") for (one,) in read}
    assert shown == {event: event_name(event, names) for event in events}
