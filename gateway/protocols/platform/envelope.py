"""Business data 应急广播业务数据 EBD: the envelope of every type, from bytes and to bytes (GD/J 083-2018 table 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from lxml import etree

from gateway.domain.rules import shown
from gateway.errors import InvalidValueError, PackageIncomplete, PackageUnreadable, Violation, XmlRefused
from gateway.protocols.platform import conditions, resources, states
from gateway.protocols.platform.ebm import Ebm
from gateway.protocols.platform.elements import (
    CODE,
    PACKAGE,
    TEXT,
    TIME,
    Faults,
    Need,
    children,
    element,
    local_name,
    read,
    write,
)
from gateway.protocols.platform.ids import EbdId, Form, PlatformCode
from gateway.protocols.xml import read_xml

Body: TypeAlias = (
    Ebm
    | states.EbmStateRequest
    | states.EbmStateResponse
    | states.EbmBrdLog
    | resources.OmdRequest
    | resources.EbrpsInfo
    | resources.EbrstInfo
    | resources.EbrasInfo
    | resources.EbrbsInfo
    | resources.EbrdtInfo
    | conditions.EbrpsState
    | conditions.EbrasState
    | conditions.EbrbsState
    | conditions.EbrdtState
    | conditions.ConnectionCheck
    | conditions.EbdNotify
    | conditions.EbdResponse
)

#: EBDType → its content (083 tables 2 and 4; EBM by 082).
TYPES: Final[dict[str, type[Body]]] = {
    "EBM": Ebm,
    "EBMStateRequest": states.EbmStateRequest,
    "EBMStateResponse": states.EbmStateResponse,
    "EBMBrdLog": states.EbmBrdLog,
    "OMDRequest": resources.OmdRequest,
    "EBRPSInfo": resources.EbrpsInfo,
    "EBRSTInfo": resources.EbrstInfo,
    "EBRASInfo": resources.EbrasInfo,
    "EBRBSInfo": resources.EbrbsInfo,
    "EBRDTInfo": resources.EbrdtInfo,
    "EBRPSState": conditions.EbrpsState,
    "EBRASState": conditions.EbrasState,
    "EBRBSState": conditions.EbrbsState,
    "EBRDTState": conditions.EbrdtState,
    "ConnectionCheck": conditions.ConnectionCheck,
    "EBDNotify": conditions.EbdNotify,
    "EBDResponse": conditions.EbdResponse,
}
_NAMES: Final = {shape: name for name, shape in TYPES.items()}
#: Written where the root must carry an xmlns attribute (082 table 1); what the provincial samples carry.
_NAMESPACES: Final = {"xs": "http://www.w3.org/2001/XMLSchema"}
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class XmlCaps:
    """Caps of a document of a package; 4,000 terminals in one report need 1.3 MB and 40,000 elements."""

    body_bytes: int = 16 * 1024 * 1024
    depth: int = 32
    elements: int = 400_000
    tag_chars: int = 4_096


CAPS: Final = XmlCaps()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """All but the content. ``related`` is the earlier package that this one answers."""

    ebd_id: EbdId = element("EBDID", kind=PACKAGE)
    ebd_type: str = element("EBDType", kind=TEXT)
    source: PlatformCode = element("SRC/EBRID", kind=CODE)
    source_url: str | None = element("SRC/URL", kind=TEXT, need=Need.MAYBE)
    destination: PlatformCode | None = element("DEST/EBRID", kind=CODE, need=Need.MAYBE)
    time: datetime = element("EBDTime", kind=TIME)
    related: EbdId | None = element("RelatedEBD/EBDID", kind=PACKAGE, need=Need.MAYBE)


@dataclass(frozen=True, slots=True)
class Ebd:
    """One package's business data."""

    envelope: Envelope
    body: Body

    @property
    def form(self) -> Form:
        """The text that its sender follows."""
        return self.envelope.source.form


def name_of(body: Body) -> str:
    """EBDType of a content."""
    return _NAMES[type(body)]


