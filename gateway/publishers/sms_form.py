"""The form of a warning in a short message 短信格式: words with spaces between, the text last.

    预警 暴雨 橙色 安溪县凤城镇、湖头镇 2小时 请注意防范。
    演练 台风 蓝色 安溪县 30分钟 这是演练。
    解除 0012

Nothing is guessed: what does not fit is refused with the place that is wrong.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.domain.rules import broken
from gateway.errors import WarningInvalid
from gateway.publishers.event_words import event_of_words

_KINDS: Final = {"预警": "Actual", "演练": "Exercise"}
CANCEL: Final = "解除"
_LEVELS: Final = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue"}
_LEVEL: Final = re.compile(r"([红橙黄蓝])色?(?:预警)?\Z")
_LASTS: Final = re.compile(r"(\d{1,4})(小时|分钟|h|min)\Z")
_NUMBER: Final = re.compile(r"\d{4}\Z")
_LONGEST: Final = timedelta(hours=24)
FORM: Final = "格式 form: 预警|演练 事件 级别 区域 时长 正文，或 or 解除 编号"


@dataclass(frozen=True, slots=True)
class Said:
    """What a short message says: ``form`` is our JSON form of a warning; ``cancels`` the four digits of a message."""

    form: dict[str, Any]
    headline: str
    cancels: str = ""

    @property
    def body(self) -> bytes:
        """As a body of JSON."""
        return json.dumps(self.form, ensure_ascii=False).encode()


def identity_of(number: str, sent: datetime, text: str) -> str:
    """The identifier of a message: the same for the same message, however often it is read."""
    words = f"{number}\n{sent.isoformat()}\n{text}"
    return f"sms-{hashlib.sha256(words.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def read_sms(number: str, sent: datetime, text: str) -> Said:
    """Understand a message. Errors: WarningInvalid, naming the first place that does not fit."""
    words = text.split(None, 5)
    head = {"sender": f"sms:{number}", "identifier": identity_of(number, sent, text), "sent": sent.isoformat()}
    if words and words[0] == CANCEL:
        if len(words) != 2 or _NUMBER.match(words[1]) is None:
            raise _wrong("编号", "解除后为四位编号", "four digits of the message follow")
        return Said({**head, "kind": "Cancel", "status": "Actual"}, "", words[1])
    if not words or words[0] not in _KINDS:
        raise _wrong("类别", "以 预警、演练 或 解除 开头", "begins with 预警, 演练 or 解除")
    if len(words) < 6:
        raise _wrong("格式", FORM, f"{len(words)} of 6 parts are there")
    kind, event, level, areas, lasts, body = words
    if event_of_words(event) is None:
        raise _wrong("事件", f"不认识 {event[:20]}", "not a known event")
    found = _LEVEL.match(level)
    if found is None:
        raise _wrong("级别", "红、橙、黄、蓝", "one of 红 橙 黄 蓝")
    span = _LASTS.match(lasts)
    minutes = 0 if span is None else int(span[1]) * (60 if span[2] in ("小时", "h") else 1)
    if not timedelta(0) < timedelta(minutes=minutes) <= _LONGEST:
        raise _wrong("时长", "如 2小时、30分钟，不超过24小时", "such as 2小时 or 30分钟, at most 24 hours")
    headline = f"{event}{found[1]}色预警"
    form = {
        **head,
        "kind": "Alert",
        "status": _KINDS[kind],
        "event": event,
        "severity": _LEVELS[found[1]],
        "headline": headline,
        "text": body.strip(),
        "areas": [{"name": areas}],
        "expires": (sent + timedelta(minutes=minutes)).isoformat(),
    }
    return Said(form, headline)


def _wrong(place: str, rule: str, english: str) -> WarningInvalid:
    return WarningInvalid(broken(place, "sms_form", f"{place}：{rule}", english))
