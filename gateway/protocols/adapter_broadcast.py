"""通用应急(日常)广播开播(停播)指令, 0x04 of appendix A (GD/J 089-2018 table A.12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import construct

from gateway.protocols.adapter_address import ADDRESS, AddressBlock
from gateway.protocols.fields import (
    EBM_ID,
    EVENT,
    U8,
    U16,
    U32,
    Layout,
    WireEbmId,
    adapt,
    counted,
    harmless,
    record,
    sized,
    text_of,
)
from gateway.protocols.ip_bodies import Auxiliary

#: power_switch.
START, STOP = 1, 2
#: Where it stands.
SWITCH_AT = 18
#: 多语种数量 goes no further.
MAX_LANGUAGES = 0x0F

#: 编码字符集 that Python knows: GB 2312, GB 18030, GB 13000 (two bytes a character, as ISO/IEC 10646 UCS-2).
_CODECS = {0: "gb2312", 1: "gb18030", 2: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class LanguageContent:
    """多语种内容: texts as bytes of ``charset``, and what goes with them; ``language`` is GB/T 4880.2, as ``zho``."""

    language: str
    charset: int
    text: bytes
    agency: bytes
    aux: tuple[Auxiliary, ...] = ()

    @classmethod
    def of(cls, language: str, text: str, agency: str, aux: tuple[Auxiliary, ...] = ()) -> Self:
        """Encode in GB 2312, which every device must know, or else in GB 18030; nothing is replaced."""
        for charset in (0, 1):
            try:
                return cls(language, charset, text.encode(_CODECS[charset]), agency.encode(_CODECS[charset]), aux)
            except UnicodeEncodeError:
                continue
        raise AssertionError("GB 18030 has every character")

    def words(self, raw: bytes) -> str:
        """``raw``, one of the texts, for people; by guess where the charset is unknown or does not hold."""
        try:
            return harmless(raw.decode(_CODECS[self.charset]))
        except (KeyError, UnicodeDecodeError):
            return text_of(raw)


@dataclass(frozen=True, slots=True)
class BroadcastStart:
    """开播: times in seconds of the adapter's time base (``time_base``), volume 0-100 %, 255 keeps what is set.

    Auxiliaries stand inside the languages, so a stream address needs a language even where there is no text.
    """

    ebm_id: WireEbmId
    ebm_class: int
    event: str
    severity: int
    start: int
    end: int
    volume: int
    address: AddressBlock
    languages: tuple[LanguageContent, ...] = ()
    input_channel: int = 0
    output_channels: tuple[int, ...] = ()
    private: bytes = b""


@dataclass(frozen=True, slots=True)
class BroadcastStop:
    """停播: an EBM id of zeros silences all in the area."""

    ebm_id: WireEbmId
    address: AddressBlock


_LANGUAGE_CODE = adapt(construct.Bytes(3), lambda raw: raw.decode("latin-1"), lambda text: text.encode("latin-1"))
#: Appendix D counts the bytes of an auxiliary in two, appendix A in four.
AUXILIARY = record(Auxiliary, kind=U8, data=sized(U32))
_LANGUAGE = record(
    LanguageContent,
    language=_LANGUAGE_CODE,
    charset=U8,
    text=sized(U16),
    agency=sized(U8),
    aux=counted(U8, AUXILIARY.con),
)
_LANGUAGE_NUMBER = construct.ExprValidator(U8, lambda number, _: number <= MAX_LANGUAGES)

START_LAYOUT = record(
    BroadcastStart,
    ebm_id=EBM_ID,
    power_switch=construct.Const(START, U8),
    ebm_class=U8,
    event=EVENT,
    severity=U8,
    start=U32,
    end=U32,
    volume=U8,
    address=ADDRESS.con,
    languages=counted(_LANGUAGE_NUMBER, _LANGUAGE.con),
    input_channel=U8,
    output_channels=counted(U8, U8),
    private=sized(U16),
)
STOP_LAYOUT = record(BroadcastStop, ebm_id=EBM_ID, power_switch=construct.Const(STOP, U8), address=ADDRESS.con)


def broadcast_layout(content: bytes) -> Layout[Any]:
    """Choose by power_switch; any other value is refused, by the layout of the start."""
    return STOP_LAYOUT if content[SWITCH_AT : SWITCH_AT + 1] == bytes([STOP]) else START_LAYOUT
