"""Chinese text as it is said 中文读法: every figure, unit, date, time, telephone number and range in Han characters.

Rules go in a fixed order, from the most particular to the plain number; what one rule has said holds no digits and is
left alone by those behind it. Latin words stay as they are: another voice says them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gateway.programmes.numerals import cardinal, digits

_N: Final = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_TO: Final = r"\s*(?:~|～|〜|—+|–|-|−|至|到)\s*"
#: Latin unit → as it is said, longest first; a unit counts only right behind a figure.
_UNITS: Final = {
    "km/h": "公里每小时", "mm/h": "毫米每小时", "mm/d": "毫米每天", "m3/s": "立方米每秒", "m/s": "米每秒",
    "km2": "平方公里", "hm2": "公顷", "m2": "平方米", "m3": "立方米", "°C": "摄氏度", "hPa": "百帕", "kPa": "千帕",
    "MPa": "兆帕", "kV": "千伏", "kW": "千瓦", "kg": "公斤", "km": "公里", "cm": "厘米", "mm": "毫米", "min": "分钟",
    "dB": "分贝", "Hz": "赫兹",
    "ha": "公顷", "h": "小时", "m": "米", "s": "秒", "t": "吨", "g": "克", "L": "升", "°": "度",
}  # fmt: skip
_UNIT: Final = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_HAN_UNIT: Final = r"(?:毫米|厘米|分米|公里|千米|米|公顷|亩|吨|公斤|千克|度|级|摄氏度)"
#: Short numbers of the emergency and public services, always said digit by digit unless something is counted with them.
_HOTLINES: Final = r"(?:12379|12345|12350|12369|12395|12315|12328|12306|12122|12121|12119|12110|95598|96\d{3}|955\d{2})"
#: These are also plain numbers: telephones only where the words around them say so.
_SHORT: Final = r"(?:110|112|114|117|119|120|121|122|999)"
_PHONE_WORD: Final = r"(?:电话|热线|拨打|致电|拨|呼叫|报警|求助|号码|联系|客服|请打)"
_COUNTED: Final = (
    r"(?!\s*(?:[人名户个只头台辆艘座处条次场万千百亿元级度年月日时分秒天倍]"
    r"|毫米|厘米|公里|千米|平方|立方|米|公顷|亩|吨|公斤|%|[A-Za-z°/.:]))"
)
#: Behind a lone 2 these make it 两.
_MEASURED: Final = (
    r"(?=\s*(?:个|人次|名|户|处|座|艘|条|小时|分钟|天|次|倍|辆|棵|间|公里|千米|米(?!秒)|吨|头|只|场|家|支|架"
    r"|年内|年来|周|位|人(?!民)))"
)
_COUNTING: Final = re.compile(_MEASURED)

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def _year(match: re.Match[str]) -> str:
    return "到".join(digits(year) for year in re.findall(r"\d{4}", match[0])) + "年"


def _day(match: re.Match[str]) -> str:
    return f"{digits(match[1])}年{cardinal(match[2])}月{cardinal(match[3])}日"


def _clock(hours: str, minutes: str, seconds: str | None = None, word: str = "点") -> str:
    said = cardinal(hours) + word
    if int(minutes) == 0 and not seconds:
        return said + ("整" if word == "点" else "")
    said += ("零" if len(minutes) == 2 and 0 < int(minutes) < 10 else "") + cardinal(minutes) + "分"
    return said + (cardinal(seconds) + "秒" if seconds else "")


def _signed(sign: str, number: str, unit: str) -> str:
    below = "零下" if unit in ("摄氏度", "度") else "负"
    return (below if sign else "") + (number if number == "两" else cardinal(number))


def _amount(match: re.Match[str]) -> str:
    """One figure, or two as a range, with its unit."""
    unit = _UNITS.get(match["unit"], match["unit"])
    second = "" if match["n2"] is None else f"到{_signed(match['s2'], _two(match, 'n2'), unit)}"
    return _signed(match["s1"], _two(match, "n1"), unit) + second + unit


def _two(match: re.Match[str], group: str) -> str:
    """The figure in ``group``; 2 is 两 where things are counted or measured: 一到两天."""
    counted = match["n2"] is not None and _COUNTING.match(match.string, match.start("unit"))
    return "两" if counted and match[group] == "2" else match[group]


def _percent(match: re.Match[str]) -> str:
    word = "百分之" if match["unit"] == "%" else "千分之"
    second = "" if match["n2"] is None else f"到{word}{cardinal(match['n2'])}"
    return ("负" if match["s1"] else "") + word + cardinal(match["n1"]) + second


def _road(match: re.Match[str]) -> str:
    return f"{match[1]} {digits(match[2], telephone=True)}"


def _phone(match: re.Match[str]) -> str:
    return "，".join(digits(part, telephone=True) for part in re.split(r"[^\d]+", match[0]) if part)


def _phones_behind_word(match: re.Match[str]) -> str:
    return match[1] + re.sub(r"\d+", lambda m: digits(m[0], telephone=True), match[2])


_ROMAN: Final = {"I": "一", "II": "二", "III": "三", "IV": "四"}
_SIGNS: Final = {"≥": "大于等于", "≤": "小于等于", "＞": "大于", "＜": "小于", "×": "乘", "±": "正负"}
_FIGURE: Final = rf"(?P<s1>(?<![\d\w])[-−]|(?<=[\u4e00-\u9fff])[-−])?(?P<n1>(?<![\d.]){_N})"


def _rule(pattern: str, said: Callable[[re.Match[str]], str]) -> Rule:
    return re.compile(pattern), said


_RULES: Final[tuple[Rule, ...]] = (
    _rule(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", _day),
    _rule(rf"(?<!\d)\d{{4}}(?:年?{_TO}\d{{4}})?年", _year),
    _rule(
        rf"(?<!\d)(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?{_TO}(\d{{1,2}}):(\d{{2}})(?!\d)",
        lambda m: f"{_clock(m[1], m[2], m[3])}到{_clock(m[4], m[5])}",
    ),
    _rule(r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2}))?(?!\d)", lambda m: _clock(m[1], m[2], m[3])),
    _rule(r"(?<!\d)(\d{1,2})([时点])(\d{1,2})分(?:(\d{1,2})秒)?", lambda m: _clock(m[1], m[3], m[4], m[2])),
    _rule(r"(?<=[年月日时分点号整])\s*(?:[~～〜–-]|—+)\s*(?=[\d零一二三四五六七八九十])", lambda m: "到"),
    _rule(r"(?<!\d)(?:0\d{2,3}[- ]?\d{7,8}|[48]00-?\d{3}-?\d{4}|1[3-9]\d{9})(?!\d)", _phone),
    _rule(rf"(?<![\d.]){_HOTLINES}(?!\d){_COUNTED}", _phone),
    _rule(
        rf"({_PHONE_WORD}[^\d\n。；;]{{0,6}})((?<!\d){_SHORT}(?:[、,，或和]{_SHORT})*)(?!\d){_COUNTED}",
        _phones_behind_word,
    ),
    _rule(rf"({_PHONE_WORD}[:： ]{{0,2}})(\d{{7,12}}(?:[、,，或和]\d{{7,12}})*)(?!\d)", _phones_behind_word),
    _rule(rf"(?<![\d.]){_SHORT}(?=(?:报警|求助|急救|火警|热线|电话|指挥中心))", _phone),
    _rule(r"(?<![A-Za-z])([GSXY])(\d{2,4})(?![\dA-Za-z])", _road),
    _rule(r"(?<![A-Za-z])(IV|I{1,3})(?=\s*[级类])", lambda m: _ROMAN[m[1]]),
    _rule(rf"{_FIGURE}(?:[%‰]?{_TO}(?P<n2>{_N}))?(?P<unit>[%‰])", _percent),
    _rule(
        rf"{_FIGURE}(?:(?:{_UNIT}|{_HAN_UNIT})?{_TO}(?P<s2>[-−])?(?P<n2>{_N}))?\s*(?P<unit>{_UNIT})(?![A-Za-z])",
        _amount,
    ),
    _rule(
        rf"{_FIGURE}(?:(?:{_UNIT}|{_HAN_UNIT})?{_TO}(?P<s2>[-−])?(?P<n2>{_N}))\s*(?P<unit>[\u4e00-\u9fff]?)", _amount
    ),
    _rule(rf"(?<![\d\w])[-−]({_N})(?=\s*(?:摄氏度|度))|(?<=[\u4e00-\u9fff])[-−]({_N})(?=\s*(?:摄氏度|度))",
          lambda m: "零下" + cardinal(m[1] or m[2])),
    _rule(r"(?<![\d./])(\d{1,3})/(\d{1,3})(?![\d/])", lambda m: f"{cardinal(m[2])}分之{cardinal(m[1])}"),
    _rule(rf"(?<![\d.第])2{_MEASURED}", lambda m: "两"),
    _rule(r"(?<![\d.,])(?:0\d+(?=\D|$)(?![月日时点号分秒]|\.)|\d{17,})", lambda m: digits(m[0])),
    _rule(r"(?:(?<=第)|(?<=台风))\d{4}(?=号)|(?<!\d)\d{4}(?=号(?:强|超强)?(?:台风|热带))", lambda m: digits(m[0])),
    _rule(rf"(?<![\d\w])[-−]({_N})", lambda m: "负" + cardinal(m[1])),
    _rule(_N, lambda m: cardinal(m[0])),
    _rule(r"(?<=[米里吨克升度伏瓦])/(?=[秒时分小天日年])", lambda m: "每"),
    _rule("|".join(_SIGNS), lambda m: _SIGNS[m[0]]),
)  # fmt: skip


def said(text: str) -> str:
    """``text`` (already clean) with every figure in words; no digit is left in it."""
    for pattern, words in _RULES:
        text = pattern.sub(words, text)
    return text
