"""Text of RDS packets (GD/J 085-2018 table 16): which charset, how much fits, and back to characters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from gateway.errors import InvalidValueError

#: 消息文本内容 holds as many bytes at most (5.2.15).
MAX_TEXT = 255


class Charset(IntEnum):
    """编码字符集 (table 16)."""

    GB2312 = 0
    GB18030 = 1
    GB13000 = 2
    GB21669 = 3
    GB16959 = 4


#: How each is read; GB 18030 holds all of GB 2312, and some devices send GBK under that name.
_CODECS = {Charset.GB2312: "gb18030", Charset.GB18030: "gb18030", Charset.GB13000: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class EncodedText:
    """Text as it goes out: its charset, its bytes, the characters GB 2312 lacks (each once), characters cut off."""

    charset: Charset
    raw: bytes
    forced_by: tuple[str, ...] = ()
    cut: int = 0


def _in_gb2312(char: str, raw: bytes) -> bool:
    """Whether the GB 18030 bytes of ``char`` are a character of GB 2312.

    Asked of the bytes: the codec of that name refuses the dash and the middle dot of everyday Chinese text, which it
    maps to other code points than all newer charsets.
    """
    if len(raw) != 2:
        return char.isascii()
    try:
        raw.decode("gb2312")
    except UnicodeDecodeError:
        return False
    return True


def encode_text(text: str, limit: int = MAX_TEXT) -> EncodedText:
    """Encode ``text`` in GB 2312 where it holds every character, else in GB 18030, cut behind a whole character.

    ``limit`` in bytes. What is cut off does not force a charset. Raises InvalidValueError for half a surrogate pair.
    """
    parts: list[bytes] = []
    room = limit
    forced: dict[str, None] = {}
    for char in text:
        try:
            raw = char.encode("gb18030")
        except UnicodeEncodeError:
            raise InvalidValueError("text", f"U+{ord(char):04X}", "is no character (085 table 16)") from None
        if len(raw) > room:
            break
        if not _in_gb2312(char, raw):
            forced[char] = None
        parts.append(raw)
        room -= len(raw)
    charset = Charset.GB18030 if forced else Charset.GB2312
    return EncodedText(charset, b"".join(parts), tuple(forced), len(text) - len(parts))


def decode_text(charset: int, raw: bytes) -> str | None:
    """Return the characters, or None where the charset is not read here or the bytes are none of its text."""
    codec = _CODECS.get(Charset(charset)) if charset in Charset._value2member_map_ else None
    if codec is None:
        return None
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None
