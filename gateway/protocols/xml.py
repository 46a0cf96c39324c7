"""Reading XML from strangers: caps first, DOCTYPE refused, nothing fetched, nothing expanded.

The order matters: size, encoding, DOCTYPE and the number and length of tags are checked on the text itself, so a body
that would make a parser spend memory never reaches one. lxml then runs with entities, network and DTD loading off.
"""

from __future__ import annotations

import codecs
import re
from typing import Protocol

from lxml import etree

from gateway.domain.rules import broken, shown
from gateway.errors import XmlRefused

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARATION = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:\-]{1,40})["']""")

#: Declared name → Python codec. GB 2312 and GBK are read as GB 18030, which contains them.
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "gb2312": "gb18030",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
}

#: What may stand before the root element: white space, comments, processing instructions.
#: Each pattern is one piece and the loops stand outside: a possessive repetition of pieces would read as well, but
#: Python 3.11.2, which Debian 12 ships, ends those too early and a DOCTYPE would pass; a plain one keeps a way back.
_PROLOG_PIECE = re.compile(r"\s+|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_TAG_BEGIN = re.compile(r"""<[^<>!?/"'\s]""")
_TAG_PIECE = re.compile(r"""[^<>"']+|"[^"<]*"|'[^'<]*'""")


#: libxml2's number for an entity that nobody declared.
_UNDECLARED_ENTITY = 26


class XmlLimits(Protocol):
    """Caps on what a stranger may send: bytes, levels, elements, and characters of one start tag."""

    @property
    def body_bytes(self) -> int:
        """Bytes of the whole body."""
        ...

    @property
    def depth(self) -> int:
        """Levels of elements."""
        ...

    @property
    def elements(self) -> int:
        """Elements in all."""
        ...

    @property
    def tag_chars(self) -> int:
        """Characters of one start tag with its attributes."""
        ...


def read_xml(body: bytes, limits: XmlLimits, charset: str = "") -> etree._Element:
    """Parse ``body`` and return its root element.

    ``charset`` is the parameter of the media type; it serves only where the body names no encoding itself, since
    publishers' HTTP clients are known to add a wrong one. Raises XmlRefused with one of the codes
    ``too_large``, ``empty``, ``encoding``, ``doctype``, ``entities``, ``too_many_elements``, ``too_deep`` or
    ``not_well_formed``.
    """
    text = _decode(body, limits, charset)
    _refuse_doctype(text)
    _refuse_masses(text, limits)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise _explained(error) from None
    _refuse_depth(root, limits.depth)
    return root


def _decode(body: bytes, limits: XmlLimits, charset: str) -> str:
    if len(body) > limits.body_bytes:
        raise XmlRefused(
            broken(
                "",
                "too_large",
                f"正文 {len(body)} 字节，超过上限 {limits.body_bytes} 字节",
                f"body of {len(body)} bytes exceeds the limit of {limits.body_bytes}",
            )
        )
    if not body.strip(b" \t\r\n\x00"):
        raise XmlRefused(broken("", "empty", "正文为空", "the body is empty"))
    name, skip = _encoding_of(body, charset)
    codec = name if name.startswith("utf-16-") else _CODECS.get(name.lower(), "")
    if not codec:
        raise XmlRefused(
            broken("", "encoding", f"不支持的编码 {shown(name)}", f"encoding {shown(name)} is not supported")
        )
    try:
        return body[skip:].decode(codec)
    except UnicodeDecodeError as error:
        raise XmlRefused(
            broken(
                "",
                "encoding",
                f"第 {error.start + skip} 字节不符合所声明的编码 {shown(name)}",
                f"byte {error.start + skip} is not {shown(name)} as declared",
            )
        ) from None


def _encoding_of(body: bytes, charset: str) -> tuple[str, int]:
    """Name of the encoding and length of the byte order mark: mark, then declaration, then media type, then UTF-8."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return name, len(mark)
    if body.startswith(b"<\x00?\x00"):
        return "utf-16-le", 0
    if body.startswith(b"\x00<\x00?"):
        return "utf-16-be", 0
    declared = _DECLARATION.match(body[:400])
    if declared:
        return declared[1].decode("ascii"), 0
    return charset or "utf-8", 0


def _refuse_doctype(text: str) -> None:
    """A DOCTYPE can only stand before the root element, so only that part is read; text may quote one."""
    start = 0
    while piece := _PROLOG_PIECE.match(text, start):
        start = piece.end()
    if text[start : start + 9].upper() != "<!DOCTYPE":
        return
    found = [broken("", "doctype", "不允许 DOCTYPE 声明", "a DOCTYPE is not allowed")]
    if "<!ENTITY" in text:
        found.append(broken("", "entities", "不允许定义实体", "entities must not be declared"))
    raise XmlRefused(*found)


def _refuse_masses(text: str, limits: XmlLimits) -> None:
    """Bound the tree before it is built: number of elements, and length of one tag (its attributes)."""
    count, at = 0, 0
    while tag := _TAG_BEGIN.search(text, at):
        count += 1
        if count > limits.elements:
            raise XmlRefused(
                broken(
                    "", "too_many_elements", f"元素超过 {limits.elements} 个", f"more than {limits.elements} elements"
                )
            )
        at = tag.end()
        while at - tag.start() <= limits.tag_chars and (piece := _TAG_PIECE.match(text, at)):
            at = piece.end()
        if at - tag.start() > limits.tag_chars:
            raise XmlRefused(
                broken(
                    "",
                    "too_large",
                    f"第 {tag.start()} 字符处的标签超过 {limits.tag_chars} 字符",
                    f"the tag at character {tag.start()} is longer than {limits.tag_chars} characters",
                )
            )


def _refuse_depth(root: etree._Element, limit: int) -> None:
    level = [root]
    for _ in range(limit):
        level = [child for element in level for child in element]
        if not level:
            return
    raise _too_deep(limit)


def _too_deep(limit: int) -> XmlRefused:
    return XmlRefused(broken("", "too_deep", f"嵌套超过 {limit} 层", f"elements are nested deeper than {limit} levels"))


def _explained(error: etree.XMLSyntaxError) -> XmlRefused:
    line, column = error.position
    where = f"line {line}"
    reason = shown(str(error.msg).split(", line")[0], 160)
    if getattr(error, "code", None) == _UNDECLARED_ENTITY:
        return XmlRefused(
            broken(where, "entities", f"第 {line} 行使用了未定义的实体", f"undeclared entity in line {line}: {reason}")
        )
    if "Excessive depth" in reason:
        return _too_deep(256)
    return XmlRefused(
        broken(
            where,
            "not_well_formed",
            f"第 {line} 行第 {column} 列：XML 格式不正确",
            f"not well-formed XML at line {line}, column {column}: {reason}",
        )
    )
