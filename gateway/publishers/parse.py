"""From a publisher's body to a Warning, whatever dialect it came in."""

from __future__ import annotations

from lxml import etree

from gateway.domain.warning import Warning
from gateway.errors import UnsupportedMediaError, WarningInvalid
from gateway.publishers import cap_cn
from gateway.publishers.cap import read_cap
from gateway.publishers.cap_cn import read_cap_cn
from gateway.publishers.elements import local_name, namespace
from gateway.publishers.json_form import read_json
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.rules import broken, shown
from gateway.publishers.schema import CAP_1_1, CAP_1_2
from gateway.publishers.xml import read_xml

CAP = "application/cap+xml"
XML = "application/xml"
JSON = "application/json"

#: What POST /api/v1/warnings reads.
MEDIA_TYPES = (CAP, XML, "text/xml", JSON)

#: Roots that carry alerts inside: bundles, feeds, envelopes.
_WRAPPERS = frozenset({"alerts", "feed", "entry", "rss", "EDXLDistribution", "Envelope"})


def parse_warning(
    body: bytes, media_type: str, profile: Profile = Profile.STRICT, limits: Limits | None = None
) -> Warning:
    """Understand one warning.

    ``media_type`` as in Content-Type, parameters included; which XML dialect it is, the root element says. Raises
    UnsupportedMediaError (415), WarningUnparseable (400; its code ``too_large`` is 413) or WarningInvalid (422) with
    every broken rule by path, code and words.
    """
    limits = limits or Limits()
    name, charset = _media(media_type)
    if name == JSON:
        return read_json(body, profile, limits)
    if name not in MEDIA_TYPES:
        raise UnsupportedMediaError(media_type, MEDIA_TYPES)
    return _read_root(read_xml(body, limits, charset), profile, limits)


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
    if name in _WRAPPERS:
        raise WarningInvalid(
            broken(
                shown(name),
                "wrapped",
                f"{shown(name)} 是信息的外包装，请逐条发送 alert",
                f"{shown(name)} wraps alerts; send each alert by itself",
            )
        )
    raise WarningInvalid(
        broken(
            shown(name),
            "not_a_warning",
            f"根元素 {shown(name)!r} 不是预警信息",
            f"root element {shown(name)!r} of namespace {shown(space)!r} is no warning of CAP 1.1, 1.2 or 12379",
        )
    )
