"""The lane of a serial line by a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.devices.serial_lane import Lane, Outcome, Rank, Ticket
from gateway.devices.serial_timing import Timing
from gateway.settings.serial_link import SerialLink

#: 1,000 characters a second.
TIMING = Timing(character=0.001, answer=0.5, delay=0.05)


class Bench:
    """A lane, its clock, and what came of each ticket."""

    def __init__(self, *, half_duplex: bool = True, echo: bool = False) -> None:
        self.lane = Lane(TIMING, half_duplex=half_duplex, echo=echo)
        self.now = 100.0
        self.written: list[tuple[float, bytes]] = []
        self.outcomes: list[tuple[bytes, Outcome]] = []

    def push(self, frame: bytes, rank: Rank = Rank.POLL, source: str = "", **more: object) -> Ticket:
        ticket = Ticket(frame, rank, lambda outcome: self.outcomes.append((frame, outcome)), source=source, session=7)
        for name, value in more.items():
            setattr(ticket, name, value)
        self.lane.push(ticket)
        return ticket

    def run(self, seconds: float) -> None:
        """Let time pass, and do what is due."""
        end = self.now + seconds
        while True:
            while ticket := self.lane.advance(self.now):
                self.written.append((round(self.now - 100.0, 6), ticket.frame))
            due = self.lane.due
            if due > end:
                break
            # At the very time that it named, something must happen or another time be named.
            self.now = max(self.now, due) + 1e-9
        self.now = end


def test_a_frame_is_sent_after_the_time_that_its_bytes_take() -> None:
    bench = Bench()
    bench.push(bytes(100), Rank.ALL)
    bench.run(0.099)
    assert bench.outcomes == []
    bench.run(0.002)
    assert bench.outcomes == [(bytes(100), Outcome.SENT)]


def test_frames_are_parted_by_a_gap_of_three_and_a_half_characters() -> None:
    bench = Bench()
    bench.push(bytes(100), Rank.ALL)
    bench.push(bytes(50), Rank.ALL)
    bench.run(1.0)
    assert [at for at, _ in bench.written] == pytest.approx([0.0, 0.1035], abs=1e-5)


def test_what_all_must_hear_goes_before_polls_and_the_urgent_before_the_rest() -> None:
    bench = Bench()
    bench.push(b"poll", priority=(0, 1))
    bench.push(b"answer", Rank.ANSWER)
    bench.push(b"blue", Rank.ALL, priority=(0, 4))
    bench.push(b"red", Rank.ALL, priority=(0, 1))
    bench.run(1.0)
    assert [frame for _, frame in bench.written] == [b"red", b"blue", b"answer", b"poll"]


def test_a_red_message_waits_for_the_exchange_on_the_wire_alone() -> None:
    bench = Bench()
    for number in range(5):
        bench.push(bytes([number]) * 100, source="t")
    bench.run(0.05)
    bench.push(b"red", Rank.ALL)
    bench.run(0.1)
    bench.lane.heard(bench.now, 0)
    assert bench.lane.answered("t", 7)
    bench.run(0.01)
    assert [frame for _, frame in bench.written] == [bytes(100), b"red"]


def test_silence_ends_a_poll_and_the_next_begins() -> None:
    bench = Bench()
    bench.push(bytes(100), source="a")
    bench.push(bytes(101), source="b")
    bench.run(0.599)
    assert bench.outcomes == []
    bench.run(0.002)
    assert bench.outcomes == [(bytes(100), Outcome.SILENT)]
    assert len(bench.written) == 2


def test_an_answer_that_has_begun_is_waited_for() -> None:
    bench = Bench()
    bench.push(bytes(100), source="a")
    bench.run(0.59)
    bench.lane.heard(bench.now, 40)
    bench.run(0.04)
    assert bench.outcomes == []
    assert bench.lane.answered("a", 7)
    assert bench.outcomes == [(bytes(100), Outcome.ANSWERED)]


def test_an_answer_that_stops_in_its_middle_ends_by_silence() -> None:
    bench = Bench()
    bench.push(bytes(100), source="a")
    bench.run(0.11)
    bench.lane.heard(bench.now, 40)
    bench.lane.garbled()
    bench.run(0.04 + 0.0535 + 0.001)
    assert bench.outcomes == [(bytes(100), Outcome.GARBLED)]


def test_a_frame_that_comes_in_unasked_is_let_finish() -> None:
    bench = Bench()
    bench.lane.heard(bench.now, wanted=40)
    bench.push(b"warning", Rank.ALL)
    bench.run(1.0)
    assert [at for at, _ in bench.written] == pytest.approx([0.040 + 0.0035], abs=1e-5)


def test_only_questions_to_one_terminal_are_not_urgent() -> None:
    bench = Bench()
    bench.push(b"poll")
    assert not bench.lane.is_urgent
    bench.push(b"warning", Rank.ALL)
    assert bench.lane.is_urgent


def test_a_line_that_babbles_holds_a_warning_for_the_time_of_an_answer_at_most() -> None:
    bench = Bench()
    bench.lane.heard(bench.now, 0)
    bench.push(b"red", Rank.ALL)
    while bench.now < 100.7:
        bench.run(0.002)
        bench.lane.heard(bench.now, 0)
    assert [at for at, _ in bench.written] == pytest.approx([0.5], abs=0.01)


def test_full_duplex_sends_while_it_listens() -> None:
    bench = Bench(half_duplex=False)
    bench.push(bytes(100), source="a")
    bench.push(b"red", Rank.ALL)
    bench.push(bytes(50), Rank.ANSWER)
    bench.run(0.2)
    assert len(bench.written) == 3
    bench.run(0.5)
    assert bench.outcomes[-1] == (bytes(100), Outcome.SILENT)


def test_what_is_withdrawn_or_too_late_is_never_written() -> None:
    bench = Bench()
    bench.push(b"first", Rank.ALL)
    stopped = bench.push(b"stopped", Rank.ALL)
    bench.push(b"late", Rank.ALL, until=100.001)
    bench.lane.advance(bench.now)
    bench.lane.withdraw(lambda ticket: ticket is stopped)
    bench.run(1.0)
    assert sorted(bench.outcomes) == sorted(
        [(b"stopped", Outcome.WITHDRAWN), (b"first", Outcome.SENT), (b"late", Outcome.WITHDRAWN)],
        key=lambda each: each[0],
    )
    assert bench.lane.waiting == 0


def test_an_echo_that_comes_back_whole_ends_the_frame() -> None:
    bench = Bench(echo=True)
    bench.push(bytes(100), Rank.ALL)
    bench.run(0.0)
    bench.now += 0.0995
    assert bench.lane.own_echo(bytes(100), bench.now)
    bench.run(0.001)
    assert bench.outcomes == [(bytes(100), Outcome.SENT)]
    assert not bench.lane.own_echo(b"another", bench.now)


def test_an_echo_that_does_not_come_whole_means_that_the_frame_was_hurt() -> None:
    bench = Bench(echo=True)
    bench.push(bytes(100), Rank.ALL)
    bench.run(0.15)
    assert bench.outcomes == []
    bench.run(0.01)
    assert bench.outcomes == [(bytes(100), Outcome.GARBLED)]


def test_a_port_that_goes_away_ends_everything() -> None:
    bench = Bench()
    bench.push(b"wire", source="a")
    bench.push(b"queue")
    bench.run(0.0)
    bench.lane.down()
    assert sorted(frame for frame, outcome in bench.outcomes if outcome is Outcome.DOWN) == [b"queue", b"wire"]
    bench.push(b"again", Rank.ALL)
    bench.run(0.1)
    assert bench.outcomes[-1] == (b"again", Outcome.SENT)


@given(
    st.lists(
        st.tuples(st.sampled_from(Rank), st.integers(1, 300), st.booleans(), st.floats(0, 2)), min_size=1, max_size=12
    )
)
def test_every_frame_comes_to_one_end_and_no_two_are_on_the_wire_at_once(
    plan: list[tuple[Rank, int, bool, float]],
) -> None:
    bench = Bench()
    for rank, size, asks, pause in plan:
        bench.push(bytes(size), rank, source="t" if asks else "")
        bench.run(pause)
    bench.run(60.0)
    assert len(bench.outcomes) == len(bench.written) == len(plan)
    for (at, frame), (after, _) in zip(bench.written, bench.written[1:], strict=False):
        assert after >= at + TIMING.wire(len(frame)) + TIMING.gap - 1e-5


@pytest.mark.parametrize(
    ("keys", "bits"), [({}, 10), ({"parity": "E"}, 11), ({"stop_bits": 2}, 11), ({"parity": "O", "stop_bits": 2}, 12)]
)
def test_times_come_from_the_settings(keys: dict[str, object], bits: int) -> None:
    timing = Timing.of(SerialLink(kind="serial", url="/dev/ttyS0", baud=9600, **keys))  # type: ignore[arg-type]
    assert timing.wire(960) == pytest.approx(bits / 10)
    assert timing.gap == pytest.approx(3.5 * bits / 9600)
