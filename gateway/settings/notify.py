"""Who is told of alarms 告警外发 of the settings: ``[notify.NAME]``, and ``[alarms]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.settings.base import Seconds, Section
from gateway.settings.sms import PhoneNumber

NotifyName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class AlarmsSection(Section):
    """``again_minutes``: an alarm that was acknowledged and lasts so long asks to be seen again."""

    again_minutes: Annotated[float, Field(gt=0, le=1440)] = 30.0
    #: a message on air so long is held against [coverage] target
    coverage_after_seconds: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    #: fewer of a county's terminals online than this share, for so long
    online_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    offline_seconds: Annotated[float, Field(ge=0, le=86_400)] = 120.0
    #: free bytes of the data folder's disk
    disk_bytes: Annotated[int, Field(ge=0)] = 1_000_000_000


class NotifySection(Section):
    """One receiver of alarms: a webhook, numbers for short messages, or both.

    ``kinds``: names of alarms, or beginnings that end in ``*``. ``after_seconds``: told when it has lasted so long;
    ``repeat_minutes``: and again so often until somebody acknowledges it, 0 for never.
    """

    kinds: tuple[Annotated[str, Field(pattern=r"^[a-z_]*\*?$", min_length=1)], ...] = ("*",)
    levels: tuple[Literal["notice", "warning", "critical"], ...] = ("critical",)
    after_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    repeat_minutes: Annotated[float, Field(ge=0, le=1440)] = 10.0
    webhook: Annotated[str, Field(pattern=r"^(|https?://.+)$")] = ""
    #: a file whose content signs the webhook's body (HMAC-SHA256)
    secret_file: Path | None = None
    timeout_seconds: Seconds = 5.0
    sms: tuple[PhoneNumber, ...] = ()

    @model_validator(mode="after")
    def _somebody(self) -> NotifySection:
        if not self.webhook and not self.sms:
            raise ValueError("须给出 webhook 或 sms / name a webhook, or numbers")
        if self.webhook and self.secret_file is None:
            raise ValueError("secret_file: webhook 须签名 / a webhook is signed")
        return self
