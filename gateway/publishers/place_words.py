"""Vocabulary of area descriptions 区域描述: the words beside names that this gateway understands, and no others.

What is not here is not understood, and a person decides (docs/areas.md). So words are added only where their meaning is
certain: 解除, 不影响 or 至 must never become words to pass over.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a piece of a description is."""

    NAME = "name"
    ZONE = "zone"
    HOME = "home"
    ELSEWHERE = "elsewhere"
    MINISTRY = "ministry"
    WHOLE = "whole"
    EACH = "each"
    REGION = "region"
    VAGUE = "vague"
    OPEN = "open"
    COUNT = "count"
    NOISE = "noise"
    NEUTRAL = "neutral"
    GROUND = "ground"
    BREAK = "break"
    LIST = "list"
    SPACE = "space"
    COLON = "colon"
    LEFT = "left"
    RIGHT = "right"
    EXCEPT = "except"
    OUT = "out"
    EXCLUDE = "exclude"
    INCLUDE = "include"
    CODE = "code"
    UNKNOWN = "unknown"
    #: made by the splitter: what stands in brackets, what is excepted
    GROUP = "group"
    EXCEPTION = "exception"


_COUNTIES: Final = r"县[（(]市[、,，/]?区[）)]|县、?市、?区|县[（(]区[）)]|县区|县[（(]市[）)]|县市|市县|县|区"
_TOWNSHIPS: Final = (
    r"乡镇[（(]街道[）)]|乡[（(]镇[、,，]?街道[）)]|乡、?镇、?街道|镇[（(]街道[）)]|镇街道?|街镇|镇、街道"
    r"|乡镇|乡[（(]镇[）)]|街道|镇|乡"
)
_VILLAGES: Final = r"行政村|村[（(](?:社区|居)[）)]|村、?社区|村居|村|社区"
_BELOW: Final = f"(?:{_COUNTIES}|{_TOWNSHIPS}|{_VILLAGES})"
_HAZARDS: Final = (
    "台风|暴雨|暴雪|寒潮|大风|沙尘暴|高温|干旱|雷电|雷暴大风|雷雨大风|冰雹|霜冻|大雾|霾|道路结冰|强对流|海浪|风暴潮|洪水|山洪灾害"
    "|山洪|地质灾害气象风险|地质灾害|森林火险|地震"
)
_DAYTIME: Final = "凌晨|早晨|上午|中午|下午|傍晚|夜间|夜里|白天|上半夜|下半夜"
_NUMBER: Final = r"(?:[0-9]{1,3}|[一二两三四五六七八九十]{1,3})"

#: Kinds with their patterns, the first that matches counts; none of them matches nothing.
_PATTERNS: Final = (
    (
        Kind.NOISE,
        rf"未来{_NUMBER}(?:[-—~至到]{_NUMBER})?个?(?:小时|天)内?"
        rf"|(?:今天|明天|后天|今晚|明晚|今日|明日)(?:到(?:今天|明天|后天))?(?:{_DAYTIME})?"
        rf"|(?:[0-9]{{4}}年)?(?:[0-9]{{1,2}}月)[0-9]{{1,2}}日(?:[0-9]{{1,2}}[时点](?:[0-9]{{1,2}}分)?)?(?:{_DAYTIME})?|{_DAYTIME}"
        rf"|(?:{_HAZARDS})?(?:红色|橙色|黄色|蓝色)(?:预警)?(?:信号)?|(?:{_HAZARDS})预警(?:信号)?"
        r"|(?:预警|受?影响|发布|播发|落区|覆盖|适用)(?:区域|范围|地区)|预计",
    ),
    (Kind.EACH, rf"(?:所辖|下辖)?(?:各|所有|全部)(?:{_BELOW})|市辖区"),
    (Kind.NEUTRAL, "境内|全境|全域|行政区域内?|范围内?|办事处|的"),
    (Kind.GROUND, "辖区(?:范围)?内?"),
    (Kind.WHOLE, "全(?:市|县|区|镇|乡|省|街道)"),
    (Kind.HOME, "[我本](?:市|县|区|镇|乡|省|街道)"),
    (
        Kind.REGION,
        "(?:(?:[中东西南北]|东南|东北|西南|西北|中南|中北|中东|中西)部|沿海|内陆|山区|平原|沿江|沿河|沿岸|城区|市区|郊区|库区|海岛)"
        rf"(?:的?各?(?:{_BELOW})|地区|区域)?",
    ),
    (
        Kind.VAGUE,
        "(?:大部分?|部分|局部|局地|个别|少数|多数|一带|附近|周边|周围|邻近|毗邻|交界处?|之间|沿线|上游|中游|下游|流域)"
        rf"(?:的?(?:{_BELOW})|地区|区域|一带|地方)?|地区|至|到",
    ),
    (Kind.COUNT, rf"(?:等|共)?{_NUMBER}个?{_BELOW}"),
    (Kind.OPEN, rf"等等?(?:地区?|区域|{_BELOW})?"),
    (Kind.EXCEPT, "除了?(?!外)"),
    (Kind.OUT, "以外|之外|除外|外"),
    (Kind.EXCLUDE, "不含|不包括|不包含"),
    (Kind.INCLUDE, "包括|包含|含"),
    (Kind.CODE, r"(?<![0-9])(?:[0-9]{12}|[0-9]{9}|[0-9]{6})(?![0-9])"),
    (Kind.LIST, "[、,，/|｜]|以及|及|和|与|暨"),
    (Kind.BREAK, r"[;；。！!\n\r]"),
    (Kind.COLON, "[:：]"),
    (Kind.SPACE, r"[ \t\xa0\u3000]+"),
    (Kind.LEFT, r"[（(【\[]"),
    (Kind.RIGHT, r"[）)】\]]"),
)
_PATTERN: Final = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS))

