"""Which publishers must be heard every so often, from the settings."""

from __future__ import annotations

from gateway.dispatch.expected import Expected
from gateway.dispatch.state import State
from gateway.settings import Settings


def expected_of(settings: Settings, state: State) -> Expected:
    """Publishers with an expected heartbeat."""
    every = {
        name: section.heartbeat_seconds
        for name, section in settings.publishers.items()
        if section.heartbeat_seconds is not None
    }
    return Expected(every, state.alarms, state.monotonic)
