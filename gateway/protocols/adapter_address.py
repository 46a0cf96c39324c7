"""Whom a command of appendix A concerns: the address block and its parts, and where return data go (GD/J 089-2018)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self, TypeVar

from gateway.domain.codes import PhysicalAddress, ResourceCode
from gateway.errors import InvalidValueError
from gateway.protocols.fields import U8, Layout, WireCode, count_of, record, sized, text_of, wire_codes
from gateway.protocols.ip_bodies import Auxiliary

T = TypeVar("T")

#: What a one-byte number can count.
MAX_COUNT = 0xFF
#: Octets of a logical code (GD/J 089-2018 table A.13).
LOGICAL_SIZE = 12


class AddressKind(IntEnum):
    """地址码类型 resource_code_type (table A.12); 3-9 are reserved."""

    LOGICAL = 1
    PHYSICAL = 2


@dataclass(frozen=True, slots=True)
class AddressBlock:
    """Codes of one kind and one size in bytes (tables A.12, A.14-A.16, A.19, A.20, A.23)."""

    kind: int
    codes: tuple[WireCode, ...]
    code_size: int = LOGICAL_SIZE

    @classmethod
    def logical(cls, codes: Iterable[ResourceCode]) -> Self:
        """Address by 逻辑码, resource codes of terminals or areas."""
        return cls(AddressKind.LOGICAL, tuple(map(WireCode.of, codes)))

    @classmethod
    def physical(cls, addresses: Iterable[PhysicalAddress]) -> Self:
        """Address by 物理码; one block has room for addresses of one size only."""
        codes = tuple(WireCode(bytes.fromhex(address)) for address in addresses)
        sizes = {len(code.raw) for code in codes} or {0}
        if len(sizes) > 1:
            raise InvalidValueError("physical addresses", sorted(sizes), "must be of one size within a command")
        return cls(AddressKind.PHYSICAL, codes, sizes.pop())

    @property
    def texts(self) -> tuple[str | None, ...]:
        """The codes for people: digits of logical codes (None for all zeros), hexadecimal of physical ones."""
        if self.kind == AddressKind.PHYSICAL:
            return tuple(code.raw.hex().upper() for code in self.codes)
        return tuple(code.digits for code in self.codes)

    def parts(self, most: int = MAX_COUNT) -> tuple[Self, ...]:
        """Return blocks of at most ``most`` codes that together hold all of them, in order."""
        return tuple(replace(self, codes=codes) for codes in parts_of(self.codes, most))


def parts_of(items: Sequence[T], most: int = MAX_COUNT) -> tuple[tuple[T, ...], ...]:
    """Return ``items`` in tuples of at most ``most`` (1-255): nothing is left out. No items make one empty part."""
    if not 1 <= most <= MAX_COUNT:
        raise InvalidValueError("most", most, f"must be 1-{MAX_COUNT}: a packet counts in one byte (appendix A)")
    return tuple(tuple(items[at : at + most]) for at in range(0, max(1, len(items)), most))


ADDRESS: Layout[AddressBlock] = record(
    AddressBlock,
    kind=U8,
    resource_code_number=count_of("codes"),
    code_size=U8,
    codes=wire_codes("resource_code_number", "code_size"),
)


class RebackKind(IntEnum):
    """回传地址类型 reback_type (tables A.6, A.15); 4-9 are reserved. Not the numbers of table D.9."""

    TELEPHONE = 1
    IPV4 = 2
    DOMAIN = 3


@dataclass(frozen=True, slots=True)
class Reback:
    """回传地址: telephone number as ASCII, IPv4 4 bytes and port 2 bytes, or ASCII ``domain:port``."""

    kind: int
    address: bytes

    @classmethod
    def telephone(cls, number: str) -> Self:
        """Return data by short message."""
        return cls(RebackKind.TELEPHONE, number.encode("ascii"))

    @classmethod
    def ipv4(cls, host: str, port: int) -> Self:
        """Return data to a dotted address and port."""
        return cls(RebackKind.IPV4, bytes(int(part) for part in host.split(".")) + port.to_bytes(2, "big"))

    @classmethod
    def domain(cls, host: str, port: int) -> Self:
        """Return data to a name and port."""
        return cls(RebackKind.DOMAIN, f"{host}:{port}".encode("ascii"))

    @property
    def text(self) -> str:
        """``host:port`` or the number; hexadecimal where an IPv4 address has not its six bytes."""
        raw = self.address
        if self.kind != RebackKind.IPV4:
            return text_of(raw)
        if len(raw) != 6:
            return raw.hex().upper()
        return ".".join(map(str, raw[:4])) + f":{int.from_bytes(raw[4:], 'big')}"


REBACK = record(Reback, kind=U8, address=sized(U8))

#: 辅助数据类型 that asks the adapter for an address to stream to. Table A.32 prints 0x62; the numbers of types are
#: decimal (GD/J 082-2018 table G.1) and an implementation sends 62.
STREAM_WANTED = 62
STREAM_WANTED_AS_PRINTED = 0x62


def asks_for_stream(aux: Auxiliary) -> bool:
    """Whether this auxiliary asks the adapter for an address to stream to (table A.32), in either reading."""
    return aux.kind in (STREAM_WANTED, STREAM_WANTED_AS_PRINTED)
