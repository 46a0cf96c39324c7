"""The ports for terminals and their return data, from the settings."""

from __future__ import annotations

from gateway.daemon.keys import tls_of
from gateway.devices.hub import HubLimits
from gateway.devices.listeners import Listen, Listeners
from gateway.protocols.framing import Kind
from gateway.settings import Settings


def hub_limits(settings: Settings) -> HubLimits:
    """How long connections of terminals may be silent."""
    terminals = settings.terminals
    return HubLimits(
        frame_gap=terminals.frame_gap_seconds,
        registration=terminals.registration_seconds,
        missed_heartbeats=terminals.missed_heartbeats,
        dispute=terminals.dispute_seconds,
        idle=settings.feedback.idle_seconds,
    )


async def listen(listeners: Listeners, settings: Settings) -> tuple[int, int]:
    """Open both ports, or one for both; returns their numbers. Errors: EnvironmentLackingError."""
    terminals, feedback = settings.terminals, settings.feedback
    both = settings.one_port
    accepts = frozenset({Kind.IP, Kind.FEEDBACK}) if both else frozenset({Kind.IP})
    first = await listeners.open(
        Listen(
            terminals.host,
            terminals.port,
            accepts,
            tls_of(terminals.tls, "terminals"),
            terminals.backlog,
            terminals.max_frame_bytes,
            terminals.max_unsent_bytes,
        )
    )
    if both:
        return first, first
    second = await listeners.open(
        Listen(
            feedback.host,
            feedback.port,
            frozenset({Kind.FEEDBACK}),
            tls_of(feedback.tls, "feedback"),
            feedback.backlog,
            feedback.max_frame_bytes,
            terminals.max_unsent_bytes,
        )
    )
    return first, second
