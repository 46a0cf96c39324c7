from __future__ import annotations

from math import inf

from emulator.agenda import Agenda


def test_calls_come_by_time_then_by_entry() -> None:
    agenda, made = Agenda(), list[str]()
    for due, name in ((2.0, "c"), (1.0, "a"), (1.0, "b")):
        agenda.at(due, made.append, name)
    assert agenda.next_due == 1.0
    assert agenda.run(1.5) == 2
    assert made == ["a", "b"]
    assert agenda.run(2.0) == 1
    assert agenda.next_due == inf
    assert len(agenda) == 0


def test_slice_leaves_the_rest() -> None:
    agenda, made = Agenda(), list[int]()
    for number in range(5):
        agenda.at(0.0, made.append, number)
    assert agenda.run(1.0, limit=2) == 2
    assert made == [0, 1]
    assert len(agenda) == 3


def test_call_may_enter_another() -> None:
    agenda, made = Agenda(), list[str]()
    agenda.at(1.0, lambda: agenda.at(1.0, made.append, "second"))
    assert agenda.run(1.0) == 2
    assert made == ["second"]
