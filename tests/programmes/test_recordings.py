"""Recorded files are judged by what they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import AudioRejected
from gateway.programmes.options import SoundOptions
from gateway.programmes.recordings import check_whole, inspect
from gateway.programmes.toolbox import Toolbox
from tests.programmes.soundkit import tone


async def test_a_file_is_what_it_holds_and_not_what_its_name_says(
    toolbox: Toolbox, options: SoundOptions, tmp_path: Path
) -> None:
    path = tmp_path / "录音.mp3"
    path.write_bytes(tone(1.0, rate=16_000, channels=2))
    facts = await inspect(toolbox, path, options)
    assert (facts.demuxer, facts.codec, facts.rate, facts.channels) == ("wav", "pcm_s16le", 16_000, 2)
    assert facts.seconds == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "size"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.mp3\n", "type"),
        (b"ffconcat version 1.0\nfile '/etc/hostname'\n", "type"),
        (b"GIF89a" + bytes(200), "type"),
        (tone(0.05), "duration"),
        (tone(1.0, rate=4000), "sample rate"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_its_name(
    toolbox: Toolbox, options: SoundOptions, tmp_path: Path, content: bytes, field: str
) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(AudioRejected) as refused:
        await inspect(toolbox, path, options)
    assert refused.value.field == field


async def test_limits_of_size_and_length_hold(toolbox: Toolbox, options: SoundOptions, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(tone(1.0))
    with pytest.raises(AudioRejected, match="size"):
        await inspect(toolbox, path, replace(options, max_file_bytes=1000))
    with pytest.raises(AudioRejected, match="duration"):
        await inspect(toolbox, path, replace(options, max_file_seconds=0.5))


@pytest.mark.parametrize("name", ["nowhere.wav", "."])
async def test_what_is_no_file_is_refused(toolbox: Toolbox, options: SoundOptions, tmp_path: Path, name: str) -> None:
    with pytest.raises(AudioRejected) as refused:
        await inspect(toolbox, tmp_path / name, options)
    assert refused.value.field == "file"


async def test_a_file_that_promises_more_than_it_holds_is_refused(
    toolbox: Toolbox, options: SoundOptions, tmp_path: Path
) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(tone(2.0))
    facts = await inspect(toolbox, path, options)
    check_whole(facts, 2.0)
    with pytest.raises(AudioRejected, match="the file is cut"):
        check_whole(facts, 1.0)


@pytest.mark.parametrize("left", [60, 1000, 48_001])
async def test_a_wav_that_is_cut_is_refused(toolbox: Toolbox, options: SoundOptions, tmp_path: Path, left: int) -> None:
    path = tmp_path / "x.wav"
    whole = tone(2.0, rate=16_000)
    path.write_bytes(whole[: len(whole) - left])
    with pytest.raises(AudioRejected, match="it is cut") as refused:
        await inspect(toolbox, path, options)
    assert refused.value.field == "size"


@pytest.mark.parametrize("length", [0, 0xFFFF_FFFF])
async def test_a_recorder_that_left_the_length_open_is_believed(
    toolbox: Toolbox, options: SoundOptions, tmp_path: Path, length: int
) -> None:
    path = tmp_path / "x.wav"
    whole = tone(2.0, rate=16_000)
    at = whole.index(b"data") + 4
    path.write_bytes(whole[:at] + length.to_bytes(4, "little") + whole[at + 4 :])
    assert (await inspect(toolbox, path, options)).seconds == pytest.approx(2.0, abs=0.1)
