"""From a publisher's body to a Warning, whatever dialect it came in."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from lxml import etree

from gateway.domain.warning import Warning
from gateway.errors import UnsupportedMediaError, Violation, WarningError, WarningInvalid
from gateway.publishers import cap_cn
from gateway.publishers.cap import read_cap
from gateway.publishers.cap_cn import read_cap_cn
from gateway.publishers.elements import local_name, namespace
from gateway.publishers.json_form import read_json
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.rules import broken, shown
from gateway.publishers.schema import CAP_1_1, CAP_1_2
from gateway.publishers.values import tidy
from gateway.publishers.wrappers import Enclosed, Wrapper, refuse_wrapped, unwrap, wrapper_of
from gateway.publishers.xml import read_xml

CAP = "application/cap+xml"
XML = "application/xml"
JSON = "application/json"

#: What POST /api/v1/warnings reads.
MEDIA_TYPES = (CAP, XML, "text/xml", JSON)


@dataclass(frozen=True, slots=True)
class Part:
    """One warning of a wrapped body: where, its identifier where it has one, its own bytes, and what it says.

    ``warning`` is None where ``violations`` say why it cannot be understood.
    """

    path: str
    identifier: str
    body: bytes
    warning: Warning | None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A wrapped body, taken apart: each part is answered by itself."""

    wrapper: Wrapper
    parts: tuple[Part, ...]


def parse_warning(
    body: bytes, media_type: str, profile: Profile = Profile.STRICT, limits: Limits | None = None
) -> Warning:
    """Understand one warning; a wrapped body is refused. Errors: as ``parse_body``."""
    found = parse_body(body, media_type, profile, limits)
    assert isinstance(found, Warning)
    return found


def parse_body(
    body: bytes,
    media_type: str,
    profile: Profile = Profile.STRICT,
    limits: Limits | None = None,
    wrappers: Set[Wrapper] = frozenset(),
) -> Warning | Bundle:
    """Understand a body: one warning, or several in one of ``wrappers``.

    ``media_type`` as in Content-Type, parameters included; which XML dialect it is, the root element says. Raises
    UnsupportedMediaError (415), WarningUnparseable (400; its code ``too_large`` is 413) or WarningInvalid (422) with
    every broken rule by path, code and words. What is wrong with one part of a bundle stands with that part.
    """
    limits = limits or Limits()
    name, charset = _media(media_type)
    if name == JSON:
        return read_json(body, profile, limits)
    if name not in MEDIA_TYPES:
        raise UnsupportedMediaError(media_type, MEDIA_TYPES)
    root = read_xml(body, limits, charset)
    wrapper = wrapper_of(root)
    if wrapper in wrappers and wrapper is not None:
        parts = tuple(_part(each, profile, limits) for each in unwrap(root, wrapper, limits))
        return Bundle(wrapper, parts)
    return _read_root(root, profile, limits)


def _part(enclosed: Enclosed, profile: Profile, limits: Limits) -> Part:
    alert = enclosed.alert
    if alert is None:
        return Part(enclosed.path, "", b"", None, enclosed.violations)
    body = etree.tostring(alert, encoding="utf-8", xml_declaration=True)
    identifier = next((tidy(e.text) for e in alert.iterchildren(etree.Element) if local_name(e) == "identifier"), "")
    identifier = shown(identifier, 256)
    try:
        warning = _read_root(alert, profile, limits)
    except WarningError as error:
        return Part(enclosed.path, identifier, body, None, enclosed.violations + error.violations)
    if enclosed.violations:
        return Part(enclosed.path, identifier, body, None, enclosed.violations)
    return Part(enclosed.path, identifier, body, warning)


def guess_media_type(body: bytes) -> str:
    """Media type by the first character, for files that come without one."""
    return JSON if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else XML


def _media(media_type: str) -> tuple[str, str]:
    name, _, parameters = media_type.partition(";")
    charset = ""
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            charset = value.strip().strip('"')
    return name.strip().lower(), charset


def _read_root(root: etree._Element, profile: Profile, limits: Limits) -> Warning:
    name, space = local_name(root), namespace(root)
    if name == "alert" and space in (CAP_1_1, CAP_1_2):
        return read_cap(root, profile, limits)
    if name.lower() in ("alert", "test") and space in ("", cap_cn.NAMESPACE):
        return read_cap_cn(root, profile, limits)
    refuse_wrapped(root)
    raise WarningInvalid(
        broken(
            shown(name),
            "not_a_warning",
            f"根元素 {shown(name)!r} 不是预警信息",
            f"root element {shown(name)!r} of namespace {shown(space)!r} is no warning of CAP 1.1, 1.2 or 12379",
        )
    )
