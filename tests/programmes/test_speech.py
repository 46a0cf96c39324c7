"""What espeak-ng really makes of it, by its phonemes: loud nonsense would be loud too."""

from __future__ import annotations

import io
import re
import wave

import pytest

from gateway.errors import EnvironmentLackingError
from gateway.programmes.options import SoundOptions
from gateway.programmes.speech import Speaker
from gateway.programmes.toolbox import Toolbox
from gateway.programmes.voices import Voices

_SYLLABLE = re.compile(r"[^|_]*?(\d+)[^|_]*_\|")
#: Tones of pinyin as the voice's phonemes write them; a third tone before another changes or is cut.
_TONES = {"1": {"55"}, "2": {"35"}, "3": {"214", "21", "35"}, "4": {"51"}}
_WARNING = (
    "泉州市气象台2026年7月28日08时05分发布暴雨红色预警信号：预计未来3小时，鲤城区、长泰区降雨量将达50～100毫米，"
    "阵风10-12级，气温-5℃，请拨打12379。"
)


async def phonemes(speaker: Speaker, text: str, language: str = "zh-CN") -> str:
    return await speaker.phonemes(speaker.spoken(text, language))


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("泉州", "tS;h'y&35n_| ts.'ou55_|"),
        ("长泰", "ts.h'A35N_| th'ai51_|"),
        ("重庆", "ts.h'ong35_| tS;h'i51N_|"),
        ("重要", "ts.'ong51_| j'Au51_|"),
        ("12379", None),
    ],
)
async def test_phonemes_of_names_and_numbers(speaker: Speaker, text: str, heard: str | None) -> None:
    if heard is None:
        assert await phonemes(speaker, f"请拨打{text}") == await phonemes(speaker, "请拨打幺二三七九")
    else:
        assert await phonemes(speaker, text) == heard


async def test_every_syllable_of_a_warning_is_heard_in_its_tone(speaker: Speaker) -> None:
    spoken = speaker.spoken(_WARNING, "zh-CN")
    asked = [word for stretch in spoken.stretches for word in stretch.text.split() if word[-1].isdigit()]
    heard = [match[1] for match in _SYLLABLE.finditer(await speaker.phonemes(spoken))]
    assert spoken.unread == ()
    assert len(asked) == 80
    assert len(heard) == len(asked)
    wrong = [(word, tone) for word, tone in zip(asked, heard, strict=True) if tone not in _TONES[word[-1]]]
    assert wrong == []


@pytest.mark.parametrize(
    "text", ["你好[[h@loU]]世界", "你好[ [h@loU]]世界", "你好<phoneme ph='x'>世界", "你好\x01世界"]
)
async def test_no_phonemes_are_injected(speaker: Speaker, text: str) -> None:
    heard = await phonemes(speaker, text)
    assert "h@loU" not in heard
    assert re.match(r"n'i35_\| X'Au21", heard)
    assert heard.endswith("s.'i.51_| tS;'iE51_|")


async def test_the_attack_is_one_where_nothing_is_cleaned(toolbox: Toolbox) -> None:
    out, _ = await toolbox.run("espeak", "-v", "en-us", "-q", "-x", "--stdin", stdin=b"[[h@loU]]")
    assert out.strip() == b"h@l'oU"


async def test_speech_is_a_wav_of_plausible_length(speaker: Speaker) -> None:
    spoken = speaker.spoken(_WARNING, "zh")
    with wave.open(io.BytesIO(await speaker.wav(spoken))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert 15 < file.getnframes() / 22_050 < 60


async def test_without_the_program_it_is_named(voices: Voices) -> None:
    options = SoundOptions(espeak="/nonexistent/espeak-ng")
    speaker = Speaker(Toolbox.find(options), voices, options)
    with pytest.raises(EnvironmentLackingError, match="espeak-ng is missing"):
        await speaker.wav(speaker.spoken("暴雨", "zh"))
