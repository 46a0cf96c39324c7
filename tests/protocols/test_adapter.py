import gmssl_pyx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import EBM_ID_ALL, CertificateSerial, EbmId, PhysicalAddress, ResourceCode
from gateway.errors import ChecksumMismatch, FrameError, IncompleteFrame, InvalidValueError, MalformedFrame
from gateway.protocols import adapter
from gateway.protocols.adapter_address import AddressBlock, Reback, asks_for_stream, parts_of
from gateway.protocols.adapter_answers import AdapterAnswer, BroadcastAnswer, PlatformAnswer, TaskStartAnswer
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop, LanguageContent
from gateway.protocols.adapter_channels import FmChannel, InputChannels, OutputChannels
from gateway.protocols.adapter_commands import (
    ANY_EBM_ID,
    AdapterReback,
    ClockSetting,
    CodeAssignment,
    CodeSetting,
    FaultQuery,
    RebackSetting,
    RecordQuery,
    TerminalQuery,
    VolumeSetting,
    WhiteList,
    WhiteListEntry,
)
from gateway.protocols.adapter_reports import (
    AdapterHeartbeat,
    AdapterRecord,
    AdapterRecords,
    Output,
    TaskEnd,
    TaskStart,
)
from gateway.protocols.adapter_results import ReturnCode, describe, describe_result
from gateway.protocols.adapter_special import FrequencyLock, RdsCommand, TsCommand
from gateway.protocols.adapter_types import ANSWERS, TYPES, Body, ProtocolType
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import Auxiliary, UnknownBody
from gateway.protocols.signature import SignatureBlock, UnsignedForm
from gateway.security.coverage import Coverage, signed_bytes
from gateway.security.der import raw_to_der
from tests.protocols.adapter_strategies import BODIES, adapter_packets, packets_of, records, tasks
from tests.protocols.golden import BY_ID, changed, frame, of, resealed
from tests.protocols.strategies import mutated

COUNTY = ResourceCode("43415230000000000000000")
GROUP = tuple(ResourceCode(f"{level}3415230000000314010400") for level in (6, 5, 4))
FRONT = WireCode.of(ResourceCode("43415230000000314010201"))
EBM = WireEbmId.of(EbmId("43415230000000103010101202406010001"))
STREAM = Auxiliary.stream("rtp://239.1.1.1:5004")
BEGIN, END = 1717228800, 1717229400


def read_and_write(name: str) -> adapter.AdapterPacket:
    packet = adapter.parse(frame(name))
    assert adapter.build(packet) == frame(name)
    return packet


@pytest.mark.parametrize("name", of("adapter"))
def test_every_vector_is_read_and_written_to_the_byte(name: str) -> None:
    packet = read_and_write(name)
    assert (packet.signature is not None) == BY_ID[name]["signed"]
    assert packet.form == ("signed" if BY_ID[name]["signed"] else "zero")
    assert not isinstance(packet.body, UnknownBody)


