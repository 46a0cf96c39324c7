from __future__ import annotations

import asyncio
import json
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator.cli import emulate
from tests.emulator.reference import CERTIFICATE, Server, keys, rows
from tests.ports import free_port


def registry(path: Path, count: int) -> Path:
    file = path / "registry.csv"
    lines = [f"{row.code},{row.physical}" for row in rows(count)]
    file.write_text("code,physical_address\n" + "\n".join(lines) + "\n")
    return file


async def test_runs_until_it_is_told_to_stop(server: Server, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "emulator", "--gateway", "{}:{}".format(*server.gateway),
        "--feedback", "{}:{}".format(*server.feedback), "--registry", str(registry(tmp_path, 3)),
        "--public-key", keys().public.hex(), "--certificate", CERTIFICATE, "--seed", "4", "--scale", "100",
        "--journal", str(tmp_path / "journal.jsonl"), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(20):
        ready = json.loads(await process.stdout.readline())
        assert (ready["event"], ready["terminals"]) == ("ready", 3)
        assert json.loads(await process.stdout.readline()) == {"event": "connected", "terminals": 3}
        url = ready["control"] + "/truth?terminals=0"
        truth = await asyncio.to_thread(lambda: json.load(urllib.request.urlopen(url, timeout=5)))
        assert truth["summary"]["reachable"] == 3
        process.terminate()
        assert await process.wait() == 0
    # Closing the pipe's transport takes a turn of the loop.
    process._transport.close()  # type: ignore[attr-defined]
    assert "registered" in (tmp_path / "journal.jsonl").read_text()


async def test_a_bus_behind_a_pty_is_pulled_out_and_put_back(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "emulator", "--bus", f"pty:{tmp_path / 'bus'}", "--baud", "115200", "--echo",
        "--registry", str(registry(tmp_path, 2)), "--public-key", keys().public.hex(),
        "--certificate", CERTIFICATE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(20):
        ready = json.loads(await process.stdout.readline())
        assert ready["url"] == str(tmp_path / "bus")
        assert (tmp_path / "bus").is_char_device()

        def call(method: str, path: str, body: object = None) -> dict[str, object]:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(ready["control"] + path, data, method=method)
            return dict(json.load(urllib.request.urlopen(request, timeout=5)))

        bus = await asyncio.to_thread(call, "PUT", "/bus", {"noise": 0.5})
        assert (bus["echo"], bus["noise"]) == (True, 0.5)
        await asyncio.to_thread(call, "POST", "/unplug")
        assert not (tmp_path / "bus").exists()
        await asyncio.to_thread(call, "POST", "/plug")
        assert (tmp_path / "bus").is_char_device()
        process.terminate()
        assert await process.wait() == 0
    # Closing the pipe's transport takes a turn of the loop.
    process._transport.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "bus").exists()


def call(method: str, url: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    return json.load(urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=5))


@pytest.mark.parametrize(
    ("way", "scheme"),
    [
        (["--rds", "tcp:0", "--form", "groups", "--noise", "0.1"], "tcp"),
        (["--ts", f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"], "udp"),
    ],
)
async def test_receivers_on_the_air_say_where_they_listen(way: list[str], scheme: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "emulator", *way, "--no-return", "--registry", str(registry(tmp_path, 2)),
        "--public-key", keys().public.hex(), "--certificate", CERTIFICATE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(20):
        ready = json.loads(await process.stdout.readline())
        assert (ready["event"], ready["terminals"], ready["url"].split(":")[0]) == ("ready", 2, scheme)
        noise = 0.1 if scheme == "tcp" else 0.0
        air = await asyncio.to_thread(call, "PUT", f"{ready['control']}/air", {"loss": 0.5})
        assert air == {"loss": 0.5, "noise": noise}
        heard = await asyncio.to_thread(call, "GET", f"{ready['control']}/air")
        assert heard == {"loss": 0.5, "noise": noise, "refused": {}}
        assert await asyncio.to_thread(call, "POST", f"{ready['control']}/cut") == {}
        with pytest.raises(urllib.error.HTTPError, match="422"):
            await asyncio.to_thread(call, "PUT", f"{ready['control']}/air", {"noise": 2})
        process.terminate()
        assert await process.wait() == 0
    process._transport.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("way", "terminals"),
    [
        (["--rds", "tcp:0"], 2),
        (["--rds", "tcp:0", "--link", "hill"], 1),
        (["--adapter", f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}", "--adapter-link", "anxi"], 0),
    ],
)
async def test_routes_of_the_registry_say_who_is_meant(way: list[str], terminals: int, tmp_path: Path) -> None:
    file = tmp_path / "registry.csv"
    routes = ["rds:hill", "serial:bus;rds:dale", "adapter:anxi"]
    lines = [f"{row.code},{row.physical},{route}" for row, route in zip(rows(3), routes, strict=True)]
    file.write_text("code,physical_address,routes\n" + "\n".join(lines) + "\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "emulator", *way, "--registry", str(file), "--public-key", keys().public.hex(),
        "--certificate", CERTIFICATE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(20):
        ready = json.loads(await process.stdout.readline())
        assert (ready["event"], ready["terminals"]) == ("ready", terminals)
        truth = await asyncio.to_thread(call, "GET", f"{ready['control']}/truth")
        assert isinstance(truth, dict)
        assert len(truth["terminals"]) == terminals
        assert ("adapter" in truth) == (not terminals)
        process.terminate()
        assert await process.wait() == 0
    process._transport.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", [["--rds", "tcp:0"], ["--bus", "pty:x"]])
def test_players_are_for_terminals_on_ip(way: list[str], tmp_path: Path) -> None:
    arguments = ["--registry", str(registry(tmp_path, 1)), "--public-key", keys().public.hex()]
    result = CliRunner().invoke(emulate, [*arguments, *way, "--tape", str(tmp_path / "tapes")])
    assert result.exit_code == 2
    assert "player" in result.output


def test_lines_without_a_password_are_named(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("61234:word\nnothing\n")
    result = CliRunner().invoke(
        emulate,
        ["--gateway", "127.0.0.1:1", "--bearer", "mqtt", "--registry", str(registry(tmp_path, 1)),
         "--public-key", keys().public.hex(), "--mqtt-passwords", str(passwords)],
    )  # fmt: skip
    assert result.exit_code == 2
    assert "nothing" in result.output


@pytest.mark.parametrize(
    "way", [["--rds", "usb:1"], ["--rds", "tcp:0", "--ts", "127.0.0.1:1"], ["--rds", "tcp:0", "--noise", "2"], []]
)
def test_a_wrong_way_to_receive_is_told(way: list[str], tmp_path: Path) -> None:
    arguments = ["--registry", str(registry(tmp_path, 1)), "--public-key", keys().public.hex()]
    result = CliRunner().invoke(emulate, arguments + way)
    assert result.exit_code == 2
    assert any(word in result.output for word in ("rds", "noise"))


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [(["--gateway", "nowhere"], 2, "HOST:PORT"), (["--public-key", "xx"], 2, "public-key"),
     (["--public-key", "00" * 64], 2, ""), (["--loss", "2"], 2, "loss"), (["--bus", "pty:x"], 2, "exactly one"),
     (["--certificate", "1"], 2, "certificate")],
)  # fmt: skip
def test_wrong_arguments(change: list[str], code: int, words: str, tmp_path: Path) -> None:
    arguments = [
        "--gateway", "127.0.0.1:1", "--registry", str(registry(tmp_path, 1)), "--public-key", keys().public.hex(),
    ]  # fmt: skip
    result = CliRunner().invoke(emulate, arguments + change)
    assert result.exit_code == code
    assert words in result.output


def test_wrong_registry_is_named_by_row(tmp_path: Path) -> None:
    file = tmp_path / "registry.csv"
    file.write_text("code,physical_address\n1,2\n")
    result = CliRunner().invoke(
        emulate, ["--gateway", "127.0.0.1:1", "--registry", str(file), "--public-key", keys().public.hex()]
    )
    assert result.exit_code == 2
    assert "row 2" in result.output
