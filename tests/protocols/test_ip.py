import gmssl_pyx
import pytest
from hypothesis import given

from gateway.domain.codes import CertificateSerial, EbmId, ResourceCode
from gateway.errors import ChecksumMismatch, FrameError, IncompleteFrame, InvalidValueError, MalformedFrame
from gateway.protocols import ip
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.fields import NO_CODE, WireCode, WireEbmId
from gateway.protocols.ip_bodies import (
    Auxiliary,
    GeneralAnswer,
    Heartbeat,
    StartBroadcast,
    StatusQuery,
    StopBroadcast,
    UnknownBody,
)
from gateway.protocols.parameters import Parameter
from gateway.protocols.signature import EMPTY_BLOCK, SignatureBlock, UnsignedForm
from gateway.security.coverage import Coverage, signed_bytes
from gateway.security.der import raw_to_der
from tests.protocols.golden import BY_ID, changed, frame, of, resealed
from tests.protocols.strategies import ip_packets, mutated

PLATFORM = ResourceCode("43415230000000103010101")
COUNTY = ResourceCode("43415230000000000000000")
TERMINAL = ResourceCode("63415231002000314010401")
EBM = WireEbmId.of(EbmId("43415230000000103010101202406010001"))
START = StartBroadcast(EBM, 4, 2, "11B03", 80, 1717228800, 1717229400, (Auxiliary.stream("rtp://239.1.1.1:5004"),))


def read_and_write(name: str) -> ip.IpPacket:
    packet = ip.parse(frame(name))
    assert ip.build(packet) == frame(name)
    return packet


@pytest.mark.parametrize("name", of("ip"))
def test_every_vector_is_read_and_written_to_the_byte(name: str) -> None:
    packet = read_and_write(name)
    assert (packet.signature is not None) == BY_ID[name]["signed"]


@pytest.mark.parametrize("name", [name for name in of("ip") if BY_ID[name]["signed"]] + ["R7"])
def test_every_signature_verifies_under_the_stated_coverage(name: str) -> None:
    whole = resealed(frame(name))
    block = ip.parse(whole).signature
    assert block is not None
    key, der = bytes.fromhex(BY_ID[name]["public_key"]), raw_to_der(block.value)
    message = signed_bytes(ip.signed_data(whole), block, Coverage(BY_ID[name]["coverage"]))
    assert gmssl_pyx.sm2_verify(key, message, der)


def test_start() -> None:
    # FEFD 0100 00000001 01 01 00B3 | F4341523000000010301 0101 | 0001 F4341523... | 01 003A | ... 004A ...
    packet = read_and_write("C1")
    assert (packet.session, packet.packet_type, packet.sign_flag, packet.service_type) == (1, 1, 1, 1)
    assert (packet.source.code, [target.code for target in packet.targets]) == (PLATFORM, [COUNTY])
    assert packet.body == START
    assert packet.body.aux[0].text == "rtp://239.1.1.1:5004"


def test_an_unknown_auxiliary_is_kept() -> None:
    body = read_and_write("C33").body
    assert isinstance(body, StartBroadcast)
    assert body.aux[1] == Auxiliary(0xF0, bytes.fromhex("011FFF000000000000000000"))


def test_stop_query_and_answer() -> None:
    assert read_and_write("C3").body == StopBroadcast(EBM)
    assert read_and_write("C7").body == StatusQuery((1, 4, 5, 6))
    answer = read_and_write("C10")
    assert answer.body == GeneralAnswer(54, "参数非法".encode())
    assert answer.packet_type == 2


@pytest.mark.parametrize(
    ("name", "form"), [("C4", UnsignedForm.NOTHING), ("C5", UnsignedForm.ZERO_LENGTH), ("R2", UnsignedForm.ZERO_BLOCK)]
)
def test_three_unsigned_forms(name: str, form: UnsignedForm) -> None:
    packet = read_and_write(name)
    assert packet.trailer is form
    assert isinstance(packet.body, Heartbeat)
    assert packet.targets == (NO_CODE,)


def test_a_zero_block_under_a_set_flag_claims_to_be_signed() -> None:
    packet = ip.parse(changed(frame("R2"), 9, 1))
    assert packet.signature == EMPTY_BLOCK


def test_a_request_is_made_as_the_vector() -> None:
    packet = ip.request(2, PLATFORM, (COUNTY,), START)
    assert ip.build(packet) == resealed(frame("C2")[:4] + (2).to_bytes(4, "big") + frame("C2")[8:])


def test_an_answer_is_made_as_the_vector() -> None:
    request = ip.parse(frame("C5"))
    answer = ip.answer_to(request, WireCode.of(PLATFORM), 0)
    assert ip.build(answer) == frame("C6")
    assert ip.parse(ip.build(ip.answer_to(request, NO_CODE, 54, "参数非法"))).body == GeneralAnswer(
        54, "参数非法".encode()
    )


