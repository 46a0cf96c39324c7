"""From what dispatch committed to what is shown."""

from __future__ import annotations

import random
from array import array

import pytest

from gateway.coverage.evidence import MessageBook, evidence_of
from gateway.coverage.figures import Rule
from gateway.coverage.model import MessageCoverage
from gateway.dispatch.live import LogEntry, Sent, Stopped
from gateway.domain.areas import Area, Gazetteer, PopulationSource
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Evidence, EvidenceKind, Outcome, Rung, Standing, StopRung
from gateway.domain.message import Command, MessageState
from gateway.domain.orders import Receipt
from gateway.domain.receiver import IP_ROUTE, Route, RouteKind

VILLAGE = AreaCode("350524100001")
ACTIVE = MessageState.ACTIVE


def book(terminals: int = 4) -> MessageBook:
    gazetteer = Gazetteer([Area(VILLAGE, "村", 1000)], PopulationSource("x", "", estimate=True))
    areas = dict.fromkeys(range(1, terminals + 1), VILLAGE)
    return MessageBook(MessageCoverage(gazetteer.villages, areas, gazetteer, planned_at=0.0))


def sent(*terminals: int, at: float = 1.0, command: Command = Command.START, route: Route = IP_ROUTE) -> Sent:
    return Sent(at, 77, 1, command, route, array("I", terminals))


def receipt(
    terminal: int | None, kind: str, at: float = 2.0, code: int = 0, standing: int = 2, late: int = 0
) -> Receipt:
    return Receipt(
        0, 1, at, terminal, "6", "3", 77, kind, 1, code, standing, "address", late, "ip", 1, b"\xfe\xfd", "peer"
    )


def test_a_start_that_was_sent_is_evidence_for_each_of_its_terminals() -> None:
    found = list(evidence_of(sent(3, 4)))
    assert found == [(n, Evidence(EvidenceKind.SENT, 1.0, 1, Standing.PROVEN)) for n in (3, 4)]


@pytest.mark.parametrize("route", [Route(RouteKind.RDS, "hill"), Route(RouteKind.TS, "cable")])
def test_on_a_one_way_link_sent_is_a_class_of_its_own(route: Route) -> None:
    made = book()
    made.feed([sent(1, route=route)])
    assert made.delivery(1).reached is Standing.SENT


@pytest.mark.parametrize("kind", [kind.value for kind in EvidenceKind])
def test_every_kind_of_evidence_is_read(kind: str) -> None:
    ((terminal, piece),) = evidence_of(receipt(5, kind, code=1, late=1))
    assert (terminal, piece.kind.value, piece.late) == (5, kind, True)
    assert piece.code == (1 if kind in ("acknowledged", "refused") else 0)


@pytest.mark.parametrize("kind", ["answered", "stop_acknowledged", "heartbeat", "status", ""])
def test_words_of_our_own_say_nothing_about_the_start(kind: str) -> None:
    assert list(evidence_of(receipt(5, kind))) == []
    assert list(evidence_of(sent(1, command=Command.STOP))) == []
    assert list(evidence_of(Stopped(1.0, array("I", [1])))) == []
    assert list(evidence_of(receipt(None, "played"))) == []


def test_a_book_counts_what_it_took() -> None:
    made = book()
    made.feed([sent(1), receipt(1, "acknowledged")])
    assert made.position == 2
    assert made.delivery(1).rung is Rung.ACKNOWLEDGED
    assert made.delivery(99).rung is Rung.PLANNED


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (MessageState.AWAITING_APPROVAL, Outcome.OPEN),
        (MessageState.ACTIVE, Outcome.OPEN),
        (MessageState.CANCELLED, Outcome.CANCELLED),
        (MessageState.SUPERSEDED, Outcome.CANCELLED),
        (MessageState.REJECTED, Outcome.CANCELLED),
        (MessageState.ENDED, Outcome.EXPIRED),
        (MessageState.EXPIRED, Outcome.EXPIRED),
    ],
)
def test_only_what_is_open_ends_with_its_message(state: MessageState, outcome: Outcome) -> None:
    made = book()
    made.feed([sent(1, 2, 3, 4), receipt(2, "refused", code=55), receipt(3, "played"), receipt(4, "silent")])
    assert made.outcome(1, state) is outcome
    assert [made.outcome(n, state) for n in (2, 3, 4)] == [Outcome.REFUSED, Outcome.DONE, Outcome.UNREACHABLE]
    outcomes = made.snapshot(9.0, Rule.FRACTION, state).outcomes
    assert sum(outcomes.values()) == 4
    assert outcomes[outcome] == 1


def test_a_stop_rises_and_never_falls() -> None:
    made = book()
    made.feed([sent(1), receipt(1, "acknowledged")])
    assert made.stop(1, ACTIVE) is StopRung.NONE
    assert made.stop(1, MessageState.CANCELLED) is StopRung.PLANNED
    assert made.stop(2, MessageState.CANCELLED) is StopRung.NONE
    made.feed([Stopped(2.0, array("I", [1]))])
    assert made.stop(1, ACTIVE) is StopRung.PLANNED
    made.feed([sent(1, command=Command.STOP)])
    assert made.stop(1, ACTIVE) is StopRung.SENT
    made.feed([receipt(1, "stop_acknowledged"), sent(1, command=Command.STOP)])
    assert made.stop(1, ACTIVE) is StopRung.ACKNOWLEDGED


def test_who_played_to_the_end_needs_no_stop() -> None:
    made = book()
    made.feed([sent(1), receipt(1, "played")])
    assert made.stop(1, MessageState.CANCELLED) is StopRung.NONE


def test_the_silenced_are_cancelled_and_late_evidence_does_not_reopen_them() -> None:
    made = book()
    made.feed([sent(1, 2), Stopped(2.0, array("I", [1, 99])), receipt(1, "playing", at=3.0, late=1)])
    assert made.outcome(1, ACTIVE) is Outcome.CANCELLED
    assert made.outcome(2, ACTIVE) is Outcome.OPEN
    outcomes = made.snapshot(9.0, Rule.ANY, ACTIVE).outcomes
    assert (outcomes[Outcome.CANCELLED], outcomes[Outcome.OPEN]) == (1, 3)
    made.feed([receipt(1, "played", at=4.0, late=1)])
    assert made.outcome(1, ACTIVE) is Outcome.DONE


def test_order_and_repetition_change_nothing() -> None:
    log: list[LogEntry] = [
        sent(1, 2, 3, 4),
        receipt(1, "acknowledged"),
        receipt(2, "refused", code=55),
        receipt(3, "playing", standing=1),
        Stopped(2.0, array("I", [1])),
        sent(1, command=Command.STOP),
        receipt(1, "stop_acknowledged"),
        receipt(4, "played", late=1),
    ]
    straight = book()
    straight.feed(log)
    dice = random.Random(7)
    for _ in range(50):
        shuffled = [*log, *dice.choices(log, k=4)]
        dice.shuffle(shuffled)
        other = book()
        other.feed(shuffled)
        for state in MessageState:
            for terminal in range(1, 5):
                assert other.outcome(terminal, state) is straight.outcome(terminal, state)
                assert other.stop(terminal, state) is straight.stop(terminal, state)
            assert (
                other.snapshot(9.0, Rule.FRACTION, state).outcomes
                == straight.snapshot(9.0, Rule.FRACTION, state).outcomes
            )
