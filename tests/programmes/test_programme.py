"""Which frame is next."""

from __future__ import annotations

import pytest

from gateway.errors import NoVoice
from gateway.programmes.events import SoundEvent, SoundKind
from gateway.programmes.programme import Programme
from gateway.protocols.mpeg_audio import silent_frame
from tests.programmes.soundkit import frame, numbers

SIGNAL = [frame(1), frame(2)]
WORDS = [frame(10), frame(11), frame(12)]


def taken(programme: Programme, count: int) -> list[int]:
    return numbers(b"".join(programme.take() for _ in range(count)))


async def test_words_that_are_ready_wait_for_the_whole_signal() -> None:
    programme = Programme("p", SIGNAL, 2)
    programme.set_body(WORDS)
    assert taken(programme, 14) == [1, 2, 1, 2, 10, 11, 12, 1, 2, 1, 2, 10, 11, 12]


async def test_the_signal_goes_on_until_the_words_are_ready() -> None:
    programme = Programme("p", SIGNAL, 2)
    assert taken(programme, 7) == [1, 2, 1, 2, 1, 2, 1]
    programme.set_body(WORDS)
    assert taken(programme, 6) == [2, 10, 11, 12, 1, 2]
    assert await programme.settled()


async def test_without_words_the_signal_never_ends() -> None:
    programme = Programme("p", SIGNAL, 1)
    programme.give_up(NoVoice("ug"))
    assert not await programme.settled()
    assert isinstance(programme.problem, NoVoice)
    assert taken(programme, 6) == [1, 2] * 3


async def test_without_a_signal_there_is_silence_and_then_words_on_words() -> None:
    programme = Programme("p", ())
    assert programme.take() == silent_frame()
    programme.set_body(WORDS)
    assert taken(programme, 6) == [10, 11, 12, 10, 11, 12]


async def test_readiness_is_told() -> None:
    told: list[SoundEvent] = []
    programme = Programme("p", SIGNAL, on_event=told.append)
    programme.set_body(WORDS)
    assert [(event.kind, event.programme) for event in told] == [(SoundKind.READY, "p")]
    with pytest.raises(ValueError, match="no length"):
        programme.set_body([])
