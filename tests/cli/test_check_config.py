"""``ebgw check-config``: sound settings, and every kind of fault by its key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import ebgw, here, settings_file

ROOT = Path(__file__).parents[2]


def test_the_sample_and_the_defaults_are_sound(tmp_path: Path) -> None:
    assert ebgw("check-config", "-c", ROOT / "config" / "gateway.toml", cwd=tmp_path).returncode == 0
    done = ebgw("check-config", "--json", cwd=tmp_path)
    assert json.loads(done.stdout) == {"ok": True, "problems": []}


@pytest.mark.parametrize(
    ("more", "key", "code"),
    [
        ("[nonsense]\nx = 1\n", "nonsense", 1),
        ("[log]\nlevel = 'LOUD'\n", "log.level", 1),
        ("[dispatch]\nvolume = 150\n", "dispatch.volume", 1),
        ("[store]\nurl = 'mysql://x'\n", "store.url", 1),
        ("[signing]\nkey_file = '/none/there.json'\n", "signing.key_file", 3),
        ("[signing]\ntrust_file = '/none/trust.toml'\n", "/none/trust.toml", 1),
        ("[reference]\nfolder = '/none/there'\n", "reference.folder", 1),
        ("[terminals.tls]\ncertificate = '/none.pem'\n", "terminals.tls", 3),
        ("[gateway\n", "", 1),
    ],
)
def test_faults_are_named_by_key(tmp_path: Path, more: str, key: str, code: int) -> None:
    settings = settings_file(tmp_path, more)
    done = here("check-config", "-c", settings, "--json")
    answer = json.loads(done.stdout)
    assert (answer["ok"], done.returncode) == (False, code), answer
    assert any(problem["key"].startswith(key) for problem in answer["problems"]), answer


def test_what_is_found_keeps_the_daemon_from_starting_too(tmp_path: Path) -> None:
    done = ebgw("run", "-c", settings_file(tmp_path, "[log]\nlevel = 'LOUD'\n"))
    assert done.returncode == 1
    assert "log.level" in done.stderr


def test_the_environment_goes_over_the_file_and_is_checked_too(tmp_path: Path) -> None:
    done = ebgw("check-config", "-c", settings_file(tmp_path), "--json", environment={"EBGW_HTTP__PORT": "70000"})
    assert json.loads(done.stdout)["problems"][0]["key"] == "http.port"
