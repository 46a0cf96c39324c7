"""The ladder as a fold: against a slow reading of the rules, and under any order, repetition and loss."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ladder import (
    Delivery,
    Evidence,
    EvidenceKind,
    Outcome,
    Rung,
    Standing,
    StopRung,
    advance,
    fold,
)

NEVER = float("inf")

EVIDENCE = st.builds(
    Evidence,
    kind=st.sampled_from(EvidenceKind),
    at=st.integers(0, 50).map(float),
    attempt=st.integers(0, 4),
    standing=st.sampled_from(Standing),
    code=st.sampled_from([0, 11, 12, 52, 73]),
    late=st.booleans(),
)
HISTORY = st.lists(EVIDENCE, max_size=14)

PROVES: dict[Rung, set[EvidenceKind]] = {
    Rung.SENT: {EvidenceKind.SENT},
    Rung.ACKNOWLEDGED: {EvidenceKind.ACKNOWLEDGED},
    Rung.PLAYING: {EvidenceKind.PLAYING, EvidenceKind.TASK_ENDED},
    Rung.PLAYED: {EvidenceKind.PLAYED},
}

CLASS_RANK: dict[Standing | None, int] = {None: 0, Standing.SENT: 1, Standing.CLAIMED: 2, Standing.PROVEN: 3}

#: The strongest word first: what the last attempt is said to be.
PRECEDENCE: tuple[tuple[set[EvidenceKind], Outcome], ...] = (
    ({EvidenceKind.PLAYED}, Outcome.DONE),
    ({EvidenceKind.FAILED}, Outcome.FAILED),
    ({EvidenceKind.PREEMPTED}, Outcome.PREEMPTED),
    ({EvidenceKind.CANCELLED}, Outcome.CANCELLED),
    ({EvidenceKind.EXPIRED}, Outcome.EXPIRED),
    ({EvidenceKind.PLAYING, EvidenceKind.TASK_ENDED}, Outcome.OPEN),
    ({EvidenceKind.REFUSED}, Outcome.REFUSED),
    ({EvidenceKind.ACKNOWLEDGED}, Outcome.OPEN),
    ({EvidenceKind.SILENT}, Outcome.UNREACHABLE),
    ({EvidenceKind.SENT}, Outcome.OPEN),
)


def _earliest(history: Sequence[Evidence], kinds: set[EvidenceKind]) -> float:
    return min((e.at for e in history if e.kind in kinds), default=NEVER)


def _highest(history: Sequence[Evidence], own_word: bool) -> Rung:
    found = [Rung.PLANNED]
    for rung, kinds in PROVES.items():
        for e in history:
            own = e.kind is EvidenceKind.SENT or e.standing is Standing.PROVEN
            if e.kind in kinds and own is own_word:
                found.append(rung)
    return max(found)


def _last_word(history: Sequence[Evidence]) -> tuple[Outcome, int]:
    if not history:
        return Outcome.OPEN, 0
    last = max(e.attempt for e in history)
    words = [e for e in history if e.attempt == last]
    for kinds, outcome in PRECEDENCE:
        codes = [e.code for e in words if e.kind in kinds]
        if codes:
            return outcome, max(codes)
    raise AssertionError("every kind has its place")


def assert_follows_the_rules(delivery: Delivery, history: Sequence[Evidence]) -> None:
    """Read each field of ``delivery`` off the whole history, without any fold."""
    assert delivery.proven is _highest(history, own_word=True)
    assert delivery.claimed is _highest(history, own_word=False)
    assert delivery.rung is max(delivery.proven, delivery.claimed)
    assert delivery.times == (NEVER, *(_earliest(history, kinds) for kinds in PROVES.values()))
    assert delivery.ended_at == _earliest(history, {EvidenceKind.TASK_ENDED})
    assert delivery.attempts == max((e.attempt for e in history), default=0)
    assert (delivery.outcome, delivery.result) == _last_word(history)
    assert delivery.late is any(e.late for e in history)
    assert delivery.one_way is any(e.kind is EvidenceKind.SENT and e.standing is Standing.SENT for e in history)


@given(HISTORY)
def test_the_fold_agrees_with_a_slow_reading_of_the_rules(history: list[Evidence]) -> None:
    assert_follows_the_rules(fold(history), history)


@given(HISTORY, st.data())
def test_order_and_repetition_change_nothing(history: list[Evidence], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=8)) if history else []
    shuffled = data.draw(st.permutations(history + again))
    assert fold(shuffled) == fold(history)


@given(HISTORY, st.data())
def test_folding_in_parts_is_folding_the_whole(history: list[Evidence], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(history)))
    assert fold(history[cut:], fold(history[:cut])) == fold(history)
    step_by_step = Delivery()
    for piece in history:
        step_by_step = advance(step_by_step, piece)
    assert step_by_step == fold(history)


@given(HISTORY, st.data())
def test_loss_only_hides_and_what_comes_late_makes_it_whole(history: list[Evidence], data: st.DataObject) -> None:
    kept = [piece for piece in history if data.draw(st.booleans())]
    lost = [piece for piece in history if piece not in kept]
    partial, whole = fold(kept), fold(history)
    assert partial.proven <= whole.proven
    assert partial.claimed <= whole.claimed
    assert all(seen >= true for seen, true in zip(partial.times, whole.times, strict=True))
    assert CLASS_RANK[partial.reached] <= CLASS_RANK[whole.reached]
    assert partial.attempts <= whole.attempts
    assert_follows_the_rules(partial, kept)
    assert fold(lost, partial) == whole


@given(HISTORY, EVIDENCE)
def test_a_rung_never_falls(history: list[Evidence], piece: Evidence) -> None:
    before = fold(history)
    after = advance(before, piece)
    assert after.rung >= before.rung
    assert after.proven >= before.proven
    assert CLASS_RANK[after.reached] >= CLASS_RANK[before.reached]


@given(HISTORY)
def test_the_word_of_others_is_never_proof(history: list[Evidence]) -> None:
    foreign = [e for e in history if e.kind is EvidenceKind.SENT or e.standing is not Standing.PROVEN]
    delivery = fold(foreign)
    assert delivery.proven <= Rung.SENT
    assert delivery.reached is not Standing.PROVEN


@given(HISTORY, st.sampled_from([Standing.SENT, Standing.PROVEN]))
def test_a_new_attempt_reopens_the_outcome_and_keeps_the_rung(history: list[Evidence], standing: Standing) -> None:
    before = fold(history)
    after = advance(before, Evidence(EvidenceKind.SENT, 60.0, before.attempts + 1, standing))
    assert after.outcome is Outcome.OPEN
    assert after.result == 0
    assert after.rung is max(before.rung, Rung.SENT)


@given(HISTORY, st.sampled_from([k for k in EvidenceKind if k is not EvidenceKind.SENT]))
def test_evidence_of_an_older_attempt_leaves_the_outcome_alone(history: list[Evidence], kind: EvidenceKind) -> None:
    reopened = advance(fold(history), Evidence(EvidenceKind.SENT, 60.0, 5))
    after = advance(reopened, Evidence(kind, 61.0, 4, code=12))
    assert after.outcome is Outcome.OPEN
    assert after.rung >= reopened.rung


SENT = Evidence(EvidenceKind.SENT, 1.0, 1)
ANSWERED = Evidence(EvidenceKind.ACKNOWLEDGED, 2.0, 1)
PLAYING = Evidence(EvidenceKind.PLAYING, 3.0, 1)
ENDED = Evidence(EvidenceKind.TASK_ENDED, 8.0, 1)
PLAYED = Evidence(EvidenceKind.PLAYED, 9.0, 1)
FAILED = Evidence(EvidenceKind.FAILED, 9.0, 1)
SILENT = Evidence(EvidenceKind.SILENT, 6.0, 1)
REFUSED = Evidence(EvidenceKind.REFUSED, 2.0, 1, code=73)
CANCELLED = Evidence(EvidenceKind.CANCELLED, 7.0, 1)
EXPIRED = Evidence(EvidenceKind.EXPIRED, 7.0, 1)
ONE_WAY = Evidence(EvidenceKind.SENT, 1.0, 1, Standing.SENT)


@pytest.mark.parametrize(
    ("history", "rung", "outcome"),
    [
        ([], Rung.PLANNED, Outcome.OPEN),
        ([SENT], Rung.SENT, Outcome.OPEN),
        ([SENT, ANSWERED], Rung.ACKNOWLEDGED, Outcome.OPEN),
        ([SENT, ANSWERED, PLAYING], Rung.PLAYING, Outcome.OPEN),
        ([SENT, ANSWERED, PLAYING, ENDED], Rung.PLAYING, Outcome.OPEN),
        ([SENT, ANSWERED, PLAYING, ENDED, PLAYED], Rung.PLAYED, Outcome.DONE),
        ([SENT, ANSWERED, PLAYING, ENDED, FAILED], Rung.PLAYING, Outcome.FAILED),
        ([SENT, REFUSED], Rung.SENT, Outcome.REFUSED),
        ([SENT, SILENT], Rung.SENT, Outcome.UNREACHABLE),
        ([SENT, ANSWERED, PLAYING, CANCELLED], Rung.PLAYING, Outcome.CANCELLED),
        ([SENT, ANSWERED, PLAYING, EXPIRED, PLAYED], Rung.PLAYED, Outcome.DONE),
        # The answer or the report was only late: who plays is not unreachable, nor refusing.
        ([SENT, SILENT, ANSWERED], Rung.ACKNOWLEDGED, Outcome.OPEN),
        ([SENT, SILENT, PLAYING], Rung.PLAYING, Outcome.OPEN),
        ([SENT, REFUSED, PLAYING], Rung.PLAYING, Outcome.OPEN),
        # Everything but the end was lost.
        ([PLAYED], Rung.PLAYED, Outcome.DONE),
        ([ENDED], Rung.PLAYING, Outcome.OPEN),
    ],
)
def test_the_usual_lives_of_a_delivery(history: list[Evidence], rung: Rung, outcome: Outcome) -> None:
    for order in (history, history[::-1]):
        delivery = fold(order)
        assert (delivery.rung, delivery.outcome) == (rung, outcome)


def test_a_refusal_keeps_its_result_code_until_the_next_attempt() -> None:
    refused = fold([SENT, REFUSED])
    assert refused.result == 73
    assert fold([Evidence(EvidenceKind.SENT, 30.0, 2)], refused).result == 0


@pytest.mark.parametrize(
    ("history", "reached"),
    [
        ([SENT, ANSWERED], None),
        ([SENT, FAILED], None),
        ([ONE_WAY], Standing.SENT),
        ([ONE_WAY, Evidence(EvidenceKind.PLAYING, 3.0, 1, Standing.CLAIMED)], Standing.CLAIMED),
        ([ONE_WAY, Evidence(EvidenceKind.PLAYED, 3.0, 1, Standing.CLAIMED), PLAYING], Standing.PROVEN),
        ([SENT, Evidence(EvidenceKind.ACKNOWLEDGED, 3.0, 1, Standing.CLAIMED)], None),
        ([PLAYED], Standing.PROVEN),
    ],
)
def test_who_counts_as_reached(history: list[Evidence], reached: Standing | None) -> None:
    assert fold(history).reached is reached


def test_late_evidence_raises_the_rung_and_is_marked() -> None:
    ended = fold([SENT, ANSWERED, EXPIRED])
    late = advance(ended, Evidence(EvidenceKind.PLAYED, 90.0, 1, late=True))
    assert not ended.late
    assert (late.late, late.rung, late.outcome) == (True, Rung.PLAYED, Outcome.DONE)


def test_end_and_start_keep_their_times_apart() -> None:
    delivery = fold([PLAYED, ENDED, PLAYING, SENT])
    assert delivery.times == (NEVER, 1.0, NEVER, 3.0, 9.0)
    assert delivery.ended_at == 8.0


def test_labels_are_the_words_of_the_contract() -> None:
    assert [rung.label for rung in Rung] == ["planned", "sent", "acknowledged", "playing", "played"]
    assert [rung.label for rung in StopRung] == ["none", "planned", "sent", "acknowledged"]
