"""Keys of devices that sign, and what is known of their signature times 防重放, which outlives a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.devices.trust import Trust
from gateway.security.sm2 import Sm2Provider
from gateway.settings import SigningSection
from gateway.store import Store, queries
from gateway.store.rows import StateRow

#: Where it is kept in the store, and how often (seconds).
REPLAY_STATE: Final = "replay"
_SECONDS: Final = 5.0


async def open_trust(
    signing: SigningSection, provider: Sm2Provider, store: Store, clock: Callable[[], float]
) -> Trust | None:
    """Trust by the settings; None where no file names any key. Errors: SettingsError, KeyMaterialError, StoreError."""
    if signing.trust_file is None:
        return None
    trust = Trust(provider, clock, window=signing.replay_window_seconds, coverage_b=signing.accept_coverage_b)
    trust.load(signing.trust_file)
    trust.restore(await store.read(queries.state, REPLAY_STATE))
    return trust


async def keep_replay(trust: Trust, store: Store) -> None:
    """Store what is known of signature times whenever it has changed, and once more at the end."""
    kept: object = trust.replay_state()
    try:
        while True:
            await asyncio.sleep(_SECONDS)
            if (state := trust.replay_state()) != kept:
                await store.write(StateRow(REPLAY_STATE, state))
                kept = state
    finally:
        await store.write(StateRow(REPLAY_STATE, trust.replay_state()))
