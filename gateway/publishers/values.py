"""Values that all dialects share: texts, times, languages, rings and circles."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from gateway.domain.rules import shown
from gateway.domain.warning import Circle
from gateway.publishers.findings import Findings
from gateway.publishers.profile import Limits

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,6})?) ?(Z|[+-]\d\d:?\d\d)?\Z", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,4}(?:\.\d{1,20})?\Z", re.ASCII)
_SPACES = re.compile(r"[ \t\xa0\u3000]+")

#: Local time of the field 北京时间.

Ring = tuple[tuple[float, float], ...]


def tidy(text: str | None) -> str:
    """Text without the white space that only indents it; line breaks between lines stay."""
    if not text:
        return ""
    lines = (_SPACES.sub(" ", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def parse_time(text: str) -> datetime | None:
    """A date and time with its zone, ``T`` or one blank between them, in UTC; None when it is not one."""
    match = _TIME.match(text)
    if not match or not match[3]:
        return None
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3]}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_time(text: str, path: str, findings: Findings, *, assume_beijing: bool = False) -> datetime | None:
    """Parse a time with its zone and return it in UTC; None after a finding, or when ``text`` is empty.

    ``assume_beijing``: a time without a zone is taken as 北京时间 and noted, in the tolerant profile only.
    """
    if not text:
        return None
    found = parse_time(text)
    if found is None and assume_beijing:
        found = parse_time(f"{text}+08:00")
        if found:
            findings.minor(path, "time_zone_missing", "时间缺少时区，按北京时间理解", "no zone, taken as Beijing time")
    if found:
        return found
    findings.broken(
        path,
        "bad_time",
        f"时间 {shown(text)!r} 不正确，应为带时区的日期时间",
        f"time {shown(text)!r} is not a date and time with a zone, such as 2026-11-23T14:15:00+08:00",
    )
    return None


def read_ring(text: str, path: str, findings: Findings, limits: Limits) -> Ring:
    """Parse a CAP polygon, pairs ``lat,lon`` parted by white space (CAP 1.2 §3.2.4); empty after a finding."""
    pairs = text.split()
    findings.within(path, "points 顶点", len(pairs), limits.vertices)
    points: list[tuple[float, float]] = []
    for pair in pairs:
        point = _point(pair)
        if point is None:
            findings.broken(
                path,
                "bad_polygon",
                f"多边形的点 {shown(pair, 40)!r} 不是 纬度,经度",
                f"polygon point {shown(pair, 40)!r} is not lat,lon in degrees",
            )
            return ()
        points.append(point)
    if len(points) >= 3 and points[0] != points[-1]:
        findings.minor(path, "polygon_open", "多边形首尾点不同，已闭合", "first and last point differ; closed")
        points.append(points[0])
    if len(set(points)) < 3:
        findings.broken(path, "bad_polygon", "多边形少于三个不同的点", "fewer than three different points in a polygon")
        return ()
    return tuple(points)


def read_circle(text: str, path: str, findings: Findings) -> Circle | None:
    """Parse a CAP circle, ``lat,lon radius`` with the radius in km (CAP 1.2 §3.2.4); None after a finding."""
    centre, _, radius = text.strip().partition(" ")
    point = _point(centre)
    radius = radius.strip()
    if point is None or not re.match(r"\d{1,5}(?:\.\d{1,20})?\Z", radius, re.ASCII) or float(radius) > 20_040:
        findings.broken(
            path,
            "bad_circle",
            f"圆 {shown(text, 40)!r} 不是 纬度,经度 半径(公里)",
            f"circle {shown(text, 40)!r} is not lat,lon and a radius in km",
        )
        return None
    return Circle(point[0], point[1], float(radius))


def _point(pair: str) -> tuple[float, float] | None:
    lat, comma, lon = pair.partition(",")
    if not comma or not _NUMBER.match(lat) or not _NUMBER.match(lon):
        return None
    point = (float(lat), float(lon))
    return point if abs(point[0]) <= 90 and abs(point[1]) <= 180 else None
