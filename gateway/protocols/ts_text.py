"""Text for transport stream receivers: which character set it goes out in (GD/J 086-2018 10.2, table 5).

Every receiver reads GB 2312; GB 18030 is optional, so the characters that ask for it are named to the sender.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.domain.warning import Notice
from gateway.errors import InvalidValueError

GB2312, GB18030, UCS2 = 0, 1, 2
#: How many of the characters outside GB 2312 a notice names.
_NAMED = 20


class Encoded(NamedTuple):
    """Texts in one character set, and what the sender should know of it."""

    charset: int
    texts: tuple[bytes, ...]
    notice: Notice | None


def _gb2312(char: str) -> bytes | None:
    """Return one character in GB 2312, or None.

    Python's table maps two common signs of Chinese texts (— and ·) to rarer look-alikes; GB 18030 has them at the same
    places of GB 2312 under their usual names, so it is asked first.
    """
    raw = char.encode("gb18030")
    try:
        raw.decode("gb2312")
    except UnicodeDecodeError:
        try:
            return char.encode("gb2312")
        except UnicodeEncodeError:
            return None
    return raw


def encode(*texts: str) -> Encoded:
    """Write ``texts`` in GB 2312 if all of them can be, else in GB 18030 with a notice that names the characters.

    Raises InvalidValueError for what is no character.
    """
    try:
        whole = tuple(text.encode("gb18030") for text in texts)
    except UnicodeEncodeError as error:
        raise InvalidValueError("text", ascii(error.object[error.start]), "is no character of GB 18030") from None
    parts = [[_gb2312(char) for char in text] for text in texts]
    if all(part is not None for text in parts for part in text):
        return Encoded(GB2312, tuple(b"".join(filter(None, text)) for text in parts), None)
    missing = [
        char
        for text, found in zip(texts, parts, strict=True)
        for char, part in zip(text, found, strict=True)
        if part is None
    ]
    named = list(dict.fromkeys(missing))
    more = f" … (+{len(named) - _NAMED})" if len(named) > _NAMED else ""
    characters = " ".join(f"{char} U+{ord(char):04X}" for char in named[:_NAMED]) + more
    return Encoded(
        GB18030,
        whole,
        Notice(
            "ts_charset",
            f"文本含 GB 2312 以外的字符 {characters}，按 GB 18030 播发，部分终端可能无法显示 / "
            f"characters outside GB 2312: {characters}; sent in GB 18030, which some receivers cannot show",
        ),
    )


def decode(raw: bytes, charset: int) -> str | None:
    """Return ``raw`` as text; None where it is none, or of a set without a table here (3 Uighur, 4 Tibetan)."""
    codec = {GB2312: "gb18030", GB18030: "gb18030", UCS2: "utf-16-be"}.get(charset)
    if codec is None:
        return None
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None
