"""Acceptance tests: reference tables read once, and the record of the run at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.report import Reporter
from tests.gatewaykit import keep_reference


def pytest_addoption(parser: pytest.Parser) -> None:
    """``make acceptance`` names the page."""
    parser.addoption("--acceptance-page", type=Path, default=None, help="print the record, and write it into this page")


def pytest_configure(config: pytest.Config) -> None:
    """Gather outcomes in every run; without a page nothing is printed."""
    config.pluginmanager.register(Reporter(config.getoption("--acceptance-page", None)), "acceptance record")


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)