@pytest.mark.parametrize("name", [name for name in of("adapter") if BY_ID[name]["signed"]])
def test_every_signature_verifies_under_the_stated_coverage_and_no_other_key(name: str) -> None:
    whole = frame(name)
    block = adapter.parse(whole).signature
    assert block is not None
    message = signed_bytes(adapter.signed_data(whole), block, Coverage(BY_ID[name]["coverage"]))
    der = raw_to_der(block.value)
    assert gmssl_pyx.sm2_verify(bytes.fromhex(BY_ID[name]["public_key"]), message, der)
    assert not gmssl_pyx.sm2_verify(bytes.fromhex(BY_ID["R7"]["public_key"]), message, der)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        # 49 0001 04 01 00000067 | F43415...0001 01 04 "11B03" 02 665AD500 665AD758 50 | 01 01 0C F4... | 01 "zho" ...
        (
            "C17",
            BroadcastStart(
                EBM, 4, "11B03", 2, BEGIN, END, 80, AddressBlock.logical([COUNTY]),
                (LanguageContent.of("zho", "暴雨预警", "气象局", (STREAM,)),), 0, (1,),
            ),
        ),
        (
            "C55",
            BroadcastStart(
                EBM, 4, "11B03", 2, BEGIN, END, 80, AddressBlock.logical(GROUP),
                (
                    LanguageContent.of("zho", "暴雨预警", "气象局", (STREAM,)),
                    LanguageContent.of("eng", "Rainstorm warning", "Weather bureau"),
                ),
                1, (1, 3), b"\xbe\xef",
            ),
        ),
        ("C53", FrequencyLock(474000, 6875, 2, AddressBlock.logical(GROUP))),
        ("C57", BroadcastStop(WireEbmId.of(EBM_ID_ALL), AddressBlock.logical([COUNTY]))),
        (
            "C59",
            VolumeSetting(
                60, AddressBlock.physical([PhysicalAddress("112233445566"), PhysicalAddress("112233445567")])
            ),
        ),
        (
            "C60",
            RebackSetting(
                Reback.telephone("13800138000"), AddressBlock.logical([ResourceCode("63415231002000314010401")])
            ),
        ),
        (
            "C63",
            TerminalQuery(Reback.ipv4("10.0.0.9", 7000), AddressBlock.logical([COUNTY]), tuple(range(1, 19))),
        ),
        ("C64", ClockSetting(BEGIN)),
        (
            "C67",
            WhiteList(
                (
                    WhiteListEntry(
                        1, b"13800138000", "张三".encode(), 3,
                        (WireCode.of("341523000000"), WireCode.of("341523100200")),
                    ),
                    WhiteListEntry(3, b"13900139000", b"", 1, ()),
                )
            ),
        ),
        ("C68", AdapterReback(Reback.ipv4("10.0.0.9", 7000), 300)),
        ("C72", FaultQuery(FRONT)),
        ("C83", TaskEnd(FRONT, EBM)),
        ("C85", PlatformAnswer(ReturnCode.SIGNATURE_REFUSED)),
        ("C86", TaskStartAnswer(0, "10.0.0.9", 5004)),
    ],
)  # fmt: skip
def test_bodies_are_made_as_the_vectors(name: str, body: Body) -> None:
    packet = read_and_write(name)
    assert packet.body == body
    block = packet.signature
    assert block is not None
    made = adapter.report(body) if frame(name)[0] == 0x50 else adapter.command(body)
    seen: list[bytes] = []

    def sign(data: bytes) -> SignatureBlock:
        seen.append(data)
        assert block is not None
        return block

    assert adapter.build_signed(made, sign) == frame(name)
    assert seen == [adapter.signed_data(frame(name))]


def test_answers_of_a_real_adapter() -> None:
    assert read_and_write("R5b").body == AdapterAnswer(ReturnCode.UNKNOWN)
    outputs = read_and_write("R5c").body
    assert isinstance(outputs, OutputChannels)
    assert [(one.id, one.type, len(one.channels)) for one in outputs.outputs] == [(1, 1, 1), (2, 2, 1)]
    assert outputs.outputs[0].channels == (FmChannel("100.00", 1),)
    found = read_and_write("R5d").body
    assert isinstance(found, AdapterRecords)
    assert [one.state for one in found.records] == [3, 3, 5, 3]
    started = read_and_write("R5f").body
    assert isinstance(started, BroadcastAnswer)
    assert (started.result, started.stream_address) == (0, b"rtp://224.12.12.12:1212")


def test_texts_for_people() -> None:
    answer, inputs, failed = (read_and_write(name).body for name in ("C76", "C78", "C81"))
    assert isinstance(answer, AdapterAnswer)
    assert (answer.code, answer.text) == (3, "指令冲突错误")
    assert isinstance(inputs, InputChannels)
    assert [one.text for one in inputs.inputs] == ["话筒", "U盘"]
    assert isinstance(failed, BroadcastAnswer)
    assert failed.text == "输出通道被占用"
    assert describe(3) == "commands conflict 指令冲突错误"
    assert (describe(77), describe_result(0), describe_result(9)) == ("code 77 未定义", "done 成功", "code 9 未定义")


def test_texts_take_the_charset_every_device_knows_where_they_can() -> None:
    rare = LanguageContent.of("zho", "龘㙍预警", "局")
    assert (LanguageContent.of("zho", "预警", "局").charset, rare.charset) == (0, 1)
    assert rare.words(rare.text) == "龘㙍预警"
    assert LanguageContent("zho", 2, "预警".encode("utf-16-be"), b"").words("é预".encode("utf-16-be")) == "é预"
    assert LanguageContent("zho", 3, b"", b"").words("预警".encode()) == "预警"
    assert LanguageContent("zho", 2, b"", b"").words(b"odd") == "odd"