class Document:
    """An EBDB that was read as XML: first its envelope, so that its sender can be weighed, then its content."""

    def __init__(self, data: bytes, caps: XmlCaps = CAPS) -> None:
        """Errors: PackageUnreadable (no XML, no EBD, an unknown type), PackageIncomplete (the envelope)."""
        self._root = root = _root(data, caps)
        if local_name(root) != "EBD":
            raise PackageUnreadable(
                "not_ebd", f"根元素 {shown(local_name(root), 40)!r} 不是 EBD", "the root is not EBD"
            )
        # A type that nobody knows is unreadable whatever else is wrong.
        said = [(node.text or "").strip() for node in children(root, "EBDType")]
        if not said or said[0] not in TYPES:
            word = shown(said[0], 40) if said else ""
            raise PackageUnreadable("unknown_type", f"EBDType {word!r} 未知", "EBDType is none of GD/J 083 table 4")
        related = children(root, "RelatedEBD/EBDID")
        for node in related:
            # "空" is one vendor's word for none.
            if not (node.text or "").strip().isdecimal():
                node.text = None
        faults = Faults()
        self.envelope = read(Envelope, root, faults, Form.GDJ_2018, "EBD")
        refuse(faults.found)

    def body(self) -> Body:
        """The content. Errors: PackageIncomplete naming every broken rule."""
        name = self.envelope.ebd_type
        found = children(self._root, name)
        if not found:
            raise PackageIncomplete("missing", f"缺少业务数据 EBD/{name}", f"EBD/{name} is missing")
        faults = Faults()
        body = read(TYPES[name], found[0], faults, self.envelope.source.form, name)
        refuse(faults.found)
        if isinstance(body, Ebm):
            body.check(faults)
            refuse(faults.found)
        return body


def parse(data: bytes, caps: XmlCaps = CAPS) -> Ebd:
    """Read an EBDB whole. Errors: PackageUnreadable, PackageIncomplete."""
    document = Document(data, caps)
    return Ebd(document.envelope, document.body())


def build(ebd: Ebd) -> bytes:
    """Write an EBDB: UTF-8, elements in the order of the tables. Errors: InvalidValueError."""
    form = ebd.form
    envelope = ebd.envelope
    if envelope.ebd_type != name_of(ebd.body):
        raise InvalidValueError("EBDType", envelope.ebd_type, f"must be {name_of(ebd.body)}, as the content is")
    if form is Form.DRAFT and envelope.ebd_type == "EBDNotify":
        raise InvalidValueError("EBDType", "EBDNotify", "is not known to the draft: write an EBDResponse")
    if len(envelope.ebd_id) != (41 if form is Form.GDJ_2018 else 36):
        raise InvalidValueError("EBDID", envelope.ebd_id, "must be 41 digits, or 36 of the draft")
    root = etree.Element("EBD", nsmap=_NAMESPACES)
    etree.SubElement(root, "EBDVersion").text = "1" if form is Form.GDJ_2018 else "1.0"
    write(envelope, root, form)
    content = etree.SubElement(root, envelope.ebd_type)
    if isinstance(ebd.body, Ebm):
        etree.SubElement(content, "EBMVersion").text = "1"
    write(ebd.body, content, form)
    return written(root)


def written(root: etree._Element) -> bytes:
    """A document of ours as the files of a package hold it: indented, UTF-8, no byte order mark, LF."""
    etree.indent(root)
    return _DECLARATION + etree.tostring(root, encoding="UTF-8", xml_declaration=False) + b"\n"


def refuse(faults: list[Violation]) -> None:
    """Errors: PackageIncomplete, where there is a broken rule, naming all."""
    if faults:
        words = "; ".join(f"{fault.path} {fault.message}" for fault in faults)
        raise PackageIncomplete(faults[0].code, "字段缺失或不合规定", words)


def _root(data: bytes, caps: XmlCaps) -> etree._Element:
    try:
        return read_xml(data, caps)
    except XmlRefused as refused:
        fault = refused.violations[0]
        raise PackageUnreadable(fault.code, "业务数据不是可用的 XML", f"{fault.path} {fault.message}".strip()) from None
