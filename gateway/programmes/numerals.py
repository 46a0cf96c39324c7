"""Numbers in Mandarin words 数字读法: cardinals, decimals, and digits one by one."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = "零一二三四五六七八九"
_PLACES: Final = ("", "十", "百", "千")
_GROUPS: Final = ("", "万", "亿", "万亿")
#: Beyond so many digits nobody hears a number any more; it is read digit by digit.
_LONGEST: Final = 16


def digits(text: str, *, telephone: bool = False) -> str:
    """Digits one by one; ``telephone`` says 幺 for 1, as on every hotline. Other characters are left out."""
    said = "".join(_DIGITS[int(c)] for c in text if c.isascii() and c.isdigit())
    return said.replace("一", "幺") if telephone else said


def cardinal(text: str) -> str:
    """``12`` → 十二, ``2005`` → 两千零五, ``20000`` → 两万, ``3.50`` → 三点五零; commas of thousands do not count."""
    whole, point, fraction = text.replace(",", "").partition(".")
    if len(whole) > _LONGEST:
        return digits(text)
    said = _whole(int(whole or "0"))
    return f"{said}点{digits(fraction)}" if point and fraction else said


def _whole(number: int) -> str:
    if number == 0:
        return "零"
    said, gap = "", False
    for index in range(len(_GROUPS) - 1, -1, -1):
        part = number // 10_000**index % 10_000
        if part == 0:
            gap = bool(said)
            continue
        if said and (gap or part < 1000):
            said += "零"
        # 二 before a group is 两: 两万, 两亿.
        said += ("两" if part == 2 and index else _group(part)) + _GROUPS[index]
        gap = False
    return said.removeprefix("一") if said.startswith("一十") else said


def _group(part: int) -> str:
    said, gap = "", False
    for place in range(3, -1, -1):
        digit = part // 10**place % 10
        if digit == 0:
            gap = bool(said)
            continue
        if gap:
            said += "零"
        said += ("两" if digit == 2 and place == 3 else _DIGITS[digit]) + _PLACES[place]
        gap = False
    return said
