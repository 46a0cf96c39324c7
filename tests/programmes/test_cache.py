"""The cache: found again, bounded, and never trusted when damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.programmes.cache import SoundCache, digest
from tests.programmes.soundkit import frame

DAY = 86_400.0


class Now:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_piece_is_found_again_by_a_new_process(tmp_path: Path) -> None:
    frames = [frame(number) for number in range(5)]
    SoundCache(tmp_path / "sound", 1 << 20, DAY).put("a", frames)
    assert SoundCache(tmp_path / "sound", 1 << 20, DAY).get("a") == frames
    assert SoundCache(tmp_path / "sound", 1 << 20, DAY).get("b") is None


@pytest.mark.parametrize("at", [0, 31, 32, 100, -1])
def test_a_damaged_piece_is_none(tmp_path: Path, at: int) -> None:
    cache = SoundCache(tmp_path, 1 << 20, DAY)
    cache.put("a", [frame(1)])
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert cache.get("a") is None
    assert list(tmp_path.iterdir()) == []


def test_a_cut_piece_is_none(tmp_path: Path) -> None:
    cache = SoundCache(tmp_path, 1 << 20, DAY)
    cache.put("a", [frame(1), frame(2)])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-192])
    assert cache.get("a") is None


def test_beyond_the_limit_the_least_lately_used_goes(tmp_path: Path) -> None:
    now = Now()
    cache = SoundCache(tmp_path, 2 * (32 + 192), DAY, now)
    for name in ("a", "b"):
        cache.put(name, [frame(1)])
        now.now += 1
    assert cache.get("a")
    now.now += 1
    cache.put("c", [frame(1)])
    assert [name for name in "abc" if cache.get(name)] == ["a", "c"]


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    now = Now()
    cache = SoundCache(tmp_path, 1 << 20, DAY, now)
    cache.put("a", [frame(1)])
    now.now += DAY + 1
    cache.put("b", [frame(1)])
    assert cache.get("a") is None
    assert cache.get("b")


def test_half_written_pieces_go_once_they_are_nobodys(tmp_path: Path) -> None:
    now = Now()
    cache = SoundCache(tmp_path, 1 << 20, 30 * DAY, now)
    half = tmp_path / ".a.mp3.1.ff"
    half.write_bytes(b"half")
    os.utime(half, (now.now, now.now))
    cache.put("b", [frame(1)])
    assert half.exists()
    now.now += 3601
    cache.sweep()
    assert not half.exists()
    assert cache.get("b")


def test_a_folder_that_takes_nothing_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        SoundCache(tmp_path / "file", 1 << 20, DAY).put("a", [frame(1)])


def test_names_of_different_inputs_differ() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest(b"ab", "c", ""), digest("ab", "c", 1)}) == 5
    assert digest("a", 1) == digest("a", 1)