@pytest.mark.parametrize(
    ("form", "name", "size"),
    [(UnsignedForm.ZERO_BLOCK, "zero", 97), (UnsignedForm.ZERO_LENGTH, "none", 23)],
)
def test_two_unsigned_forms_stay_apart(form: UnsignedForm, name: str, size: int) -> None:
    whole = adapter.build(adapter.report(AdapterAnswer(0), form))
    packet = adapter.parse(whole)
    assert (packet.form, packet.trailer, packet.signature, len(whole)) == (name, form, None, size)
    assert adapter.build(packet) == whole
    if form is UnsignedForm.ZERO_BLOCK:
        assert whole == frame("R5a")


def test_a_frame_without_the_signature_length_is_refused() -> None:
    with pytest.raises((MalformedFrame, IncompleteFrame)):
        adapter.parse(adapter.build(adapter.report(AdapterAnswer(0), UnsignedForm.NOTHING)))


def test_what_answers_what() -> None:
    start = adapter.parse(frame("C17"))
    answer = adapter.answer_to(start, BroadcastAnswer(FRONT, EBM, 0))
    assert (answer.head, answer.protocol_type, answer.platform_type) == (0x50, 0x17, 2)
    task = adapter.parse(frame("C82"))
    reply = adapter.answer_to(task, TaskStartAnswer(0, "10.0.0.9", 5004))
    assert (reply.head, reply.protocol_type, reply.platform_type) == (0x49, 0x22, 1)
    assert adapter.answer_to(task, PlatformAnswer(4)).protocol_type == 0x21
    unknown = adapter.AdapterPacket(0x50, 0x77, UnknownBody(b""), 2)
    assert adapter.answer_to(unknown, PlatformAnswer(-1)).protocol_type == 0x21
    with pytest.raises(InvalidValueError, match="0x04 is answered by 0x17"):
        adapter.answer_to(start, TaskEnd(FRONT, EBM))
    assert set(ANSWERS) == {int(t) for t in ProtocolType} - {0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x21, 0x22}


def test_stop_of_everything_is_read_in_both_spellings() -> None:
    assert frame("C57")[9] == 0xF0
    zero = adapter.parse(resealed(frame("C57")[:9] + bytes(18) + frame("C57")[27:])).body
    assert isinstance(zero, BroadcastStop)
    assert zero.ebm_id.ebm_id == EBM_ID_ALL


def test_a_record_query_may_ask_for_all() -> None:
    query = adapter.build(adapter.command(RecordQuery(FRONT, ANY_EBM_ID, 0, 0, 0xFFFFFFFF)))
    assert query[21:39] == b"\xff" * 18
    assert adapter.build(adapter.parse(query)) == query


def test_a_telephone_field_that_other_resources_fill_with_zero() -> None:
    outputs, codes = (Output(1, 1),), (WireCode.of(COUNTY),)
    filled = TaskStart(FRONT, EBM, 1, 4, 2, "11B03", 0, outputs, b"", 80, codes)
    left_out = TaskStart(FRONT, EBM, 1, 4, 2, "11B03", 0, outputs, None, 80, codes)
    wholes = [adapter.build(adapter.report(body)) for body in (filled, left_out)]
    assert len(wholes[0]) == len(wholes[1]) + 1
    assert [adapter.parse(whole).body for whole in wholes] == [filled, left_out]
    # volume 13 %: without the rule about sizes this would also read as thirteen codes of one byte
    odd = TaskStart(FRONT, EBM, 1, 4, 2, "11B03", 0, outputs, b"", 13, codes)
    assert adapter.parse(adapter.build(adapter.report(odd))).body == odd


