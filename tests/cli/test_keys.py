"""``ebgw keys``: signing keys in files, publishers' keys in the store."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

from tests.cli.running import here, settings_file


def test_new_key_is_private_shown_again_and_never_overwritten(tmp_path: Path) -> None:
    settings = settings_file(tmp_path)
    made = json.loads(here("keys", "new", "-c", settings, "--certificate", "0000000001AB", "--json").stdout)
    path = Path(made["file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made["certificate"] == "0000000001AB"
    assert len(made["public_key"]) == 128
    shown = here("keys", "show", "-c", settings, "--json")
    assert json.loads(shown.stdout) == made
    secret = tomllib.loads(path.read_text())["private_key"]
    assert len(secret) == 64
    assert secret not in shown.stdout
    again = here("keys", "new", "-c", settings)
    assert again.returncode == 3
    assert "never overwritten" in again.stderr


def test_a_readable_key_file_is_refused(tmp_path: Path) -> None:
    settings = settings_file(tmp_path)
    path = Path(json.loads(here("keys", "new", "-c", settings, "--json").stdout)["file"])
    path.chmod(0o644)
    done = here("keys", "show", "-c", settings)
    assert done.returncode == 3
    assert "chmod 600" in done.stderr


def test_a_wrong_certificate_number_is_a_mistake_of_usage(tmp_path: Path) -> None:
    assert here("keys", "new", "-c", settings_file(tmp_path), "--certificate", "12").returncode == 2


def test_publisher_keys_are_added_listed_and_revoked(tmp_path: Path) -> None:
    settings = settings_file(tmp_path)
    added = here(
        *("keys", "publisher", "add", "气象局", "--areas", "350524,3505831", "--severity", "orange"),
        *("--status", "Actual,test", "--events", "11B*", "--approval", "-c", settings, "--json"),
    )
    assert added.returncode == 2
    assert "3505831" in added.stderr
    added = here(
        *("keys", "publisher", "add", "气象局", "--areas", "350524,350583100", "--severity", "orange"),
        *("--status", "Actual,test", "--events", "11B*", "--approval", "-c", settings, "--json"),
    )
    key = json.loads(added.stdout)["key"]
    assert key.startswith("ebgw_")
    listed = here("keys", "publisher", "list", "-c", settings, "--json").stdout
    assert key not in listed
    (row,) = json.loads(listed)
    assert row["kind"] == "publisher"
    assert row["rights"]["areas"] == ["350524000000", "350583100000"]
    assert row["rights"]["statuses"] == ["Actual", "Test"]
    assert row["rights"]["approval_needed"] is True
    assert here("keys", "publisher", "revoke", "气象局", "-c", settings).returncode == 0
    assert json.loads(here("keys", "publisher", "list", "-c", settings, "--json").stdout) == []
    assert here("keys", "publisher", "revoke", "气象局", "-c", settings).returncode == 1


def test_an_unknown_status_is_a_mistake_of_usage(tmp_path: Path) -> None:
    done = here("keys", "publisher", "add", "x", "--areas", "3505", "--status", "Real", "-c", settings_file(tmp_path))
    assert done.returncode == 2
    assert "Real" in done.stderr
