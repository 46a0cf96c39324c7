import gmssl_pyx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import EbmId, ResourceCode
from gateway.errors import FrameError, FrameTooLarge, IncompleteFrame, InvalidValueError, MalformedFrame
from gateway.protocols import rds
from gateway.protocols import rds_bodies as b
from gateway.protocols.certificates import CERTIFICATE, AuthorisationList
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import UnknownBody
from gateway.protocols.parameters import FrequencyPoint
from gateway.protocols.signature import SignatureBlock
from gateway.security.coverage import Coverage, signed_bytes
from gateway.security.der import raw_to_der
from tests.protocols.golden import BY_ID
from tests.protocols.rds_golden import BODIES, KEY, PACKETS, bytes_of, rds_packets

COUNTY = ResourceCode("43415230000000000000000")
TERMINAL = ResourceCode("63415231002000314010401")
EBM = WireEbmId.of(EbmId("43415230000000103010101202406010001"))
START = b.EmergencyCommand(1, 1, 2, "11B03", EBM, "98.50")


def read_and_write(name: str) -> rds.RdsPacket:
    packet = rds.parse(bytes_of(name))
    assert rds.build(packet) == bytes_of(name)
    return packet


@pytest.mark.parametrize("name", PACKETS)
def test_every_vector_is_read_and_written_to_the_byte(name: str) -> None:
    packet, parts = read_and_write(name), list[bytes]()

    def sign(part: bytes) -> SignatureBlock:
        parts.append(part)
        return packet.block

    assert rds.build_signed(packet, sign) == bytes_of(name)
    assert parts == [rds.signed_data(bytes_of(name))]


@pytest.mark.parametrize("name", PACKETS)
def test_every_signature_verifies_under_the_stated_coverage(name: str) -> None:
    block = rds.parse(bytes_of(name)).signature
    assert block is not None
    message = signed_bytes(rds.signed_data(bytes_of(name)), block, Coverage(BY_ID[name]["coverage"]))
    assert gmssl_pyx.sm2_verify(KEY, message, raw_to_der(block.value))


def test_emergency_start() -> None:
    # 5872 = type 11, 114 bytes follow | 01 F434... | 52 = start, switch, severity 2 | 11B03 | F + 35 digits | 009850
    packet = read_and_write("C20")
    assert (packet.packet_type, [code.code for code in packet.codes], packet.body) == (11, [COUNTY], START)


def test_daily_start_has_its_id_in_the_middle_of_a_byte() -> None:
    # B06D = type 22 | 01 F434... | 6 = start, no switch, then 35 digits at once | 000000 | 50 = 80 %
    assert bytes_of("C21")[15:34].hex() == "6434152300000001030101012024060100" + "01" + "00"
    assert read_and_write("C21").body == b.DailyCommand(1, 2, EBM, b.NO_FREQUENCY, 80)


def test_settings() -> None:
    assert read_and_write("C88").body == b.DeviceCode(bytes.fromhex("112233445566"), WireCode.of(TERMINAL))
    assert read_and_write("C89").body == b.MaintainMode(1, 60)
    assert read_and_write("C91").body == b.ReturnRoute(3, b"eb.example.cn:8080")
    assert read_and_write("C95").body == b.StateQuery((1, 6, 11, 16, 17, 18))
    assert read_and_write("C96").body == b.Reset(1, 1, "98.50")
    assert read_and_write("C98").body == b.DrillCommand(1, 1, EBM)
    assert read_and_write("C99").body == b.TextTransfer(1, 0, EBM, "暴雨预警".encode("gb2312"))
    assert read_and_write("C101").body == b.DailyVolume(50)


def test_the_clock_is_of_beijing() -> None:
    clock = read_and_write("C90").body
    assert isinstance(clock, b.Clock)
    assert clock == b.Clock.of(1717228800) == b.Clock(2024, 6, 1, 16, 0, 0)
    assert clock.seconds == 1717228800
    assert b.Clock(2024, 2, 30, 0, 0, 0).seconds is None


@given(st.integers(0, 0xFFFFFFFF))
def test_clock_there_and_back(seconds: int) -> None:
    assert b.Clock.of(seconds).seconds == seconds


