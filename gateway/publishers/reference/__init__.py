"""Reference tables that ship with the gateway, and their loaders; LICENCES.md beside says where each comes from."""

from gateway.publishers.reference.divisions import TownshipReading, load_gazetteer, load_township_readings
from gateway.publishers.reference.event_tables import load_event_aliases, load_event_names
from gateway.publishers.reference.outlines import CountyOutlines, load_outlines
from gateway.publishers.reference.regions import Region, Regions, load_regions

__all__ = [
    "CountyOutlines",
    "Region",
    "Regions",
    "TownshipReading",
    "load_event_aliases",
    "load_event_names",
    "load_gazetteer",
    "load_outlines",
    "load_regions",
    "load_township_readings",
]
