"""Packages 应急广播接口数据文件 EBDT: a tar of business data, its signature and programme files (GD/J 083-2018 5.3).

Read from a file that can be sought, header by header, and nothing of a member's content before it is asked for: one of
100 MB costs no more memory than one of 20 KB. ``tarfile`` serves for one header, and for writing; as a reader of whole
archives it would take extended headers of any size into memory, and unfold sparse members.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Final

from gateway.domain.rules import shown
from gateway.errors import PackageIncomplete, PackageUnreadable
from gateway.protocols.platform.ids import EbdId
from gateway.security.sm3 import sm3_of

_BLOCK: Final = tarfile.BLOCKSIZE
_CHUNK: Final = 64 * 1024
_PLAIN: Final = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
_PAX: Final = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE})
_PAX_PATH: Final = re.compile(rb"[0-9]+ path=([^\n]{1,4096})\n")
_BUSINESS: Final = re.compile(r"EBDB_.*\.xml", re.IGNORECASE)
_SIGNATURE: Final = re.compile(r"EBDS_EBDB_.*\.xml", re.IGNORECASE)
_INFORMATION: Final = re.compile(r"EBDI_.*\.xml", re.IGNORECASE)
_INFORMATION_SIGNATURE: Final = re.compile(r"EBDS_EBDI_.*\.xml", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """Caps on a package; ``header_bytes`` is for headers that only lengthen a name. Numbers and bytes."""

    members: int = 64
    document_bytes: int = 16 * 1024 * 1024
    signature_bytes: int = 64 * 1024
    header_bytes: int = 64 * 1024
    name_chars: int = 200


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the package: its name and where its bytes lie."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was found whole; its contents are read when asked for."""

    file: BinaryIO = field(repr=False)
    business: Member
    signature: Member | None
    information: Member | None
    information_signature: Member | None
    #: 节目资源文件, and whatever else lies in it
    others: tuple[Member, ...]
    limits: PackageLimits

    def document(self, member: Member) -> bytes:
        """Content of an XML file, exact to the byte. Errors: PackageUnreadable beyond its limit."""
        signature = member in (self.signature, self.information_signature)
        limit = self.limits.signature_bytes if signature else self.limits.document_bytes
        if member.size > limit:
            name = shown(member.name, 60)
            raise PackageUnreadable("too_large", f"{name} 超过 {limit} 字节", f"{name} is larger than {limit} bytes")
        return b"".join(self.parts(member))

    def resource(self, name: str) -> Member | None:
        """The programme file of this name."""
        return next((member for member in self.others if member.name == name), None)

    def parts(self, member: Member) -> Iterator[bytes]:
        """Content in pieces of 64 KiB."""
        self.file.seek(member.offset)
        left = member.size
        while left and (part := self.file.read(min(left, _CHUNK))):
            left -= len(part)
            yield part

    def digest(self, member: Member) -> bytes:
        """SM3 of the content, 32 bytes."""
        return sm3_of(self.parts(member))


def read_package(file: BinaryIO, limits: PackageLimits | None = None) -> Package:
    """Find the files of a package. Errors: PackageUnreadable, each rule by its code."""
    limits = limits or PackageLimits()
    members = list(_members(file, limits))
    seen: set[str] = set()
    for member in members:
        # The standard forbids equal names even where extensions differ; only these two could be taken for one another.
        if member.name in seen:
            word = shown(member.name, 60)
            raise _unreadable("name_twice", f"文件名重复 {word}", f"two files of the name {word}")
        seen.add(member.name)
    business = [m for m in members if _BUSINESS.fullmatch(m.name)]
    if len(business) != 1:
        chinese, english = (
            f"业务数据文件 EBDB 有 {len(business)} 个，应为 1 个",
            f"{len(business)} EBDB files, must be 1",
        )
        raise _unreadable("ebdb_count", chinese, english)
    found = {
        name: _one(members, pattern, name)
        for name, pattern in (("EBDS", _SIGNATURE), ("EBDI", _INFORMATION), ("EBDS_EBDI", _INFORMATION_SIGNATURE))
    }
    named = {business[0], *found.values()}
    others = tuple(member for member in members if member not in named)
    return Package(file, business[0], found["EBDS"], found["EBDI"], found["EBDS_EBDI"], others, limits)


