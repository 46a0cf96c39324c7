"""Codes and numbers of the national system, each a type of its own.

All are strings of decimal digits that were checked when made, so a value of these types is right by construction.
"""

from __future__ import annotations

import re
from datetime import date
from enum import IntEnum
from typing import ClassVar, Self

from gateway.errors import InvalidValueError

_DIGITS = re.compile(r"[0-9]+\Z", re.ASCII)
_HEX = re.compile(r"[0-9A-F]+\Z", re.ASCII)


class _DigitCode(str):
    """A string of exactly ``length`` decimal digits."""

    __slots__ = ()
    length: ClassVar[int]
    field: ClassVar[str]

    def __new__(cls, digits: str) -> Self:
        """Check and make; raise InvalidValueError naming the field and the rule."""
        if len(digits) != cls.length or not _DIGITS.match(digits):
            raise InvalidValueError(cls.field, digits, f"must be {cls.length} decimal digits")
        return super().__new__(cls, digits)


class AreaLevel(IntEnum):
    """行政级别, numbered as 资源级别识别码 (GD/J 080-2018 table 3)."""

    NATION = 1
    PROVINCE = 2
    CITY = 3
    COUNTY = 4
    TOWNSHIP = 5
    VILLAGE = 6


#: Ends of the five groups 2/2/2/3/3 of a division code (GB/T 2260 + GB/T 10114).
AREA_GROUPS: tuple[tuple[int, int], ...] = ((0, 2), (2, 4), (4, 6), (6, 9), (9, 12))
#: Each group with what it holds where it is not in use, and the level that it makes; village first.
_DEEPEST_FIRST = tuple(
    (start, end, "0" * (end - start), AreaLevel(index + 2)) for index, (start, end) in enumerate(AREA_GROUPS)
)[::-1]


class AreaCode(_DigitCode):
    """行政区划代码, 12 digits: province 2, city 2, county 2, township 3, village 3.

    Zero groups at the tail mean "all below".
    """

    __slots__ = ()
    length = 12
    field = "area"

    @property
    def level(self) -> AreaLevel:
        """Level of the last group that is not zero; 000000000000 is the nation."""
        for start, end, nothing, level in _DEEPEST_FIRST:
            if self[start:end] != nothing:
                return level
        return AreaLevel.NATION

    @property
    def county(self) -> AreaCode:
        """The county (first 6 digits) that holds this area."""
        return AreaCode(self[:6] + "000000")

    @property
    def township(self) -> AreaCode:
        """The township (first 9 digits) that holds this area."""
        return AreaCode(self[:9] + "000")

    @property
    def parent(self) -> AreaCode:
        """The division one level up; the nation is its own parent."""
        if self.level is AreaLevel.NATION:
            return self
        start, _ = AREA_GROUPS[self.level - 2]
        return AreaCode(self[:start].ljust(12, "0"))

    @property
    def prefix(self) -> str:
        """Digits of the groups that are in use: what every division inside begins with.

        Whole groups, never ``rstrip("0")``: 341523100200 is one village, and not all of 3415231002xx.
        """
        return self[: 0 if self.level is AreaLevel.NATION else AREA_GROUPS[self.level - 2][1]]

    def covers(self, other: AreaCode) -> bool:
        """Whether ``other`` is this area or lies inside it."""
        return other.startswith(self.prefix)


class ResourceCode(_DigitCode):
    """应急广播系统资源编码, 23 digits (GD/J 080-2018 tables 2-5).

    Level 1, area 12, type 4, sequence 2, subtype 2, sequence 2.
    """

    __slots__ = ()
    length = 23
    field = "resource code"

    @classmethod
    def build(
        cls, level: int, area: AreaCode, kind: str = "0314", sequence: int = 1, subtype: str = "04", number: int = 1
    ) -> ResourceCode:
        """Put the fields together; sequences 0-99, 00 addresses all (080 table B.1)."""
        return cls(f"{level}{area}{kind}{sequence:02d}{subtype}{number:02d}")

    @property
    def level(self) -> int:
        """资源级别识别码: 1 nation to 6 village; 0 in group codes seen in the field."""
        return int(self[0])

    @property
    def area(self) -> AreaCode:
        """The 12 digits of the division."""
        return AreaCode(self[1:13])

    @property
    def kind(self) -> str:
        """资源类型码, 4 digits; 0314 is the loudspeaker system 大喇叭系统."""
        return self[13:17]

    @property
    def subtype(self) -> str:
        """资源子类型码: 01 platform, 02 adapter, 03 transmitter, 04 terminal."""
        return self[19:21]


class EbmId(_DigitCode):
    """应急广播消息编码, 35 digits (GD/J 082-2018 table 2): issuing platform 23, date YYYYMMDD, sequence 4.

    Sequence 0000 means 非强制播发 (may be ignored), 0001-9999 强制播发.
    """

    __slots__ = ()
    length = 35
    field = "EBM id"
    MAX_SEQUENCE: ClassVar[int] = 9999

    @classmethod
    def build(cls, platform: ResourceCode, day: date, sequence: int) -> EbmId:
        """Put the fields together; ``sequence`` 0-9999."""
        if not 0 <= sequence <= cls.MAX_SEQUENCE:
            raise InvalidValueError("EBM sequence", sequence, "must be 0-9999 (GD/J 082-2018 table 2)")
        return cls(f"{platform}{day:%Y%m%d}{sequence:04d}")

    @property
    def platform(self) -> ResourceCode:
        """Resource code of the platform that issued the message."""
        return ResourceCode(self[:23])

    @property
    def day(self) -> str:
        """YYYYMMDD, Beijing time."""
        return self[23:31]

    @property
    def sequence(self) -> int:
        """Number within the day."""
        return int(self[31:])

    @property
    def forced(self) -> bool:
        """Whether receivers must process it."""
        return self.sequence != 0


#: EBM id of an adapter's or our own "everything in the area falls silent" (GD/J 089-2018 table A.12).
EBM_ID_ALL = EbmId("0" * 35)


class PhysicalAddress(str):
    """物理地址编码: the factory-set number of a device, upper-case hexadecimal of its bytes (usually 6, BCD)."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Accept hexadecimal with or without separators; 1-32 bytes."""
        digits = re.sub(r"[\s:\-]", "", text).upper()
        if len(digits) % 2 or not 2 <= len(digits) <= 64 or not _HEX.match(digits):
            raise InvalidValueError("physical address", text, "must be 1-32 bytes as hexadecimal digits")
        return super().__new__(cls, digits)


class CertificateSerial(str):
    """证书编号, 6 bytes written as 12 upper-case hexadecimal digits (GD/J 081-2018 tables 1-2)."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Accept 12 hexadecimal digits; the reserved range 0x00-0xFF too, since the sample of 081 lies in it."""
        digits = text.upper()
        if len(digits) != 12 or not _HEX.match(digits):
            raise InvalidValueError("certificate number", text, "must be 12 hexadecimal digits")
        return super().__new__(cls, digits)
