"""Spans 字段: the words of an area description, what each means, and by which rule (docs/areas.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode


class Rule(StrEnum):
    """Why words mean the divisions that they are taken for."""

    NAME = "name"
    PARENT = "parent"
    INHERITED = "inherited"
    SENDER = "sender"
    WHOLE = "whole"
    KINDS = "kinds"
    ZONE = "zone"
    REGION = "region"
    WIDER = "wider"
    EXCEPTED = "excepted"


class Doubt(StrEnum):
    """Why words are left to a person."""

    UNKNOWN = "unknown_words"
    AMBIGUOUS = "ambiguous"
    NEEDS_PARENT = "needs_parent"
    NOT_INSIDE = "not_inside"
    VAGUE = "vague_extent"
    REGION = "no_table_of_region"
    KINDS = "not_all_kinds"
    OPEN = "open_list"
    COUNT = "count_differs"
    SHARED = "shared_qualifier"
    MINISTRY = "ministry_only"
    ELSEWHERE = "elsewhere"
    CODE = "code_differs"
    EXCEPTION = "unclear_exception"
    LENGTH = "too_long"


#: What to say of each doubt: Chinese, English.
DOUBTS = {
    Doubt.UNKNOWN: ("含有不能识别的文字", "holds words that are not understood"),
    Doubt.AMBIGUOUS: ("多个区划同名，上下文不能区分", "several divisions bear the name, and nothing tells which"),
    Doubt.NEEDS_PARENT: ("未写明所属县或乡镇", "needs the county or township that it lies in"),
    Doubt.NOT_INSIDE: ("不在所写的上级区划内", "does not lie inside the division named before it"),
    Doubt.VAGUE: ("范围不确定", "says no certain extent"),
    Doubt.REGION: ("没有资料列明这一区域包括哪些区划", "no table lists the divisions of this region"),
    Doubt.KINDS: ("该处还有其他类型的区划，未写明是否包括", "there are divisions of other kinds too: are they meant?"),
    Doubt.OPEN: ("“等”之后还指哪些区划未写明", "the list is open: what else is meant is not said"),
    Doubt.COUNT: ("个数与所列不符", "the number differs from what is listed"),
    Doubt.SHARED: ("后面或前面的限定词可能也限定它", "a qualifier beside it may concern it too"),
    Doubt.MINISTRY: (
        "民政部有此名称，统计局代码表没有",
        "a name in the ministry's (MCA) table, not in the bureau's (NBS)",
    ),
    Doubt.ELSEWHERE: ("在外省", "lies in another province"),
    Doubt.CODE: ("括号内代码与名称不一致", "the code beside the name is of another division"),
    Doubt.EXCEPTION: ("除外的范围不清楚", "what is excepted from what is not clear"),
    Doubt.LENGTH: ("描述过长，其余未读", "the description is too long; the rest was not read"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` to ``end`` of a description, ``words``.

    ``rule`` is set where they are resolved to ``codes``, ``doubt`` where a person decides and ``codes`` are only
    what they may mean.
    """

    start: int
    end: int
    words: str
    codes: tuple[AreaCode, ...]
    rule: Rule | None = None
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a description says: ``codes`` are the divisions of its resolved spans, exceptions taken out, none nested.

    While any span is in doubt they are a proposal to a person, never an address.
    """

    text: str
    spans: tuple[Span, ...]
    codes: tuple[AreaCode, ...]

    @property
    def doubts(self) -> tuple[Span, ...]:
        """Spans that a person must decide; what lies in other provinces is certainly none of ours."""
        return tuple(span for span in self.spans if span.doubt and span.doubt is not Doubt.ELSEWHERE)

    @property
    def certain(self) -> bool:
        """Whether every word is understood, and names something."""
        return bool(self.codes) and not self.doubts

    @property
    def elsewhere(self) -> bool:
        """Whether all that it names lies in other provinces."""
        return bool(self.spans) and all(span.doubt is Doubt.ELSEWHERE for span in self.spans)


def reading_json(reading: Reading) -> dict[str, Any]:
    """A reading as it is kept with its warning: the text, its spans, and the divisions taken."""
    return {
        "text": reading.text,
        "spans": [
            {
                "start": span.start,
                "end": span.end,
                "words": span.words,
                "rule": span.rule.value if span.rule else None,
                "doubt": span.doubt.value if span.doubt else None,
                "codes": list(map(str, span.codes)),
            }
            for span in reading.spans
        ],
        "codes": list(map(str, reading.codes)),
    }


def because(doubt: str | None) -> str:
    """A doubt in words, Chinese and English; empty for none."""
    return " ".join(DOUBTS[Doubt(doubt)]) if doubt else ""


def names_of(codes: Iterable[AreaCode], gazetteer: Gazetteer, most: int = 3) -> str:
    """Full names of some divisions, for people."""
    found = list(codes)
    more = "…" if len(found) > most else ""
    return "、".join(gazetteer.full_name(code) for code in found[:most]) + more
