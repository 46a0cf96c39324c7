from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass
from gateway.domain.warning import Severity
from gateway.errors import InvalidValueError
from gateway.protocols import ts_section
from gateway.protocols.ip_bodies import STREAM, Auxiliary
from gateway.protocols.ts_index import DetailsChannel, IndexTable, Stream
from gateway.protocols.ts_render import TsBroadcast, Wording, render
from gateway.protocols.ts_render_daily import (
    DailyAmplifier,
    DailyOrder,
    DailyPlay,
    DailyStop,
    DailyWords,
    Programme,
    TextType,
    render_daily,
)
from gateway.protocols.ts_time import OPEN_END, MjdTime, TsTime
from tests.protocols.golden import frame
from tests.protocols.test_ts_section import block_of

EBM = EbmId("43415230000000103010101202406010001")
COUNTY = (ResourceCode("43415230000000000000000"),)
START = datetime(2024, 6, 1, 8, tzinfo=UTC)
END = START + timedelta(minutes=10)
DETAILS = DetailsChannel(1, 2, 101, 0x200, streams=(Stream(3, 0x201),))


def broadcast(**other: object) -> TsBroadcast:
    values: dict[str, object] = {
        "ebm_id": EBM,
        "ebm_class": EbmClass.EMERGENCY,
        "severity": Severity.ORANGE,
        "event": EventType("11B03"),
        "start": START,
        "end": END,
        "codes": COUNTY,
        "details": DETAILS,
        "wordings": (Wording("暴雨预警", "气象局"),),
        "original_network_id": 1,
    }
    return TsBroadcast(**(values | other))  # type: ignore[arg-type]


def test_a_message_of_the_future_is_the_vector() -> None:
    rendered = render(broadcast(), START - timedelta(seconds=30), TsTime.BEIJING)
    index = ts_section.section_of(IndexTable((rendered.entry,)), version=1)
    assert ts_section.build_signed(index, lambda _: block_of("C27")) == frame("C27")
    assert rendered.content is not None
    content = ts_section.section_of(rendered.content, version=0)
    assert ts_section.build_signed(content, lambda _: block_of("C29")) == frame("C29")
    assert rendered.notices == ()


@pytest.mark.parametrize("ts_time", TsTime)
def test_a_message_on_the_air_is_on_the_air_in_both_readings(ts_time: TsTime) -> None:
    now = START + timedelta(seconds=1)
    entry = render(broadcast(), now, ts_time).entry
    for reading in TsTime:
        start, end = entry.start.seconds(reading), entry.end.seconds(reading)
        assert start is not None
        assert end is not None
        assert start <= now.timestamp()
        assert end >= END.timestamp()


def test_a_future_message_follows_the_clock_of_the_multiplexer() -> None:
    for ts_time in TsTime:
        entry = render(broadcast(), START - timedelta(hours=1), ts_time).entry
        assert entry.start == MjdTime.of(int(START.timestamp()), ts_time)
        assert entry.end == MjdTime.of(int(END.timestamp()), ts_time)


def test_an_unknown_end_is_open() -> None:
    assert render(broadcast(end=None), START).entry.end == OPEN_END


def test_severity_0_goes_out_as_4_and_says_so() -> None:
    rendered = render(broadcast(severity=Severity.UNKNOWN), START)
    assert rendered.entry.severity == 4
    assert [notice.code for notice in rendered.notices] == ["ts_severity"]


@pytest.mark.parametrize("ebm_class", [1, 2, 3, 4])
def test_drills_keep_their_class(ebm_class: int) -> None:
    assert render(broadcast(ebm_class=EbmClass(ebm_class)), START).entry.ebm_class == ebm_class


def test_rare_characters_are_noticed() -> None:
    rendered = render(broadcast(wordings=(Wording("喆"), Wording("rain", language="eng"))), START)
    assert [notice.code for notice in rendered.notices] == ["ts_charset"]
    assert rendered.content is not None
    assert [language.charset for language in rendered.content.languages] == [1, 0]


def test_without_words_there_is_no_content() -> None:
    assert render(broadcast(wordings=()), START).content is None


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"ebm_class": EbmClass.DAILY}, "class"),
        ({"start": datetime(2024, 6, 1)}, "start"),
        ({"end": START}, "end"),
        ({"codes": ()}, "codes"),
        ({"details": None, "wordings": ()}, "details"),
        ({"wordings": (Wording("a"),) * 6}, "wordings"),
    ],
)
def test_broadcasts_that_are_none(other: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValueError, match=field):
        broadcast(**other)


def test_wordings_that_are_none() -> None:
    with pytest.raises(InvalidValueError, match="language"):
        Wording("a", language="中文")
    with pytest.raises(InvalidValueError, match="aux"):
        Wording("a", aux=(Auxiliary(41, b""),) * 3)
    with pytest.raises(InvalidValueError, match=r"10\.3"):
        Wording("a", aux=(Auxiliary(STREAM, b"rtp://239.1.1.1:5004"),))


def test_daily_orders_are_the_vectors() -> None:
    programme = Programme(1, 2, 101, 0x201, pcr_pid=0x200)
    terminal = (ResourceCode("63415231002000314010401"),)
    orders: list[DailyOrder] = [
        DailyPlay(EBM, programme, END, COUNTY, volume=80, priority=1),
        DailyStop(EBM, programme, COUNTY),
        DailyAmplifier(True, terminal),
        DailyWords(EBM, "暴雨预警", COUNTY, TextType.EMERGENCY),
    ]
    table, notices = render_daily(orders)
    assert ts_section.build_signed(ts_section.section_of(table), lambda _: block_of("C31")) == frame("C31")
    assert notices == ()
    text, _ = render_daily([DailyWords(EbmId(EBM[:-1] + "2"), "暴雨预警", COUNTY)])
    assert ts_section.build_signed(ts_section.section_of(text, 5), lambda _: block_of("C116")) == frame("C116")


def test_daily_text_outside_gb_2312_is_noticed() -> None:
    _, notices = render_daily([DailyWords(EBM, "喆", COUNTY)])
    assert [notice.code for notice in notices] == ["ts_charset"]


def test_daily_orders_that_are_none() -> None:
    programme = Programme(1, 2, 101, 0x201)
    with pytest.raises(InvalidValueError, match="volume"):
        DailyPlay(EBM, programme, END, COUNTY, volume=101)
    with pytest.raises(InvalidValueError, match="end"):
        DailyPlay(EBM, programme, datetime(2024, 6, 1), COUNTY)
    with pytest.raises(InvalidValueError, match="codes"):
        render_daily([DailyAmplifier(False, ())])
