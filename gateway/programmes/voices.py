"""Which voice says what 语音: a voice that somebody here vouches for, and a text as stretches of one voice.

espeak-ng knows a hundred languages; that it makes a noise proves nothing. Only Mandarin and English are checked here;
others are added by an operator who has heard them (``[sound] voices``); without one the warning goes to a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.errors import NoVoice, SettingsError
from gateway.programmes.chinese import said
from gateway.programmes.english import said_in_english
from gateway.programmes.pinyin import HAN, Pinyin

MANDARIN: Final = "cmn-latn-pinyin"
ENGLISH: Final = "en-us"
_MANDARIN_TAGS: Final = frozenset(
    {"zh", "cmn", "zh-cn", "zh-sg", "zh-tw", "zh-hans", "zh-hant", "zh-hans-cn", "zh-cmn"}
)
_LATIN: Final = re.compile(r"[A-Za-z][A-Za-z' .&-]*[A-Za-z]|[A-Za-z]")
_VOICE_NAME: Final = re.compile(r"[A-Za-z0-9-]{2,40}")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text for one voice, as the voice is given it."""

    voice: str
    text: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A whole text as stretches, and the characters that no voice reads."""

    stretches: tuple[Stretch, ...]
    unread: tuple[str, ...] = ()


class Voices:
    """The voices of this gateway. ``added`` holds lines ``language=espeak-voice``, e.g. ``fr=fr-fr``."""

    def __init__(self, pinyin: Pinyin, added: Iterable[str] = ()) -> None:
        self._pinyin = pinyin
        self._added: dict[str, str] = {}
        for line in added:
            language, _, voice = line.partition("=")
            if not language.strip() or not _VOICE_NAME.fullmatch(voice.strip()):
                raise SettingsError(("sound.voices", f"{line[:40]!r} must be language=voice, such as fr=fr-fr"))
            self._added[language.strip().lower()] = voice.strip()

    def spoken(self, text: str, language: str) -> Spoken:
        """Split clean ``text`` into what each voice says. Errors: NoVoice when a person must read it."""
        tag = language.strip().lower().replace("_", "-")
        if tag in _MANDARIN_TAGS:
            return self._mandarin(text, language)
        if tag == "en" or tag.startswith("en-"):
            return self._english(text, language)
        voice = self._added.get(tag) or self._added.get(tag.partition("-")[0])
        if voice is None:
            raise NoVoice(language or "?")
        return Spoken((Stretch(voice, text),))

    def _mandarin(self, text: str, language: str) -> Spoken:
        words = said(text)
        if not HAN.search(words):
            raise NoVoice(language, "文本中没有汉字 no Han character in the text")
        stretches: list[Stretch] = []
        unread: list[str] = []
        at = 0
        for match in [*_LATIN.finditer(words), None]:
            readings, missed = self._pinyin.readings(words[at : match.start() if match else len(words)])
            unread += missed
            if any(reading.character for reading in readings):
                stretches.append(Stretch(MANDARIN, " ".join(reading.syllable for reading in readings)))
            if match:
                stretches.append(Stretch(ENGLISH, _letters(match[0])))
                at = match.end()
        _refuse_mostly_unread(words, unread, language)
        return Spoken(tuple(stretches), tuple(dict.fromkeys(unread)))

    def _english(self, text: str, language: str) -> Spoken:
        unread = [c for c in text if c.isalpha() and not c.isascii() and not "\u00c0" <= c <= "\u024f"]
        _refuse_mostly_unread(text, unread, language)
        kept = "".join(" " if c in unread else c for c in text)
        return Spoken((Stretch(ENGLISH, said_in_english(kept)),), tuple(dict.fromkeys(unread)))


def _letters(word: str) -> str:
    """Capitals that make no word are spelt: GPS → G P S."""
    return re.sub(r"\b[A-Z]{2,5}\b", lambda match: " ".join(match[0]), word)


def _refuse_mostly_unread(text: str, unread: list[str], language: str) -> None:
    """A character that is left out is told; a text of which a tenth is left out is not a warning any more."""
    letters = sum(c.isalpha() for c in text)
    if len(unread) * 10 > letters:
        raise NoVoice(language, f"{len(unread)} of {letters} characters have no reading")
