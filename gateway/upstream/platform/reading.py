"""What an EBM means here: areas, times, class, words and sound (platform.md 2.4, 2.5, 4.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from gateway.domain.areas import without_nested
from gateway.domain.codes import AreaCode
from gateway.domain.events import UNKNOWN_EVENT, EventType
from gateway.domain.message import EbmClass
from gateway.domain.warning import AreaClaim, Severity, Status, Warning, WarningIdentity, WarningKind, WarningText
from gateway.errors import InvalidValueError, PackageIncomplete
from gateway.protocols.platform.ebm import SOUNDS, STREAM, Auxiliary, Ebm, MsgBasicInfo, MsgContent, MsgType
from gateway.publishers.mapping import LANGUAGES

#: Types of resources that this gateway drives (080 table 4): FM, cable, terrestrial, loudspeakers, several.
_OURS: Final = frozenset({"0301", "0302", "0303", "0314", "0399"})
_CLASSES: Final = {
    MsgType.PLAY: EbmClass.EMERGENCY,
    MsgType.PLATFORM_DRILL: EbmClass.SYSTEM_DRILL,
    MsgType.FRONT_END_DRILL: EbmClass.SIMULATED_DRILL,
    MsgType.TERMINAL_DRILL: EbmClass.REAL_DRILL,
}
_TAGS: Final = {three: two for two, three in LANGUAGES.items()} | {"zho": "zh-CN", "chi": "zh-CN"}
#: Streams whose address terminals know how to take.
_STREAM_URL: Final = re.compile(r"(rtp|udp)://\S{1,240}\Z")


def class_of(basic: MsgBasicInfo) -> EbmClass:
    """广播类型 of a message. Errors: PackageIncomplete for an unknown MsgType."""
    try:
        return _CLASSES[MsgType(basic.msg_type)]
    except (ValueError, KeyError):
        raise PackageIncomplete(
            "MsgType", f"MsgType {basic.msg_type} 不合规定", "EBM/MsgBasicInfo/MsgType must be 1-5"
        ) from None


def severity_of(basic: MsgBasicInfo) -> Severity:
    """Severity; what is no number of the table counts as unknown."""
    found = basic.severity
    return Severity(found) if found is not None and 1 <= found <= 4 else Severity.UNKNOWN


def event_of(basic: MsgBasicInfo) -> EventType:
    """Event code as written; unknown where it is none."""
    try:
        return EventType(basic.event_type or "")
    except InvalidValueError:
        return UNKNOWN_EVENT


def areas_of(contents: Iterable[MsgContent], region: AreaCode) -> tuple[AreaCode, ...]:
    """The part of the areas that lies in our region; a division that holds the region counts as the region.

    Errors: PackageIncomplete for what is no code.
    """
    found: list[AreaCode] = []
    for text in [text for content in contents for text in content.areas or ()]:
        area = _area(text)
        if region.covers(area):
            found.append(area)
        elif area.covers(region):
            found.append(region)
    return without_nested(found)


def _area(text: str) -> AreaCode:
    # The field writes 6 digits for a county, and 14 as warnings have them.
    digits = text[:12] if len(text) == 14 and text.endswith("00") else text.ljust(12, "0") if len(text) >= 2 else text
    try:
        return AreaCode(digits)
    except InvalidValueError:
        raise PackageIncomplete(
            "AreaCode", f"区域编码 {text[:20]!r} 不合规定", "EBM/MsgContent/AreaCode must be 12 digits"
        ) from None


def for_whom(ebm: Ebm, own: str) -> str:
    """Why a message is for somebody else, in words; empty where it is for us (082 table 5)."""
    named = {one.platform for one in ebm.dispatches if one.platform is not None}
    if named and own not in named:
        return f"指定由其他平台播发 for other platforms: {', '.join(sorted(named)[:3])}"
    kinds = {kind for one in ebm.dispatches for each in one.transmitters for kind in each.kinds or ()}
    if kinds and not kinds & _OURS:
        return f"指定的播出系统不由本平台调度 for resources that we do not drive: {', '.join(sorted(kinds)[:5])}"
    return ""


def spoken(contents: Sequence[MsgContent]) -> MsgContent:
    """The content that goes on air: the Chinese one, else the first."""
    return next((one for one in contents if tag_of(one).startswith("zh")), contents[0])


def tag_of(content: MsgContent) -> str:
    """Language tag of a content's LanguageCode."""
    code = content.language.strip()
    return _TAGS.get(code.lower(), code)


def stream_of(content: MsgContent) -> str | None:
    """Address of a stream that is to be played."""
    streams = (one.description.strip() for one in content.auxiliaries if one.type == STREAM)
    return next((url for url in streams if _STREAM_URL.match(url)), None)


def sound_of(content: MsgContent) -> Auxiliary | None:
    """The programme file that is to be played."""
    return next((one for one in content.auxiliaries if one.type in SOUNDS), None)


def warning_of(ebm: Ebm, basic: MsgBasicInfo, source: str, sent: datetime) -> Warning:
    """A message in the words of a warning, by which it is known again."""
    contents = ebm.contents
    return Warning(
        identity=WarningIdentity(source, ebm.ebm_id, sent),
        status=Status.ACTUAL if basic.msg_type == MsgType.PLAY else Status.EXERCISE,
        kind=WarningKind.ALERT,
        scope="Public",
        event=event_of(basic),
        event_text=basic.event_type or "",
        severity=severity_of(basic),
        texts=tuple(WarningText(tag_of(one), headline=one.title, speech=one.text or "") for one in contents),
        claims=(AreaClaim("", tuple(("GD/J 082", text) for one in contents for text in one.areas or ())),),
        effective=basic.start,
        expires=basic.end,
        sender_name=basic.sender_name or "",
    )
