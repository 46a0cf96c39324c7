"""One gateway by ``ebgw run``, and the commands that speak to it or to its store."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Running, ebgw, gateway, settings_file

REGISTRY = """code,physical_address,name,area,profile,routes,lat,lon,radius_m,in_service
63505241000010314010401,350500000001,城东一号,350524100001,gdj089-2018,ip,,,300,1
63505241000020314010401,350500000002,城西一号,350524100002,gdj089-2018,ip,,,300,1
"""


def alert(identifier: str = "t-1", **more: Any) -> str:
    """A warning for 安溪县 in our JSON form."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    body = {
        "sender": "35052441600000",
        "identifier": identifier,
        "sent": now,
        "status": "Exercise",
        "event": "11B03",
        "severity": "red",
        "headline": "暴雨演练",
        "text": "这是一次演练。",
        "areas": [{"code": "350524", "name": "安溪县"}],
    }
    return json.dumps({**body, **more}, ensure_ascii=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gateway's folder: settings, registry imported straight into the store, an operator's key."""
    path = tmp_path_factory.mktemp("gateway")
    settings = settings_file(path)
    (path / "registry.csv").write_text(REGISTRY, encoding="utf-8")
    done = ebgw("terminals", "import", path / "registry.csv", "-c", settings, "--json")
    assert json.loads(done.stdout)["imported"] == 2
    added = ebgw("keys", "publisher", "add", "值班", "--areas", "3505", "--operator", "-c", settings, "--json")
    (path / "key").write_text(json.loads(added.stdout)["key"], encoding="ascii")
    return path


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    """The gateway at work."""
    with gateway(folder / "gateway.toml") as found:
        yield found


@pytest.fixture
def access(folder: Path, running: Running) -> dict[str, str]:
    """Where it is and the key, as the environment gives them to commands."""
    return {"EBGW_URL": running.url, "EBGW_KEY": (folder / "key").read_text()}


def test_ready_line_names_every_port(running: Running) -> None:
    assert running.ready["event"] == "ready"
    assert set(running.ready) == {"event", "http", "terminals", "feedback"}
    for end in (running.ready["http"].removeprefix("http://"), running.ready["terminals"], running.ready["feedback"]):
        host, _, port = end.rpartition(":")
        socket.create_connection((host, int(port)), timeout=5).close()


def test_publish_then_coverage_and_deliveries(tmp_path: Path, access: dict[str, str]) -> None:
    body = tmp_path / "alert.json"
    body.write_text(alert(), encoding="utf-8")
    first = ebgw("publish", body, "--json", environment=access)
    assert first.returncode == 0, first.stderr
    accepted = json.loads(first.stdout)
    assert accepted["targets"]["terminals"] == 2
    again = json.loads(ebgw("publish", body, "--json", environment=access).stdout)
    assert (again["warning_id"], again["message_id"]) == (accepted["warning_id"], accepted["message_id"])

    told = ebgw("coverage", accepted["warning_id"], "--json", environment=access)
    assert json.loads(told.stdout)["target"]["terminals"] == 2
    table = ebgw("coverage", accepted["warning_id"], "--rule", "any", environment=access)
    assert "安溪县" in table.stdout
    assert "演示估算" in table.stdout

    lines = ebgw("deliveries", accepted["warning_id"], "--json", environment=access).stdout.splitlines()
    assert sorted(json.loads(line)["terminal"] for line in lines) == [
        "63505241000010314010401",
        "63505241000020314010401",
    ]
    assert "63505241000010314010401" in ebgw("deliveries", accepted["warning_id"], environment=access).stdout


def test_publish_says_what_was_accepted_in_words(tmp_path: Path, access: dict[str, str]) -> None:
    body = tmp_path / "alert.json"
    body.write_text(alert("t-words"), encoding="utf-8")
    done = ebgw("publish", body, environment=access)
    assert done.returncode == 0
    assert "已受理 accepted" in done.stdout


def test_a_refused_warning_names_the_rule_and_exits_1(tmp_path: Path, access: dict[str, str]) -> None:
    body = tmp_path / "wrong.json"
    body.write_text(alert("t-2", areas=[{"code": "350524", "name": "晋江市"}]), encoding="utf-8")
    done = ebgw("publish", body, environment=access)
    assert done.returncode == 1
    assert "HTTP 422" in done.stderr


def test_an_unknown_key_is_refused(tmp_path: Path, running: Running) -> None:
    body = tmp_path / "alert.json"
    body.write_text(alert("t-3"), encoding="utf-8")
    done = ebgw("publish", body, "--url", running.url, "--key", "ebgw_nobody")
    assert done.returncode == 1
    assert "HTTP 401" in done.stderr


def test_schemes_are_listed_and_shown(tmp_path: Path, access: dict[str, str]) -> None:
    file = tmp_path / "warning.json"
    file.write_text(alert("s-1"), encoding="utf-8")
    accepted = json.loads(ebgw("publish", file, "--json", environment=access).stdout)
    listed = ebgw("scheme", "--list", "playing", "--json", environment=access).stdout.splitlines()
    assert accepted["message_id"] in {json.loads(line)["message_id"] for line in listed}
    assert "【演练】暴雨演练" in ebgw("scheme", "--list", "playing", environment=access).stdout
    assert "自动 automatic" in ebgw("scheme", accepted["warning_id"], environment=access).stdout


def test_standing_coverage(access: dict[str, str]) -> None:
    found = json.loads(ebgw("coverage", "--area", "350524", "--json", environment=access).stdout)
    assert found["area"]["registered"] == 2
    assert "常态覆盖" in ebgw("coverage", "--area", "350524", environment=access).stdout


def test_terminals_through_the_gateway(folder: Path, access: dict[str, str]) -> None:
    done = ebgw("terminals", "import", folder / "registry.csv", "--json", environment=access)
    assert json.loads(done.stdout)["imported"] == 2, done.stderr
    lines = ebgw("terminals", "list", "--json", environment=access).stdout.splitlines()
    assert {json.loads(line)["name"] for line in lines} == {"城东一号", "城西一号"}
    assert json.loads(lines[0])["connected"] is False


def test_a_registry_with_faults_is_refused_by_row_and_column(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "bad.csv"
    table.write_text(REGISTRY.replace("350500000002", "xyz"), encoding="utf-8")
    done = ebgw("terminals", "import", table, "-c", folder / "gateway.toml")
    assert done.returncode == 1
    assert "row 3, physical_address" in done.stderr


def test_backup_at_work_and_restore_elsewhere(folder: Path, running: Running, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    done = ebgw("backup", copy, "-c", folder / "gateway.toml", "--json")
    assert json.loads(done.stdout)["bytes"] == copy.stat().st_size
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    settings = settings_file(elsewhere)
    assert ebgw("restore", copy, "-c", settings).returncode == 0
    lines = ebgw("terminals", "list", "-c", settings, "--json").stdout.splitlines()
    assert len(lines) == 2
    twice = ebgw("restore", copy, "-c", settings)
    assert twice.returncode == 1
    assert "never overwrites" in twice.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_in_order_when_told_and_tells_systemd(tmp_path: Path, number: int) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(10)
        with gateway(settings_file(tmp_path), NOTIFY_SOCKET=str(address)) as found:
            assert systemd.recv(100).startswith(b"READY=1")
            assert found.stop(number) == 0
            assert systemd.recv(100) == b"STOPPING=1"
    log = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert log[-1]["event"] == "stopped"


def test_a_port_in_use_is_told_as_a_lack_of_the_environment(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = ebgw("run", "-c", settings_file(tmp_path), environment={"EBGW_HTTP__PORT": str(port)})
    assert done.returncode == 3
    assert str(port) in done.stderr


def test_nobody_there_is_told_as_a_lack_of_the_environment() -> None:
    done = ebgw("coverage", "--url", "http://127.0.0.1:1", "--key", "x")
    assert done.returncode == 3
    assert "网关无应答" in done.stderr
