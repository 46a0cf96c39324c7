"""Reference tables and bodies that the tests of publishers share."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.areas import Gazetteer
from gateway.domain.message import AirTime
from gateway.domain.warning import Severity
from gateway.publishers.reference import CountyOutlines, load_gazetteer, load_outlines

WARNINGS = Path(__file__).parent.parent / "data" / "warnings"
MANIFEST = list(csv.DictReader((WARNINGS / "manifest.csv").read_text(encoding="utf-8").splitlines()))

#: Within the life of the 安溪 example.
NOW = datetime(2026, 11, 23, 6, 20, tzinfo=UTC)
AIR_TIME = AirTime(dict.fromkeys(Severity, 900))
ANXI = "cn-12379/35052441600000_20261123141500_11B03_ORANGE_ALERT.xml"
ZHEJIANG = "cn-12379/33000041600000_20121025091026_11B01_BLUE_ALERT.xml"


def body(name: str) -> bytes:
    """Bytes of a warning of the manifest."""
    return (WARNINGS / name).read_bytes()


@pytest.fixture(scope="session")
def gazetteer() -> Gazetteer:
    return load_gazetteer()


@pytest.fixture(scope="session")
def outlines(gazetteer: Gazetteer) -> CountyOutlines:
    return load_outlines(gazetteer)
