"""The spoken all-clear 解除播报: after the cancel of an emergency that was on air, its end is said in the same areas.

It is an ordinary message made through intake, so that it is committed, sent, reported and counted as any other; its
identity names what it ends, so that a restart makes it once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.service import Dispatch
from gateway.dispatch.submission import Facts, Submission
from gateway.domain.message import EbmClass, Manner, MessageState
from gateway.domain.warning import Severity, Status, Warning, WarningIdentity, WarningKind, WarningText
from gateway.errors import GatewayError

#: Who publishes them, in the lists of warnings.
PUBLISHER: Final = "解除播报 all-clear"
#: An end is not said any more so many seconds after it: a gateway that was down for longer would only startle people.
LATEST: Final = 900.0
#: What an end is said of. Who speaks live says the end too.
_ENDS: Final = frozenset({Manner.WARNING, Manner.RECORDING})


class AllClear:
    """Says the end of emergencies; ``words`` makes what is said of a headline and its language (BCP 47).

    ``own_code`` is our resource code: what a superior platform handed down is for the superior to end. ``seconds`` is
    how long it stays on air. Make it before dispatch starts, so that it is told of what ended just before a crash.
    """

    def __init__(self, dispatch: Dispatch, words: Callable[[str, str], str], own_code: str, seconds: float) -> None:
        self._dispatch = dispatch
        self._words = words
        self._own_code = own_code
        self._seconds = seconds
        dispatch.watch(self._moved)

    def _moved(self, live: LiveMessage) -> None:
        message, now = live.message, self._dispatch.state.clock()
        if (
            live.state is MessageState.CANCELLED
            and live.activated_at is not None
            and message.ebm_class is EbmClass.EMERGENCY
            and message.manner in _ENDS
            and message.areas
            and live.ebm_id.startswith(self._own_code)
            and now - live.state_at < LATEST
        ):
            self._dispatch.sender.spawn(self._say(live))

    async def _say(self, live: LiveMessage) -> None:
        message = live.message
        ended = datetime.fromtimestamp(int(live.state_at), UTC)
        words = self._words(message.headline, message.language)
        warning = Warning(
            identity=WarningIdentity(self._own_code, f"all-clear-{live.ebm_id}", ended),
            status=Status.ACTUAL,
            kind=WarningKind.ALERT,
            scope="Public",
            event=message.event,
            event_text="解除",
            severity=Severity.BLUE,
            texts=(WarningText(message.language, words, words),),
        )
        facts = Facts(
            areas=message.areas,
            ebm_class=EbmClass.EMERGENCY,
            # The end of a danger goes behind every danger.
            severity=Severity.BLUE,
            event=message.event,
            start=ended,
            end=ended + timedelta(seconds=self._seconds),
            headline=words,
            text=words,
            language=message.language,
            manner=Manner.ALL_CLEAR,
            volume=message.volume,
        )
        try:
            await self._dispatch.accept(Submission(warning, b"", "application/x-all-clear", PUBLISHER), facts)
        except GatewayError as error:
            self._dispatch.state.alarms.raise_(
                "all_clear_failed",
                live.ebm_id,
                f"解除未能播报，须人工播报 the end was not said, a person must: {message.headline}: {error}",
                AlarmLevel.CRITICAL,
            )
            raise
