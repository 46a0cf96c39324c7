"""Rules of the mapping 映射规则: each choice between a warning and its message by a number; docs/mapping.md lists them.

``python -m gateway.publishers.mapping_rules`` writes the list of the page anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path("docs/mapping.md")
BEGIN: Final = "<!-- list: python -m gateway.publishers.mapping_rules -->"
END: Final = "<!-- end of list -->"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it takes from CAP, from our JSON form, what it gives, and how."""

    id: str
    cap: str
    json: str
    gives: str
    words: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule at work on one warning: what was there, and what came of it."""

    rule: str
    given: str
    result: str


RULES: Final = (
    Rule(
        "M01",
        "status",
        "status",
        "广播类型 class",
        "Actual → 4 应急; Exercise → `[dispatch] exercise_class`; Test → 1; others 422",
    ),
    Rule(
        "M02",
        "msgType",
        "kind",
        "新消息、取代、停播",
        "Alert new; Update takes the place of what `references` name; Cancel ends it",
    ),
    Rule(
        "M03",
        "scope",
        "scope",
        "是否播发",
        "Public only; others 422 `scope_not_public`",
    ),
    Rule(
        "M04",
        "secClassification",
        "—",
        "是否播发",
        "None only; Inner 422 `restricted`",
    ),
    Rule(
        "M05",
        "info/eventCode, eventType, event",
        "event",
        "事件类型 EventType",
        "a code unchanged; else its name; unknown 11111, notice",
    ),
    Rule(
        "M06",
        "info/severity",
        "severity",
        "级别",
        "Red/Extreme 1, Orange/Severe 2, Yellow/Moderate 3, Blue/Minor 4, else 0",
    ),
    Rule(
        "M07",
        "onset, effective",
        "onset, effective",
        "开始",
        "the later of now and onset, else effective",
    ),
    Rule(
        "M08",
        "expires",
        "expires",
        "停播时间",
        "the earlier of expires and start + `[air_time]` of the level",
    ),
    Rule(
        "M09",
        "info/language",
        "language",
        "语种",
        "zh preferred, else the first that says anything; as GB/T 4880.2",
    ),
    Rule(
        "M10",
        "info/headline",
        "headline",
        "标题",
        "headline, else event, else the first 40 characters of the text",
    ),
    Rule(
        "M11",
        "code/method[SPEAKER]/message, description, instruction",
        "speech, text, instruction",
        "播读文字",
        "loudspeaker text, else description and instruction, else headline; all of that language",
    ),
    Rule(
        "M12",
        "—",
        "—",
        "播读文字长度",
        "cut after whole sentences at 2,000 characters, notice `text_cut`",
    ),
    Rule(
        "M13",
        "info/senderName, sender",
        "sender_name, sender",
        "SenderName",
        "senderName, else sender",
    ),
    Rule(
        "M14",
        "area/geocode",
        "areas/code",
        "区划",
        "14 digits → 12; the name beside must agree; codes under others left out",
    ),
    Rule(
        "M15",
        "area/polygon, circle",
        "polygons, circles",
        "区划",
        "only without codes: counties that the shape meets",
    ),
    Rule(
        "M16",
        "area/areaDesc",
        "areas/name",
        "区划",
        "only without codes and shapes: read as words, docs/areas.md; in doubt a person",
    ),
)
_BY_ID: Final = {rule.id: rule for rule in RULES}


def decision(rule: str, given: object, result: object) -> Decision:
    """A rule at work. Errors: KeyError for a number that no rule has."""
    return Decision(_BY_ID[rule].id, str(given)[:200], str(result)[:200])


def listing() -> str:
    """The rules as Markdown."""
    lines = ["| 规则 rule | CAP, 12379 | JSON | 得 gives | 如何 how |", "|---|---|---|---|---|"]
    lines += [f"| {one.id} | {one.cap} | {one.json} | {one.gives} | {one.words} |" for one in RULES]
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with the list of today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{listing()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
