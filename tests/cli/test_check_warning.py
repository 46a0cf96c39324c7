"""``ebgw check-warning`` on every file of tests/data/warnings, held against the manifest."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.cli.running import ebgw

FOLDER = Path(__file__).parents[1] / "data" / "warnings"
with (FOLDER / "manifest.csv").open(encoding="utf-8", newline="") as _file:
    MANIFEST = list(csv.DictReader(_file))

SHAPE = {"valid", "accepted", "profile", "rules", "message", "areas", "receivers", "text"}


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: Path(row["file"]).name)
def test_verdict_is_as_the_manifest_says(row: dict[str, str]) -> None:
    # In this process: forty processes would spend their time on starting.
    done = CliRunner().invoke(main, ["check-warning", "--json", str(FOLDER / row["file"])])
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    verdict = json.loads(done.output)
    assert set(verdict) == SHAPE
    assert verdict["valid"] is (row["expect_unsigned_profile"] == "valid"), verdict["rules"]
    # All are old or from elsewhere: understood perhaps, and never broadcast now and here.
    assert verdict["accepted"] is False
    assert verdict["rules"]
    assert all(set(rule) == {"code", "path", "message"} for rule in verdict["rules"])
    assert done.exit_code == 1


def test_an_alert_for_us_is_accepted_and_counted(tmp_path: Path) -> None:
    alert = tmp_path / "alert.json"
    alert.write_text(
        json.dumps(
            {
                "sender": "35052441600000",
                "identifier": "t1",
                "sent": "2026-11-23T14:15:00+08:00",
                "status": "Exercise",
                "event": "11B03",
                "severity": "red",
                "headline": "暴雨演练",
                "text": "这是一次演练。",
                "areas": [{"code": "350524", "name": "安溪县"}],
            },
            ensure_ascii=False,
        ),
        encoding="utf-8",
    )
    done = ebgw("check-warning", "--json", alert)
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["accepted"]) == (0, True), verdict["rules"]
    assert verdict["areas"] == [{"code": "350524000000", "name": "安溪县", "matched_by": "code"}]
    assert verdict["receivers"]["population"] > 900_000
    people = ebgw("check-warning", alert)
    assert people.returncode == 0
    assert "演示估算" in people.stdout


def test_the_scheme_that_it_would_have_is_told(tmp_path: Path) -> None:
    registry, settings = tmp_path / "registry.csv", tmp_path / "gateway.toml"
    registry.write_text(
        "code,physical_address,name,area,profile,routes,lat,lon,radius_m,in_service\n"
        "63505241000010314010401,350500000001,城东一号,350524100001,gdj089-2018,ip,,,300,1\n"
        "63505241000020314010401,350500000002,城西一号,350524100002,gdj089-2018,serial:bus,,,300,1\n"
    )
    settings.write_text(
        "[plans.rain]\nevents = ['11B*']\nroutes = ['serial']\nonly_routes = true\napproval = 'second'\n"
        "[links.bus]\nkind = 'serial'\nurl = '/dev/ttyS0'\n"
    )
    warned = tmp_path / "w.json"
    warned.write_text(json.dumps(alert_of("orange")))
    asked = ["check-warning", str(warned), "--registry", str(registry), "-c", str(settings)]
    told = json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)["message"]["scheme"]
    assert (told["plan"], told["carriers"], told["left_out"]) == ("rain", {"serial:bus": 1}, 1)
    assert told["approval"] == {"needed": True, "reasons": ["plan"], "role": ""}
    assert "须审核" in CliRunner().invoke(main, asked).stdout


def alert_of(severity: str) -> dict[str, object]:
    return {
        "sender": "35052441600000",
        "identifier": "t-1",
        "sent": datetime.now().astimezone().isoformat(timespec="seconds"),
        "status": "Actual",
        "event": "11B03",
        "severity": severity,
        "headline": "暴雨预警",
        "text": "请注意防范。",
        "areas": [{"code": "350524", "name": "安溪县"}],
    }


def test_a_missing_file_and_an_unknown_profile_are_mistakes_of_usage(tmp_path: Path) -> None:
    assert ebgw("check-warning", "--json", tmp_path / "none.xml").returncode == 2
    assert ebgw("check-warning", "--profile", "lax", "--json", FOLDER / MANIFEST[0]["file"]).returncode == 2


def test_areas_of_words_alone_are_shown_span_by_span(tmp_path: Path) -> None:
    alert = tmp_path / "alert.json"
    said = {
        "sender": "35050041600000",
        "identifier": "t2",
        "sent": "2026-11-23T14:15:00+08:00",
        "status": "Actual",
        "event": "11B03",
        "severity": "red",
        "text": "请注意防范。",
        "areas": [{"name": "安溪县凤城镇、石狮沿海乡镇"}],
    }
    alert.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    done = CliRunner().invoke(main, ["check-warning", str(alert)])
    assert done.exit_code == 1
    assert "0-6 安溪县凤城镇 = 350524100000 (parent)" in done.output
    assert "7-13 石狮沿海乡镇 ? 350581000000" in done.output
    assert "待人确认区域 held" in done.output
    verdict = json.loads(CliRunner().invoke(main, ["check-warning", "--json", str(alert)]).output)
    assert set(verdict) == SHAPE
    assert (verdict["valid"], verdict["accepted"], verdict["message"]["held"]) == (True, False, True)
    assert [rule["code"] for rule in verdict["rules"]] == ["area_unresolved"]
    assert verdict["areas"] == [{"code": "350524100000", "name": "安溪县凤城镇", "matched_by": "text"}]
    assert verdict["message"]["scheme"]["approval"]["reasons"] == ["areas"]
