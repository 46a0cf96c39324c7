"""Signature files 业务数据签名文件 EBDS: 74 bytes as Base64 in XML (GD/J 081-2018 tables 2, 4, 5)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.errors import SignatureInvalid, XmlRefused
from gateway.protocols.platform.elements import children, local_name
from gateway.protocols.platform.envelope import XmlCaps, written
from gateway.protocols.platform.ids import EbdId, Form
from gateway.protocols.signature import BLOCK, BLOCK_SIZE, SignatureBlock
from gateway.protocols.xml import read_xml

_CAPS: Final = XmlCaps(body_bytes=64 * 1024, depth=8, elements=200)
#: Some signers fill their buffers into the file: 17 of 29 captured files hold references to the character 0.
_ZERO: Final = re.compile(rb"&#(?:x0+|0+);|\x00")
ALGORITHM: Final = "SM2-SM3"


@dataclass(frozen=True, slots=True)
class SignatureFile:
    """What was signed, by its number (a package, or information bodies), and the signature."""

    block: SignatureBlock
    ebd_id: str | None = None
    information: tuple[str, ...] = ()


def parse(data: bytes) -> SignatureFile:
    """Read an EBDS of either form. The certificate is the one in the value: ``CertSN`` of the XML is often all zeros.

    Errors: SignatureInvalid.
    """
    try:
        root = read_xml(_ZERO.sub(b"", data), _CAPS)
    except XmlRefused as refused:
        raise SignatureInvalid(f"EBDS: not usable XML: {refused}") from None
    if local_name(root) != "Signature":
        raise SignatureInvalid(f"EBDS: root {local_name(root)[:40]!r} is not Signature (GD/J 081-2018 table 4)")
    value = "".join("".join(map(str, node.itertext())) for node in children(root, "SignatureValue")[:1])
    related = [(node.text or "").strip() for node in children(root, "RelatedEBD/EBDID")]
    information = tuple((node.text or "").strip() for node in children(root, "RelatedEBInfo/EBInfoID"))
    return SignatureFile(_block(value), related[0] if related else None, information)


def build(
    form: Form, block: SignatureBlock, *, ebd_id: EbdId | None = None, information: tuple[str, ...] = ()
) -> bytes:
    """Write an EBDS in the form of its receiver, about a package or about information bodies."""
    root = etree.Element("Signature")
    etree.SubElement(root, "Version").text = "1" if form is Form.GDJ_2018 else "1.0"
    if ebd_id is not None:
        etree.SubElement(etree.SubElement(root, "RelatedEBD"), "EBDID").text = ebd_id
    else:
        holder = etree.SubElement(root, "RelatedEBInfo")
        for one in information:
            etree.SubElement(holder, "EBInfoID").text = one
    if form is Form.GDJ_2018:
        etree.SubElement(root, "CertSN").text = block.certificate
    else:
        holder = etree.SubElement(root, "SignatureCert")
        for name, text in (("CertType", "01"), ("IssuerID", "01"), ("CertSN", str(block.certificate))):
            etree.SubElement(holder, name).text = text
        etree.SubElement(root, "SignatureTime").text = f"{block.sig_time * 1000:x}"
        etree.SubElement(root, "DigestAlgorithm").text = "SM3"
    etree.SubElement(root, "SignatureAlgorithm").text = ALGORITHM if form is Form.GDJ_2018 else "SM2"
    etree.SubElement(root, "SignatureValue").text = base64.b64encode(BLOCK.build(block)).decode()
    return written(root)


def _block(text: str) -> SignatureBlock:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalid("EBDS: SignatureValue is not Base64 (GD/J 081-2018 table 4)") from None
    if len(raw) != BLOCK_SIZE:
        raise SignatureInvalid(f"EBDS: SignatureValue holds {len(raw)} bytes, must be {BLOCK_SIZE} (081 table 2)")
    found: SignatureBlock = BLOCK.parse(raw)
    return found
