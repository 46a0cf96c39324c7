"""How programmes sound and how large they may be: the keys of ``[sound]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: Sampling rate of every programme (GD/J 089-2018 annex B: 48 kHz), and seconds of one mp3 frame at it.
RATE: Final = 48_000
FRAME_SECONDS: Final = 1152 / RATE


@dataclass(frozen=True, slots=True)
class SoundOptions:
    """Options of speech, files and streams, with their defaults.

    ``gap_seconds`` stand between ``repeats`` of the words; ``program_seconds`` bound each run of ffmpeg or espeak-ng;
    ``pull_buffer_seconds`` is how far a listener over HTTP may fall behind.
    """

    ffmpeg: str = "ffmpeg"
    espeak: str = "espeak-ng"
    kbits: int = 64
    words_per_minute: int = 150
    loudness_lufs: float = -16.0
    repeats: int = 3
    gap_seconds: float = 1.5
    max_text_chars: int = 4000
    readings_file: Path | None = None
    voices: list[str] = field(default_factory=list)
    all_clear_words: str = "{headline}，现已解除。"
    all_clear_words_english: str = "{headline}: this warning is over."
    drill_words: str = "这是应急广播演练。"
    drill_words_english: str = "This is a drill."
    program_seconds: float = 60.0
    max_file_bytes: int = 64 << 20
    max_file_seconds: float = 3600.0
    cache_bytes: int = 512 << 20
    cache_days: float = 30.0
    pull_buffer_seconds: float = 10.0
    multicast_ttl: int = 16

    def said_of_end(self, headline: str, language: str) -> str:
        """What is said at the end of a warning, in the language (BCP 47) of its headline."""
        form = self.all_clear_words_english if _is_english(language) else self.all_clear_words
        return form.replace("{headline}", headline.rstrip("。.！!"))

    def said_in_drill(self, text: str, language: str) -> str:
        """``text`` as it is said in a drill: nobody may take it for an emergency."""
        return f"{self.drill_words_english if _is_english(language) else self.drill_words} {text}"


def _is_english(language: str) -> bool:
    return language.lower().partition("-")[0] == "en"
