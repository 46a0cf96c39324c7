"""Expiry of certificates: warned of in time, critical near the end, expired to the second, gone when renewed."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.dispatch.alarms import Alarm, AlarmLevel, Alarms
from gateway.dispatch.papers import ALARM, PaperBook
from gateway.domain.codes import CertificateSerial
from gateway.domain.zone import BEIJING
from gateway.security.papers import Paper, PaperState, end_of
from tests.paperkit import Authority

DAY = 86_400.0
#: First moment of 2027 in Beijing, which is still 2026 in UTC.
END = datetime(2027, 1, 1, tzinfo=BEIJING).timestamp()


def paper(ends: float | None, number: str = "0000000000AB", revoked: str = "") -> Paper:
    return Paper(number, "泉州市平台", "town", "000000000001", "gdj081", ("本平台签名",), ends=ends, revoked=revoked)


class Watch:
    """A book over papers that a test changes, with a clock of its own."""

    def __init__(self, *papers: Paper, now: float = END - 90 * DAY) -> None:
        self.now, self.papers = now, list(papers)
        self.alarms = Alarms(lambda *_: None, lambda: self.now)
        self.book = PaperBook(self.alarms, lambda: self.now, [lambda: self.papers], 60.0)

    def levels(self) -> list[AlarmLevel]:
        self.book.look()
        return [alarm.level for alarm in self.alarms.open]


def test_a_month_ends_with_its_last_second_in_beijing() -> None:
    root = Authority()
    made = root.certificate(CertificateSerial("0000000000AB"), root.pair, (2026, 12))
    assert end_of(made) == END
    assert end_of(root.certificate(CertificateSerial("0000000000AB"), root.pair, (2026, 11))) == END - 31 * DAY


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (END - 60 * DAY - 1, PaperState.VALID),
        (END - 60 * DAY, PaperState.EXPIRING),
        (END - 1, PaperState.EXPIRING),
        (END, PaperState.EXPIRED),
    ],
)
def test_the_state_turns_to_the_second(at: float, state: PaperState) -> None:
    assert paper(END).state(at, 60.0) is state
    assert paper(END, revoked="丢失").state(at, 60.0) is PaperState.REVOKED
    assert paper(None).state(at, 60.0) is PaperState.VALID


def test_levels_rise_towards_the_end_and_renewal_clears() -> None:
    watch = Watch(paper(END))
    assert watch.levels() == []
    watch.now = END - 60 * DAY
    assert watch.levels() == [AlarmLevel.WARNING]
    watch.now = END - 7 * DAY
    assert watch.levels() == [AlarmLevel.CRITICAL]
    watch.now = END
    assert watch.levels() == [AlarmLevel.CRITICAL]
    (alarm,) = watch.alarms.open
    assert (alarm.kind, alarm.subject) == (ALARM, "town/0000000000AB")
    assert "已于 2027-01-01 00:00:00 到期" in alarm.text and "泉州市平台" in alarm.text
    watch.papers[:] = [paper(END + 365 * DAY)]
    assert watch.levels() == []


def test_looking_again_counts_nothing_while_nothing_has_changed() -> None:
    watch = Watch(paper(END), now=END - 20 * DAY)
    watch.levels()
    watch.levels()
    assert watch.alarms.open[0].count == 1


def test_no_turn_is_slept_over() -> None:
    watch = Watch(paper(END), paper(None, "2"), now=END - 60 * DAY - 5)
    assert watch.book.look() == 5
    watch.now = END - 10
    assert watch.book.look() == 10
    watch.now = END
    assert watch.book.look() == 3600
    watch.papers[:] = [paper(END, revoked="丢失")]
    watch.now = END - 10
    assert watch.book.look() == 3600


def test_an_alarm_of_the_last_run_is_cleared_when_its_cause_is_gone() -> None:
    watch = Watch(paper(END))
    watch.alarms.restore(Alarm(ALARM, "town/0000000000AB", "旧", AlarmLevel.WARNING, 0, 0))
    watch.alarms.restore(Alarm("link_down", "town/0000000000AB", "旧", AlarmLevel.WARNING, 0, 0))
    watch.book.look()
    assert [alarm.kind for alarm in watch.alarms.open] == ["link_down"]
