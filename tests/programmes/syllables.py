"""An ear for the Mandarin voice: hears which syllables sound in a recording, of all that Mandarin has.

It has learnt each syllable from the voice alone, one by one, and is told neither how many there are nor where. So what
it hears proves what was said, after siren, encoder, network and player. It does not hear tones.

Mel cepstra, compared by time warping over any succession of syllables (one-pass search over connected words).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pypinyin import pinyin_dict
from pypinyin.contrib.tone_convert import to_normal

from gateway.programmes.encoder import output_form
from gateway.programmes.options import SoundOptions
from gateway.programmes.speech import ESPEAK_RATE
from gateway.programmes.voices import MANDARIN

Sound = NDArray[np.float64]

RATE: Final = 16_000
_HOP, _WINDOW, _SIZE, _BANDS, _CEPSTRA = 160, 400, 512, 32, 20
#: Silence between syllables while they are learnt, and the least that is heard as silence, in frames.
_PAUSE: Final = RATE // 2
_QUIET: Final = 4
#: A syllable is where the level is within this (natural logarithm of power) of its loudest frame.
_FLOOR: Final = 6.0
#: What it costs to stay or to skip a frame, and to begin a syllable.
_WARP, _BEGIN = 0.5, 10.0
#: What is this far below the loudest within so many frames is not heard; nor is what is below ``_LEAST`` of all.
_MASK, _NEAR, _LEAST = 3e-3, 50, 1e-3
SILENCE: Final = "_"
#: Sounds of the dictionary that are no syllables of a text.
_GRUNTS: Final = {"hm", "hng", "m", "n", "ng"}


def inventory() -> list[str]:
    """All syllables of Mandarin, without tones."""
    found = {to_normal(one) for readings in pinyin_dict.pinyin_dict.values() for one in readings.split(",")}
    return sorted(one.replace("ü", "v") for one in found if one.replace("ü", "v").isascii() and one not in _GRUNTS)


def plain(pinyin: str) -> list[str]:
    """Syllables of numbered pinyin without tones and marks."""
    return [word.rstrip("012345") for word in pinyin.split() if word[0].isalpha()]


def times(heard: list[str], pinyin: str, others: Iterable[str] = (), slips: int = 1) -> int:
    """How often a sentence stands in what was heard: with so many slips of the ear at most, nearer than all others."""
    wanted, count = plain(pinyin), 0
    for at in range(len(heard) - len(wanted) + 1):
        stretch = heard[at : at + len(wanted)]
        wrong = _differing(stretch, wanted)
        count += wrong <= slips and all(wrong < _differing(stretch, plain(other)) for other in others)
    return count


def _differing(heard: list[str], wanted: list[str]) -> int:
    return sum(one != other for one, other in zip(heard, wanted, strict=True))


def decoded(sound: bytes, demuxer: str = "wav") -> Sound:
    """Samples of a sound file, 16 kHz, mono."""
    return _samples(_ffmpeg(["-f", demuxer, "-i", "pipe:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le"], sound))


def spoken(pinyin: str) -> Sound:
    """What the voice makes of numbered pinyin."""
    speed = str(SoundOptions().words_per_minute)
    done = subprocess.run(
        ["espeak-ng", "-v", MANDARIN, "-s", speed, "-b", "1", "--stdin", "--stdout"],
        input=pinyin.encode(), capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    samples = _samples(done.stdout[done.stdout.index(b"data") + 8 :])
    count = len(samples) * RATE // ESPEAK_RATE
    return np.interp(np.arange(count) * ESPEAK_RATE / RATE, np.arange(len(samples)), samples)


def encoded(samples: Sound) -> Sound:
    """The same after mp3 of the form that programmes have."""
    raw = samples.astype("<i2").tobytes()
    return decoded(_ffmpeg(["-f", "s16le", "-ar", str(RATE), "-i", "pipe:0", *output_form(64)], raw), "mp3")


class Ear:
    """Learns ``syllables`` from the voice, and then hears them."""

    def __init__(self, syllables: Iterable[str]) -> None:
        names = list(syllables)
        with ThreadPoolExecutor(2) as pool:
            voices = list(pool.map(lambda name: spoken(f"{name}1"), names))
        # One recording of all, because the encoder colours what it carries.
        heard = encoded(np.concatenate([np.append(voice, np.zeros(_PAUSE)) for voice in voices]))
        forms, at = [], 0
        for voice in voices:
            end = at + len(voice) + _PAUSE
            forms.append(_trimmed(heard[at : end - _PAUSE // 4]))
            at = end
        forms.append(_cepstra(np.zeros(RATE))[0][:_QUIET])
        self._names = [*names, SILENCE]
        self._states = np.concatenate(forms)
        lengths = np.array([len(form) for form in forms])
        self._end = lengths.cumsum() - 1
        self._start = self._end - lengths + 1
        self._power = (self._states**2).sum(1)

    def hears(self, samples: Sound) -> list[str]:
        """The syllables of a recording, silence left out; noise is heard as whatever it resembles."""
        frames = _cepstra(samples)[0]
        states, count = self._states, len(self._states)
        at, first = np.arange(count), np.zeros(count, bool)
        first[self._start] = True
        second = np.roll(first, 1)
        cost, began = np.full(count, np.inf), np.zeros(count, int)
        best = np.append(0.0, np.full(len(frames), np.inf))
        word, before = np.zeros(len(frames) + 1, int), np.zeros(len(frames) + 1, int)
        for now, frame in enumerate(frames):
            far = np.sqrt(np.maximum(self._power + frame @ frame - 2 * states @ frame, 0))
            step = np.where(first, np.inf, np.roll(cost, 1))
            skip = np.where(first | second, np.inf, np.roll(cost, 2) + _WARP)
            begin = np.where(first, best[now] + _BEGIN, np.inf)
            ways = np.stack((cost + _WARP, step, skip, begin))
            way = ways.argmin(0)
            cost = ways[way, at] + far
            began = np.stack((began, np.roll(began, 1), np.roll(began, 2), np.full(count, now)))[way, at]
            last = int(cost[self._end].argmin())
            best[now + 1], word[now + 1] = cost[self._end[last]], last
            before[now + 1] = began[self._end[last]]
        found, when = [], len(frames)
        while when:
            found.append(self._names[word[when]])
            when = before[when]
        return [name for name in reversed(found) if name != SILENCE]


@cache
def mandarin_ear() -> Ear:
    """Knows every syllable of Mandarin; made once, in some seconds."""
    return Ear(inventory())


def _trimmed(samples: Sound) -> Sound:
    cepstra, level = _cepstra(samples)
    sounding = np.flatnonzero(level > level.max() - _FLOOR)
    return cepstra[sounding[0] : sounding[-1] + 1]


def _cepstra(samples: Sound) -> tuple[Sound, Sound]:
    """Mel cepstra without the level, and the level, of frames 10 ms apart."""
    power = (_windows(samples) ** 2).mean(1)
    # Held against the loudest nearby, so that a siren before the words does not make them quiet.
    near = sliding_window_view(np.pad(power, _NEAR), 2 * _NEAR + 1).max(1)
    scale = np.sqrt(np.maximum(near, power.max() * _LEAST) + 1.0)
    frames = _windows(np.append(samples[0], samples[1:] - 0.97 * samples[:-1])) * np.hamming(_WINDOW) / scale[:, None]
    bands = np.log(np.abs(np.fft.rfft(frames, _SIZE)) ** 2 @ _mel().T + _MASK)
    turn = np.outer(np.arange(1, _CEPSTRA + 1), np.arange(_BANDS) + 0.5)
    return bands @ (np.cos(np.pi / _BANDS * turn) * np.sqrt(2 / _BANDS)).T, bands.mean(1)


def _windows(samples: Sound) -> Sound:
    padded = np.concatenate((np.zeros(_WINDOW // 2), samples, np.zeros(_WINDOW)))
    return sliding_window_view(padded, _WINDOW)[::_HOP]


def _mel(low: float = 80.0, high: float = 7000.0) -> Sound:
    to_mel: Callable[[float], float] = lambda hertz: float(2595 * np.log10(1 + hertz / 700))  # noqa: E731
    edges = 700 * (10 ** (np.linspace(to_mel(low), to_mel(high), _BANDS + 2) / 2595) - 1) * _SIZE / RATE
    left, middle, right = (edges[n : n + _BANDS, None] for n in range(3))
    at = np.arange(_SIZE // 2 + 1)
    slopes: Sound = np.clip(np.minimum((at - left) / (middle - left), (right - at) / (right - middle)), 0, None)
    return slopes


def _samples(raw: bytes) -> Sound:
    return np.frombuffer(raw[: len(raw) & ~1], "<i2").astype(float)


def _ffmpeg(arguments: list[str], sound: bytes) -> bytes:
    done = subprocess.run(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", *arguments, "pipe:1"],
        input=sound, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout
