"""Text to speech 语音合成: clean text, stretches of one voice, espeak-ng for each, one piece of sound."""

from __future__ import annotations

import io
import wave
from typing import Final

from gateway.errors import SoundProgramFailed
from gateway.programmes.clean import clean
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox
from gateway.programmes.voices import Spoken, Stretch, Voices

#: Rate of espeak-ng's own sound; every voice has it.
ESPEAK_RATE: Final = 22_050
_LEAST_SECONDS: Final = 0.05


class Speaker:
    """Reads texts aloud."""

    def __init__(self, toolbox: Toolbox, voices: Voices, options: SoundOptions) -> None:
        self._toolbox = toolbox
        self._voices = voices
        self._options = options

    def spoken(self, text: str, language: str) -> Spoken:
        """What each voice is given. Errors: InvalidValueError for the text, NoVoice when a person must read it."""
        return self._voices.spoken(clean(text, self._options.max_text_chars), language)

    async def wav(self, spoken: Spoken) -> bytes:
        """Speak it: a WAV file, mono, 16 bits, 22,050 Hz.

        Errors: EnvironmentLackingError without espeak-ng; SoundProgramFailed.
        """
        sound = bytearray()
        for stretch in spoken.stretches:
            sound += await self._stretch(stretch)
        if len(sound) < _LEAST_SECONDS * ESPEAK_RATE * 2:
            raise SoundProgramFailed("espeak-ng", "spoke nothing")
        made = io.BytesIO()
        with wave.open(made, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(ESPEAK_RATE)
            file.writeframes(bytes(sound))
        return made.getvalue()

    async def phonemes(self, spoken: Spoken) -> str:
        """What the voices make of it, in espeak-ng's phonemes: the proof that they read it right."""
        found = []
        for stretch in spoken.stretches:
            out, _ = await self._toolbox.run(
                "espeak", "-v", stretch.voice, "-q", "-x", "--stdin", stdin=stretch.text.encode()
            )
            found.append(" ".join(out.decode("utf-8", "replace").split()))
        return " ".join(found)

    async def _stretch(self, stretch: Stretch) -> bytes:
        speed = str(self._options.words_per_minute)
        out, _ = await self._toolbox.run(
            "espeak", "-v", stretch.voice, "-s", speed, "-b", "1", "--stdin", "--stdout", stdin=stretch.text.encode()
        )
        # The header names no length that is true (the program did not know it yet), so it is read by hand.
        at = out.find(b"data", 12)
        if out[:4] != b"RIFF" or at < 0 or int.from_bytes(out[24:28], "little") != ESPEAK_RATE:
            raise SoundProgramFailed("espeak-ng", f"answered no WAV of {ESPEAK_RATE} Hz for voice {stretch.voice}")
        return out[at + 8 :][: (len(out) - at - 8) & ~1]
