"""Keeps standing coverage day by day: looked at every hour, so that a day holds its last look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.api.coverage import standing_now
from gateway.api.services import Services
from gateway.coverage.standing import area_from_digits
from gateway.coverage.trend import rows_of
from gateway.errors import GatewayError

log = structlog.get_logger(__name__)

_HOUR: Final = 3600.0


async def keep_trend(services: Services, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Look again and again, until cancelled; the first time after an hour, when terminals have come back."""
    area = area_from_digits(services.settings.gateway.region)
    while True:
        await pause(_HOUR)
        try:
            await services.store.write(*rows_of(await standing_now(services, area)))
        except GatewayError as error:
            log.warning("coverage of the day not kept", error=str(error))
