"""Alive, ready, and what is missing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway import __version__
from gateway.api.health import checks
from gateway.api.services import Services
from tests.api.apikit import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_process_lives(api: Api) -> None:
    answer = await api.get("/healthz", None)
    assert (answer.status, answer.json) == (200, {"status": "ok", "version": __version__})


async def test_a_serving_gateway_is_ready(api: Api) -> None:
    answer = await api.get("/readyz", None)
    assert answer.status == 200
    assert {check["name"] for check in answer.json["checks"]} == {"store", "key", "clock"}


async def test_without_its_store_it_is_not_ready(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    store = api.gateway.dispatch.state.store
    monkeypatch.setattr(store._writer, "healthy", False)
    answer = await api.get("/readyz", None)
    assert answer.status == 503
    assert [error["path"] for error in answer.json["errors"]] == ["store"]
    monkeypatch.undo()
    assert (await api.get("/readyz", None)).status == 200


@pytest.mark.parametrize(("kept", "ok"), [(True, True), (None, True), (False, False)])
async def test_a_clock_that_nothing_keeps_is_doubtful_and_forbids_nothing(kept: bool | None, ok: bool) -> None:
    services: Any = SimpleNamespace(
        store=SimpleNamespace(healthy=True), clock_synchronised=lambda: kept, capabilities=()
    )
    required, doubtful = checks(cast(Services, services))
    assert all(check.ok for check in required)
    assert [(check.name, check.ok) for check in doubtful] == [("clock", ok)]
