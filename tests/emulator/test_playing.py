from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from emulator.playing import Change, Player, Step, Task, Verdict
from tests.emulator.reference import ebm

T = 1000.0


def task(sequence: int, *, key: tuple[int, ...] = (0, 4, 1, 0), start: float = T - 1, end: float = T + 60) -> Task:
    return Task(ebm(sequence), key, start, end, key[0] == 1, 80)


def changes(steps: list[Step]) -> list[tuple[Change, int]]:
    return [(step.change, step.task.ebm_id.sequence) for step in steps]


def test_plays_at_once_and_ends_in_time() -> None:
    player = Player()
    verdict, steps = player.start(task(1), T)
    assert verdict is Verdict.ACCEPTED
    assert changes(steps) == [(Change.PLAYING, 1)]
    assert player.due == T + 60
    assert changes(player.advance(T + 59.9)) == []
    assert changes(player.advance(T + 60)) == [(Change.ENDED, 1)]
    assert player.current is None


def test_start_in_the_future_waits() -> None:
    player = Player()
    assert changes(player.start(task(1, start=T + 10), T)[1]) == []
    assert player.due == T + 10
    assert changes(player.advance(T + 10)) == [(Change.PLAYING, 1)]


def test_higher_takes_the_air_and_lower_resumes() -> None:
    player = Player()
    player.start(task(1, key=(1, 4, 4, 0), end=T + 90), T)
    _, steps = player.start(task(2, key=(0, 4, 1, 0), end=T + 30), T + 1)
    assert changes(steps) == [(Change.PAUSED, 1), (Change.PLAYING, 2)]
    assert changes(player.advance(T + 30)) == [(Change.ENDED, 2), (Change.RESUMED, 1)]
    assert changes(player.advance(T + 90)) == [(Change.ENDED, 1)]


def test_lower_waits_and_misses_when_its_time_is_over() -> None:
    player = Player()
    player.start(task(1, end=T + 60), T)
    verdict, steps = player.start(task(2, key=(1, 4, 4, 0), end=T + 20), T)
    assert (verdict, steps) == (Verdict.ACCEPTED, [])
    assert player.due == T + 20
    assert changes(player.advance(T + 20)) == [(Change.MISSED, 2)]


def test_lower_is_refused_where_no_queue_is_kept() -> None:
    player = Player(keeps_queue=False)
    player.start(task(1), T)
    assert player.start(task(2, key=(1, 4, 4, 0)), T) == (Verdict.BUSY, [])
    assert player.start(task(3, key=(0, 2, 1, 0)), T)[0] is Verdict.ACCEPTED


def test_equal_priority_keeps_what_plays() -> None:
    player = Player()
    player.start(task(1), T)
    assert player.start(task(2), T + 1)[1] == []
    assert player.current is not None
    assert player.current.ebm_id == ebm(1)


def test_same_message_again_is_known_and_silent() -> None:
    player = Player()
    player.start(task(1), T)
    assert player.start(task(1), T + 1) == (Verdict.KNOWN, [])
    player.advance(T + 60)
    assert player.start(task(1, end=T + 200), T + 61) == (Verdict.KNOWN, [])


def test_stop_before_start_keeps_it_silent() -> None:
    player = Player()
    assert player.stop(ebm(1), T) == []
    assert player.start(task(1), T + 1) == (Verdict.WAS_STOPPED, [])
    assert player.current is None


def test_stop_of_a_message_played_to_its_end_stays_known() -> None:
    player = Player()
    player.start(task(1), T)
    player.advance(T + 60)
    player.stop(ebm(1), T + 61)
    assert player.start(task(1, end=T + 200), T + 62)[0] is Verdict.KNOWN


def test_start_whose_end_is_behind_is_too_late() -> None:
    assert Player().start(task(1, end=T), T) == (Verdict.TOO_LATE, [])


def test_stop_all() -> None:
    player = Player()
    player.start(task(1), T)
    player.start(task(2, start=T + 30), T)
    assert sorted(changes(player.stop(None, T + 1)), key=lambda step: step[1]) == [
        (Change.STOPPED, 1),
        (Change.STOPPED, 2),
    ]
    assert player.start(task(2), T + 2)[0] is Verdict.WAS_STOPPED


def test_cut_ends_what_began_and_forgets() -> None:
    player = Player()
    player.start(task(1), T)
    player.start(task(2, start=T + 30), T)
    assert changes(player.cut(T + 1)) == [(Change.ENDED, 1)]
    assert player.start(task(1), T + 2)[0] is Verdict.ACCEPTED


class AirMachine(RuleBasedStateMachine):
    """Whatever comes in whatever order: one voice, the highest; nothing twice; every beginning has an end."""

    def __init__(self) -> None:
        super().__init__()
        self.player = Player()
        self.now = T
        self.begun: list[int] = []
        self.over: list[int] = []
        self.stopped: set[int] = set()
        self.audible: int | None = None

    def _tell(self, steps: list[Step]) -> None:
        for (change, sequence), step in zip(changes(steps), steps, strict=True):
            if change is Change.PLAYING:
                assert sequence not in self.begun, "played twice"
                assert sequence not in self.stopped, "played after its stop"
                self.begun.append(sequence)
            if change in (Change.PLAYING, Change.RESUMED):
                assert self.audible is None, "two voices"
                self.audible = sequence
            if change in (Change.PAUSED, Change.ENDED, Change.STOPPED) and self.audible == sequence:
                self.audible = None
            if change is Change.ENDED or (change is Change.STOPPED and step.task.began is not None):
                self.over.append(sequence)

    @rule(
        sequence=st.integers(1, 6), daily=st.integers(0, 1), level=st.integers(1, 4), severity=st.integers(1, 4),
        begin=st.integers(-5, 20), length=st.integers(1, 40),
    )  # fmt: skip
    def start(self, sequence: int, daily: int, level: int, severity: int, begin: int, length: int) -> None:
        begins = self.now + begin
        self._tell(
            self.player.start(
                task(sequence, key=(daily, level, severity, int(begins)), start=begins, end=begins + length), self.now
            )[1]
        )

    @rule(sequence=st.integers(1, 6))
    def stop(self, sequence: int) -> None:
        self._tell(self.player.stop(ebm(sequence), self.now))
        self.stopped.add(sequence)
        assert self.audible != sequence

    @rule(seconds=st.integers(1, 30))
    def wait(self, seconds: int) -> None:
        until = self.now + seconds
        for _ in range(100):
            if self.player.due > until:
                break
            assert self.player.due >= self.now, "due in the past: the loop would spin"
            self.now = self.player.due
            self._tell(self.player.advance(self.now))
        self.now = until
        self._tell(self.player.advance(self.now))

    @rule()
    def lose_power(self) -> None:
        self._tell(self.player.cut(self.now))
        assert sorted(self.begun) == sorted(self.over), "a beginning without an end"
        self.begun, self.over, self.stopped, self.audible = [], [], set(), None

    @invariant()
    def highest_has_the_air(self) -> None:
        current = self.player.current
        assert (current.ebm_id.sequence if current else None) == self.audible
        waiting = [t.key for t in self.player.tasks if t.start <= self.player._looked]
        if waiting:
            assert current is not None
            assert current.key == min(waiting)

    def teardown(self) -> None:
        self.wait(100)
        assert self.audible is None
        assert sorted(self.begun) == sorted(self.over)


AirMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestAir = AirMachine.TestCase
