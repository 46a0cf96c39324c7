"""A message of ours in the words of GD/J 082: MsgBasicInfo, MsgContent, EBM, and the information body EBI."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import AreaCode
from gateway.domain.events import EventType, event_name
from gateway.domain.message import EbmClass, Message
from gateway.domain.warning import Severity
from gateway.domain.zone import BEIJING
from gateway.protocols.platform import ebi
from gateway.protocols.platform.ebm import Auxiliary, Dispatch, Ebm, MsgBasicInfo, MsgContent, MsgType, Transmitter
from gateway.protocols.platform.ids import MessageId, PlatformCode
from gateway.publishers.mapping import language_code
from gateway.publishers.reference import load_event_names
from gateway.store.rows import WarningRow

__all__ = ["basic_of", "cancel_of", "ebi_of", "ebm_of", "language_code", "numeric_event"]

#: EBM.MsgType of a class of broadcast (platform.md 2.4).
_TYPES: Final = {
    EbmClass.SYSTEM_DRILL: MsgType.PLATFORM_DRILL,
    EbmClass.SIMULATED_DRILL: MsgType.FRONT_END_DRILL,
    EbmClass.REAL_DRILL: MsgType.TERMINAL_DRILL,
}
#: 其它突发事件 (GD/J 082-2018 table C.1)
_OTHER_EVENT: Final = "90000"
#: InfoType 实际, 演练; InfoStatus 首发, 取消 (082 tables C.4, C.5)
_ACTUAL, _DRILL = "01", "02"
_FIRST, _CANCEL = "01", "03"


def basic_of(live: LiveMessage, warning: WarningRow | None, msg_type: MsgType | None = None) -> MsgBasicInfo:
    """消息基本信息 of a message; its sender as the warning names it. Times in Beijing."""
    message, said = live.message, _said(warning)
    return MsgBasicInfo(
        msg_type=int(msg_type or _TYPES.get(message.ebm_class, MsgType.PLAY)),
        sender_name=str(said.get("sender_name") or said.get("sender") or "")[:100],
        sender_code=_sender_code(said),
        send_time=_beijing(live.accepted_at),
        event_type=str(message.event),
        severity=int(message.severity) if message.severity is not Severity.UNKNOWN else 0,
        start=message.start.astimezone(BEIJING),
        end=message.end.astimezone(BEIJING),
    )


def ebm_of(
    live: LiveMessage,
    warning: WarningRow | None,
    areas: Sequence[AreaCode],
    *,
    to: PlatformCode,
    sounds: Sequence[Auxiliary] = (),
    kinds: Sequence[str] = ("0314",),
    ebi_id: str | None = None,
) -> Ebm:
    """A message as an EBM for a platform (082 tables 2 to 5). The same message is written the same each time."""
    message = live.message
    language = language_code(message.language)
    content = MsgContent(
        language=language,
        title=message.headline,
        text=message.text,
        areas=tuple(map(str, areas)),
        auxiliaries=tuple(sounds),
    )
    return Ebm(
        ebm_id=MessageId(message.ebm_id),
        related_ebi=ebi_id,
        basic=basic_of(live, warning),
        contents=(content,),
        dispatches=(Dispatch(language=language, platform=to, transmitters=(Transmitter(kinds=tuple(kinds)),)),),
    )


def cancel_of(
    live: LiveMessage, warning: WarningRow | None, number: MessageId, areas: Sequence[AreaCode], now: float
) -> Ebm:
    """取消播发 of a message, under a number of its own."""
    message, at = live.message, _beijing(now)
    basic = basic_of(live, warning, MsgType.CANCEL)
    end = max(message.end.astimezone(BEIJING), at.replace(microsecond=0))
    return Ebm(
        ebm_id=number,
        related_ebm=MessageId(message.ebm_id),
        basic=MsgBasicInfo(
            msg_type=basic.msg_type,
            sender_name=basic.sender_name,
            sender_code=basic.sender_code,
            send_time=at,
            event_type=basic.event_type,
            severity=basic.severity,
            start=at,
            end=end,
        ),
        contents=(
            MsgContent(
                language=language_code(message.language),
                title=f"取消播发：{message.headline}"[:200],
                text="取消播发",
                areas=tuple(map(str, areas)),
            ),
        ),
    )


def ebi_of(
    live: LiveMessage, warning: WarningRow | None, areas: Sequence[AreaCode], sounds: Sequence[Auxiliary]
) -> ebi.Ebi:
    """The information body of a message (082 annex A). Its number follows from that of the message."""
    message, said = live.message, _said(warning)
    event = numeric_event(message.event)
    number = info_id(message)
    attachments = tuple(
        ebi.Attachment(
            name=one.description,
            size=None if one.size is None else str(one.size),
            type="02",
            suffix=one.description.rpartition(".")[2],
            digest=one.digest,
        )
        for one in sounds
    )
    return ebi.Ebi(
        main=ebi.MainInfo(
            version="1",
            info_id=number,
            ebi_id=number,
            sender=str(said.get("sender_name") or said.get("sender") or "")[:100] or None,
            sender_code=_sender_code(said) or None,
            identifier=str(said["identifier"]) if said.get("identifier") else None,
            event_type=event,
            event_level=ebi.LEVELS.get(int(message.severity), ""),
            info_type=_DRILL if message.ebm_class.is_drill else _ACTUAL,
            info_status=_FIRST,
            is_media="1" if sounds else "0",
            is_tts="1" if sounds else "2",
        ),
        contents=(
            ebi.Content(
                language=message.language,
                language_code=language_code(message.language),
                code_set="UTF-8",
                headline=message.headline,
                description=message.text,
                attachments=attachments,
            ),
        ),
        strategy=ebi.Strategy(
            region=tuple(map(str, areas)),
            start=message.start.astimezone(BEIJING),
            end=message.end.astimezone(BEIJING),
            styles=ebi.Styles(
                items=(ebi.Style(means=ebi.LOUDSPEAKERS, presentation=ebi.PLAY, frequency="", rounds=""),)
            ),
        ),
    )


def info_id(message: Message) -> str:
    """InfoID of a message: the platform, day and sequence of its EBMID, and the event (082 table A.1)."""
    number = message.ebm_id
    day = datetime.strptime(number.day, "%Y%m%d").replace(tzinfo=UTC).date()
    return ebi.info_id(PlatformCode(number.platform), numeric_event(message.event), day, int(number.sequence))


def numeric_event(event: EventType) -> str:
    """GB/T 35561 code of an event: as received, by the names that both families share, else 其它突发事件.

    The rule between the families is known for weather only (``EventType.numeric_fallback``), so a code that it gives
    counts only where the standard names it with the same name.
    """
    if event.isdecimal() and event[0] in "123456789":
        return str(event)
    names = load_event_names()
    other = event.numeric_fallback
    if other is not None and other in names and event_name(event, names).startswith(names[other]):
        return str(other)
    return _OTHER_EVENT


def _said(warning: WarningRow | None) -> dict[str, Any]:
    """What the warning says of its sender, out of its kept content."""
    if warning is None:
        return {}
    content = json.loads(warning.content)
    identity = content.get("identity") or {}
    return {**identity, "sender_name": content.get("sender_name", "")}


def _sender_code(said: dict[str, Any]) -> str:
    code = str(said.get("sender") or "")
    return code if code.isascii() and code.isdecimal() and len(code) <= 32 else ""


def _beijing(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), BEIJING)
