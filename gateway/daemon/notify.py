"""Telling alarms 告警外发 to webhooks and telephones: once, again until acknowledged, and their end."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_attempt, wait_exponential

from gateway.api.services import Services
from gateway.daemon.sms import SmsDesk
from gateway.daemon.trend import keep_trend
from gateway.daemon.watchdog import Watchdog
from gateway.dispatch.admission import Weigh
from gateway.dispatch.alarms import Alarm, AlarmLevel, Alarms
from gateway.errors import EnvironmentLackingError, GatewayError
from gateway.settings.notify import NotifySection

log = structlog.get_logger(__name__)

_LOOK: Final = 1.0
_TRIES: Final = 4
#: Alarm about a receiver that cannot be told; it is told to the others.
UNTOLD: Final = "notify_failed"
#: Bytes of a short message that telephones show at once: 70 Chinese characters.
_SHORT: Final = 70
SIGNATURE: Final = "Ebgw-Signature-256"

Send = Callable[[str, str], Awaitable[None]]


@dataclass(slots=True)
class _Told:
    alarm: Alarm
    at: float
    count: int = 1


@dataclass(slots=True)
class _Receiver:
    name: str
    section: NotifySection
    secret: bytes
    told: dict[tuple[str, str], _Told] = field(default_factory=dict)


class Notifier:
    """Looks at the open alarms every second. What cannot be told is an alarm itself."""

    def __init__(
        self,
        alarms: Alarms,
        receivers: dict[str, NotifySection],
        gateway: str,
        again_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._alarms, self._gateway, self._again, self._clock = alarms, gateway, again_seconds, clock
        self._receivers = [_Receiver(name, section, _secret(name, section)) for name, section in receivers.items()]
        #: sends a short message; None while no modem is there
        self.send_sms: Send | None = None

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look again and again, until cancelled; a receiver that is slow holds up no other."""
        async with ClientSession() as client:
            while True:
                await asyncio.gather(*(self._look(client, receiver) for receiver in self._receivers))
                await pause(_LOOK)

    async def _look(self, client: ClientSession, receiver: _Receiver) -> None:
        open_now = {(alarm.kind, alarm.subject): alarm for alarm in self._alarms.open}
        for key, told in list(receiver.told.items()):
            if key not in open_now:
                del receiver.told[key]
                await self._tell(client, receiver, told.alarm, "cleared", told.count)
        now, section = self._clock(), receiver.section
        for key, alarm in open_now.items():
            if not _wants(section, alarm) or now - alarm.raised_at < section.after_seconds:
                continue
            known = receiver.told.get(key)
            if known is None:
                receiver.told[key] = _Told(alarm, now)
                await self._tell(client, receiver, alarm, "raised", 1)
                continue
            due = section.repeat_minutes > 0 and now - known.at >= section.repeat_minutes * 60
            if due and not self._alarms.seen_by(alarm, self._again):
                known.at, known.count, known.alarm = now, known.count + 1, alarm
                await self._tell(client, receiver, alarm, "repeated", known.count)

    async def _tell(self, client: ClientSession, receiver: _Receiver, alarm: Alarm, event: str, count: int) -> None:
        problems = []
        if receiver.section.webhook:
            try:
                await self._post(client, receiver, alarm, event, count)
            except (ClientError, OSError, TimeoutError, RetryError) as error:
                problems.append(f"webhook: {error or type(error).__name__}")
        for number in receiver.section.sms:
            try:
                if self.send_sms is None:
                    raise EnvironmentLackingError("没有短信猫 no modem ([sms] port)")
                await self.send_sms(number, self._words(alarm, event))
            except GatewayError as error:
                problems.append(f"{number}: {error}")
        if problems and alarm.kind != UNTOLD:
            text = f"告警未能外发 could not be told: {'; '.join(problems)}"[:500]
            self._alarms.raise_(UNTOLD, receiver.name, text, AlarmLevel.WARNING)
        elif not problems:
            self._alarms.clear(UNTOLD, receiver.name)

    async def _post(self, client: ClientSession, receiver: _Receiver, alarm: Alarm, event: str, count: int) -> None:
        said = {
            "event": event,
            "gateway": self._gateway,
            "kind": alarm.kind,
            "subject": alarm.subject,
            "text": alarm.text,
            "level": alarm.level.value,
            "raised_at": alarm.raised_at,
            "last_at": alarm.last_at,
            "told": count,
            "sent_at": self._clock(),
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        mark = hmac.new(receiver.secret, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", SIGNATURE: f"sha256={mark}"}
        timeout = ClientTimeout(total=receiver.section.timeout_seconds)
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(_TRIES),
            wait=wait_exponential(multiplier=0.2, max=3),
            retry=retry_if_exception_type((ClientError, OSError, TimeoutError)),
            reraise=True,
        ):
            with attempt:
                async with client.post(receiver.section.webhook, data=body, headers=headers, timeout=timeout) as answer:
                    answer.raise_for_status()

    def _words(self, alarm: Alarm, event: str) -> str:
        head = "告警消除" if event == "cleared" else "危急告警" if alarm.level is AlarmLevel.CRITICAL else "告警"
        return f"{self._gateway}{head}：{alarm.text}"[:_SHORT]


def errands_of_the_day(services: Services, weigh: Weigh) -> Iterator[tuple[Coroutine[Any, Any, None], str]]:
    """What is to run beside the ports, with its name: coverage by day, short messages, alarms told."""
    settings = services.settings
    yield keep_trend(services), "coverage by day"
    yield Watchdog(services).run(), "watchdog"
    desk = SmsDesk(services, weigh) if settings.sms.port else None
    if desk is not None:
        yield desk.run(), "short messages"
    if settings.notify:
        again = settings.alarms.again_minutes * 60
        alarms = services.dispatch.state.alarms
        notifier = Notifier(alarms, settings.notify, settings.gateway.name, again, services.clock)
        notifier.send_sms = None if desk is None else desk.send
        yield notifier.run(), "alarms told"


def _wants(section: NotifySection, alarm: Alarm) -> bool:
    fits = any(
        kind == alarm.kind or (kind.endswith("*") and alarm.kind.startswith(kind[:-1])) for kind in section.kinds
    )
    return fits and alarm.level.value in section.levels


def _secret(name: str, section: NotifySection) -> bytes:
    if section.secret_file is None:
        return b""
    try:
        secret = section.secret_file.read_bytes().strip()
    except OSError as error:
        raise EnvironmentLackingError(f"[notify.{name}] secret_file {section.secret_file}: {error.strerror}") from error
    if len(secret) < 16:
        raise EnvironmentLackingError(f"[notify.{name}] secret_file: 至少 16 字节 / has fewer than 16 bytes")
    return secret
