"""ffmpeg and espeak-ng as the tests find them, and what their sound is made with."""

from __future__ import annotations

import pytest

from gateway.programmes.encoder import Encoder
from gateway.programmes.options import SoundOptions
from gateway.programmes.pinyin import Pinyin
from gateway.programmes.speech import Speaker
from gateway.programmes.toolbox import Toolbox
from gateway.programmes.voices import Voices


@pytest.fixture(scope="session")
def options() -> SoundOptions:
    return SoundOptions(repeats=2, gap_seconds=0.48)


@pytest.fixture(scope="session")
def voices() -> Voices:
    return Voices(Pinyin())


@pytest.fixture
def speaker(toolbox: Toolbox, voices: Voices, options: SoundOptions) -> Speaker:
    return Speaker(toolbox, voices, options)


@pytest.fixture
def encoder(toolbox: Toolbox, options: SoundOptions) -> Encoder:
    return Encoder(toolbox, options)
