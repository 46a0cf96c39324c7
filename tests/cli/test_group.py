"""Errors at the command line: words and exit codes, never a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.cli.group import exit_code_of, words_of
from gateway.errors import (
    EnvironmentLackingError,
    GatewayError,
    KeyMaterialError,
    NotFoundError,
    RegistryError,
    SettingsError,
    StoreError,
    Violation,
    WarningInvalid,
)
from tests.cli.running import clean, ebgw, here
from tests.protocols.golden import OURS


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EnvironmentLackingError("no libcrypto"), 3),
        (KeyMaterialError("k: mode is 0644"), 3),
        (NotFoundError("x"), 1),
        (StoreError("disk full"), 1),
        (GatewayError("plain"), 1),
    ],
)
def test_each_error_has_its_exit_code_and_both_languages(error: GatewayError, code: int) -> None:
    assert exit_code_of(error) == code
    assert words_of(error).startswith("错误 ")
    assert f"error {error.code}: {error}" in words_of(error)


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (SettingsError(("a.b", "must be 1"), ("c", "is unknown")), ["a.b: must be 1", "c: is unknown"]),
        (RegistryError((2, "code", "x"), (9, "area", "y")), ["第 2 行 row 2, code: x", "第 9 行 row 9, area: y"]),
        (WarningInvalid(Violation("info", "r1", "x"), Violation("", "r2", "y")), ["info: r1: x", "/: r2: y"]),
    ],
)
def test_every_broken_rule_has_a_line_of_its_own(error: GatewayError, lines: list[str]) -> None:
    _, *told = words_of(error).splitlines()
    assert [line.strip() for line in told] == lines


def test_a_folder_that_cannot_be_made_is_a_lack_of_the_environment() -> None:
    done = here("keys", "new", "--file", "/proc/none/signing.json")
    assert done.returncode == 3
    assert "/proc/none" in done.stderr


def test_no_command_and_an_unknown_one_are_mistakes_of_usage() -> None:
    assert here().returncode == 2
    assert here("nonsense").returncode == 2
    assert here("--help").returncode == 0
    assert "ebgw" in here("--version").stdout


def test_a_reader_that_goes_away_is_no_error_to_complain_of() -> None:
    frames = "\n".join(vector["hex"] for vector in OURS) * 20
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "decode", "--json", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean(),
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(frames.encode(), timeout=30)
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


def test_the_module_and_the_script_are_one() -> None:
    assert ebgw("--version").stdout == here("--version").stdout
