"""English text as it is said: the figures are the voice's business, units and signs are ours."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {
    "km/h": "kilometres per hour", "mm/h": "millimetres per hour", "m/s": "metres per second", "°C": "degrees Celsius",
    "hPa": "hectopascals", "km": "kilometres", "cm": "centimetres", "mm": "millimetres", "kg": "kilograms",
    "m": "metres", "h": "hours", "%": "percent",
}  # fmt: skip
_UNIT: Final = re.compile(rf"(?<=\d)\s*({'|'.join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))})(?![A-Za-z])")
_RANGE: Final = re.compile(r"(?<=\d)\s*[~～–-]\s*(?=\d+(?:\.\d+)?\s*(?:km|cm|mm|m|kg|h|hPa|°|%|degrees|level))")
_HOTLINE: Final = re.compile(
    r"\b(?:110|119|120|122|911|999|12379|12345|\d{7,12})\b(?!\s*(?:[a-z]*met|people|m\b|mm|km|%))"
)


def said_in_english(text: str) -> str:
    """``text`` (already clean) with units in words, ranges with *to*, and telephone numbers spelt."""
    text = _RANGE.sub(" to ", text)
    text = _UNIT.sub(lambda match: f" {_UNITS[match[1]]}", text)
    return _HOTLINE.sub(lambda match: " ".join(match[0]), text)
