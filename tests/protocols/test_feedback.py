import pytest
from hypothesis import given

from gateway.domain.codes import ResourceCode
from gateway.errors import ChecksumMismatch, FrameError, IncompleteFrame, InvalidValueError, MalformedFrame
from gateway.protocols import feedback
from gateway.protocols.feedback_bodies import (
    BroadcastResult,
    FaultReport,
    QueryAnswer,
    RecordReport,
    TaskSwitch,
)
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import Heartbeat, UnknownBody
from gateway.protocols.parameters import Parameter, PhysicalValue, Signal
from tests.protocols.golden import changed, frame, of, resealed
from tests.protocols.strategies import feedback_packets, mutated

TERMINAL = ResourceCode("63415231002000314010401")
PLATFORM = ResourceCode("43415230000000103010101")
EBM = WireEbmId.of("43415230000000103010101202406010001")


@pytest.mark.parametrize("name", of("feedback"))
def test_every_vector_is_read_and_written_to_the_byte(name: str) -> None:
    assert feedback.build(feedback.parse(frame(name))) == frame(name)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("C11", Heartbeat(2, 2, bytes.fromhex("112233445566"))),
        ("C13", FaultReport.of(1, 3, "功放异常", 1717228800)),
        ("C14", TaskSwitch(1, 1, EBM, 1717228800)),
        ("C15", BroadcastResult(EBM, 1, b"", 1717228800, 1717229400, 3, 1717229402)),
    ],
)
def test_reports_are_made_as_the_vectors(name: str, body: feedback.Body) -> None:
    session = int.from_bytes(frame(name)[4:8], "big")
    assert feedback.parse(frame(name)).body == body
    assert feedback.build(feedback.report(session, TERMINAL, PLATFORM, body)) == frame(name)


def test_a_query_answer_repeats_the_session_and_has_packet_type_2() -> None:
    packet = feedback.parse(frame("C12"))
    assert (packet.session, packet.packet_type) == (3, 2)
    body = packet.body
    assert isinstance(body, QueryAnswer)
    assert body.params[0] == Parameter(1, 60)
    assert body.params[2] == Parameter(5, PhysicalValue(bytes.fromhex("112233445566")))
    assert feedback.build(feedback.report(3, TERMINAL, PLATFORM, body, packet_type=2)) == frame("C12")


def test_every_tag_of_the_table_is_typed() -> None:
    body = feedback.parse(frame("C47")).body
    assert isinstance(body, QueryAnswer)
    values = {parameter.tag: parameter.value for parameter in body.params}
    assert sorted(values) == list(range(1, 19))
    assert values[11] == Signal(62, 95)
    assert {tag for tag, value in values.items() if isinstance(value, bytes)} == {8, 9, 10}


def test_texts_for_people() -> None:
    fault = feedback.parse(frame("C48")).body
    assert isinstance(fault, FaultReport)
    assert (fault.flag, fault.text) == (2, "恢复正常")
    result = feedback.parse(frame("C50")).body
    assert isinstance(result, BroadcastResult)
    assert (result.result, result.text) == (0, "功放无输出")
    assert QueryAnswer(60, "忙".encode("gbk"), ()).text == "忙"


def test_a_fault_without_description_is_read() -> None:
    short = feedback.report(1, TERMINAL, PLATFORM, FaultReport(1, 2, b"", 1717228800))
    whole = feedback.build(short)
    assert len(whole) == 44 + 6
    assert feedback.parse(whole) == short


def test_a_fault_description_has_its_255_bytes() -> None:
    assert len(FaultReport.of(1, 1, "断", 0).description) == 255
    with pytest.raises(InvalidValueError, match="255"):
        FaultReport.of(1, 1, "断" * 128, 0)
    with pytest.raises(InvalidValueError):
        feedback.build(feedback.report(1, TERMINAL, PLATFORM, FaultReport(1, 1, b"short", 0)))


def test_records_with_and_without_telephone() -> None:
    body = feedback.parse(frame("C51")).body
    assert isinstance(body, RecordReport)
    assert [one.telephone for one in body.records] == [None, b"13800138000"]
    assert [len(one.codes) for one in body.records] == [1, 2]
    assert body.front_code.code == "43415230000000314010201"


def test_an_unknown_service_type_is_kept() -> None:
    packet = feedback.parse(changed(frame("C14"), 37, 0x20))
    assert packet.service_type == 0x34
    assert packet.body == UnknownBody(frame("C14")[40:-4])


def test_only_reports_of_the_table_can_be_reported() -> None:
    with pytest.raises(InvalidValueError, match="UnknownBody"):
        feedback.report(1, TERMINAL, PLATFORM, UnknownBody(b""))


def test_a_report_beyond_the_length_field_is_refused() -> None:
    answer = QueryAnswer(0, bytes(65535), ())
    with pytest.raises(InvalidValueError):
        feedback.build(feedback.report(1, TERMINAL, PLATFORM, answer))


@pytest.mark.parametrize("name", ["C11", "C12", "C51"])
def test_a_cut_frame_is_incomplete_at_every_offset(name: str) -> None:
    for size in range(len(frame(name))):
        with pytest.raises(IncompleteFrame):
            feedback.parse(frame(name)[:size])


LENGTHS = {
    "C11": [(9, 2), (23, 2), (38, 2), (42, 1)],
    "C12": [(9, 2), (23, 2), (38, 2), (41, 2), (43, 1)],
    "C14": [(9, 2), (23, 2), (38, 2)],
    "C15": [(9, 2), (23, 2), (38, 2), (59, 2)],
    "C51": [(9, 2), (23, 2), (38, 2), (40, 1), (53, 1)],
}


@pytest.mark.parametrize(
    ("name", "at", "size", "by"),
    [(name, at, size, by) for name, found in LENGTHS.items() for at, size in found for by in (-1, 1)],
)
def test_every_length_off_by_one_is_refused(name: str, at: int, size: int, by: int) -> None:
    with pytest.raises((MalformedFrame, IncompleteFrame)):
        feedback.parse(changed(frame(name), at, by, size))


def test_a_wrong_checksum() -> None:
    with pytest.raises(ChecksumMismatch):
        feedback.parse(frame("C14")[:-1] + b"\0")


@given(feedback_packets())
def test_packets_come_back_as_they_were(packet: feedback.FeedbackPacket) -> None:
    whole = feedback.build(packet)
    assert feedback.parse(whole) == packet
    assert whole == resealed(whole)


@given(mutated(feedback_packets().map(feedback.build)))
def test_a_mutated_frame_is_refused_or_comes_back_to_the_byte(data: bytes) -> None:
    try:
        packet = feedback.parse(data)
    except FrameError:
        return
    assert feedback.build(packet) == data
