"""Acceptance tests: reference tables read once, what each test saw, and the record of the run at its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.report import SAW, Reporter
from tests.acceptance.table import ROWS, rows_shown
from tests.gatewaykit import keep_reference

Saw = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``make acceptance`` names the file."""
    parser.addoption("--acceptance-page", type=Path, default=None, help="print the record, and write it into this file")


def pytest_configure(config: pytest.Config) -> None:
    """Gather outcomes in every run; without a file nothing is printed."""
    config.pluginmanager.register(Reporter(config.getoption("--acceptance-page", None)), "acceptance record")


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@pytest.fixture
def saw(request: pytest.FixtureRequest) -> Saw:
    """Note what was really seen of a row, by its name within the clause. Errors: KeyError for one not shown here."""
    keys = {ROWS[key][1].name: key for key in rows_shown(request.node.iter_markers("shows"))}

    def note(row: str, text: str) -> None:
        request.node.user_properties.append((SAW, (keys[row], text)))

    return note
