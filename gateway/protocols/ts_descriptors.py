"""Descriptors in the index table: how a details channel is received (GD/J 086-2018 6.2, GB/T 28161-2011 6.2.10.3).

A descriptor that is unknown here, or does not fit its layout, stays as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import construct

from gateway.errors import InvalidValueError
from gateway.protocols.fields import REST, U8, U32, Layout, adapt, sized
from gateway.protocols.ts_fields import Bits, packed

CABLE_DELIVERY, TERRESTRIAL_DELIVERY = 0x44, 0x5A
#: Largest loop of descriptors: the two high bits of its length are 00 (GD/J 086-2018 6.2).
MAX_LOOP = 0x3FF


def _digits(number: int) -> int | None:
    text = f"{number:X}"
    return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class CableDelivery:
    """有线传送系统描述符 0x44: frequency (8 digits, 100 Hz) and symbol rate (7 digits, 100 Bd) in BCD."""

    frequency_bcd: int
    symbol_rate_bcd: int
    #: 1 QAM16, 2 QAM32, 3 QAM64, 4 QAM128, 5 QAM256.
    modulation: int
    fec_outer: int = 0
    fec_inner: int = 0xF
    reserved: int = 0xFFF

    @classmethod
    def of(cls, freq_khz: int, symbol_rate_k: int, modulation: int) -> Self:
        """Make it from kHz and kBd; error correction not stated outside, none inside."""
        if not 0 <= freq_khz < 10_000_000:
            raise InvalidValueError("freq_khz", freq_khz, "must have at most 7 digits (GB/T 28161-2011)")
        if not 0 <= symbol_rate_k < 1_000_000:
            raise InvalidValueError("symbol_rate_k", symbol_rate_k, "must have at most 6 digits (GB/T 28161-2011)")
        return cls(int(f"{freq_khz}0", 16), int(f"{symbol_rate_k}0", 16), modulation)

    @property
    def freq_khz(self) -> float | None:
        """Frequency in kHz; None where a digit is not decimal."""
        digits = _digits(self.frequency_bcd)
        return None if digits is None else digits / 10

    @property
    def symbol_rate_k(self) -> float | None:
        """Symbol rate in kBd; None where a digit is not decimal."""
        digits = _digits(self.symbol_rate_bcd)
        return None if digits is None else digits / 10


@dataclass(frozen=True, slots=True)
class TerrestrialDelivery:
    """地面传送系统描述符 0x5A of DTMB. The unit of the frequency is the multiplexer's (10 Hz in EN 300 468).

    The text of GB/T 28161-2011 was not at hand: the layout is that of two receivers' software; what follows is kept.
    """

    centre_frequency: int
    fec: int
    modulation: int
    subcarriers: int
    frame_header: int
    interleaving: int
    other_frequency: int = 0
    single_frequency: int = 0
    reserved: int = 3
    rest: bytes = b""


CABLE = packed(
    CableDelivery,
    frequency_bcd=U32,
    outer=Bits(reserved=12, fec_outer=4),
    modulation=U8,
    inner=Bits(symbol_rate_bcd=28, fec_inner=4),
)
TERRESTRIAL = packed(
    TerrestrialDelivery,
    centre_frequency=U32,
    modes=Bits(
        fec=4,
        modulation=4,
        subcarriers=4,
        frame_header=4,
        interleaving=4,
        other_frequency=1,
        single_frequency=1,
        reserved=2,
    ),
    rest=REST,
)
_LAYOUTS: dict[int, Layout[Any]] = {CABLE_DELIVERY: CABLE, TERRESTRIAL_DELIVERY: TERRESTRIAL}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One descriptor; ``value`` is bytes where its tag has no layout here or its content does not fit."""

    tag: int
    value: CableDelivery | TerrestrialDelivery | bytes


def _read(obj: Any) -> Descriptor:
    layout = _LAYOUTS.get(obj.tag)
    value = None if layout is None else layout.fits(obj.value)
    return Descriptor(obj.tag, obj.value if value is None else value)


def _write(descriptor: Descriptor) -> dict[str, object]:
    value = descriptor.value
    if not isinstance(value, bytes):
        if descriptor.tag not in _LAYOUTS:
            raise InvalidValueError("descriptor", descriptor.tag, "has no layout: its value must be bytes")
        value = _LAYOUTS[descriptor.tag].build(value)
    return {"tag": descriptor.tag, "value": value}


_DESCRIPTOR = adapt(construct.Struct("tag" / U8, "value" / sized(U8)), _read, _write)


@dataclass(frozen=True, slots=True)
class Descriptors:
    """A loop of descriptors behind its length of 12 bits."""

    items: tuple[Descriptor, ...] = ()
    reserved: int = 0xF


NO_DESCRIPTORS = Descriptors()
_ITEMS: Layout[tuple[Descriptor, ...]] = Layout("descriptors", adapt(construct.GreedyRange(_DESCRIPTOR), tuple, list))
_LOOP = construct.Struct(
    "head" / construct.BitStruct("reserved" / construct.BitsInteger(4), "length" / construct.BitsInteger(12)),
    "raw" / construct.Bytes(construct.this.head.length),
)


def _read_loop(obj: Any) -> Descriptors:
    items = _ITEMS.fits(obj.raw) if len(obj.raw) <= MAX_LOOP else None
    if items is None:
        raise construct.ValidationError("descriptors do not fill the length announced")
    return Descriptors(items, obj.head.reserved)


def _write_loop(loop: Descriptors) -> dict[str, object]:
    raw = _ITEMS.build(loop.items)
    if len(raw) > MAX_LOOP:
        raise InvalidValueError("descriptors", f"{len(raw)} bytes", f"must not exceed {MAX_LOOP} bytes (GD/J 086 6.2)")
    return {"head": {"reserved": loop.reserved, "length": len(raw)}, "raw": raw}


#: A 12-bit length and that many bytes of descriptors.
DESCRIPTORS = adapt(_LOOP, _read_loop, _write_loop)
