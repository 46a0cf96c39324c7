"""A power-up is said once: it is on disk before the terminal hears an answer, lest our own restart forget it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.dispatch.live import Phase
from tests.gatewaykit import BareTerminal, Gateway, facts, settings_for, submission, terminal, until, warning


def powered_up(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{folder / 'ebgw.db'}?mode=ro", uri=True)) as database:
        return list(database.execute("SELECT source, ebm_id FROM receipts WHERE kind = 'powered_up'"))


async def test_a_restart_of_ours_does_not_forget_that_a_terminal_lost_its_memory(tmp_path: Path) -> None:
    one, other = terminal("350524100001"), terminal("350524100002")
    async with Gateway(settings_for(tmp_path)) as gateway:
        await gateway.terminals.put([one, other], "test")
        a = await BareTerminal.connect(gateway.ports.terminals, one)
        b = await BareTerminal.connect(gateway.ports.terminals, other)
        assert not powered_up(tmp_path)
        accepted = await gateway.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        live = gateway.state.messages[str(accepted.message_id)]
        await until(lambda: list(live.phase) == [Phase.HELD, Phase.HELD])
        await a.close()
        await b.close()
        await until(lambda: not gateway.hub.current)
        # It restarts, and the gateway is gone before it could answer the new start.
        a = await BareTerminal.connect(gateway.ports.terminals, one, first=True, register=False)
        a.answer_with = None
        a.beat(first=True)
        await until(lambda: a.answers)
        assert powered_up(tmp_path) == [(one.code, accepted.message_id)]
        await a.close()
    async with Gateway(settings_for(tmp_path)) as gateway:
        live = gateway.state.messages[str(accepted.message_id)]
        position = gateway.state.registry.by_code(one.code)
        assert position is not None
        assert live.needs_start(position.id)
        a = await BareTerminal.connect(gateway.ports.terminals, one, first=False)
        b = await BareTerminal.connect(gateway.ports.terminals, other, first=False)
        await until(lambda: a.starts)
        assert not b.heard
        await a.close()
        await b.close()
