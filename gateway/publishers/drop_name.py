"""File names of the 12379 interface, and whether they say the same as what is inside (platform.md 8.1).

``单位_时间_事件_级别_状态.XML``, such as ``33000041600000_20121025091026_11B01_BLUE_ALERT.XML``: sender (14 digits),
time of entry in 北京时间, event type, severity, kind. A file whose name and content disagree was mixed up on its way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.domain.rules import broken, shown
from gateway.domain.warning import Severity, Warning, WarningKind
from gateway.domain.zone import BEIJING
from gateway.errors import Violation
from gateway.publishers.cap_cn import SEVERITIES

_NAME = re.compile(
    r"(\d{14})_(\d{14})_([0-9A-Z]{5})_(RED|ORANGE|YELLOW|BLUE|UNKNOWN)_(ALERT|UPDATE|CANCEL|ACK|ERROR)\.XML", re.ASCII
)
_IN_IDENTIFIER = re.compile(r"\d{14}_(\d{14})(?:_|\Z)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DropName:
    """What a file name says; ``time`` as its 14 digits."""

    sender: str
    time: str
    event: str
    severity: Severity
    kind: WarningKind


def read_name(name: str) -> DropName | None:
    """What a file name of the interface says, whatever its case; None for every other name."""
    match = _NAME.fullmatch(name.upper())
    if match is None:
        return None
    kind = WarningKind(match[5].capitalize())
    return DropName(match[1], match[2], match[3], SEVERITIES[match[4].lower()], kind)


def check_name(name: str, warning: Warning) -> tuple[Violation, ...]:
    """What of a file name is wrong, or other than in the warning inside: code ``file_name``, or ``name_mismatch``.

    The time may be that of the identifier or of sending: real files carry the first. A Cancel may leave out event and
    severity inside.
    """
    said = read_name(name)
    if said is None:
        return (
            broken(
                "file",
                "file_name",
                f"文件名 {shown(name)} 不是 单位_时间_事件_级别_状态.XML",
                "the file name is not SENDER14_TIME14_EVENT_SEVERITY_KIND.XML",
            ),
        )
    entered = _IN_IDENTIFIER.match(warning.identity.identifier)
    times = {f"{warning.identity.sent.astimezone(BEIJING):%Y%m%d%H%M%S}", *(entered.groups() if entered else ())}
    bare = warning.kind is WarningKind.CANCEL and not warning.event_text
    found = [
        ("sender", said.sender, warning.identity.sender, said.sender == warning.identity.sender),
        ("time", said.time, " ".join(sorted(times)), said.time in times),
        ("event", said.event, warning.event_text, bare or said.event == (warning.event or "")),
        ("severity", said.severity.label, warning.severity.label, bare or said.severity is warning.severity),
        ("kind", str(said.kind), str(warning.kind), said.kind is warning.kind),
    ]
    return tuple(
        broken(
            f"file/{what}",
            "name_mismatch",
            f"文件名写 {in_name}，内容是 {shown(inside)}",
            f"the file name says {in_name}, the content {shown(inside)}",
        )
        for what, in_name, inside, agree in found
        if not agree
    )
