"""The dialect of the national warning platform 国家突发事件预警信息发布系统 (12379) → Warning.

It looks like CAP and is not: no namespace or ``http://com.icss.amp``, ``sendTime`` without T, colours as severity,
codes in one comma list, and a text for each means of publishing. There is no schema to hold it to, so order is free and
unknown elements are passed over (platform.md 8.1).
"""

from __future__ import annotations

import re
from datetime import datetime

from lxml import etree

from gateway.domain.rules import shown
from gateway.domain.warning import (
    AreaClaim,
    Reference,
    Severity,
    Status,
    Warning,
    WarningIdentity,
    WarningKind,
    WarningText,
)
from gateway.publishers.cap import check_amounts, choice, claim_of
from gateway.publishers.elements import Node
from gateway.publishers.event_words import event_type
from gateway.publishers.findings import Findings
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.values import read_time

NAMESPACE = "http://com.icss.amp"

#: Name of the code system of its geocodes in our claims.
GEOCODE_SYSTEM = "12379"

#: The channel that is us 大喇叭.
SPEAKER = "SPEAKER"

SEVERITIES = {
    "red": Severity.RED,
    "orange": Severity.ORANGE,
    "yellow": Severity.YELLOW,
    "blue": Severity.BLUE,
    "unknown": Severity.UNKNOWN,
    "": Severity.UNKNOWN,
}

_SEPARATORS = re.compile(r"[\s,，、;；]+")


def read_cap_cn(root: etree._Element, profile: Profile, limits: Limits) -> Warning:
    """Understand a 12379 ``alert``; raise WarningInvalid with every broken rule.

    A root named ``test`` is the platform's own trial form and is always a Test.
    """
    findings = Findings(profile)
    alert = Node(root, "alert", findings, any_case=True)
    check_amounts(alert, findings, limits)
    identity = _identity(alert, findings)
    status = choice(Status, alert.required("status").capitalize(), "alert/status", findings)
    kind = choice(WarningKind, alert.required("msgType").capitalize(), "alert/msgType", findings)
    if status and etree.QName(root).localname.lower() == "test":
        status = Status.TEST
    references = _references(alert.text("references"))
    if kind is WarningKind.CANCEL and not references:
        findings.broken("alert/references", "missing", "解除缺少 references", "a Cancel must name what it cancels")
    methods = [method for code in alert.all("code") for method in code.all("method")]
    spoken = (m.text("message") for m in methods if m.text("methodName").upper() == SPEAKER)
    speech = "\n".join(dict.fromkeys(filter(None, spoken)))
    infos = alert.all("info")
    if not infos and kind in (WarningKind.ALERT, WarningKind.UPDATE):
        findings.broken("alert/info", "missing", "缺少 info", "info is missing")
    texts = tuple(_text(info, speech, findings, limits) for info in infos)
    severities = [_severity(info, findings) for info in infos]
    words = [info.text("eventType") for info in infos]
    times = {name: [_time(info, name, findings) for info in infos] for name in ("effective", "onset", "expires")}
    claims = dict.fromkeys(_claim(area, findings, limits) for info in infos for area in info.all("area"))
    findings.refuse_if_broken()
    assert identity and status and kind
    return Warning(
        identity=identity,
        status=status,
        kind=kind,
        scope=alert.text("scope").capitalize() or "Public",
        event=next((found for found in map(event_type, words) if found), None),
        event_text=words[0] if words else "",
        severity=min(severities, key=lambda s: s.rank, default=Severity.UNKNOWN),
        texts=texts,
        claims=tuple(claims),
        references=references,
        effective=min(filter(None, times["effective"]), default=None),
        onset=min(filter(None, times["onset"]), default=None),
        expires=max(filter(None, times["expires"]), default=None),
        sender_name=next((name for name in (i.text("senderName") for i in infos) if name), alert.text("sender")),
        means=tuple(dict.fromkeys(name for name in (m.text("methodName").upper() for m in methods) if name)),
        restricted=alert.text("secClassification").lower() not in ("", "none"),
        notices=findings.notices,
    )


def _identity(alert: Node, findings: Findings) -> WarningIdentity | None:
    """The sender is its 14-digit code; its name serves where there is no code."""
    identifier = alert.required("identifier")
    sender = alert.text("senderCode") or alert.text("sender")
    if not sender:
        findings.broken("alert/senderCode", "missing", "缺少 senderCode 和 sender", "senderCode and sender are missing")
    for name, value in (("identifier", identifier), ("senderCode", sender)):
        if len(value) > 256:
            findings.broken(f"alert/{name}", "too_long", f"{name} 超过 256 字符", f"{name} is over 256 characters")
    sent = read_time(alert.required("sendTime"), "alert/sendTime", findings, assume_beijing=True)
    return WarningIdentity(sender, identifier, sent) if identifier and sender and sent else None


def _references(text: str) -> tuple[Reference, ...]:
    """Bare identifiers of the first issue, in whatever list form."""
    return tuple(Reference(item) for item in dict.fromkeys(filter(None, _SEPARATORS.split(text))))


def _text(info: Node, speech: str, findings: Findings, limits: Limits) -> WarningText:
    text = WarningText(
        language=info.text("language") or "zh-CN",
        headline=info.text("headline").replace("\n", " "),
        description=info.text("description"),
        instruction=info.text("instruction"),
        speech=speech,
    )
    longest = max(len(text.description), len(text.instruction), len(speech))
    if longest > limits.text_chars:
        findings.broken(
            info.path,
            "too_long",
            f"文字超过 {limits.text_chars} 字符",
            f"a text is over {limits.text_chars} characters",
        )
    return text


def _severity(info: Node, findings: Findings) -> Severity:
    text = info.text("severity")
    found = SEVERITIES.get(text.lower())
    if found is None:
        findings.broken(
            f"{info.path}/severity",
            "bad_value",
            f"severity 的值 {shown(text)!r} 不允许",
            f"{shown(text)!r} is not one of Red, Orange, Yellow, Blue, Unknown",
        )
    return found or Severity.UNKNOWN


def _time(info: Node, name: str, findings: Findings) -> datetime | None:
    return read_time(info.text(name), f"{info.path}/{name}", findings, assume_beijing=True)


def _claim(area: Node, findings: Findings, limits: Limits) -> AreaClaim:
    codes: list[tuple[str, str]] = []
    for text in area.texts("geocode"):
        codes += [(GEOCODE_SYSTEM, item) for item in _SEPARATORS.split(text) if item]
    findings.within(f"{area.path}/geocode", "geocodes 编码", len(codes), limits.geocodes)
    return claim_of(area, codes, findings, limits)
