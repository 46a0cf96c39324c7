import re
from dataclasses import replace

import pytest

from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass
from gateway.domain.warning import Severity
from gateway.errors import InvalidValueError
from gateway.protocols import rds
from gateway.protocols import rds_bodies as b
from gateway.protocols.fields import WireEbmId
from gateway.protocols.rds_render import RdsBroadcast, Rendered, start_packets, stop_packets
from tests.protocols.rds_golden import bytes_of

EBM_ID = EbmId("43415230000000103010101202406010001")
WIRE = WireEbmId.of(EBM_ID)
COUNTY = ResourceCode("43415230000000000000000")
RED = RdsBroadcast(EBM_ID, EbmClass.EMERGENCY, Severity.RED, EventType("11B03"), (COUNTY,))
MANY = tuple(ResourceCode.build(6, COUNTY.area, sequence=n // 100, number=n % 100) for n in range(250))


def bodies(rendered: Rendered) -> list[object]:
    return [packet.body for packet in rendered.packets]


def told(rendered: Rendered) -> list[str]:
    return [notice.code for notice in rendered.notices]


def test_an_emergency_is_type_11() -> None:
    rendered = start_packets(replace(RED, severity=Severity.ORANGE, frequency="98.50"))
    (packet,) = rendered.packets
    assert rds.unsigned_part(packet) == rds.signed_data(bytes_of("C20"))
    assert rendered.notices == ()


def test_an_emergency_that_tunes_nobody() -> None:
    assert bodies(start_packets(RED)) == [b.EmergencyCommand(1, 2, 1, "11B03", WIRE, "0.00")]


def test_severity_0_is_sent_as_4_and_says_so() -> None:
    rendered = start_packets(replace(RED, severity=Severity.UNKNOWN))
    assert bodies(rendered) == [b.EmergencyCommand(1, 2, 4, "11B03", WIRE, "0.00")]
    assert told(rendered) == ["rds_severity_4"]


@pytest.mark.parametrize("ebm_class", [EbmClass.SYSTEM_DRILL, EbmClass.SIMULATED_DRILL, EbmClass.REAL_DRILL])
def test_drills_are_type_14(ebm_class: EbmClass) -> None:
    drill = replace(RED, ebm_class=ebm_class, severity=Severity.UNKNOWN)
    rendered = start_packets(drill)
    assert [packet.packet_type for packet in rendered.packets] == [14]
    assert bodies(rendered) == [b.DrillCommand(int(ebm_class), 2, WIRE)]
    assert told(rendered) == []
    assert bodies(start_packets(replace(drill, stored_audio=True))) == [b.DrillCommand(int(ebm_class), 1, WIRE)]
    assert bodies(stop_packets(drill)) == [b.DrillCommand(int(ebm_class), 4, WIRE)]


def test_a_daily_broadcast_is_type_22_and_never_11() -> None:
    daily = replace(RED, ebm_class=EbmClass.DAILY, severity=Severity.UNKNOWN, volume=80)
    rendered = start_packets(daily)
    assert rds.unsigned_part(rendered.packets[0]) == rds.signed_data(bytes_of("C21"))
    assert told(rendered) == []
    assert bodies(start_packets(replace(daily, frequency="101.7"))) == [b.DailyCommand(1, 1, WIRE, "101.7", 80)]
    assert bodies(stop_packets(daily)) == [b.DailyCommand(2, 2, WIRE, "0.00", 255)]


def test_a_stop_is_type_11() -> None:
    rendered = stop_packets(replace(RED, frequency="98.50", text="暴雨"))
    assert bodies(rendered) == [b.EmergencyCommand(2, 2, 1, "11B03", WIRE, "0.00")]


def test_what_a_type_has_no_place_for_is_told() -> None:
    assert told(start_packets(replace(RED, volume=80))) == ["rds_no_volume"]
    drill = replace(RED, ebm_class=EbmClass.REAL_DRILL, volume=80, frequency="98.50")
    assert told(start_packets(drill)) == ["rds_no_volume", "rds_no_frequency"]
    for notice in start_packets(drill).notices:
        assert re.match(r".*[\u4e00-\u9fff].* / [ -~]+\Z", notice.message)


@pytest.mark.parametrize(("ebm_class", "text_type"), [(1, 3), (2, 3), (3, 3), (4, 1), (5, 2)])
def test_text_follows_the_start(ebm_class: int, text_type: int) -> None:
    rendered = start_packets(replace(RED, ebm_class=EbmClass(ebm_class), text="暴雨预警"))
    assert bodies(rendered)[1:] == [b.TextTransfer(text_type, 0, WIRE, "暴雨预警".encode("gb2312"))]
    assert rendered.packets[1].packet_type == 15


def test_text_that_needs_another_charset_or_is_too_long_says_so() -> None:
    rendered = start_packets(replace(RED, text="镕" + "暴" * 200))
    assert told(rendered) == ["rds_charset", "rds_text_cut"]
    assert "镕" in rendered.notices[0].message
    assert "74" in rendered.notices[1].message
    body = rendered.packets[1].body
    assert isinstance(body, b.TextTransfer)
    assert len(body.text) == 254


def test_many_codes_take_several_packets_with_the_same_id() -> None:
    for rendered in (start_packets(replace(RED, codes=MANY)), stop_packets(replace(RED, codes=MANY))):
        assert [len(packet.codes) for packet in rendered.packets] == [97, 97, 56]
        assert [code.code for packet in rendered.packets for code in packet.codes] == list(MANY)
        assert len(set(bodies(rendered))) == 1
        assert {getattr(body, "ebm_id", None) for body in bodies(rendered)} == {WIRE}
        assert all(len(rds.build(packet)) <= rds.MAX_PACKET for packet in rendered.packets)


@pytest.mark.parametrize(
    ("broadcast", "field"),
    [
        (replace(RED, codes=()), "codes"),
        (replace(RED, volume=101), "volume"),
        (replace(RED, frequency="0.00"), "frequency"),
        (replace(RED, frequency="98.555"), "frequency"),
        (replace(RED, frequency="98."), "frequency"),
        (replace(RED, frequency="12345.00"), "frequency"),
        (replace(RED, frequency="ab.cd"), "frequency"),
        (replace(RED, frequency=""), "frequency"),
        (replace(RED, text="\ud800"), "text"),
    ],
)
def test_what_the_tables_forbid_is_named(broadcast: RdsBroadcast, field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        start_packets(broadcast)
    assert caught.value.field == field
