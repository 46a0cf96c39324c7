"""Short messages: published examples, both alphabets, parts, and noise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MalformedFrame
from gateway.protocols.sms import Delivered, Part, build_submit, parse_deliver

#: The example that descriptions of PDU mode have used since the nineties: a German service centre, "hellohello".
HELLO = "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"
_DIGITS = "0123456789*#abc"


def deliver_of(submit: bytes, sender: str, sent: datetime) -> bytes:
    """What the receiver gets of a message that somebody else submits: the network swaps address and time in."""
    digits = submit[3]
    rest = submit[5 + (digits + 1) // 2 :]
    number = sender.removeprefix("+")
    nibbles = [int(digit) for digit in number] + [0xF] * (len(number) % 2)
    packed = bytes(nibbles[i] | nibbles[i + 1] << 4 for i in range(0, len(nibbles), 2))
    kind = 0x91 if sender.startswith("+") else 0x81
    offset = sent.utcoffset()
    assert offset is not None
    quarters = round(offset.total_seconds() / 900)
    values = (sent.year % 100, sent.month, sent.day, sent.hour, sent.minute, sent.second, abs(quarters))
    stamp = bytearray(value // 10 | value % 10 << 4 for value in values)
    if quarters < 0:
        stamp[6] |= 0x08
    head = bytes([0, 0x04 | (submit[1] & 0x40), len(number), kind]) + packed
    return head + rest[:2] + bytes(stamp) + rest[2:]


BEIJING = timezone(timedelta(hours=8))
AT = datetime(2026, 11, 27, 3, 4, 5, tzinfo=BEIJING)


def test_the_example_that_everybody_uses() -> None:
    # Its two digits of a year are of 1999; nobody sends from there any more.
    said = parse_deliver(bytes.fromhex(HELLO))
    assert said.sender == "27838890001" and said.text == "hellohello" and said.part is None
    assert said.sent == datetime(2099, 3, 29, 15, 16, 59, tzinfo=timezone(timedelta(hours=2)))


def test_chinese_is_sent_in_ucs2_and_ascii_in_seven_bits() -> None:
    (chinese,) = build_submit("+8613800138000", "台风")
    assert chinese.hex() == "0001000d91683108108300f0000804" + "53f098ce"
    (plain,) = build_submit("10086", "hellohello")
    assert plain[-9:].hex() == HELLO[-18:].lower()


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\x1b"), min_size=1, max_size=700),
    reference=st.integers(0, 255),
    hours=st.integers(-12, 12),
)
def test_what_is_sent_is_what_comes(text: str, reference: int, hours: int) -> None:
    sent = AT.replace(tzinfo=timezone(timedelta(hours=hours)))
    pdus = build_submit("+8613800138000", text, reference)
    came = [parse_deliver(deliver_of(pdu, "+8613900139000", sent)) for pdu in pdus]
    assert "".join(one.text for one in came) == text
    assert all(one.sender == "+8613900139000" and one.sent == sent for one in came)
    if len(pdus) > 1:
        assert [one.part for one in came] == [Part(reference, len(pdus), n) for n in range(1, len(pdus) + 1)]
    assert all(len(pdu) - 5 - 7 - 3 <= 140 for pdu in pdus)


@pytest.mark.parametrize(
    ("text", "parts"), [("a" * 160, 1), ("a" * 161, 2), ("风" * 70, 1), ("风" * 71, 2), ("€" * 80, 1), ("€" * 81, 2)]
)
def test_where_a_text_is_cut(text: str, parts: int) -> None:
    assert len(build_submit("10086", text)) == parts


def test_a_sixteen_bit_reference_is_read_and_a_wrong_header_is_no_part() -> None:
    (pdu,) = build_submit("10086", "风")
    body = "风".encode("utf-16-be")
    for header, part in (
        ("060804123402 01".replace(" ", ""), Part(0x1234, 2, 1)),
        ("0500030102 03".replace(" ", ""), None),
    ):
        data = bytes.fromhex(header) + body
        raw = bytearray(deliver_of(pdu, "10086", AT)[: -len(body) - 1]) + bytes([len(data)]) + data
        raw[1] |= 0x40
        assert parse_deliver(bytes(raw)) == Delivered("10086", AT, "风", part)


@given(st.binary(max_size=200))
def test_noise_is_refused_by_name(data: bytes) -> None:
    try:
        said = parse_deliver(data)
    except MalformedFrame as error:
        assert 0 <= error.offset <= len(data)
    else:
        assert isinstance(said.text, str) and said.sent.astimezone(UTC)


@given(st.integers(0, 100))
def test_half_a_message_is_refused(cut: int) -> None:
    whole = deliver_of(build_submit("10086", "台风红色预警，请立即转移。" * 4)[0], "+8613900139000", AT)
    with pytest.raises(MalformedFrame):
        parse_deliver(whole[: min(cut, len(whole) - 1)])


@pytest.mark.parametrize("number", ["", "+", "12a", "1" * 21, "电话"])
def test_a_number_that_is_none(number: str) -> None:
    with pytest.raises(MalformedFrame):
        build_submit(number, "x")
