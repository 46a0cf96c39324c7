"""Earthquake warnings 地震预警 of the settings, see docs/earthquake.md."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.domain.earthquakes import Decay
from gateway.settings.base import Section


class EarthquakeSection(Section):
    """Who is warned and for how long. ``decay``: a, b, c and r0 of ``a + b·M − c·lg(r + r0)``, r in km."""

    #: divisions of this intensity and more are warned
    least_intensity: Annotated[float, Field(ge=1, le=12)] = 4.0
    s_km_per_second: Annotated[float, Field(gt=0.5, le=10)] = 3.5
    decay: Annotated[list[float], Field(min_length=4, max_length=4)] = Field(
        default_factory=lambda: [5.019, 1.446, 4.136, 24.0]
    )
    #: on air so long after the last arrival
    hold_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    #: a report older than this on arrival is kept and not played
    stale_seconds: Annotated[float, Field(gt=0, le=3600)] = 120.0
    volume: Annotated[int, Field(ge=0, le=100)] = 100

    @property
    def law(self) -> Decay:
        """The decay of intensity."""
        return Decay(*self.decay)