def test_certificates_and_lists() -> None:
    update = read_and_write("C93").body
    assert isinstance(update, b.AuthorisationUpdate)
    assert isinstance(update.content, AuthorisationList)
    assert update.content.serials == ("000000000042", "000000000043")
    certificates = read_and_write("C94").body
    assert isinstance(certificates, b.CertificateUpdate)
    certificate = CERTIFICATE.fits(certificates.certificates[0])
    assert certificate is not None
    assert certificate.valid_year == 2029


def test_a_list_of_another_form_stays_as_bytes() -> None:
    # what one implementation sends as type 6: time, number and signature, by the letter of table 9
    literal = rds.RdsPacket(6, (WireCode.of(COUNTY),), b.AuthorisationUpdate(bytes(range(74))))
    assert rds.parse(rds.build(literal)) == literal


def test_certificates_whose_length_stands_once() -> None:
    first, second = bytes([7]) * 143, bytes([9]) * 143
    once = rds.RdsPacket(7, (WireCode.of(COUNTY),), b.CertificateUpdate((first, second), one_length=True))
    content = rds.build(once)[15:-74]
    assert content == bytes([2, 143]) + first + second
    assert rds.parse(rds.build(once)) == once
    each = rds.build(rds.RdsPacket(7, once.codes, b.CertificateUpdate((first, second))))
    assert each[15:-74] == bytes([2, 143]) + first + bytes([143]) + second


@pytest.mark.parametrize(
    ("route", "text"),
    [
        (b.ReturnRoute(1, b"13800138000"), "13800138000"),
        (b.ReturnRoute(2, bytes([10, 1, 2, 3, 0x1F, 0x90])), "10.1.2.3:8080"),
        (b.ReturnRoute(2, b"\x0a\x01"), None),
        (b.ReturnRoute(3, b"eb\x00:1"), None),
        (b.ReturnRoute(9, b"x"), None),
    ],
)
def test_return_addresses_as_text(route: b.ReturnRoute, text: str | None) -> None:
    assert route.text == text


@pytest.mark.parametrize("kind", BODIES)
@given(st.data())
def test_every_type_there_and_back(kind: int, data: st.DataObject) -> None:
    packet = data.draw(rds_packets((kind,)))
    raw = rds.build(packet)
    assert rds.announced(raw) == len(raw)
    assert rds.parse(raw) == packet


@given(rds_packets(), st.data())
def test_cut_anywhere_it_is_incomplete(packet: rds.RdsPacket, data: st.DataObject) -> None:
    raw = rds.build(packet)
    at = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(IncompleteFrame) as caught:
        rds.parse(raw[:at])
    assert caught.value.needed == (len(raw) if at >= 2 else 2) - at


@pytest.mark.parametrize("name", PACKETS)
def test_cut_at_every_offset(name: str) -> None:
    for at in range(len(bytes_of(name))):
        with pytest.raises(IncompleteFrame):
            rds.parse(bytes_of(name)[:at])


@pytest.mark.parametrize("name", PACKETS)
def test_a_length_that_is_off_by_one(name: str) -> None:
    raw = bytes_of(name)
    with pytest.raises(MalformedFrame):
        rds.parse(raw + b"\0")
    for by in (1, -1):
        head = (int.from_bytes(raw[:2], "big") + by).to_bytes(2, "big")
        whole = head + raw[2:] + b"\0" if by > 0 else head + raw[2:-1]
        if rds.parse_unchecked(raw, opaque=True).packet_type == 6:
            update = rds.parse(whole).body
            assert isinstance(update, b.AuthorisationUpdate)
            assert isinstance(update.content, bytes)  # a list has no length of its own
            continue
        with pytest.raises(MalformedFrame):
            rds.parse(whole)


@given(rds_packets(), st.data())
def test_changed_bytes_are_read_to_the_byte_or_refused(packet: rds.RdsPacket, data: st.DataObject) -> None:
    raw = bytearray(rds.build(packet))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        parsed = rds.parse(bytes(raw))
    except FrameError:
        return
    assert rds.build(parsed) == bytes(raw)


def test_unknown_values_are_kept() -> None:
    raw = bytearray(bytes_of("C20"))
    raw[15] = 0xFF  # reserved action, reserved switch, reserved severity
    packet = rds.parse(bytes(raw))
    assert packet.body == b.EmergencyCommand(3, 3, 15, "11B03", EBM, "98.50")
    assert rds.build(packet) == bytes(raw)
    raw[15:20] = bytes.fromhex("0F00FF8081")
    assert rds.build(rds.parse(bytes(raw))) == bytes(raw)


