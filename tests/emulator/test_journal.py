from __future__ import annotations

import json
from pathlib import Path

from emulator.journal import Entry, Event, Journal
from tests.emulator.reference import ebm, rows


def entry(number: int) -> Entry:
    return Entry(1000.0 + number, rows(1)[0].code, Event.PLAYING, ebm(1), number, 'a "reason" 原因\n')


def test_line_is_json() -> None:
    line = entry(3).line(7)
    assert line.endswith("\n")
    assert json.loads(line) == {
        "n": 7, "t": 1003.0, "terminal": rows(1)[0].code, "event": "playing", "ebm_id": ebm(1), "session": 3,
        "reason": 'a "reason" 原因\n',
    }  # fmt: skip
    assert json.loads(Entry(1.0, "x", Event.CONNECTED, None, None, "").line(0))["ebm_id"] is None


def test_old_entries_leave_memory_and_stay_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    journal = Journal(keep=100, file=file)
    for number in range(1000):
        journal.add(entry(number))
    assert journal.count == 1000
    assert 890 <= journal.first <= 900
    numbers = [number for number, _ in journal.entries(after=950, limit=10)]
    assert numbers == list(range(951, 961))
    assert [e.session for _, e in journal.entries(after=997)] == [998, 999]
    journal.close()
    assert [json.loads(line)["n"] for line in file.read_text().splitlines()] == list(range(1000))


def test_file_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    for _ in range(2):
        journal = Journal(file=file)
        journal.add(entry(0))
        journal.close()
    assert len(file.read_text().splitlines()) == 2
