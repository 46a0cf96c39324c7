"""Short messages 短信 as a modem gives and takes them: SMS-DELIVER and SMS-SUBMIT (3GPP TS 23.040 §9.2, TS 23.038).

A text that does not fit one message comes in parts with a reference of the sender's (TS 23.040 §9.2.3.24).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from gateway.errors import MalformedFrame

#: GSM 7 bit default alphabet (TS 23.038 §6.2.1); ESC stands for itself.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Its extension (§6.2.1.1): what follows ESC.
_MORE: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_MORE_BACK: Final = {character: code for code, character in _MORE.items()}
_ESCAPE: Final = 0x1B
#: Octets of one message's user data.
_OCTETS: Final = 140
#: Header of one part: length, element 0, its length, reference, parts, number.
_PART_HEADER: Final = 6
_MOST_PARTS: Final = 255
#: Digits of an address: 0-9 * # a b c (TS 23.040 §9.1.2.3); f fills.
_DIGITS: Final = "0123456789*#abc"
_INTERNATIONAL: Final = 0x91
_ALPHANUMERIC: Final = 0x50


@dataclass(frozen=True, slots=True)
class Part:
    """Place of a message in a longer text: the sender's reference, how many there are, which one this is (from 1)."""

    reference: int
    count: int
    number: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that came. ``sent`` is the service centre's time; ``part`` None for one that is whole by itself."""

    sender: str
    sent: datetime
    text: str
    part: Part | None = None


def parse_deliver(pdu: bytes) -> Delivered:
    """Read an SMS-DELIVER with the service centre's address before it, as AT+CMGL and AT+CMGR give it.

    Errors: MalformedFrame with the offset where it breaks, also for another type of message.
    """
    reader = _Reader(pdu)
    reader.take(reader.octet())
    first = reader.octet()
    if first & 0x03:
        raise MalformedFrame(f"message type {first & 3} is no SMS-DELIVER", offset=reader.at - 1)
    sender = _address(reader)
    reader.octet()  # protocol identifier
    coding = reader.octet()
    sent = _time(reader)
    length = reader.octet()
    data = pdu[reader.at :]
    header, part = b"", None
    if first & 0x40:
        if not data or 1 + data[0] > len(data):
            raise MalformedFrame("header longer than the user data", offset=reader.at)
        header = data[: 1 + data[0]]
        part = _part(header[1:])
    return Delivered(sender, sent, _text(data, header, coding, length, reader.at), part)


