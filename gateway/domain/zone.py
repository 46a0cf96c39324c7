"""The time of people here 北京时间: a fixed offset, since a bare machine may lack zone tables."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final

BEIJING: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
