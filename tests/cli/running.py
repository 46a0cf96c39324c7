"""The real command line as a process, and a gateway run by it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from gateway.cli import main

#: Settings of a gateway on free loopback ports.
SETTINGS = '[gateway]\ndata_dir = "{folder}"\n[http]\nport = 0\n[terminals]\nport = 0\n[feedback]\nport = 0\n'


def ebgw(
    *arguments: object,
    given: str | bytes = b"",
    cwd: Path | None = None,
    seconds: float = 30,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``ebgw`` with these arguments; never longer than ``seconds``."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *map(str, arguments)],
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        timeout=seconds,
        cwd=cwd,
        env=clean(**(environment or {})),
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def here(*arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    """The same in this process, for commands that start nothing: what they cost is otherwise their start."""
    done = CliRunner(env={name: None for name in os.environ if name.startswith("EBGW_")}).invoke(
        main, list(map(str, arguments)), input=given
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return subprocess.CompletedProcess([], done.exit_code, done.stdout, done.stderr)


def clean(**more: str) -> dict[str, str]:
    """The environment without settings of the caller's own, and with this tree to be imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EBGW_")}
    root = str(Path(__file__).parents[2])
    return {**kept, "PYTHONPATH": root, "COLUMNS": "120", **more}


def settings_file(folder: Path, more: str = "") -> Path:
    """A settings file in ``folder`` with its data there."""
    path = folder / "gateway.toml"
    path.write_text(SETTINGS.format(folder=folder) + more, encoding="utf-8")
    return path


@dataclass(slots=True)
class Running:
    """A gateway at work."""

    process: subprocess.Popen[bytes]
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        """Where its HTTP interface is."""
        return str(self.ready["http"])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it and wait for its end; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def gateway(settings: Path, **environment: str) -> Iterator[Running]:
    """``ebgw run`` as a process, ended at the end whatever happened."""
    with (settings.parent / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "run", "-c", str(settings)],
            stdout=subprocess.PIPE,
            stderr=log,
            env=clean(**environment),
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (settings.parent / "run.log").read_text()
        yield Running(process, json.loads(line))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