def build_submit(number: str, text: str, reference: int = 0) -> list[bytes]:
    """SMS-SUBMITs that carry a text to a number, each with an empty service centre address before it.

    Errors: MalformedFrame for a number that is none, or a text of more than 255 parts.
    """
    destination = _destination(number)
    septets = _septets(text)
    if septets is not None:
        whole, room = _OCTETS * 8 // 7, (_OCTETS - _PART_HEADER) * 8 // 7
        pieces = _cut_septets(septets, room) if len(septets) > whole else [septets]
        header = _PART_HEADER if len(pieces) > 1 else 0
        # The text begins at a whole septet after the header (TS 23.040 §9.2.3.24).
        before = -(-header * 8 // 7)
        bodies = [(_pack(piece, before * 7 - header * 8), before + len(piece)) for piece in pieces]
    else:
        units = text.encode("utf-16-be", "surrogatepass")
        parts = _cut_units(units, _OCTETS - _PART_HEADER) if len(units) > _OCTETS else [units]
        header = _PART_HEADER if len(parts) > 1 else 0
        bodies = [(part, header + len(part)) for part in parts]
    if len(bodies) > _MOST_PARTS:
        raise MalformedFrame(f"text of {len(bodies)} parts, more than {_MOST_PARTS}")
    first, coding = 0x41 if header else 0x01, 0x08 if septets is None else 0x00
    made = []
    for place, (body, length) in enumerate(bodies, 1):
        about = bytes([header - 1, 0, 3, reference & 0xFF, len(bodies), place]) if header else b""
        made.append(bytes([0, first, 0]) + destination + bytes([0, coding, length]) + about + body)
    return made


class _Reader:
    """Takes octets one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def octet(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        if self.at + count > len(self._data):
            raise MalformedFrame("ends too early", offset=len(self._data))
        self.at += count
        return self._data[self.at - count : self.at]


def _address(reader: _Reader) -> str:
    digits, kind = reader.octet(), reader.octet()
    raw = reader.take((digits + 1) // 2)
    if kind & 0x70 == _ALPHANUMERIC:
        return _characters(_unpack(raw, digits * 4 // 7, 0))
    found = "".join(_DIGITS[n] for octet in raw for n in (octet & 0x0F, octet >> 4) if n < len(_DIGITS))[:digits]
    return f"+{found}" if kind & 0x70 == _INTERNATIONAL & 0x70 else found


def _destination(number: str) -> bytes:
    digits = number.removeprefix("+")
    if not digits or len(digits) > 20 or any(character not in _DIGITS[:12] for character in digits):
        raise MalformedFrame(f"{number!r} is no telephone number")
    nibbles = [_DIGITS.index(character) for character in digits] + [0x0F] * (len(digits) % 2)
    packed = bytes(nibbles[i] | nibbles[i + 1] << 4 for i in range(0, len(nibbles), 2))
    return bytes([len(digits), _INTERNATIONAL if number.startswith("+") else 0x81]) + packed


def _time(reader: _Reader) -> datetime:
    at = reader.at
    raw = reader.take(7)
    year, month, day, hour, minute, second = ((octet & 0x0F) * 10 + (octet >> 4) for octet in raw[:6])
    quarters = (raw[6] & 0x07) * 10 + (raw[6] >> 4)
    zone = timezone(timedelta(minutes=-15 * quarters if raw[6] & 0x08 else 15 * quarters))
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError as error:
        raise MalformedFrame(f"time stamp: {error}", offset=at) from error


def _part(header: bytes) -> Part | None:
    """The place that an 8 or 16 bit concatenation element gives; None for a header without, or with a wrong one."""
    at = 0
    while at + 2 <= len(header):
        kind, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        at += 2 + length
        if (kind, len(value)) in ((0x00, 3), (0x08, 4)):
            reference, count, number = int.from_bytes(value[:-2], "big"), value[-2], value[-1]
            return Part(reference, count, number) if 1 <= number <= count else None
    return None


def _text(data: bytes, header: bytes, coding: int, length: int, at: int) -> str:
    alphabet = (coding >> 2) & 0x03 if coding < 0xF0 else (coding >> 2) & 0x01
    if alphabet == 0:
        before = -(-len(header) * 8 // 7)
        if (length * 7 + 7) // 8 > len(data):
            raise MalformedFrame(f"{length} septets said, {len(data)} octets there", offset=at)
        return _characters(_unpack(data, length, 0)[before:])
    if length > len(data):
        raise MalformedFrame(f"{length} octets said, {len(data)} there", offset=at)
    body = data[len(header) : length]
    if alphabet == 2:
        try:
            return body.decode("utf-16-be")
        except UnicodeDecodeError as error:
            raise MalformedFrame(f"UCS2: {error.reason}", offset=at + len(header) + error.start) from error
    raise MalformedFrame(f"coding 0x{coding:02x} is no text", offset=at)


def _unpack(data: bytes, count: int, fill: int) -> list[int]:
    bits = int.from_bytes(data, "little") >> fill
    return [bits >> 7 * place & 0x7F for place in range(count)]


def _pack(septets: list[int], fill: int) -> bytes:
    bits = sum(septet << 7 * place for place, septet in enumerate(septets)) << fill
    return bits.to_bytes((len(septets) * 7 + fill + 7) // 8, "little")


def _characters(septets: list[int]) -> str:
    found, escaped = [], False
    for septet in septets:
        if septet == _ESCAPE and not escaped:
            escaped = True
            continue
        found.append(_MORE.get(septet, _BASIC[septet]) if escaped else _BASIC[septet])
        escaped = False
    return "".join(found)


def _septets(text: str) -> list[int] | None:
    """The text in the default alphabet, None where it does not fit."""
    found: list[int] = []
    for character in text:
        if character in _MORE_BACK:
            found += [_ESCAPE, _MORE_BACK[character]]
        elif character in _BASIC and character != "\x1b":
            found.append(_BASIC.index(character))
        else:
            return None
    return found


def _cut_septets(septets: list[int], room: int) -> list[list[int]]:
    pieces = []
    while septets:
        # An escape and what it means are not torn apart.
        end = room - 1 if len(septets) > room and septets[room - 1] == _ESCAPE else room
        pieces.append(septets[:end])
        septets = septets[end:]
    return pieces


def _cut_units(units: bytes, room: int) -> list[bytes]:
    pieces = []
    while units:
        end = room - room % 2
        # Nor are the two halves of a character.
        if len(units) > end and 0xD8 <= units[end - 2] <= 0xDB:
            end -= 2
        pieces.append(units[:end])
        units = units[end:]
    return pieces