def test_what_is_signed_has_the_final_length() -> None:
    signed = ip.parse(frame("C1"))
    part = ip.unsigned_part(signed)
    assert part == ip.signed_data(frame("C1")) == frame("C1")[: len(part)]
    assert signed.signature is not None
    assert ip.assemble(part, signed.signature) == frame("C1")


def test_signing_an_unsigned_packet_sets_its_flag() -> None:
    seen: list[bytes] = []
    block = SignatureBlock(7, CertificateSerial("000000000042"), b"\1" * 64)

    def sign(data: bytes) -> SignatureBlock:
        seen.append(data)
        return block

    whole = ip.build_signed(ip.request(2, PLATFORM, (COUNTY,), START), sign)
    packet = ip.parse(whole)
    assert (packet.sign_flag, packet.signature, packet.body) == (1, block, START)
    assert seen == [ip.signed_data(whole)]


def test_a_query_answered_in_band_is_read() -> None:
    content = bytes.fromhex("00 0000 01 01 01 50")
    head = ip.request(3, TERMINAL, (PLATFORM,), StatusQuery(()))
    packet = ip.IpPacket(3, head.source, head.targets, 0x11, UnknownBody(content), packet_type=2)
    read = ip.parse(ip.build(packet))
    assert read.body == QueryAnswer(0, b"", (Parameter(1, 80),))
    assert ip.build(read) == ip.build(packet)


def test_an_unknown_service_type_is_kept() -> None:
    packet = ip.parse(changed(frame("C3"), 38, 0x28))
    assert packet.service_type == 0x2A
    assert packet.body == UnknownBody(EBM.raw)


def test_only_requests_of_the_table_can_be_requested() -> None:
    with pytest.raises(InvalidValueError, match="GeneralAnswer"):
        ip.request(1, PLATFORM, (COUNTY,), GeneralAnswer(0))


def test_a_frame_beyond_the_length_field_is_refused_and_never_cut() -> None:
    many = ip.request(1, PLATFORM, (COUNTY,) * 5500, StopBroadcast(EBM))
    with pytest.raises(InvalidValueError, match="split it"):
        ip.build(many)


@pytest.mark.parametrize("name", ["C1", "C4", "C8", "C39", "R3a"])
def test_a_cut_frame_is_incomplete_at_every_offset(name: str) -> None:
    whole = frame(name)
    for size in range(len(whole)):
        with pytest.raises(IncompleteFrame) as caught:
            ip.parse(whole[:size])
        assert caught.value.needed == (12 - size if size < 12 else len(whole) - size)


#: Where a length or a number stands, and how many bytes it has.
LENGTHS = {
    "C1": [(10, 2), (24, 2), (39, 2), (75, 1), (77, 2), (99, 2)],
    "C4": [(10, 2), (24, 2), (39, 2), (43, 1)],
    "C5": [(10, 2), (24, 2), (39, 2), (43, 1), (50, 2)],
    "C8": [(10, 2), (24, 2), (39, 2), (41, 1), (104, 2)],
    "C10": [(10, 2), (24, 2), (39, 2), (42, 2), (56, 2)],
    "C37": [(10, 2), (24, 2), (39, 2), (41, 1), (52, 2)],
    "C39": [(10, 2), (24, 2), (39, 2), (41, 1), (42, 2), (134, 1), (135, 1), (279, 2)],
}


@pytest.mark.parametrize(
    ("name", "at", "size", "by"),
    [(name, at, size, by) for name, found in LENGTHS.items() for at, size in found for by in (-1, 1)],
)
def test_every_length_off_by_one_is_refused(name: str, at: int, size: int, by: int) -> None:
    with pytest.raises((MalformedFrame, IncompleteFrame)) as caught:
        ip.parse(changed(frame(name), at, by, size))
    assert isinstance(caught.value, IncompleteFrame) == (at == 10 and by == 1)


def test_a_wrong_checksum_tells_both_sums() -> None:
    with pytest.raises(ChecksumMismatch) as caught:
        ip.parse(frame("R7"))
    assert (caught.value.found, caught.value.expected, caught.value.result) == (0x69F39BFE, 0x0B4DE2AE, 15)


@pytest.mark.parametrize("data", [b"\x00", b"\xfe\x00", bytes(60), b"\xfe\xfd\x01\x00" + bytes(20)])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        ip.parse(data)


@given(ip_packets())
def test_packets_come_back_as_they_were(packet: ip.IpPacket) -> None:
    whole = ip.build(packet)
    assert int.from_bytes(whole[10:12], "big") == len(whole)
    read = ip.parse(whole)
    assert ip.build(read) == whole
    if not (packet.packet_type == 2 and packet.service_type == 0x11) and packet.signature != EMPTY_BLOCK:
        assert read == packet


@given(mutated(ip_packets().map(ip.build)))
def test_a_mutated_frame_is_refused_or_comes_back_to_the_byte(data: bytes) -> None:
    try:
        packet = ip.parse(data)
    except FrameError:
        return
    assert ip.build(packet) == data