def test_values_that_contradict_each_other_cannot_be_made() -> None:
    with pytest.raises(InvalidValueError, match="telephone"):
        TaskStart(FRONT, EBM, 3, 4, 2, "11B03", 0, (), None, 80, ())
    with pytest.raises(InvalidValueError, match="telephone"):
        TaskStart(FRONT, EBM, 1, 4, 2, "11B03", 0, (), b"138", 80, ())
    with pytest.raises(InvalidValueError, match="ebm_id"):
        FmChannel("98.50", 2)
    with pytest.raises(InvalidValueError, match="ebm_id"):
        FmChannel("98.50", 1, EBM)
    one, other = (AdapterRecord(EBM, 3, 1, 4, 2, "11B03", 0, 0, 80, 0, (), telephone, ()) for telephone in (None, b""))
    with pytest.raises(InvalidValueError, match="telephone"):
        AdapterRecords(FRONT, (one, other))
    with pytest.raises(InvalidValueError, match="one size"):
        AddressBlock.physical([PhysicalAddress("112233445566"), PhysicalAddress("1122")])
    assert AddressBlock.physical([]).code_size == 0


def test_addresses_for_people() -> None:
    assert Reback.domain("eb.example.cn", 7000).text == "eb.example.cn:7000"
    assert Reback(2, b"\x0a\x00").text == "0A00"
    assert AddressBlock(1, (WireCode(bytes(12)),)).texts == (None,)
    assert AddressBlock(2, (WireCode(bytes(12)),)).texts == ("00" * 12,)


def test_both_readings_of_the_type_that_asks_for_a_stream() -> None:
    assert [asks_for_stream(Auxiliary(kind, b"")) for kind in (61, 62, 0x62)] == [False, True, True]


# -- limits


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (VolumeSetting(60, AddressBlock.logical([COUNTY] * 256)), "resource_code_number"),
        (VolumeSetting(256, AddressBlock.logical([COUNTY])), "volume"),
        (VolumeSetting(60, AddressBlock(1, (WireCode(bytes(11)),))), "codes"),
        (TerminalQuery(Reback(2, bytes(256)), AddressBlock.logical([COUNTY]), ()), "address"),
        (TerminalQuery(Reback(2, b""), AddressBlock.logical([COUNTY]), (1,) * 256), "tags"),
        (CodeSetting((CodeAssignment(b"", FRONT),) * 256), "assignments"),
        (RdsCommand(0, 2, 255, 100, (FRONT,) * 256, b""), "codes"),
        (WhiteList((WhiteListEntry(1, b"1", b"", 1, ()),) * 256), "entries"),
        (
            BroadcastStart(
                EBM, 4, "11B03", 2, 0, 0, 80, AddressBlock.logical([COUNTY]),
                (LanguageContent("zho", 0, b"", b""),) * 16,
            ),
            "languages",
        ),
        (
            BroadcastStart(
                EBM, 4, "11B03", 2, 0, 0, 80, AddressBlock.logical([COUNTY]),
                (LanguageContent("zho", 0, bytes(65536), b""),),
            ),
            "text",
        ),
        (BroadcastStart(EBM, 4, "11B03", 2, 0, 1 << 32, 80, AddressBlock.logical([COUNTY])), "end"),
    ],
)  # fmt: skip
def test_what_a_field_cannot_hold_is_refused_by_its_name(body: Body, field: str) -> None:
    with pytest.raises(InvalidValueError, match=field):
        adapter.build(adapter.command(body))


def test_sixteen_languages_are_refused_on_reading_too() -> None:
    start = BroadcastStart(EBM, 4, "11B03", 2, 0, 0, 80, AddressBlock.logical([]))
    whole = adapter.build(adapter.command(start))
    with pytest.raises(MalformedFrame, match="languages"):
        adapter.parse(changed(whole, 9 + 18 + 1 + 1 + 5 + 1 + 4 + 4 + 1 + 3, 16))


@pytest.mark.parametrize(
    ("number", "sizes"), [(0, [0]), (1, [1]), (255, [255]), (256, [255, 1]), (600, [255, 255, 90])]
)
def test_many_codes_go_into_several_packets_of_one_message(number: int, sizes: list[int]) -> None:
    codes = [ResourceCode(f"6341523{at:06d}0314010401") for at in range(number)]
    start = BroadcastStart(EBM, 4, "11B03", 2, BEGIN, END, 80, AddressBlock.logical(codes))
    parts = adapter.in_parts(start)
    assert [len(part.address.codes) for part in parts] == sizes
    assert [code for part in parts for code in part.address.codes] == list(start.address.codes)
    read = [adapter.parse(adapter.build(adapter.command(part))).body for part in parts]
    assert read == list(parts)
    assert {part.ebm_id for part in read if isinstance(part, BroadcastStart)} == {EBM}


