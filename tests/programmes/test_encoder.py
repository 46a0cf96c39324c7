"""Encoded sound: its form frame by frame, its loudness, and that each frame stands alone."""

from __future__ import annotations

import pytest

from gateway.errors import AudioRejected
from gateway.programmes.encoder import TRUE_PEAK, Encoder
from gateway.programmes.toolbox import Toolbox
from gateway.protocols import mpeg_audio
from tests.programmes.soundkit import tone


async def test_frames_are_mp3_48_khz_mono_64_kbit_without_tags(encoder: Encoder) -> None:
    frames = await encoder.frames(tone(2.0, rate=22_050, channels=2))
    headers = {mpeg_audio.header_at(frame) for frame in frames}
    (header,) = headers
    assert header is not None
    assert (header.version, header.kbits, header.rate, header.channels, header.size) == (1, 64, 48_000, 1, 192)
    assert not any(mpeg_audio.is_info(frame) for frame in frames)
    assert 2.0 <= len(frames) * header.seconds < 2.2


async def test_no_tag_and_no_table_of_contents_leave_the_program(toolbox: Toolbox) -> None:
    from gateway.programmes.encoder import output_form

    out, _ = await toolbox.run("ffmpeg", "-loglevel", "error", "-i", "pipe:0", *output_form(64), "-", stdin=tone(1.0))
    assert mpeg_audio.header_at(out) is not None
    assert b"Xing" not in out
    assert b"Info" not in out
    assert len(out) % 192 == 0


async def test_each_frame_stands_alone(encoder: Encoder) -> None:
    # main_data_begin, the first nine bits of the side information, points back into frames before.
    for frame in await encoder.frames(tone(1.0)):
        assert frame[4] << 1 | frame[5] >> 7 == 0


@pytest.mark.parametrize("level", [0.01, 0.1, 0.9])
async def test_loud_and_low_sound_come_to_one_loudness(encoder: Encoder, level: float) -> None:
    frames = await encoder.frames(tone(4.0, hertz=1000.0, level=level))
    measured = await encoder.measure(b"".join(frames), "mp3")
    assert measured.integrated == pytest.approx(-16.0, abs=1.5)
    assert measured.peak <= TRUE_PEAK + 0.5


async def test_silence_is_refused(encoder: Encoder) -> None:
    with pytest.raises(AudioRejected, match="it is silent"):
        await encoder.frames(tone(1.0, level=0.0))


async def test_what_is_no_sound_is_refused(encoder: Encoder) -> None:
    with pytest.raises(AudioRejected, match="decodes to its end"):
        await encoder.frames(b"RIFF no sound at all")
