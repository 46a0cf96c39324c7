"""Files exchanged with the certificate system 证书管理系统: the application for lists, and the signed lists.

GD/J 088-2018 B.2 names the 证书授权列表申请文件, and no text of the series gives its form: both forms are ours, in the
manner of the signature files of GD/J 081-2018 6.4. What they carry is the standard's: numbers as hexadecimal digits,
lists and certificates as the bytes of tables 6 and 1 in Base64. Bare lists, one behind the other, are read too.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.domain.zone import BEIJING
from gateway.errors import InvalidValueError, MalformedFrame, XmlRefused
from gateway.protocols.platform.elements import children, local_name
from gateway.protocols.platform.envelope import XmlCaps, written
from gateway.protocols.xml import read_xml

_CAPS: Final = XmlCaps(body_bytes=32 << 20, depth=8, elements=400_000)
_APPLICATION: Final = "CertAuthApplication"
_LISTS: Final = "CertAuthLists"
_TIME: Final = "%Y-%m-%d %H:%M:%S"
#: Octets of a list before its numbers, of a number, and after them (GD/J 081-2018 table 6).
_LIST_HEAD: Final = 8
_NUMBER: Final = 6
_LIST_TAIL: Final = 70


@dataclass(frozen=True, slots=True)
class Place:
    """One device of the topology: who speaks to it, and the number that its lists are addressed to."""

    code: ResourceCode
    above: ResourceCode
    serial: CertificateSerial


@dataclass(frozen=True, slots=True)
class Wish:
    """One list that is applied for: table 6 without signer and signature."""

    receiver: CertificateSerial
    number: int
    serials: tuple[CertificateSerial, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """证书授权列表申请文件, for one root. ``certificates`` are those we hold of the numbers named."""

    applicant: ResourceCode
    serial: CertificateSerial
    root: str
    at: datetime
    places: tuple[Place, ...]
    certificates: tuple[bytes, ...]
    wishes: tuple[Wish, ...]


@dataclass(frozen=True, slots=True)
class SignedLists:
    """证书授权列表文件: lists and certificates as bytes, unchecked."""

    lists: tuple[bytes, ...]
    certificates: tuple[bytes, ...] = ()


def build_application(wanted: Application) -> bytes:
    """Write an application."""
    root = etree.Element(_APPLICATION)
    _text(root, "Version", "1")
    who = etree.SubElement(root, "Applicant")
    _text(who, "Code", wanted.applicant)
    _text(who, "CertSN", wanted.serial)
    _text(root, "Root", wanted.root)
    _text(root, "ApplyTime", wanted.at.astimezone(BEIJING).strftime(_TIME))
    places = etree.SubElement(root, "Topology")
    for place in wanted.places:
        device = etree.SubElement(places, "Device")
        _text(device, "Code", place.code)
        _text(device, "ParentCode", place.above)
        _text(device, "CertSN", place.serial)
    _papers(root, wanted.certificates)
    lists = etree.SubElement(root, "Lists")
    for wish in wanted.wishes:
        one = etree.SubElement(lists, "List")
        _text(one, "ReceiverSN", wish.receiver)
        _text(one, "CertsAuthSN", str(wish.number))
        _text(one, "CertsCount", str(len(wish.serials)))
        numbers = etree.SubElement(one, "CertSNs")
        for serial in wish.serials:
            _text(numbers, "CertSN", serial)
    return written(root)


def parse_application(data: bytes) -> Application:
    """Read an application. Errors: MalformedFrame naming the element."""
    root = _root(data, _APPLICATION)
    try:
        return Application(
            applicant=ResourceCode(_one(root, "Applicant/Code")),
            serial=CertificateSerial(_one(root, "Applicant/CertSN")),
            root=_one(root, "Root"),
            at=datetime.strptime(_one(root, "ApplyTime"), _TIME).replace(tzinfo=BEIJING),
            places=tuple(map(_place, children(root, "Topology/Device"))),
            certificates=tuple(_bytes(root, "Certificates/Certificate")),
            wishes=tuple(map(_wish, children(root, "Lists/List"))),
        )
    except InvalidValueError as error:
        raise MalformedFrame(f"{_APPLICATION}: {error}") from None
    except ValueError as error:
        raise MalformedFrame(f"{_APPLICATION}: {error}") from None


def build_lists(signed: SignedLists) -> bytes:
    """Write signed lists with certificates."""
    root = etree.Element(_LISTS)
    _text(root, "Version", "1")
    lists = etree.SubElement(root, "Lists")
    for raw in signed.lists:
        _text(lists, "List", base64.b64encode(raw).decode())
    _papers(root, signed.certificates)
    return written(root)


def parse_lists(data: bytes) -> SignedLists:
    """Read signed lists: our XML, or lists of table 6 one behind the other. Errors: MalformedFrame.

    The bytes of each list and certificate are not looked into here.
    """
    # A bare list may begin with the byte of "<" too.
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:5] in (b"<?xml", b"<Cert"):
        root = _root(data, _LISTS)
        return SignedLists(tuple(_bytes(root, "Lists/List")), tuple(_bytes(root, "Certificates/Certificate")))
    return SignedLists(tuple(_one_by_one(data)))


def _one_by_one(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        head = data[at : at + _LIST_HEAD]
        size = _LIST_HEAD + _NUMBER * head[-1] + _LIST_TAIL if len(head) == _LIST_HEAD else _LIST_HEAD
        if at + size > len(data):
            raise MalformedFrame("the file ends inside a list (GD/J 081-2018 table 6)", offset=at)
        yield data[at : at + size]
        at += size
    if not data:
        raise MalformedFrame("the file is empty")


def _root(data: bytes, name: str) -> etree._Element:
    try:
        root = read_xml(data, _CAPS)
    except XmlRefused as refused:
        raise MalformedFrame(f"no usable XML: {refused}") from None
    if local_name(root) != name:
        raise MalformedFrame(f"root element is {local_name(root)[:40]!r}, must be {name}")
    return root


def _place(device: etree._Element) -> Place:
    return Place(
        ResourceCode(_one(device, "Code")),
        ResourceCode(_one(device, "ParentCode")),
        CertificateSerial(_one(device, "CertSN")),
    )


def _wish(one: etree._Element) -> Wish:
    number, serials = int(_one(one, "CertsAuthSN")), tuple(_texts(one, "CertSNs/CertSN"))
    if not 0 <= number <= 255:
        raise ValueError(f"CertsAuthSN: {number}: must fit one octet (GD/J 081-2018 table 6)")
    if len(serials) != int(_one(one, "CertsCount")) or len(serials) > 255:
        raise ValueError(f"CertsCount: is not the number of CertSN, which are {len(serials)}, or above 255")
    return Wish(CertificateSerial(_one(one, "ReceiverSN")), number, tuple(map(CertificateSerial, serials)))


def _papers(root: etree._Element, certificates: Iterable[bytes]) -> None:
    papers = etree.SubElement(root, "Certificates")
    for raw in certificates:
        _text(papers, "Certificate", base64.b64encode(raw).decode())


def _text(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = text


def _texts(parent: etree._Element, path: str) -> Iterator[str]:
    for node in children(parent, path):
        yield "".join(map(str, node.itertext())).strip()


def _one(parent: etree._Element, path: str) -> str:
    found = list(_texts(parent, path))
    if len(found) != 1 or not found[0]:
        raise ValueError(f"{path}: must be there once and hold text, found {len(found)}")
    return found[0]


def _bytes(root: etree._Element, path: str) -> Iterator[bytes]:
    for text in _texts(root, path):
        try:
            yield base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise MalformedFrame(f"{path}: is not Base64") from None
