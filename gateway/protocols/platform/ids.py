"""Codes of the platform interface 编码, in the form of 2018 and in that of the draft of 2015-2017.

2018: resource 23 digits, package 41, message 35 (GD/J 080, 082 and 083-2018). Draft: 18, 36, 30 (platform.md 4.9).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

from gateway.domain.codes import EbmId, ResourceCode
from gateway.errors import InvalidValueError

_CODE = re.compile(r"[0-9]{18}(?:[0-9]{5})?\Z", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,64}\Z", re.ASCII)
_OPAQUE = re.compile(r"[0-9A-Za-z_-]{1,64}\Z", re.ASCII)

HEARTBEAT, OTHER = "01", "10"
_SEQUENCE_DIGITS = 16


class Form(StrEnum):
    """Which text a peer follows; told by the length of its resource code."""

    #: GD/J 080-083-2018
    GDJ_2018 = "gdj-2018"
    #: 应急广播平台联动接口规范, draft of 2016, and what was built before the texts of 2018
    DRAFT = "draft-2016"


class PlatformCode(str):
    """资源编码 EBRID of a platform or a resource: 23 digits (GD/J 080-2018), or 18 of the draft."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check and make. Errors: InvalidValueError."""
        if not _CODE.match(text):
            raise InvalidValueError("EBRID", text, "must be 23 digits (GD/J 080-2018), or 18 of the draft")
        return super().__new__(cls, text)

    @property
    def form(self) -> Form:
        """Form of everything that a platform of this code writes."""
        return Form.GDJ_2018 if len(self) == ResourceCode.length else Form.DRAFT


class EbdId(str):
    """数据包编号 EBDID: kind 2 + source + sequence 16 (GD/J 083-2018 table 4).

    As read: any 1 to 64 digits, for the field has other lengths, and other sources in it than the sender.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check and make. Errors: InvalidValueError."""
        if not _DIGITS.match(text):
            raise InvalidValueError("EBDID", text, "must be digits: 41, or 36 of the draft (GD/J 083-2018 table 4)")
        return super().__new__(cls, text)

    @classmethod
    def build(cls, source: PlatformCode, sequence: int) -> EbdId:
        """Number a package of ours. Errors: InvalidValueError beyond 16 digits."""
        if not 0 <= sequence < 10**_SEQUENCE_DIGITS:
            raise InvalidValueError("EBD sequence", sequence, "must be of at most 16 digits (GD/J 083-2018 table 4)")
        return cls(f"{OTHER}{source}{sequence:0{_SEQUENCE_DIGITS}d}")

    @classmethod
    def heartbeat(cls, source: PlatformCode) -> EbdId:
        """The number that all heartbeats of a platform bear."""
        return cls(f"{HEARTBEAT}{source}{'0' * _SEQUENCE_DIGITS}")


class MessageId(str):
    """应急广播消息编号 EBMID as a platform wrote it; the field holds wrong lengths, so it is kept as it is."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check and make. Errors: InvalidValueError."""
        if not _OPAQUE.match(text):
            raise InvalidValueError("EBMID", text, "must be 1-64 letters or digits; 35 digits by GD/J 082-2018 table 2")
        return super().__new__(cls, text)

    @property
    def ebm_id(self) -> EbmId | None:
        """The number as device frames carry it, None where it has not 35 digits."""
        try:
            return EbmId(self)
        except InvalidValueError:
            return None

    @property
    def forced(self) -> bool:
        """强制播发: whether it must be processed; sequence 0000 may be left (GD/J 082-2018 table 2)."""
        return not self.endswith("0000")
