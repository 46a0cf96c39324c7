"""Device profiles: the packaged ones, an integrator's own, and every fault by file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.devices.profiles import load_profiles
from gateway.domain.receiver import UnsignedForm
from gateway.domain.targets import TargetForm
from gateway.errors import SettingsError


def test_the_packaged_profiles() -> None:
    profiles = load_profiles()
    assert profiles["gdj089-2018"].target_form is TargetForm.STD
    assert profiles["level-zero-targets"].unsigned_form is UnsignedForm.ZERO_BLOCK


def test_an_integrators_own_stands_beside_them(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text('name = "acme-1"\ntarget_form = "own"\nheartbeat_seconds = 60\n')
    acme = load_profiles(tmp_path)["acme-1"]
    assert (acme.target_form, acme.heartbeat_seconds, acme.code_length) == (TargetForm.OWN, 60, 12)
    assert "gdj089-2018" in load_profiles(tmp_path)


@pytest.mark.parametrize(
    ("text", "key", "rule"),
    [
        ('name = "a"\ncolour = "red"', "acme.toml:colour", "Extra inputs"),
        ('name = "a"\ntarget_form = "mine"', "acme.toml:target_form", "'std', 'any' or 'own'"),
        ('name = "a"\ncode_length = 9', "acme.toml:code_length", "12"),
        ('name = "a"\nheartbeat_seconds = 0', "acme.toml:heartbeat_seconds", "greater than or equal to 1"),
        ('name = "Not A Name"', "acme.toml:name", "pattern"),
        ("title = 'nameless'", "acme.toml:name", "required"),
        ("name = ", "acme.toml", "cannot be read"),
        ('name = "gdj089-2018"', "acme.toml", "is taken by gdj089-2018.toml"),
    ],
)
def test_faults_are_named_by_file_and_key(tmp_path: Path, text: str, key: str, rule: str) -> None:
    (tmp_path / "acme.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_profiles(tmp_path)
    ((where, what),) = caught.value.problems
    assert where.endswith(key)
    assert rule in what


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(SettingsError, match=r"acme\.toml"):
        load_profiles(tmp_path)