#: Characters that a word of the vocabulary may begin with.
FIRSTS: Final = frozenset(
    "辖未今明后凌早上中下傍夜白红橙黄蓝预受影发播落覆适所各全部市境行范办的我本东西南北沿内山平城郊库海大局个少多一附周邻毗交之流地"
    "至到等共二两三四五六七八九十除以外不包含、,，/|｜及和与暨;；。！!\n\r:： \t\xa0\u3000（(【[）)】]0123456789"
    + _HAZARDS.replace("|", "")
)

_KINDS_OF_PLACES: Final = """
码头 水口 港口 渡口 河口 山口 江口 山腰 山下 江南 江北 河东 河西 海滨 湖滨 滨海 滨江 滨河 临江 临海 临港
东海 南海 东湖 西湖 南湖 北湖 龙湖 外山 中山 中心
城东 城西 城南 城北 城中 城厢 城郊 城关 新城 老城 东城 西城 南城 北城 东门 西门 南门 北门 东关 西关 西滨
"""
#: Words for a kind of place that are townships' names too: without 镇 or 街道 behind them (南安市码头, 泉港区山腰) they
#: may be any wharf or hillside.
EVERYDAY: Final = frozenset(_KINDS_OF_PLACES.split())

_NUMERALS: Final = {c: n for n, c in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_NOT_A_KIND: Final = re.compile(r"[（()）、,，/的各]|地区|区域")


def word_at(text: str, at: int) -> tuple[Kind, int] | None:
    """Kind and end of the word of the vocabulary that begins at character ``at``."""
    found = _PATTERN.match(text, at)
    return (Kind(str(found.lastgroup)), found.end()) if found else None


def kinds_of(words: str) -> str:
    """Which kinds of division a collective word names, each by one character: 市县区, 镇乡街, or 村社."""
    if any(kind in words for kind in "镇乡街"):
        return "".join(kind for kind in "镇乡街" if kind in words)
    if "村" in words or "社区" in words:
        # 村居, 村（社区）: both; 村 alone: only those
        both = "居" in words or ("村" in words and "社" in words)
        return "村社" if both else "村" if "村" in words else "社"
    return "".join(kind for kind in "市县区" if kind in words)


def number_of(words: str) -> int:
    """The number in a counting word such as 等6个乡镇 or 三县; 0 when it is not understood."""
    digits = "".join(c for c in words if c.isascii() and c.isdigit())
    if digits:
        return int(digits)
    numerals = [_NUMERALS[c] for c in words if c in _NUMERALS]
    if len(numerals) == 1:
        return numerals[0]
    if len(numerals) == 2 and 10 in numerals:
        return sum(numerals) if numerals[0] == 10 else numerals[0] * 10 if numerals[1] == 10 else 0
    return numerals[0] * 10 + numerals[2] if len(numerals) == 3 and numerals[1] == 10 else 0


def region_key(words: str) -> str:
    """A region's words as the table of regions has them: 沿海各乡镇 and 沿海的乡镇 are 沿海乡镇."""
    return _NOT_A_KIND.sub("", words)
