"""Han characters to numbered pinyin 拼音, the only form that espeak-ng's voice ``cmn-latn-pinyin`` reads right.

Words of the readings file go first, by the longest match; pypinyin's dictionary of phrases reads the rest. 一 and 不
change their tone as they do in speech; two third tones in a row are the voice's own business, and it knows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from gateway.errors import SettingsError

PACKAGED: Final = Path(__file__).parent / "data" / "readings.tsv"
_SYLLABLE: Final = re.compile(r"[a-zü]{1,6}[1-5]")
HAN: Final = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
#: Stops that the voice makes a pause of.
_STOPS: Final = {
    "，": ",",
    "、": ",",
    "；": ";",
    "：": ",",
    ":": ",",
    "。": ".",
    "！": "!",
    "？": "?",
    "\n": ".",
    "…": ".",
}
_KEPT_STOPS: Final = frozenset(",.;!?")
_NUMERALS: Final = frozenset("零〇一二三四五六七八九十点幺两第初")
_ORDINAL_BEFORE: Final = frozenset("统万唯同专之期周拜单")
_ORDINAL_BEHIND: Final = frozenset("级号月日类等季期")


@dataclass(frozen=True, slots=True)
class Reading:
    """One syllable with the character that it is of; a stop has none. What a readings file says is ``fixed``."""

    character: str
    syllable: str
    fixed: bool = False


@cache
def read_readings(path: Path) -> Mapping[str, tuple[str, ...]]:
    """The words of a readings file. Errors: SettingsError naming the line and the rule."""
    found: dict[str, tuple[str, ...]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError((str(path), f"cannot be read: {error}")) from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, pinyin = line.partition("\t")
        syllables = tuple(pinyin.split())
        if not all(map(HAN.fullmatch, word)) or len(word) != len(syllables):
            raise SettingsError((f"{path}:{number}", "must be Han characters, a tab, and one syllable for each"))
        if not all(map(_SYLLABLE.fullmatch, syllables)):
            raise SettingsError((f"{path}:{number}", "each syllable is pinyin with a tone number 1-5"))
        found[word] = syllables
    return found


class Pinyin:
    """Reads with the packaged words and, over them, those of ``readings_file``."""

    __slots__ = ("_longest", "_words")

    def __init__(self, readings_file: Path | None = None) -> None:
        self._words = dict(read_readings(PACKAGED))
        if readings_file is not None:
            self._words |= read_readings(readings_file)
        self._longest = max(map(len, self._words))

    def readings(self, text: str) -> tuple[list[Reading], list[str]]:
        """Syllables and stops of ``text`` in order, and the characters that nobody here can read."""
        found: list[Reading] = []
        unread: list[str] = []
        for run, is_word in self._runs(text):
            if is_word:
                found.extend(Reading(*pair, fixed=True) for pair in zip(run, self._words[run], strict=True))
                continue
            for character, syllable in _by_pypinyin(run):
                if _SYLLABLE.fullmatch(syllable):
                    found.append(Reading(character, syllable))
                elif character in _STOPS or character in _KEPT_STOPS:
                    found.append(Reading("", _STOPS.get(character, character)))
                elif character.isalnum():
                    unread.append(character)
        return _with_changed_tones(found), unread

    def text(self, text: str) -> str:
        """What the voice is given: syllables and stops between blanks, nothing else."""
        return " ".join(reading.syllable for reading in self.readings(text)[0])

    def _runs(self, text: str) -> Iterator[tuple[str, bool]]:
        """``text`` in order: words of the dictionary (True), and what stands between them."""
        at = begun = 0
        while at < len(text):
            for length in range(min(self._longest, len(text) - at), 0, -1):
                if text[at : at + length] in self._words:
                    if begun < at:
                        yield text[begun:at], False
                    yield text[at : at + length], True
                    at += length
                    begun = at
                    break
            else:
                at += 1
        if begun < at:
            yield text[begun:], False


def _by_pypinyin(run: str) -> Iterator[tuple[str, str]]:
    # Imported when the first text is read: its dictionaries cost tens of megabytes that a gateway without speech saves.
    from pypinyin import Style, lazy_pinyin

    # One entry for each character that has no reading; the stubs do not foresee a list, the documentation does.
    each: Any = list
    syllables = lazy_pinyin(run, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=True, errors=each)
    return zip(run, syllables, strict=True)


def _with_changed_tones(readings: list[Reading]) -> list[Reading]:
    return [
        reading if reading.fixed or reading.character not in ("一", "不") else _changed(readings, index)
        for index, reading in enumerate(readings)
    ]


def _changed(readings: list[Reading], index: int) -> Reading:
    """一 and 不 in the company they are in: 一样 yi2 yang4, 一天 yi4 tian1, 十一 shi2 yi1, 不要 bu2 yao4."""
    reading = readings[index]
    before = readings[index - 1].character if index else ""
    behind = readings[index + 1] if index + 1 < len(readings) else Reading("", "")
    tone = behind.syllable[-1:] if behind.character else ""
    if reading.character == "不":
        return Reading("不", "bu2" if tone == "4" else reading.syllable)
    if behind.character in ("百", "千", "万", "亿"):
        plain = before in ("十", "零")
    else:
        plain = (
            not tone or before in _NUMERALS or behind.character in _NUMERALS
            or before in _ORDINAL_BEFORE or behind.character in _ORDINAL_BEHIND
        )  # fmt: skip
    if plain:
        return Reading("一", "yi1")
    return Reading("一", "yi2" if tone in "45" else "yi4")