def test_reserved_bits_are_ones_where_we_write() -> None:
    codes = [COUNTY]
    assert rds.unsigned_part(rds.command(codes, b.Reset(1, 2, b.NO_FREQUENCY)))[15:].hex() == "6f000000"
    assert rds.unsigned_part(rds.command(codes, b.FactoryReset(1)))[15:].hex() == "7f"
    assert rds.unsigned_part(rds.command(codes, b.Maintain(7)))[15:].hex() == "07ff"
    assert rds.unsigned_part(rds.command(codes, b.DailyVolume(50)))[15:].hex() == "32ff"
    assert rds.unsigned_part(rds.command(codes, b.AmplifierSwitch(2)))[15:].hex() == "02"
    points = (FrequencyPoint(1, 1, "98.50"), FrequencyPoint(2, 9, "101.70"))
    assert rds.unsigned_part(rds.command(codes, b.ScanList(points)))[15:].hex() == "020101009850" + "0209010170"


def test_an_unsigned_packet_has_no_signature() -> None:
    packet = rds.command([COUNTY], START)
    assert packet.signature is None
    assert rds.build(packet)[-74:] == bytes(74)


def test_97_codes_fit_beside_an_emergency_start_and_98_do_not() -> None:
    assert rds.room_for_codes(27) == 97
    assert len(rds.build(rds.command([TERMINAL] * 97, START))) == 1268
    with pytest.raises(InvalidValueError) as caught:
        rds.command([TERMINAL] * 98, START)
    assert caught.value.field == "codes"
    assert "97 codes" in caught.value.rule


@given(st.integers(0, 400), st.sampled_from([START, b.AmplifierSwitch(1), b.TextTransfer(1, 0, EBM, bytes(255))]))
def test_codes_are_split_and_none_is_left_out(count: int, body: rds.Body) -> None:
    codes = [ResourceCode.build(6, TERMINAL.area, sequence=n // 100, number=n % 100) for n in range(count)]
    parts = rds.split_codes(codes, body)
    assert [code for part in parts for code in part] == codes
    assert all(len(rds.build(rds.command(part, body))) <= rds.MAX_PACKET for part in parts)


@pytest.mark.parametrize(
    ("codes", "body", "field"),
    [
        ([], START, "codes"),
        ([COUNTY], b.DeviceCode(b"\x11", WireCode.of(TERMINAL)), "codes"),
        ([COUNTY], b.ReturnPeriod(0), "period_s"),
        ([COUNTY], b.TextTransfer(1, 0, EBM, bytes(256)), "TextTransfer.text"),
        ([COUNTY], b.EmergencyCommand(4, 1, 1, "11B03", EBM, "98.50"), "EmergencyCommand.action"),
        ([COUNTY], b.EmergencyCommand(1, 1, 1, "11B0", EBM, "98.50"), "EmergencyCommand.event"),
        ([COUNTY], b.DailyCommand(1, 1, EBM, "98.555", 1), "DailyCommand"),
        ([COUNTY], b.DailyCommand(1, 1, EBM, "98.50", 256), "DailyCommand.volume"),
        ([COUNTY], b.CertificateUpdate((bytes(143),) * 9), "content"),
        ([COUNTY], UnknownBody(b"what no table declares"), "body"),
    ],
)
def test_what_the_tables_forbid_is_named(codes: list[ResourceCode], body: rds.Body, field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        rds.command(codes, body)
    assert caught.value.field == field


def test_a_content_that_leaves_no_room_cannot_be_split() -> None:
    with pytest.raises(InvalidValueError) as caught:
        rds.split_codes([COUNTY], b.CertificateUpdate((bytes(143),) * 9))
    assert caught.value.field == "content"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("", IncompleteFrame),
        ("58", IncompleteFrame),
        ("5800", MalformedFrame),
        ("584A", MalformedFrame),
        ("5FFF", FrameTooLarge),
    ],
)
def test_heads_that_are_none(raw: str, error: type[FrameError]) -> None:
    with pytest.raises(error):
        rds.parse(bytes.fromhex(raw))


def test_more_codes_announced_than_there_are() -> None:
    raw = bytearray(bytes_of("C20"))
    raw[2] = 200
    with pytest.raises(MalformedFrame):
        rds.parse(bytes(raw))


def test_content_left_unread() -> None:
    assert rds.parse_unchecked(bytes_of("C101"), opaque=True).body == UnknownBody(b"\x32\xff")
