"""``ebgw demo`` as a newcomer runs it, with few terminals; and its parts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.cli.demo_folder import CITY, registry_rows, spread
from gateway.cli.demo_warning import adapt, packaged_warning
from gateway.domain.warning import Status
from gateway.errors import WarningError
from gateway.publishers.parse import parse_warning
from gateway.publishers.profile import Profile
from gateway.publishers.reference import load_gazetteer
from tests.cli.running import clean, ebgw

NOW = datetime(2026, 11, 23, 14, 15, tzinfo=ZoneInfo("Asia/Shanghai"))
WARNINGS = Path(__file__).parents[1] / "data" / "warnings"


def test_forty_terminals_are_proven_and_told_by_the_last_line(tmp_path: Path) -> None:
    done = ebgw("demo", "--terminals", 40, "--json", "--keep", cwd=tmp_path, seconds=50)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert set(result) >= {"outcome", "terminals", "coverage", "accept_to_wire_ms", "changed", "data_dir"}
    assert result["outcome"] == "complete"
    assert result["terminals"] == {
        "registered": 40,
        "reachable": 40,
        "answered": 40,
        "proven": 40,
        "claimed": 0,
        "sent": 0,
        "unreached": 0,
    }
    assert result["coverage"]["rule"] == "fraction"
    assert result["coverage"]["states"]["played"] == 40
    assert result["accept_to_wire_ms"] > 0
    assert (result["sound"]["heard"], result["sound"]["players"]) == (40, 40)
    assert list((Path(result["data_dir"]) / "tape").glob("*.mp3"))
    assert {"path": "alert/status", "old": "Actual", "new": "Exercise"} in result["changed"]
    assert (Path(result["data_dir"]) / "ebgw.db").is_file()
    for words in (
        "演练",
        "演示估算",
        "播放器听到",
        "alert/info/area/geocode",
        "晋江市",
        "fraction",
        "any",
        result["data_dir"],
    ):
        assert words in done.stderr, words
    journal = [json.loads(line) for line in (Path(result["data_dir"]) / "journal.jsonl").read_text().splitlines()]
    played = [line["terminal"] for line in journal if line["event"] == "playing"]
    assert len(played) == len(set(played)) == 40


def test_nobody_reachable_exits_1_and_says_so(tmp_path: Path) -> None:
    done = ebgw("demo", "--terminals", 3, "--loss", 1, "--deadline", 1, "--json", cwd=tmp_path, seconds=40)
    assert done.returncode == 1
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["outcome"] == "none_reachable"
    assert (result["terminals"]["reachable"], result["terminals"]["unreached"]) == (0, 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_takes_its_children_along(tmp_path: Path, number: int) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "demo", "--terminals", "5"],
        cwd=tmp_path,
        env=clean(),
        stdout=subprocess.PIPE,
        text=True,
        # A shell makes what it runs in the background deaf to Ctrl-C, and these tests may run there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert demo.stdout is not None
    with demo.stdout as lines:
        # The emulator is there too once terminals have registered.
        assert any("已注册" in line for line in lines)
        children = _children(demo.pid)
        assert len(children) == 2
        demo.send_signal(number)
        assert demo.wait(30) == 1
    deadline = time.monotonic() + 5
    while any(map(_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_alive, children))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("arguments", [("--terminals", "0"), ("--terminals", "9999999"), ("--warning", "none.xml")])
def test_mistakes_of_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert ebgw("demo", *arguments, cwd=tmp_path).returncode == 2


def test_a_file_that_is_no_alert_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.xml"
    wrong.write_text("<a/>")
    done = ebgw("demo", "--warning", wrong, cwd=tmp_path)
    assert done.returncode == 1
    assert "not_an_alert" in done.stderr
    assert not (tmp_path / "var").exists()


def test_the_registry_covers_every_village_with_unique_codes() -> None:
    gazetteer = load_gazetteer()
    rows = registry_rows(gazetteer, 4021)
    assert len(rows) == len({row["code"] for row in rows}) == len({row["physical_address"] for row in rows}) == 4021
    assert {row["area"] for row in rows} == {village.code for village in gazetteer.villages_in([CITY])}
    assert rows == registry_rows(gazetteer, 4021)
    assert all(row["code"][0] == "6" and row["code"][13:21] == "03140104" for row in rows)


@pytest.mark.parametrize("wanted", [1, 11, 2571, 2572, 2573, 4021, 9000])
def test_spread_is_even_and_whole(wanted: int) -> None:
    villages = load_gazetteer().villages_in([CITY])
    counts = spread(villages, wanted)
    assert sum(counts) == wanted
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(
    "name", ["de-dwd/unwetter__alert_1.xml", "no-met/MetAlert-Search__METfare-20210921T070421.cap.xml", None]
)
@pytest.mark.parametrize("actual", [False, True])
def test_an_adapted_alert_is_ours_and_strictly_valid(name: str | None, actual: bool) -> None:
    body = (WARNINGS / name).read_bytes() if name else packaged_warning()
    made = adapt(body, area=CITY, area_name="泉州市", now=NOW, expires=NOW + timedelta(hours=1), actual=actual)
    warning = parse_warning(made.body, made.media_type, Profile.STRICT)
    assert warning.status is (Status.ACTUAL if actual else Status.EXERCISE)
    assert (warning.identity.sent, warning.expires) == (NOW, NOW + timedelta(hours=1))
    assert [(claim.description, claim.polygons) for claim in warning.claims] == [("泉州市", ())]
    assert [value for claim in warning.claims for _, value in claim.geocodes] == [CITY]
    assert made.headline
    told = {change.path for change in made.changes}
    assert {"alert/info/expires", "alert/info/area/areaDesc", "alert/info/area/geocode"} <= told


@pytest.mark.parametrize("body", [b"", b"<alert/>", b"<!DOCTYPE a><alert><info><area/></info></alert>", b"{}"])
def test_what_is_no_alert_cannot_be_adapted(body: bytes) -> None:
    with pytest.raises(WarningError):
        adapt(body, area=CITY, area_name="泉州市", now=NOW, expires=NOW + timedelta(hours=1), actual=False)