@given(st.lists(st.integers()), st.integers(1, 255))
def test_parts_hold_all_items_in_order(items: list[int], most: int) -> None:
    parts = parts_of(items, most)
    assert [item for part in parts for item in part] == items
    assert all(len(part) <= most for part in parts)
    assert len(parts) == max(1, -(-len(items) // most))


@pytest.mark.parametrize("most", [0, 256])
def test_a_part_holds_one_to_255_codes(most: int) -> None:
    with pytest.raises(InvalidValueError, match="most"):
        adapter.in_parts(BroadcastStop(EBM, AddressBlock.logical([COUNTY])), most)


# -- broken frames


@pytest.mark.parametrize("name", of("adapter"))
def test_a_cut_frame_is_incomplete_at_every_offset(name: str) -> None:
    whole = frame(name)
    for size in range(len(whole)):
        with pytest.raises(IncompleteFrame):
            adapter.parse(whole[:size])


#: Where a length or a number stands, and how many bytes it has.
LENGTHS = {
    "C17": [(5, 4), (45, 1), (46, 1), (59, 1), (64, 2), (74, 1), (81, 1), (83, 4), (108, 1), (110, 2), (112, 2)],
    "C53": [(5, 4), (10, 4), (15, 2), (27, 1), (28, 1), (65, 2)],
    "C57": [(5, 4), (29, 1), (30, 1), (43, 2)],
    "C59": [(5, 4), (11, 1), (12, 1), (25, 2)],
    "C60": [(5, 4), (10, 1), (23, 1), (24, 1), (37, 2)],
    "C63": [(5, 4), (10, 1), (18, 1), (19, 1), (32, 1), (51, 2)],
    "C65": [(5, 4), (22, 1), (35, 2)],
    "C67": [(5, 4), (9, 1), (11, 1), (23, 1), (31, 1), (32, 1), (62, 2)],
    "C68": [(5, 4), (14, 1), (21, 2)],
    "C74": [(5, 4), (9, 1), (10, 2), (102, 1), (103, 1), (247, 2)],
    "C76": [(5, 4), (13, 4), (35, 2)],
    "R5c": [(5, 4), (21, 1), (24, 1), (31, 1), (40, 1), (45, 2)],
    "C78": [(5, 4), (21, 1), (23, 2), (34, 2), (42, 2)],
    "C79": [(5, 4), (21, 4), (62, 1), (65, 1), (66, 1), (116, 1), (121, 1), (133, 1), (134, 1), (159, 2)],
    "C81": [(5, 4), (40, 4), (65, 2), (67, 2)],
    "C82": [(5, 4), (48, 1), (51, 1), (64, 1), (65, 1), (78, 2)],
    "C86": [(5, 4), (16, 2)],
}


@pytest.mark.parametrize(
    ("name", "at", "size", "by"),
    [(name, at, size, by) for name, found in LENGTHS.items() for at, size in found for by in (-1, 1)],
)
def test_every_length_off_by_one_is_refused(name: str, at: int, size: int, by: int) -> None:
    with pytest.raises((MalformedFrame, IncompleteFrame)):
        adapter.parse(changed(frame(name), at, by, size))


#: Where a value stands of which the tables know only some; most are kept, for the standard may grow.
ENUMS = {
    "C17": [4, 28, 34, 43, 44, 63, 82],
    "C53": [9, 14, 25],
    "C60": [9],
    "C67": [10, 30],
    "C70": [22],
    "R5a": [9],
    "R5c": [28, 41, 44],
    "C78": [32],
    "C79": [43, 45, 97],
    "C81": [39],
    "C82": [40, 49],
    "C86": [9],
}


@pytest.mark.parametrize(("name", "at"), [(name, at) for name, places in ENUMS.items() for at in places])
def test_values_that_no_table_has_survive(name: str, at: int) -> None:
    odd = resealed(frame(name)[:at] + b"\xee" + frame(name)[at + 1 :])
    assert adapter.build(adapter.parse(odd)) == odd


def test_a_switch_that_neither_starts_nor_stops_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="power_switch"):
        adapter.parse(changed(frame("C17"), 27, 2))


def test_a_resource_that_needs_no_telephone_under_one_is_refused() -> None:
    with pytest.raises(MalformedFrame):
        adapter.parse(changed(frame("C82"), 39, 1))


@pytest.mark.parametrize("protocol_type", [0x00, 0x1A, 0x23, 0x42, 0xFF])
def test_an_unknown_type_is_kept(protocol_type: int) -> None:
    odd = resealed(frame("C17")[:3] + bytes([protocol_type]) + frame("C17")[4:])
    packet = adapter.parse(odd)
    assert packet.body == UnknownBody(frame("C17")[9 : 9 + 0x67])
    assert adapter.build(packet) == odd


def test_configurations_that_no_table_describes_are_kept() -> None:
    # tag 0, command 9 of a vendor's own
    body = TsCommand(0, bytes.fromhex("090002BEEF"))
    assert adapter.parse(adapter.build(adapter.command(body))).body == body
    # tag 2, daily command: its data are not described
    daily = TsCommand(2, bytes.fromhex("0400"))
    assert adapter.parse(adapter.build(adapter.command(daily))).body == daily


def test_a_wrong_checksum_tells_both_sums() -> None:
    with pytest.raises(ChecksumMismatch) as caught:
        adapter.parse(frame("R5a")[:-1] + b"\0")
    assert (caught.value.found, caught.value.expected, caught.value.offset) == (0xAC1D9D00, 0xAC1D9D3C, 93)


@pytest.mark.parametrize(
    ("data", "error", "word"),
    [
        (b"\x51\x00\x01", MalformedFrame, "mark"),
        (b"\x49\x00\x02" + bytes(40), MalformedFrame, "mark"),
        (frame("C1"), MalformedFrame, "mark"),
        (resealed(frame("C64")[:13] + b"\x00\x4b" + frame("C64")[15:]), MalformedFrame, "signature length"),
        (frame("C64") + b"\xaa", ChecksumMismatch, "CRC"),
        (resealed(frame("C64")[:-4] + bytes(5)), MalformedFrame, "length"),
        (b"\x49\x00\x01\x15\x01\xff\xff\xff\xff" + bytes(40), IncompleteFrame, "cut"),
        (b"", IncompleteFrame, "cut"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, error: type[FrameError], word: str) -> None:
    with pytest.raises(error, match=word):
        adapter.parse(data)


def test_the_error_names_the_field_and_its_place() -> None:
    with pytest.raises(MalformedFrame, match=r"BroadcastStart\.languages\.aux\.data") as caught:
        adapter.parse(changed(frame("C17"), 84, 1 << 16, 4))
    assert caught.value.offset > 84


# -- properties


@pytest.mark.parametrize("cls", BODIES, ids=lambda cls: cls.__name__)
def test_every_body_has_a_type(cls: type) -> None:
    assert TYPES[cls] in ProtocolType


def test_no_body_is_left_out_of_the_properties() -> None:
    assert set(BODIES) == set(TYPES)


@given(adapter_packets())
def test_packets_come_back_as_they_were(packet: adapter.AdapterPacket) -> None:
    whole = adapter.build(packet)
    assert adapter.parse(whole) == packet
    assert whole == resealed(whole)


@given(st.booleans().flatmap(lambda empty: packets_of(records(empty), 0x15) | packets_of(tasks(empty), 0x18)))
def test_records_and_tasks_come_back_to_the_byte_in_either_reading(packet: adapter.AdapterPacket) -> None:
    whole = adapter.build(packet)
    assert adapter.build(adapter.parse(whole)) == whole


@given(mutated(adapter_packets().map(adapter.build)))
def test_a_mutated_frame_is_refused_or_comes_back_to_the_byte(data: bytes) -> None:
    try:
        packet = adapter.parse(data)
    except FrameError:
        return
    assert adapter.build(packet) == data


def test_signing_replaces_an_unsigned_trailer() -> None:
    block = SignatureBlock(7, CertificateSerial("000000000042"), b"\1" * 64)
    heartbeat = adapter.report(AdapterHeartbeat(FRONT, 1, BEGIN))
    packet = adapter.parse(adapter.build_signed(heartbeat, lambda _: block))
    assert (packet.form, packet.signature, packet.body) == ("signed", block, heartbeat.body)
