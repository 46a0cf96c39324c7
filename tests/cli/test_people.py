"""``ebgw people``: added, listed, given another password, disabled; a name is a person's or a key's."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli import main

GOOD = "correct horse battery\n"


def run(folder: Path, *words: str, stdin: str = "") -> Result:
    config = folder / "gateway.toml"
    if not config.exists():
        config.write_text(f'[gateway]\ndata_dir = "{folder / "data"}"\n', encoding="utf-8")
    return CliRunner().invoke(main, [*words, "-c", str(config)], input=stdin)


def test_people_from_the_first_day_to_the_last(tmp_path: Path) -> None:
    added = run(
        tmp_path, "people", "add", "张三", "--areas", "3505", "--password-stdin", "--totp", "--json", stdin=GOOD
    )
    assert added.exit_code == 0 and json.loads(added.stdout)["totp"].startswith("otpauth://totp/")
    assert run(tmp_path, "people", "add", "张三", "--areas", "3505", "--password-stdin", stdin=GOOD).exit_code != 0
    short = run(tmp_path, "people", "add", "李四", "--areas", "3505", "--password-stdin", stdin="short\n")
    assert short.exit_code != 0
    assert run(tmp_path, "people", "password", "张三", "--password-stdin", stdin="another good one\n").exit_code == 0
    assert run(tmp_path, "people", "password", "李四", "--password-stdin", stdin=GOOD).exit_code != 0
    assert run(tmp_path, "people", "disable", "张三").exit_code == 0
    (person,) = json.loads(run(tmp_path, "people", "list", "--json").stdout)
    assert (person["name"], person["disabled"], person["totp"]) == ("张三", True, True)
    assert "argon2" not in json.dumps(person) and "停用" in run(tmp_path, "people", "list").stdout


def test_a_name_is_a_persons_or_a_keys(tmp_path: Path) -> None:
    assert run(tmp_path, "keys", "publisher", "add", "气象局", "--areas", "3505").exit_code == 0
    assert run(tmp_path, "people", "add", "气象局", "--areas", "3505", "--password-stdin", stdin=GOOD).exit_code != 0
    assert run(tmp_path, "people", "add", "张三", "--areas", "3505", "--password-stdin", stdin=GOOD).exit_code == 0
    assert run(tmp_path, "keys", "publisher", "add", "张三", "--areas", "3505").exit_code != 0
