from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import InvalidValueError
from gateway.store import StoreSettings


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("mysql://localhost/x", "sqlite:///"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("", "must be a database URL"),
        ("ebgw.db", "must be a database URL"),
    ],
)
def test_urls_that_cannot_hold_a_store_are_refused(url: str, rule: str) -> None:
    with pytest.raises(InvalidValueError, match=rule):
        StoreSettings(url=url)


@pytest.mark.parametrize("name", ["batch_rows", "queue_rows", "receipt_rows", "readers"])
def test_sizes_are_at_least_one(name: str) -> None:
    wrong: dict[str, Any] = {name: 0}
    with pytest.raises(InvalidValueError, match=f"store.{name}"):
        StoreSettings(url="sqlite:///x.db", **wrong)


@pytest.mark.parametrize("name", ["receipt_linger", "busy_timeout", "switch_interval"])
def test_times_are_bounded(name: str) -> None:
    wrong: dict[str, Any] = {name: float("nan")}
    with pytest.raises(InvalidValueError, match=f"store.{name}"):
        StoreSettings(url="sqlite:///x.db", **wrong)


def test_psycopg_is_the_driver_of_postgresql() -> None:
    assert StoreSettings(url="postgresql://u@h/d").parsed.drivername == "postgresql+psycopg"
