"""Waiting 待审核: a message that nobody decides about is told louder and higher, and at last decided by rule."""

from __future__ import annotations

from functools import partial
from typing import Final

import structlog

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.planner import AREAS
from gateway.dispatch.service import Dispatch
from gateway.domain.approval import Escalation, Role
from gateway.domain.message import MessageState
from gateway.errors import GatewayError, StateConflictError

log = structlog.get_logger(__name__)

WAITING: Final = "approval_waiting"
LAPSED: Final = "approval_lapsed"
#: Who approves what nobody approved in time.
BY_RULE: Final = "超时自动 by rule"


class Waiting:
    """Watches messages that wait. Made before dispatch starts, so that it hears of those that waited before."""

    def __init__(self, dispatch: Dispatch, rules: Escalation) -> None:
        self._dispatch = dispatch
        self._rules = rules
        dispatch.watch(self._moved)

    def _moved(self, live: LiveMessage) -> None:
        state = self._dispatch.state
        if live.state is not MessageState.AWAITING_APPROVAL:
            state.alarms.clear(WAITING, live.ebm_id)
            if live.state is MessageState.EXPIRED and live.activated_at is None:
                words = f"{live.message.headline}: 至失效无人审核 nobody decided before it was over"
                state.alarms.raise_(LAPSED, live.ebm_id, words, AlarmLevel.CRITICAL)
            return
        gone = state.clock() - live.accepted_at
        for number, seconds in enumerate(self._rules.steps):
            state.pacer.after(max(0.0, seconds - gone), partial(self._tell, live, number))
        # Areas that a person must settle are never settled by a clock.
        if live.message.severity in self._rules.automatic and AREAS not in live.scheme.ruling.reasons:
            wait = max(0.0, self._rules.after - gone)
            state.pacer.after(wait, lambda: self._dispatch.sender.spawn(self._approve(live)))

    def _waits(self, live: LiveMessage) -> bool:
        return live.state is MessageState.AWAITING_APPROVAL and not live.ending

    def _tell(self, live: LiveMessage, number: int) -> None:
        if not self._waits(live):
            return
        state = self._dispatch.state
        minutes = (state.clock() - live.accepted_at) / 60
        role = asked(live, number)
        words = f"{live.message.headline}: 待审核 {minutes:.1f} 分钟，请 {role.value} 处理 waits, {role.value} is asked"
        level = AlarmLevel.WARNING if number == 0 else AlarmLevel.CRITICAL
        state.alarms.raise_(WAITING, live.ebm_id, words, level)

    async def _approve(self, live: LiveMessage) -> None:
        if not self._waits(live):
            return
        try:
            await self._dispatch.approve(live.ebm_id, BY_RULE)
        except StateConflictError:
            return
        except GatewayError as error:
            log.error("approval by rule failed", message_id=live.ebm_id, error=str(error))
            self._dispatch.state.pacer.after(1.0, lambda: self._dispatch.sender.spawn(self._approve(live)))


def asked(live: LiveMessage, number: int) -> Role:
    """Whom step ``number`` asks: the role of the ruling first, then the next above."""
    roles = list(Role)
    own = live.scheme.ruling.role
    first = roles.index(Role(own)) if own in set(Role) else len(roles) - 1 if own else 0
    return roles[min(first + number, len(roles) - 1)]
