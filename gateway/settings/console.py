"""The console 值班台: how long people stay logged in, and when a name is locked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.base import Section


class ConsoleSection(Section):
    """Pages for people, on the port of [http]."""

    enabled: bool = True
    #: a session ends so long after it began
    session_hours: Annotated[float, Field(gt=0, le=168)] = 12.0
    #: and so long after the last act of one who may broadcast; pages that renew themselves are no act
    idle_minutes: Annotated[float, Field(gt=0, le=1440)] = 60.0
    #: wrong passwords for one name before it is locked
    lock_after: Annotated[int, Field(ge=1, le=100)] = 5
    lock_minutes: Annotated[float, Field(gt=0, le=1440)] = 15.0
