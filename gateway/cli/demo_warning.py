"""The demo's warning: a real alert whose places, times and status are replaced, each change told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources

from lxml import etree

from gateway.errors import Violation, WarningInvalid
from gateway.publishers.profile import Limits
from gateway.publishers.xml import read_xml

#: The example of the 12379 interface text: a typhoon warning 台风蓝色预警 of the 浙江 weather office, 2012.
PACKAGED = "demo_data/33000041600000_20121025091026_11B01_BLUE_ALERT.xml"

_CN_TIME = "%Y-%m-%d %H:%M:%S+08:00"
#: Elements that hold a time, in either dialect; expiry apart.
_TIMES = ("sendTime", "sent", "effective", "onset")
_ABROAD = ("polygon", "circle")


@dataclass(frozen=True, slots=True)
class Change:
    """One field that was replaced."""

    path: str
    old: str
    new: str

    def as_json(self) -> dict[str, str]:
        """For ``changed`` of the demo's last line."""
        return {"path": self.path, "old": self.old, "new": self.new}


@dataclass(frozen=True, slots=True)
class DemoWarning:
    """What is posted, and how it differs from what was issued."""

    body: bytes
    media_type: str
    changes: tuple[Change, ...]
    headline: str


def packaged_warning() -> bytes:
    """The alert that ships with the demo, as it was issued."""
    return resources.files("gateway.cli").joinpath(PACKAGED).read_bytes()


@dataclass(slots=True)
class _Editor:
    root: etree._Element
    changes: list[Change] = field(default_factory=list)

    def each(self, name: str) -> list[etree._Element]:
        return [e for e in self.root.iter(etree.Element) if _name(e) == name]

    def put(self, element: etree._Element, new: str) -> None:
        old = (element.text or "").strip()
        if old == new:
            return
        self.changes.append(Change(self._path(element), old, new))
        element.text = new

    def all(self, name: str, new: str | Callable[[str], str]) -> None:
        for element in self.each(name):
            self.put(element, new if isinstance(new, str) else new((element.text or "").strip()))

    def drop(self, element: etree._Element) -> None:
        self.changes.append(
            Change(self._path(element), " ".join(" ".join(map(str, element.itertext())).split())[:200], "")
        )
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)

    def _path(self, element: etree._Element) -> str:
        return "/".join(_name(e) for e in (*reversed(list(element.iterancestors())), element))


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def adapt(body: bytes, *, area: str, area_name: str, now: datetime, expires: datetime, actual: bool) -> DemoWarning:
    """Place a CAP or 12379 alert in ``area`` (12 digits) and in the present; status Exercise unless ``actual``.

    Words of the alert stay as they were issued. Errors: WarningUnparseable; WarningInvalid when it is no alert.
    """
    root = read_xml(body, Limits())
    editor = _Editor(root)
    if _name(root) != "alert" or not editor.each("area"):
        raise WarningInvalid(Violation("/", "not_an_alert", "不是带区域的 alert / no alert with an area"))
    chinese = bool(editor.each("sendTime"))

    def written(time: datetime) -> str:
        return time.strftime(_CN_TIME) if chinese else time.isoformat(timespec="seconds")

    for name in _TIMES:
        editor.all(name, lambda old: written(now) if old else old)
    editor.all("expires", written(expires))
    editor.all("status", "Actual" if actual else "Exercise")
    editor.all("msgType", "Alert")
    # A signature over what was issued does not fit what is posted, and references name what we never saw.
    for name in ("references", "Signature"):
        for element in editor.each(name):
            if chinese:
                editor.put(element, "")
            else:
                editor.drop(element)
    _place(editor, area, area_name, chinese)
    headline = next((e.text or "" for e in editor.each("headline")), "")
    return DemoWarning(
        etree.tostring(root, encoding="UTF-8", xml_declaration=True),
        "application/xml" if chinese else "application/cap+xml",
        tuple(editor.changes),
        headline.strip(),
    )


def _place(editor: _Editor, area: str, area_name: str, chinese: bool) -> None:
    """One area, ours, in place of all that were named."""
    for info in editor.each("info"):
        places = [child for child in info if _name(child) == "area"]
        for other in places[1:]:
            editor.drop(other)
        for place in places[:1]:
            for child in list(place):
                _replace(editor, child, area, area_name, chinese)
            if not chinese:
                _add_geocode(editor, place, area)


def _replace(editor: _Editor, child: etree._Element, area: str, area_name: str, chinese: bool) -> None:
    name = _name(child)
    if name == "areaDesc":
        editor.put(child, area_name)
    elif name == "geocode" and chinese:
        editor.put(child, area)
    elif name == "geocode" or (name in _ABROAD and (child.text or "").strip()):
        editor.drop(child)


def _add_geocode(editor: _Editor, place: etree._Element, area: str) -> None:
    namespace = etree.QName(place).namespace
    geocode = etree.Element(etree.QName(namespace, "geocode"))
    for name, text in (("valueName", "division"), ("value", area)):
        etree.SubElement(geocode, etree.QName(namespace, name)).text = text
    # after areaDesc and shapes, before altitude and ceiling (CAP 1.2 schema)
    last = [child for child in place if _name(child) in ("areaDesc", *_ABROAD)][-1]
    last.addnext(geocode)
    editor.changes.append(Change("alert/info/area/geocode", "", area))
