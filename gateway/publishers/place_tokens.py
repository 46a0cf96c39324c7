"""From an area description to pieces 词元, each a name, a word of the vocabulary, or not understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.domain.codes import AreaCode
from gateway.publishers.place_words import EVERYDAY, Kind, word_at
from gateway.publishers.places import Places


@dataclass(frozen=True, slots=True)
class Token:
    """Characters ``start`` to ``end`` of a description. ``codes``: what a name may mean, or all that a zone holds."""

    kind: Kind
    start: int
    end: int
    words: str
    codes: tuple[AreaCode, ...] = ()
    short: bool = False


#: Kinds that speak of a place.
PLACES: Final = frozenset({Kind.NAME, Kind.ZONE, Kind.HOME, Kind.ELSEWHERE, Kind.MINISTRY})


def tokens(text: str, places: Places) -> list[Token]:
    """All of ``text`` in order, nothing left out; runs that are not understood are one piece."""
    firsts = places.firsts
    found: list[Token] = []
    at = strange = 0
    while at < len(text):
        token = _at(text, at, places) if text[at] in firsts else None
        if token is None:
            at += 1
            continue
        if strange < at:
            found.append(_unknown(text, strange, at))
        found.append(token)
        at = strange = token.end
    if strange < at:
        found.append(_unknown(text, strange, at))
    return found


def _unknown(text: str, start: int, end: int) -> Token:
    return Token(Kind.UNKNOWN, start, end, text[start:end])


def _at(text: str, at: int, places: Places) -> Token | None:
    """The longest name, else other word for a place, else word of the vocabulary.

    Where 和 or 外 both begins a name and could join two (和安村, 和 + 安…), nothing is understood.
    """
    word = word_at(text, at)
    token = _place(text, at, places)
    if token is None:
        return Token(word[0], at, word[1], text[at : word[1]]) if word else None
    if word and word[1] >= token.end:
        return Token(word[0], at, word[1], text[at : word[1]])
    if word and _place(text, word[1], places):
        return _unknown(text, at, token.end)
    return token


def _place(text: str, at: int, places: Places) -> Token | None:
    mention = places.index.at(text, at)
    if mention is not None and mention.short and mention.words in EVERYDAY:
        mention = None
    other = places.other_at(text, at)
    if other and (mention is None or len(other[0]) > len(mention.words)):
        words, kind, codes = other
        return Token(kind, at, at + len(words), words, codes)
    if mention is None:
        return None
    return Token(
        Kind.NAME, at, at + len(mention.words), mention.words, tuple(sorted(mention.codes)), short=mention.short
    )
