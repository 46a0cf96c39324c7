"""From a publisher's body to a Warning, whatever dialect it came in."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lxml import etree

from gateway.domain.rules import broken, noted, shown
from gateway.domain.warning import Warning
from gateway.errors import UnsupportedMediaError, Violation, WarningError, WarningInvalid
from gateway.publishers import cap_cn
from gateway.publishers.cap import read_cap
from gateway.publishers.cap_cn import read_cap_cn
from gateway.publishers.elements import local_name, namespace
from gateway.publishers.json_form import read_json
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.schema import CAP_1_1, CAP_1_2
from gateway.publishers.signature import Opened, Seal
from gateway.publishers.values import tidy
from gateway.publishers.wrappers import Enclosed, Wrapper, refuse_wrapped, unwrap, wrapper_of
from gateway.publishers.xml import read_xml

CAP = "application/cap+xml"
XML = "application/xml"
JSON = "application/json"

#: What the signature of an alert covers; raises WarningInvalid where it is not valid.
Unseal = Callable[[etree._Element], Opened]

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
    body: bytes,
    media_type: str,
    profile: Profile = Profile.STRICT,
    limits: Limits | None = None,
    unseal: Unseal | None = None,
) -> Warning:
    """Understand one warning; a wrapped body is refused. Errors: as ``parse_body``."""
    found = parse_body(body, media_type, profile, limits, unseal=unseal)
    assert isinstance(found, Warning)
    return found


def parse_body(
    body: bytes,
    media_type: str,
    profile: Profile = Profile.STRICT,
    limits: Limits | None = None,
    wrappers: Set[Wrapper] = frozenset(),
    unseal: Unseal | None = None,
) -> Warning | Bundle:
    """Understand a body: one warning, or several in one of ``wrappers``.

    ``media_type`` as in Content-Type, parameters included; which XML dialect it is, the root element says. In the
    signed profile ``unseal`` gives what the signature of an alert covers; without it nothing is taken. Raises
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
        parts = tuple(_part(each, profile, limits, unseal) for each in unwrap(root, wrapper, limits))
        return Bundle(wrapper, parts)
    return _read_root(root, profile, limits, unseal)


def unsealing(seal: Seal, now: datetime) -> Unseal:
    """How alerts of the holder of ``seal`` are opened at ``now`` (aware)."""
    return lambda root: seal.open(root, now)


def _part(enclosed: Enclosed, profile: Profile, limits: Limits, unseal: Unseal | None) -> Part:
    alert = enclosed.alert
    if alert is None:
        return Part(enclosed.path, "", b"", None, enclosed.violations)
    body = etree.tostring(alert, encoding="utf-8", xml_declaration=True)
    identifier = next((tidy(e.text) for e in alert.iterchildren(etree.Element) if local_name(e) == "identifier"), "")
    identifier = shown(identifier, 256)
    try:
        warning = _read_root(alert, profile, limits, unseal)
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


def _read_root(root: etree._Element, profile: Profile, limits: Limits, unseal: Unseal | None) -> Warning:
    name, space = local_name(root), namespace(root)
    if name == "alert" and space in (CAP_1_1, CAP_1_2):
        return _opened(read_cap, root, profile, limits, unseal)
    if name.lower() in ("alert", "test") and space in ("", cap_cn.NAMESPACE):
        return _opened(read_cap_cn, root, profile, limits, unseal)
    refuse_wrapped(root)
    raise WarningInvalid(
        broken(
            shown(name),
            "not_a_warning",
            f"根元素 {shown(name)!r} 不是预警信息",
            f"root element {shown(name)!r} of namespace {shown(space)!r} is no warning of CAP 1.1, 1.2 or 12379",
        )
    )


def _opened(
    read: Callable[[etree._Element, Profile, Limits], Warning],
    root: etree._Element,
    profile: Profile,
    limits: Limits,
    unseal: Unseal | None,
) -> Warning:
    """Read an alert; in the signed profile only what its signature covers."""
    if profile is not Profile.SIGNED:
        return read(root, profile, limits)
    opened = (unseal or unsealing(Seal(), datetime.now(UTC)))(root)
    warning = read(opened.element, profile, limits)
    mark = opened.fingerprint
    how = ("（去除缩进后）", " without the indentation") if opened.indented else ("", "")
    signed = noted(
        "signed", f"签名{how[0]}有效，证书 {mark[:16]}", f"the signature is valid{how[1]}, certificate SHA-256 {mark}"
    )
    return replace(warning, notices=(signed, *warning.notices))
