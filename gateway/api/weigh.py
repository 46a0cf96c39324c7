"""Reading and weighing of bodies 研判 by the settings of this gateway."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.api.services import Services
from gateway.dispatch.admission import Sheaf, Weigh, Weighed
from gateway.domain.message import AirTime, EbmClass
from gateway.domain.warning import Warning
from gateway.publishers.mapping import Assessment, MappingPolicy, assess
from gateway.publishers.parse import parse_body, unsealing
from gateway.publishers.profile import Limits
from gateway.publishers.rights import Publisher
from gateway.publishers.signature import Seal, load_seal


def weigher(services: Services) -> Weigh:
    """A function that reads and weighs a body; it may run in any thread."""
    settings = services.settings
    caps = settings.limits
    limits = Limits(
        body_bytes=settings.http.max_body_bytes,
        depth=caps.xml_depth,
        elements=caps.xml_elements,
        bundle=caps.bundle,
        infos=caps.infos,
        areas=caps.areas,
        polygons=caps.polygons,
        circles=caps.polygons,
        vertices=caps.vertices,
    )
    seals = {name: load_seal(section.certificates) for name, section in settings.publishers.items()}
    air_time = AirTime(settings.air_time.by_severity())
    policy = MappingPolicy(drill_class=EbmClass(settings.dispatch.exercise_class))

    def now() -> datetime:
        return datetime.fromtimestamp(services.clock(), UTC)

    def weighed(warning: Warning) -> Assessment:
        return assess(warning, now(), services.gazetteer, services.outlines, air_time, policy, services.regions)

    def weigh(body: bytes, media_type: str, publisher: Publisher) -> Sheaf:
        unseal = unsealing(seals.get(publisher.name, Seal()), now())
        said = parse_body(body, media_type, publisher.profile, limits, publisher.may_wrap_in, unseal)
        if isinstance(said, Warning):
            return Sheaf(None, (Weighed("", said.identity.identifier, body, said, weighed(said)),))
        items = tuple(
            Weighed(
                part.path,
                part.identifier,
                part.body,
                part.warning,
                None if part.warning is None else weighed(part.warning),
                part.violations,
            )
            for part in said.parts
        )
        return Sheaf(said.wrapper, items)

    return weigh
