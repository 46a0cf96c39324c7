"""The project's own promises: documents name what is there, and what is there is named."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from itertools import takewhile
from pathlib import Path

import click
import pytest

from gateway.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]
DECISIONS = ROOT / "docs" / "decisions"
README = (ROOT / "README.md").read_text(encoding="utf-8")
UNIT = (ROOT / "systemd" / "gateway.service").read_text(encoding="utf-8")
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def command_of(words: list[str]) -> click.Command | None:
    """The command that these words lead to, or None."""
    command: click.Command | None = main
    for word in words:
        if not isinstance(command, click.Group):
            return command
        command = command.get_command(click.Context(command), word)
    return command


def test_every_command_loads_and_has_help() -> None:
    for name in COMMANDS:
        command = command_of([name])
        assert command is not None
        assert (command.help or "").strip(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    planned = {"drill"}
    for words in re.findall(r"\bebgw ((?:[a-z][a-z-]+ ?)+)", text):
        found = words.split()
        if found[0] not in planned:
            assert command_of(found[:1]) is not None, words
    for target in re.findall(r"\bmake ([a-z]+)\b", text):
        if re.search(rf"`[^`]*\bmake {target}\b", text):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), target


def test_every_command_stands_in_the_readme() -> None:
    table = README[README.index("## Commands") :]
    for name in COMMANDS:
        assert re.search(rf"`ebgw {name}\b|, `{name} ", table), name


def test_options_in_the_readme_exist() -> None:
    for line in re.findall(r"ebgw [a-z][^`\n]*", README):
        words = line.split()[1:]
        command = command_of(list(takewhile(lambda word: re.fullmatch(r"[a-z-]+", word), words)))
        options = {flag for parameter in command.params for flag in parameter.opts} if command else set()
        for flag in re.findall(r"(?<!\S)--[a-z-]+", line):
            assert flag in options, line


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_decision_is_linked_and_of_one_form() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    pages = sorted(DECISIONS.glob("0*.md"))
    # A number may be taken by a page that is still on its way; none is given twice.
    numbers = [page.name[:4] for page in pages]
    assert numbers == sorted(set(numbers))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert f"]({page.name})" in index
        assert text.startswith(f"# {page.name[:4]}. ")
        assert re.findall(r"^## (\w+)", text, re.MULTILINE) == ["Context", "Choice", "Consequences"]
        assert len(text.splitlines()) <= 60


def test_decisions_named_in_code_exist() -> None:
    named = set()
    for source in [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "emulator").rglob("*.py")]:
        named.update(re.findall(r"ADR (\d{4})", source.read_text(encoding="utf-8")))
    assert named
    for number in named:
        assert list(DECISIONS.glob(f"{number}-*.md")), number


def test_every_dependency_is_explained_and_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    lock = (ROOT / "requirements" / "runtime.lock").read_text(encoding="utf-8")
    for wanted in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name = re.split(r"[\[<>=;]", wanted)[0]
        assert name in page, name
    for wanted in project["dependencies"]:
        name = re.split(r"[\[<>=;]", wanted)[0]
        assert re.search(rf"^{re.escape(name)}(\[[a-z]+\])?==", lock, re.MULTILINE), name


def test_modules_stay_small_enough_to_read_in_one_sitting() -> None:
    for source in [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "emulator").rglob("*.py")]:
        assert len(source.read_text(encoding="utf-8").splitlines()) <= 400, source


def test_nothing_is_left_unfinished() -> None:
    for source in [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "emulator").rglob("*.py")]:
        assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", source.read_text(encoding="utf-8")), source


def test_the_service_unit_is_hardened_and_starts_what_there_is() -> None:
    stated = dict(re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE))
    wanted = {
        "Type": "notify",
        "Restart": "on-failure",
        "DynamicUser": "yes",
        "StateDirectory": "ebgw",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "NoNewPrivileges": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    }
    assert {key: stated.get(key) for key in wanted} == wanted
    assert int(stated["LimitNOFILE"]) >= 2 * 4021
    program, command, *_ = stated["ExecStart"].split()
    assert program.endswith("/ebgw")
    assert command in COMMANDS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "gateway.service"
    # The program need not be installed here for the unit to be right.
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT, flags=re.MULTILINE), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr.strip()) == (0, "")


@pytest.mark.parametrize("script", ["run", "venv", "packages"])
def test_shell_scripts_are_sound_and_executable(script: str) -> None:
    path = ROOT / ".ci" / script
    assert path.stat().st_mode & 0o111
    done = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stderr) == (0, "")
