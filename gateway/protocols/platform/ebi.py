"""Information body 应急广播信息主体 EBI (GD/J 082-2018 annex A): what the warning was, beside what is to be played.

Part of a message package of 2018, gone in 2023 and never seen in a field capture: optional when read, written for peers
of 2018. The text spells some names in two ways (annex A against its tables and samples): all are read, the tables' are
written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from lxml import etree

from gateway.errors import InvalidValueError, PackageUnreadable, XmlRefused
from gateway.protocols.platform.elements import LIST, TEXT, TIME, Extras, Faults, Need, element, local_name, read, write
from gateway.protocols.platform.envelope import CAPS, XmlCaps, refuse, written
from gateway.protocols.platform.ids import Form, PlatformCode
from gateway.protocols.xml import read_xml

#: PublishMeans and Presentation of loudspeakers (tables C.10 and C.11).
LOUDSPEAKERS, PLAY = "0314", "0502"
#: Severity of an EBM → EventLevel 应急事件级别 (table C.6).
LEVELS: Final = {1: "01", 2: "02", 3: "03", 4: "04"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MainInfo:
    """应急广播基础信息 (table A.1)."""

    version: str | None = element("EBIVersion", kind=TEXT, need=Need.LAX)
    info_id: str = element("InfoID", kind=TEXT)
    ebi_id: str | None = element("EBIID", kind=TEXT, need=Need.LAX)
    sender: str | None = element("Sender", kind=TEXT, need=Need.MAYBE)
    sender_code: str | None = element("SenderCode", kind=TEXT, need=Need.MAYBE)
    identifier: str | None = element("Identifier", kind=TEXT, need=Need.MAYBE)
    event_type: str = element("EventType", kind=TEXT)
    event_level: str | None = element("EventLevel", kind=TEXT, need=Need.LAX)
    info_type: str | None = element("InfoType", kind=TEXT, need=Need.LAX)
    info_status: str | None = element("InfoStatus", kind=TEXT, need=Need.LAX)
    reference: str | None = element("ReferenceId", "ReferenceID", kind=TEXT, need=Need.MAYBE)
    is_media: str | None = element("IsMediaRes", kind=TEXT, need=Need.LAX)
    is_tts: str | None = element("IsTTS", kind=TEXT, need=Need.LAX)
    instructions: str | None = element("Instructions", kind=TEXT, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """附件 (table A.4); ``digest``: SM3 as hexadecimal digits."""

    name: str | None = element("AttName", kind=TEXT, need=Need.MAYBE)
    description: str | None = element("AttDescription", kind=TEXT, need=Need.MAYBE)
    size: str | None = element("AttSize", kind=TEXT, need=Need.MAYBE)
    type: str | None = element("AttType", kind=TEXT, need=Need.MAYBE)
    suffix: str | None = element("AttSuffix", kind=TEXT, need=Need.MAYBE)
    url: str | None = element("AttURL", kind=TEXT, need=Need.MAYBE)
    digest: str | None = element("Digest", kind=TEXT, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """应急广播内容 (table A.2), one for each language."""

    language: str | None = element("Language", kind=TEXT, need=Need.LAX)
    language_code: str = element("LanguageCode", kind=TEXT)
    code_set: str | None = element("CodeSet", kind=TEXT, need=Need.LAX)
    headline: str = element("Headline", kind=TEXT)
    description: str = element("EventDescription", kind=TEXT)
    program: str | None = element("ProgramNum", kind=TEXT, need=Need.MAYBE)
    signer: str | None = element("Signer", kind=TEXT, need=Need.MAYBE)
    attachments: tuple[Attachment, ...] = element("Attachment", kind=Attachment, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """发布样式 (table A.3): ``frequency`` such as 1t/3min, ``rounds`` how often each time."""

    means: str = element("PublishMeans", kind=TEXT)
    presentation: str | None = element("Presentation", kind=TEXT, need=Need.LAX)
    frequency: str | None = element("PublishFrequence", "PublishFrequency", kind=TEXT, need=Need.LAX)
    rounds: str | None = element("RollFrequency", kind=TEXT, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Styles:
    """BroadcastStyles; annex A also spells Boradcast."""

    items: tuple[Style, ...] = element("BroadcastStyle", "BoradcastStyle", kind=Style, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """信息建议性发布策略 (table A.3)."""

    region: tuple[str, ...] | None = element("PublishRegion", kind=LIST, need=Need.LAX)
    start: datetime | None = element("BroadcastDateTime", "BoradcastDateTime", kind=TIME, need=Need.LAX)
    end: datetime | None = element("OverDateTime", kind=TIME, need=Need.MAYBE)
    styles: Styles | None = element("BroadcastStyles", "BoradcastStyles", kind=Styles, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """区域信息 (table A.5)."""

    description: str | None = element("AreaDescription", kind=TEXT, need=Need.MAYBE)
    polygon: str | None = element("AreaPolygon", kind=TEXT, need=Need.MAYBE)
    circle: str | None = element("AreaCircle", kind=TEXT, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ebi:
    """EBI. ``extras``: earthquakes and airports say more (tables A.6, A.7), as (name, text)."""

    main: MainInfo = element("EBMainInfo", kind=MainInfo)
    contents: tuple[Content, ...] = element("EBContents/EBContent", kind=Content, need=Need.MANY)
    strategy: Strategy | None = element("PublishStrategy", kind=Strategy, need=Need.MAYBE)
    extras: Extras | None = element("ExtendInfo", "ExtendedInfo", kind=Extras, need=Need.MAYBE)
    area: Region | None = element("Area", kind=Region, need=Need.MAYBE)
    attachments: tuple[Attachment, ...] = element("Attachment", kind=Attachment, need=Need.MANY)


def info_id(platform: PlatformCode, event: str, day: date, sequence: int) -> str:
    """InfoID: platform 23, event 5, date 8, sequence 4 (table A.1). ``event`` is of GB/T 35561. InvalidValueError."""
    if not (len(event) == 5 and event.isascii() and event.isdecimal()):
        raise InvalidValueError("EventType", event, "must be 5 digits of GB/T 35561 in an EBI (082 table A.1)")
    if not 0 <= sequence <= 9999:
        raise InvalidValueError("InfoID sequence", sequence, "must be 0-9999 (082 table A.1)")
    return f"{platform}{event}{day:%Y%m%d}{sequence:04d}"


def parse(data: bytes, caps: XmlCaps = CAPS) -> Ebi:
    """Read an EBI. Errors: PackageUnreadable, PackageIncomplete."""
    try:
        root = read_xml(data, caps)
    except XmlRefused as refused:
        raise PackageUnreadable("ebi", "信息主体不是可用的 XML", str(refused)) from None
    if local_name(root) != "EBI":
        raise PackageUnreadable("ebi", "信息主体的根元素不是 EBI", "the root is not EBI")
    faults = Faults()
    found = read(Ebi, root, faults, Form.GDJ_2018, "EBI")
    refuse(faults.found)
    return found


def build(ebi: Ebi) -> bytes:
    """Write an EBI. Errors: InvalidValueError."""
    root = etree.Element("EBI")
    write(ebi, root, Form.GDJ_2018)
    return written(root)


def file_name(ebi_id: str) -> str:
    """EBDI_….xml (082 clause 7)."""
    return f"EBDI_{ebi_id}.xml"
