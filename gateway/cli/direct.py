"""Straight to the store, for commands that work without a running gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.errors import EnvironmentLackingError
from gateway.settings import Settings
from gateway.store import Store, StoreSettings


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of these settings, made when it does not exist yet. Errors: StoreError, EnvironmentLackingError."""
    try:
        settings.gateway.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentLackingError(f"{settings.gateway.data_dir}: {error.strerror}") from error
    store = await Store.open(StoreSettings(settings.store_url), node=settings.gateway.node)
    try:
        yield store
    finally:
        await store.close()
