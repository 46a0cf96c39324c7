"""mp3 frames: headers by ISO/IEC 11172-3, and a stream cut into frames wherever its pieces end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.mpeg_audio import FrameHeader, FrameSplitter, header_at, is_info, silent_frame, split

SILENCE = silent_frame()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("fffb54c4", FrameHeader(1, 64, 48_000, 1, 192)),
        ("fffb9064", FrameHeader(1, 128, 44_100, 2, 417)),
        ("fffb9264", FrameHeader(1, 128, 44_100, 2, 418)),
        ("fff340c4", FrameHeader(2, 32, 22_050, 1, 104)),
        ("fff384c4", FrameHeader(2, 64, 24_000, 1, 192)),
    ],
)
def test_headers_are_read(head: str, expected: FrameHeader) -> None:
    assert header_at(bytes.fromhex(head)) == expected


@pytest.mark.parametrize("head", ["fffb0064", "fffbf064", "fffb9c64", "fffd9064", "ffeb9064", "00fb9064", "fffb90"])
def test_what_is_no_header_is_none(head: str) -> None:
    assert header_at(bytes.fromhex(head)) is None


def test_a_frame_of_silence_is_whole_and_lasts_24_ms() -> None:
    header = header_at(SILENCE)
    assert header is not None
    assert len(SILENCE) == header.size == 192
    assert header.seconds == 0.024


@given(st.lists(st.integers(0, 2**32 - 1).filter(lambda n: n >> 24 != 0xFF), min_size=1, max_size=20), st.data())
def test_frames_come_out_whole_however_the_bytes_come_in(marks: list[int], data: st.DataObject) -> None:
    frames = [SILENCE[:-4] + bytes(b & 0x7F for b in mark.to_bytes(4, "big")) for mark in marks]
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    splitter, found = FrameSplitter(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.feed(stream[begin:end])
    assert found + splitter.finish() == frames
    assert splitter.skipped == 0


def test_tags_and_noise_between_frames_are_left_out() -> None:
    splitter = FrameSplitter()
    stream = b"ID3\x04\0\0\0\0\0\x02xx" + SILENCE * 2 + b"TAG" + bytes(125)
    assert splitter.feed(stream) + splitter.finish() == [SILENCE] * 2
    assert splitter.skipped == 12 + 128


@pytest.mark.parametrize("mark", [b"Xing", b"Info"])
def test_a_table_of_contents_is_no_sound(mark: bytes) -> None:
    table = SILENCE[:21] + mark + SILENCE[25:]
    assert is_info(table)
    assert split(table + SILENCE) == [SILENCE]


@given(st.binary(max_size=2000))
def test_no_bytes_hold_the_splitter_up(noise: bytes) -> None:
    splitter = FrameSplitter()
    frames = splitter.feed(noise) + splitter.finish()
    assert sum(map(len, frames)) + splitter.skipped <= len(noise)


def test_silence_of_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        silent_frame(65)
