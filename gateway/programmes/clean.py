"""Text as it may reach a speech program: without control characters, markup and the program's own escapes."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gateway.errors import InvalidValueError

#: What espeak-ng takes for phonemes ([[ ]]), SSML or stress marks: read as a space. A bracket means nothing aloud.
_ESCAPES: Final = re.compile(r"[\[\]{}<>|\\^_`*#=@\"]+")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
#: Full-width stops stay: folded, the comma of a Chinese list would stand between the thousands of a figure.
_KEPT: Final = frozenset("，；！？（）")
_SPACES: Final = re.compile(r"[^\S\n]+")


def clean(text: str, longest: int) -> str:
    """Compatibility forms folded (１２ → 12, ㎜ → mm), control characters and markup gone, space in single blanks.

    Errors: InvalidValueError when it is longer than ``longest`` characters, or nothing is left of it.
    """
    if len(text) > longest:
        raise InvalidValueError("text", f"{len(text)} characters", f"must be at most {longest} characters")
    folded = "".join(c if c in _KEPT else unicodedata.normalize("NFKC", c) for c in text)
    visible = "".join(c if c == "\n" or not _is_control(c) else " " for c in folded)
    plain = _ESCAPES.sub(" ", _TAG.sub(" ", visible))
    tidy = _SPACES.sub(" ", plain).strip()
    if not any(c.isalnum() for c in tidy):
        raise InvalidValueError("text", text, "must hold words")
    return tidy


def _is_control(character: str) -> bool:
    """Cc, Cf (zero width, direction marks), private use, surrogates and unassigned."""
    return unicodedata.category(character)[0] == "C"
