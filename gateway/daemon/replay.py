"""What is known of signature times 防重放 outlives a restart."""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.devices.trust import Trust
from gateway.store import Store
from gateway.store.rows import StateRow

#: Where it is kept in the store, and how often (seconds).
REPLAY_STATE: Final = "replay"
_SECONDS: Final = 5.0


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
