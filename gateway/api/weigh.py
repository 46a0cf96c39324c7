"""Reading and weighing of bodies 研判 by the settings of this gateway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from gateway.api.services import Services
from gateway.domain.message import AirTime, EbmClass
from gateway.domain.warning import Warning
from gateway.publishers.mapping import Assessment, MappingPolicy, assess
from gateway.publishers.parse import parse_warning
from gateway.publishers.profile import Limits
from gateway.publishers.rights import Publisher

#: (body, media type, publisher) → what it says and whether we would broadcast it; raises as ``parse_warning`` does.
Weigh = Callable[[bytes, str, Publisher], tuple[Warning, Assessment]]


def weigher(services: Services) -> Weigh:
    """A function that reads and weighs a body; it may run in any thread."""
    settings = services.settings
    caps = settings.limits
    limits = Limits(
        body_bytes=settings.http.max_body_bytes,
        depth=caps.xml_depth,
        elements=caps.xml_elements,
        infos=caps.infos,
        areas=caps.areas,
        polygons=caps.polygons,
        circles=caps.polygons,
        vertices=caps.vertices,
    )
    air_time = AirTime(settings.air_time.by_severity())
    policy = MappingPolicy(drill_class=EbmClass(settings.dispatch.exercise_class))

    def weigh(body: bytes, media_type: str, publisher: Publisher) -> tuple[Warning, Assessment]:
        warning = parse_warning(body, media_type, publisher.profile, limits)
        now = datetime.fromtimestamp(services.clock(), UTC)
        return warning, assess(warning, now, services.gazetteer, services.outlines, air_time, policy)

    return weigh