def _one(members: Sequence[Member], pattern: re.Pattern[str], what: str) -> Member | None:
    found = [member for member in members if pattern.fullmatch(member.name)]
    if len(found) > 1:
        raise _unreadable("file_twice", f"{what} 文件有 {len(found)} 个", f"{len(found)} {what} files, at most 1")
    return found[0] if found else None


def _members(file: BinaryIO, limits: PackageLimits) -> Iterator[Member]:
    size = file.seek(0, 2)
    at, count, longer = 0, 0, ""
    while at + _BLOCK <= size:
        file.seek(at)
        block = file.read(_BLOCK)
        if not block.strip(b"\0"):
            break
        header = _header(block, at)
        start, at = at + _BLOCK, at + _BLOCK + -(-header.size // _BLOCK) * _BLOCK
        if header.size < 0 or start + header.size > size:
            raise _unreadable("cut", "TAR 包不完整", f"a member goes beyond the end of the tar: {header.size} bytes")
        count += 1
        if count > limits.members:
            raise _unreadable(
                "too_many", f"TAR 包内文件超过 {limits.members} 个", f"more than {limits.members} members"
            )
        if header.type in (tarfile.GNUTYPE_LONGNAME, *_PAX, tarfile.XGLTYPE):
            longer = _longer_name(file, start, header, limits) or longer
            continue
        yield Member(_name(header, longer, limits), start, header.size)
        longer = ""
    if not count:
        raise _unreadable("no_tar", "不是 TAR 包，或包内无文件", "this is no tar, or an empty one")


def _header(block: bytes, at: int) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        what = "不是 TAR 包" if at == 0 else "TAR 包头损坏"
        raise _unreadable("no_tar" if at == 0 else "tar_header", what, f"at byte {at}: {error}") from None


def _longer_name(file: BinaryIO, start: int, header: tarfile.TarInfo, limits: PackageLimits) -> str:
    """A name that the next header has no room for; other things that pax headers say are of no use here."""
    if header.size > limits.header_bytes:
        raise _unreadable("tar_header", "TAR 扩展头过大", f"an extended header of {header.size} bytes")
    file.seek(start)
    content = file.read(header.size)
    if header.type == tarfile.GNUTYPE_LONGNAME:
        return _text(content.rstrip(b"\0"))
    if b"GNU.sparse" in content:
        raise _unreadable("member_kind", "不允许稀疏文件", "sparse members are not allowed")
    path = _PAX_PATH.search(content) if header.type in _PAX else None
    return _text(path[1]) if path else ""


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def _name(header: tarfile.TarInfo, longer: str, limits: PackageLimits) -> str:
    raw = longer or _text(header.name.encode("utf-8", "surrogateescape"))
    name = raw.removeprefix("./")
    word = shown(raw, 60)
    if header.type not in _PLAIN:
        raise _unreadable("member_kind", f"不允许链接、目录或设备 {word}", f"{word} is no plain file")
    if "/" in name or "\\" in name or name in ("", ".", "..") or not name.isprintable():
        raise _unreadable("member_name", f"文件名不允许路径 {word}", f"{word!r}: names must have no folders")
    if len(name) > limits.name_chars:
        raise _unreadable("member_name", f"文件名超过 {limits.name_chars} 字符", f"longer than {limits.name_chars}")
    return name


def _unreadable(code: str, chinese: str, english: str) -> PackageUnreadable:
    return PackageUnreadable(code, chinese, english)


# -- writing


def package_name(ebd_id: EbdId) -> str:
    """EBDT_….tar (083 5.3.2)."""
    return f"EBDT_{ebd_id}.tar"


def business_name(ebd_id: EbdId) -> str:
    """EBDB_….xml (083 5.3.2)."""
    return f"EBDB_{ebd_id}.xml"


def signature_name(name: str) -> str:
    """Name of the signature of a file: EBDS_ before it (083 5.3.2, 082 clause 7)."""
    return f"EBDS_{name}"


def build_package(files: Sequence[tuple[str, bytes]], at: int) -> bytes:
    """Pack files into one flat POSIX tar; ``at`` is their time, Unix seconds."""
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), at
            tar.addfile(info, BytesIO(content))
    return out.getvalue()


def missing_resource(name: str) -> PackageIncomplete:
    """What is said of a programme file that the message names and the package lacks."""
    word = shown(name, 80)
    return PackageIncomplete("resource_missing", f"包内缺少节目资源文件 {word}", f"the package lacks {word}")
