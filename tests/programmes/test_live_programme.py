"""A live programme, frame by frame: signal, source, what stands in for a dead one, and its end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.programmes.live_options import LiveKind, LiveOptions, LivePhase
from gateway.programmes.live_programme import LiveHooks, LiveProgramme
from gateway.programmes.live_queue import LiveQueue
from gateway.programmes.options import FRAME_SECONDS
from gateway.programmes.programme import Programme
from gateway.protocols.mpeg_audio import silent_frame
from tests.programmes.soundkit import frame

SIGNAL = [frame(1), frame(2), frame(3)]
ANNOUNCEMENT = [frame(901), frame(902)]
OPTIONS = LiveOptions(
    buffer_seconds=4 * FRAME_SECONDS,
    most_delay_seconds=100 * FRAME_SECONDS,
    stall_seconds=10 * FRAME_SECONDS,
    fallback_seconds=20 * FRAME_SECONDS,
    wait_seconds=30 * FRAME_SECONDS,
    silence_seconds=1.0,
    end_seconds=50 * FRAME_SECONDS,
)


@dataclass
class Room:
    """A live programme that a test feeds and takes from."""

    options: LiveOptions = OPTIONS
    told: list[tuple[LiveKind, bool]] = field(default_factory=list)
    live: list[bytes] = field(default_factory=list)
    air: list[bytes] = field(default_factory=list)
    over: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = LiveQueue(self.options.most_delay_seconds)
        hooks = LiveHooks(
            lambda kind, active: self.told.append((kind, active)),
            self.live.append,
            self.air.append,
            lambda _, en: self.over.append(en),
        )
        fallback = Programme("m", ANNOUNCEMENT)
        self.programme = LiveProgramme("m", SIGNAL, 2, self.queue, fallback, self.options, hooks)

    def take(self, count: int) -> list[int]:
        """The numbers of the next frames; 0 for silence."""
        taken = [self.programme.take() for _ in range(count)]
        return [0 if one == silent_frame() else int.from_bytes(one[-4:], "big") for one in taken]

    def say(self, *numbers: int) -> None:
        self.queue.push_live([frame(number) for number in numbers])

    @property
    def wrong(self) -> set[LiveKind]:
        wrong: set[LiveKind] = set()
        for kind, active in self.told:
            (wrong.add if active else wrong.discard)(kind)
        return wrong


def on_air() -> Room:
    """A room whose source is heard already: frames 100 to 109."""
    room = Room()
    room.say(*range(100, 110))
    assert room.take(16) == [1, 2, 3, 1, 2, 3, *range(100, 110)]
    return room


def test_the_signal_sounds_whole_and_nothing_that_was_said_meanwhile_is_lost() -> None:
    room = Room()
    assert room.take(2) == [1, 2]
    room.say(*range(100, 110))
    assert room.programme.phase.value == "signal"
    assert room.take(14) == [3, 1, 2, 3, *range(100, 110)]
    assert room.programme.phase is LivePhase.LIVE
    assert room.live == [frame(number) for number in range(100, 110)]
    assert len(room.air) == 16


def test_the_signal_goes_on_until_enough_waits_to_begin_with() -> None:
    room = Room()
    room.say(100, 101, 102)
    assert room.take(7) == [1, 2, 3, 1, 2, 3, 1]
    room.say(103)
    assert room.take(6) == [2, 3, 100, 101, 102, 103]
    assert not room.told


def test_a_short_gap_is_silence_and_then_filled_up_again() -> None:
    room = on_air()
    assert room.take(5) == [0] * 5
    room.say(200)
    # One frame alone would be a stutter: it waits for others.
    assert room.take(1) == [0]
    room.say(201, 202, 203)
    assert room.take(4) == [200, 201, 202, 203]
    assert (room.programme.gaps, room.told) == (6, [])


def test_a_dead_source_is_told_at_once_and_silence_is_not_sent_for_ever() -> None:
    room = on_air()
    assert room.take(9) == [0] * 9
    assert not room.wrong
    room.take(1)
    assert room.wrong == {LiveKind.LOST}
    assert room.take(10) == [0] * 9 + [901]
    assert room.programme.phase is LivePhase.FALLBACK
    assert room.take(3) == [902, 901, 902]
    assert not room.over


def test_a_source_that_comes_back_is_heard_at_once() -> None:
    room = on_air()
    room.take(25)
    assert room.programme.phase is LivePhase.FALLBACK
    room.say(200, 201, 202, 203)
    assert room.take(4) == [200, 201, 202, 203]
    assert (room.wrong, room.programme.phase) == (set(), LivePhase.LIVE)
    # The announcement begins with its beginning the next time.
    assert room.take(20)[-1] == 901


def test_a_source_that_stays_away_ends_its_message_once() -> None:
    room = on_air()
    room.take(20 + 48)
    assert not room.over
    room.take(1)
    assert room.over == [f"no live input for {OPTIONS.end_seconds:g} s"]
    assert room.wrong == set()
    # Until the stop frames have left there is no silence either.
    assert set(room.take(100)) == {901, 902}
    assert len(room.over) == 1


def test_a_source_that_never_comes_is_waited_for_and_then_stood_in_for() -> None:
    room = Room()
    heard = room.take(30)
    assert set(heard) == {1, 2, 3}
    assert room.wrong == {LiveKind.LOST}
    assert room.take(2) == [901, 902]
    room.take(50)
    assert len(room.over) == 1


def test_a_source_that_says_its_end_ends_the_message_after_its_last_word() -> None:
    room = on_air()
    room.say(200, 201)
    room.queue.finish()
    assert room.take(3) == [200, 201, 0]
    assert (room.over, room.told) == (["the live input has ended"], [])
    assert set(room.take(50)) == {0}


def test_an_end_within_the_signal_cuts_nothing_off() -> None:
    room = Room()
    room.say(100)
    room.queue.finish()
    assert room.take(8) == [1, 2, 3, 1, 2, 3, 100, 0]
    assert len(room.over) == 1


def test_a_source_that_sends_silence_is_stood_in_for_until_it_sounds() -> None:
    room = on_air()
    for _ in range(11):
        room.programme.measured(-90.0)
    room.say(*range(200, 210))
    assert room.take(3) == [901, 902, 901]
    assert room.wrong == {LiveKind.SILENT}
    # It is listened to meanwhile.
    assert room.live[-3:] == [frame(200), frame(201), frame(202)]
    room.programme.measured(-20.0)
    assert room.take(2) == [203, 204]
    assert room.wrong == set()


def test_a_source_that_is_silent_for_good_ends_its_message() -> None:
    room = on_air()
    for _ in range(11):
        room.programme.measured(-90.0)
    for _ in range(60):
        room.say(300)
        room.take(1)
    assert len(room.over) == 1


def test_a_source_that_cannot_wait_loses_its_oldest_beyond_the_limit() -> None:
    room = on_air()
    room.say(*range(200, 320))
    assert room.queue.dropped == 20
    assert room.take(2) == [220, 221]


def test_without_a_source_the_announcement_follows_the_signal() -> None:
    room = Room()
    room.programme.lose(ValueError("none"))  # type: ignore[arg-type]  # any words do
    assert room.take(8) == [1, 2, 3, 1, 2, 3, 901, 902]
    assert LiveKind.LOST in room.wrong


def test_what_was_wrong_is_over_when_it_is_off_the_air() -> None:
    room = on_air()
    room.take(15)
    assert room.wrong == {LiveKind.LOST}
    room.programme.close()
    assert room.wrong == set()


def test_rewinding_concerns_the_signal_alone() -> None:
    room = Room()
    room.take(2)
    room.programme.rewind()
    assert room.take(1) == [1]
    room = on_air()
    room.say(200, 201, 202, 203)
    room.programme.rewind()
    assert room.take(1) == [200]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=30))
def test_whatever_comes_when_each_word_is_heard_once_and_in_order(steps: list[tuple[int, int]]) -> None:
    room = Room(replace(OPTIONS, end_seconds=1000.0, most_delay_seconds=1000.0))
    said, heard = 0, []
    for taken, came in steps:
        room.say(*range(1000 + said, 1000 + said + came))
        said += came
        heard += room.take(taken)
    heard += room.take(200 + said)
    words = [number for number in heard if number >= 1000]
    assert words == sorted(set(words)) == list(range(1000, 1000 + len(words)))
    # What is left is less than it begins with.
    assert said - len(words) < 4
    assert len(room.air) == len(heard)
