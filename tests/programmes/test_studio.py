"""From a warning to what sounds: signal at once, speech from the cache or made, files, and what fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.warning import Severity
from gateway.errors import AudioRejected, EnvironmentLackingError, InvalidValueError, NoVoice, SoundError
from gateway.programmes.events import SoundEvent, SoundKind
from gateway.programmes.options import SoundOptions
from gateway.programmes.programme import Programme
from gateway.programmes.signals import Signal, encode, packaged, signal_of
from gateway.programmes.studio import Studio
from gateway.programmes.toolbox import Toolbox
from gateway.protocols.mpeg_audio import header_at, silent_frame
from tests.programmes.soundkit import tone

TEXT = "暴雨红色预警，请注意防范。"


def taken(programme: Programme, count: int) -> list[bytes]:
    return [programme.take() for _ in range(count)]


def signal(severity: Severity) -> list[bytes]:
    return list(packaged(signal_of(severity))) * signal_of(severity).turns


async def test_siren_first_then_speech_as_often_as_asked_then_the_siren_again(
    toolbox: Toolbox, options: SoundOptions, tmp_path: Path
) -> None:
    studio = Studio(options, tmp_path, toolbox=toolbox)
    programme = studio.warning("w", Severity.RED, TEXT, "zh-CN")
    assert programme.take() == packaged(Signal.SIREN)[0]
    assert await programme.settled()
    siren = signal(Severity.RED)
    assert taken(programme, len(siren) - 1) == siren[1:]
    body = taken(programme, len(programme.body))
    assert tuple(body) == programme.body
    half, gap = len(body) // 2, round(0.48 / 0.024)
    assert body[:half] == body[half:]
    assert body[half - gap : half] == [silent_frame()] * gap
    assert taken(programme, len(siren)) == siren
    await studio.close()


async def test_the_same_text_is_not_spoken_twice(toolbox: Toolbox, options: SoundOptions, tmp_path: Path) -> None:
    studio = Studio(options, tmp_path, toolbox=toolbox)
    first = studio.warning("a", Severity.RED, TEXT, "zh")
    assert await first.settled()
    deaf = Studio(options, tmp_path, toolbox=replace(toolbox, espeak=None))
    second = deaf.warning("b", Severity.BLUE, TEXT, "zh")
    assert await second.settled()
    assert second.body == first.body
    other = deaf.warning("c", Severity.BLUE, f"{TEXT}！解除", "zh")
    assert not await other.settled()


async def test_the_end_of_a_warning_is_spoken_with_a_chime_of_its_own(
    toolbox: Toolbox, options: SoundOptions, tmp_path: Path
) -> None:
    studio = Studio(options, tmp_path, toolbox=toolbox)
    programme = studio.all_clear("c", options.said_of_end("暴雨红色预警。", "zh-CN"), "zh-CN")
    chime = list(packaged(Signal.ALL_CLEAR))
    assert await programme.settled()
    assert taken(programme, len(chime)) == chime
    assert programme.body == await settled_body(studio.warning("d", Severity.RED, "暴雨红色预警，现已解除。", "zh"))
    assert await settled_body(
        studio.all_clear("e", options.said_of_end("Rainstorm", "en-GB"), "en-GB")
    ) == await settled_body(studio.warning("f", Severity.RED, "Rainstorm: this warning is over.", "en"))


async def settled_body(programme: Programme) -> tuple[bytes, ...]:
    assert await programme.settled()
    return programme.body


@pytest.mark.parametrize(
    ("text", "language", "error"),
    [("خەتەر", "ug", NoVoice), ("", "zh", InvalidValueError), ("雨" * 5000, "zh", InvalidValueError)],
)
async def test_what_no_voice_reads_goes_to_a_person_and_the_signal_goes_on(
    options: SoundOptions, tmp_path: Path, text: str, language: str, error: type[Exception]
) -> None:
    told: list[SoundEvent] = []
    programme = Studio(options, tmp_path, told.append).warning("w", Severity.ORANGE, text, language)
    assert not await programme.settled()
    assert isinstance(programme.problem, error)
    assert [event.kind for event in told] == [SoundKind.NEEDS_PERSON]
    turn = list(packaged(Signal.TWO_TONE))
    assert taken(programme, 10 * len(turn)) == turn * 10


async def test_without_the_programs_the_packaged_siren_serves(options: SoundOptions, tmp_path: Path) -> None:
    nowhere = replace(options, ffmpeg="/nowhere/ffmpeg", espeak="/nowhere/espeak-ng")
    told: list[SoundEvent] = []
    programme = Studio(nowhere, tmp_path, told.append).warning("w", Severity.RED, TEXT, "zh")
    assert not await programme.settled()
    assert isinstance(programme.problem, EnvironmentLackingError)
    assert [event.kind for event in told] == [SoundKind.FAILED]
    assert "apt install espeak-ng" in told[0].en
    siren = signal(Severity.RED)
    assert taken(programme, 2 * len(siren)) == siren * 2


async def test_characters_that_nobody_reads_are_told(toolbox: Toolbox, options: SoundOptions, tmp_path: Path) -> None:
    told: list[SoundEvent] = []
    programme = Studio(options, tmp_path, told.append, toolbox).warning("w", Severity.RED, f"{TEXT}请远离河道Ω", "zh")
    assert await programme.settled()
    assert [event.kind for event in told] == [SoundKind.UNREAD, SoundKind.READY]
    assert "Ω" in told[0].zh


async def test_a_recorded_file_follows_its_signal(toolbox: Toolbox, options: SoundOptions, tmp_path: Path) -> None:
    path = tmp_path / "notice.wav"
    path.write_bytes(tone(1.0, rate=16_000))
    programme = Studio(options, tmp_path / "cache", toolbox=toolbox).recording("r", Signal.SOFT_CHIME, path)
    assert await programme.settled()
    assert 1.0 <= len(programme.body) * 0.024 < 1.2
    chime = list(packaged(Signal.SOFT_CHIME))
    assert taken(programme, len(chime)) == chime
    assert tuple(taken(programme, len(programme.body))) == programme.body


async def test_a_file_that_is_none_is_refused_by_name(toolbox: Toolbox, options: SoundOptions, tmp_path: Path) -> None:
    path = tmp_path / "notice.wav"
    path.write_bytes(b"no sound")
    told: list[SoundEvent] = []
    programme = Studio(options, tmp_path / "cache", told.append, toolbox).recording("r", None, path)
    assert not await programme.settled()
    assert isinstance(programme.problem, AudioRejected)
    assert [event.kind for event in told] == [SoundKind.FAILED]


async def test_a_cache_that_cannot_be_written_costs_no_speech(
    toolbox: Toolbox, options: SoundOptions, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    studio = Studio(options, tmp_path / "file", toolbox=toolbox)
    assert await studio.warning("w", Severity.RED, TEXT, "zh").settled()
    assert isinstance(studio.cache.problem, OSError)


async def test_a_file_that_vanishes_is_told(toolbox: Toolbox, options: SoundOptions, tmp_path: Path) -> None:
    programme = Studio(options, tmp_path, toolbox=toolbox).recording("r", None, tmp_path / "gone.wav")
    assert not await programme.settled()
    assert isinstance(programme.problem, SoundError)


async def test_close_ends_what_is_being_made(toolbox: Toolbox, options: SoundOptions, tmp_path: Path) -> None:
    studio = Studio(options, tmp_path, toolbox=toolbox)
    programme = studio.warning("w", Severity.RED, TEXT * 20, "zh")
    await asyncio.sleep(0.05)
    await studio.close()
    assert not await programme.settled()
    assert programme.body == ()


@pytest.mark.parametrize("kind", list(Signal))
def test_packaged_signals_are_whole(kind: Signal) -> None:
    frames = packaged(kind)
    # The encoder ends a sound that is not cut from a longer one with a frame more.
    assert len(frames) == kind.frame_count + (not kind.loops)
    assert {header and (header.rate, header.kbits, header.channels) for header in map(header_at, frames)} == {
        (48_000, 64, 1)
    }


def test_each_severity_has_its_signal() -> None:
    assert [signal_of(severity) for severity in (Severity.RED, Severity.ORANGE, Severity.YELLOW, Severity.BLUE)] == [
        Signal.SIREN,
        Signal.TWO_TONE,
        Signal.CHIME,
        Signal.SOFT_CHIME,
    ]
    assert signal_of(Severity.UNKNOWN) is Signal.SOFT_CHIME


async def test_the_packaged_signals_can_be_made_anew(toolbox: Toolbox) -> None:
    made = await encode(toolbox, Signal.TWO_TONE)
    assert len(made) == Signal.TWO_TONE.frame_count
