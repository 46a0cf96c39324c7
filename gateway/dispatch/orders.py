"""Orders 指令: made for a group, signed once for an epoch, committed before anybody may write them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from gateway.dispatch.frames import SignedFrame
from gateway.dispatch.live import INTENDED, LiveMessage, LiveOrder
from gateway.dispatch.plan import Group, group
from gateway.dispatch.state import State
from gateway.domain.message import Command
from gateway.domain.orders import Attempt, Order
from gateway.security.epochs import EpochCache
from gateway.store.packing import pack_ids

_Key = tuple[str, Command, str, tuple[str, ...]]


class OrderDesk:
    """Makes orders; whoever asks within a signing epoch for the same group shares one."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._epochs: EpochCache[_Key, asyncio.Future[LiveOrder]] = EpochCache(epoch=state.policy.epoch_seconds)
        self._making: set[asyncio.Task[LiveOrder]] = set()

    async def make(self, live: LiveMessage, command: Command, group_: Group) -> tuple[LiveOrder, Order]:
        """Sign a frame for a group; the row must be committed before ``write`` may be called."""
        state = self._state
        session = await state.sessions.take()
        message = live.message
        loop = asyncio.get_running_loop()

        def sign() -> SignedFrame:
            if command is Command.START:
                return state.frames.start(session, group_.targets, message)
            return state.frames.stop(session, group_.targets, message.ebm_id)

        frame = await loop.run_in_executor(state.signing, sign)
        if command is Command.START:
            live.start_orders += 1
        now = state.clock()
        row = Order(
            id=session,
            ebm_id=live.ebm_id,
            command=command.value,
            session=session,
            profile=group_.profile,
            target_codes=tuple(map(str, group_.targets)),
            terminals=pack_ids(group_.terminals),
            frame_digest=frame.digest,
            sig_time=frame.sig_time,
            created_at=now,
            epoch=int(now // state.policy.epoch_seconds),
        )
        order = LiveOrder(
            session,
            live,
            command,
            group_.profile,
            frame.raw,
            state.monotonic(),
            live.start_orders,
            named=set(group_.terminals),
        )
        state.counters.orders += 1
        return order, row

    def groups(self, live: LiveMessage, terminals: Iterable[int], *, named: bool = False) -> list[Group]:
        """Group terminals of a message so that one frame serves all it can."""
        entries = [e for e in map(self._state.registry.get, terminals) if e is not None]
        return group(entries, live.message.areas, self._state.profiles, named=named)

    def adopt(self, order: LiveOrder, group_: Group) -> None:
        """Let those who come back within the epoch share an order made elsewhere."""
        future: asyncio.Future[LiveOrder] = asyncio.get_running_loop().create_future()
        future.set_result(order)
        assert order.message is not None
        key = (order.message.ebm_id, order.command, group_.profile, tuple(map(str, group_.targets)))
        self._epochs.get(key, self._state.monotonic(), lambda: future)

    async def order_for(self, live: LiveMessage, command: Command, group_: Group, *, newer_than: int = 0) -> LiveOrder:
        """The order of the running signing epoch for this group, made and committed where there is none.

        ``newer_than``: a session that did not do, so that all who ask for another one share the next.
        """
        key = (live.ebm_id, command, group_.profile, tuple(map(str, group_.targets)))
        while True:
            future = self._epochs.get(key, self._state.monotonic(), lambda: self._begin(live, command, group_))
            try:
                order = await asyncio.shield(future)
            except BaseException:
                if future.done():
                    self._end_epoch(key, future)
                raise
            if order.session > newer_than:
                break
            self._end_epoch(key, future)
        if command is Command.START:
            await self._name(order, group_.terminals)
        return order

    def _end_epoch(self, key: _Key, future: asyncio.Future[LiveOrder]) -> None:
        """End the epoch of this order, unless another one has begun meanwhile."""
        if self._epochs.get(key, self._state.monotonic(), lambda: future) is future:
            self._epochs.forget(lambda held: held == key)

    async def _name(self, order: LiveOrder, terminals: Sequence[int]) -> None:
        """Commit that these terminals may hold an order that was made for others, before its bytes leave for them."""
        others = [terminal for terminal in terminals if terminal not in order.named]
        if others:
            row = Attempt(order.session, self._state.clock(), INTENDED, pack_ids(others))
            await self._state.store.write(row, urgent=True)
            order.named.update(others)

    def _begin(self, live: LiveMessage, command: Command, group_: Group) -> asyncio.Future[LiveOrder]:
        task = asyncio.get_running_loop().create_task(self._make_and_commit(live, command, group_))
        self._making.add(task)
        task.add_done_callback(self._made)
        return task

    def _made(self, task: asyncio.Task[LiveOrder]) -> None:
        self._making.discard(task)
        if not task.cancelled():
            # Those who wait for it are told; here it is only marked as seen, for they may be gone.
            task.exception()

    async def _make_and_commit(self, live: LiveMessage, command: Command, group_: Group) -> LiveOrder:
        order, row = await self.make(live, command, group_)
        await self._state.store.write(row)
        return order

    async def close(self) -> None:
        """End what is being made."""
        running = tuple(self._making)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
