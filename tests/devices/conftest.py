"""The packaged tables are read once for all tests."""

from __future__ import annotations

import pytest

from tests.gatewaykit import keep_reference


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start gateways quickly."""
    keep_reference(monkeypatch)
