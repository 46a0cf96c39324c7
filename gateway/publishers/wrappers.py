"""Bodies that carry several warnings 外包装: ``<alerts>``, EDXL-DE, Atom are taken apart; each alert stands for itself.

Nothing is fetched: an entry that only links to an alert is told so. What an envelope says narrows what is inside and
never widens it: a Test in an EDXL-DE envelope does not become Actual because the alert inside says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from gateway.domain.rules import broken, shown
from gateway.errors import Violation, WarningInvalid
from gateway.publishers.elements import local_name, namespace
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.values import tidy

ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
_EDXL_NAMESPACE = "urn:oasis:names:tc:emergency:EDXL:DE:"

#: EDXL-DE 1.0 §3.2.1: kinds of distribution whose content is for the public as it stands.
_EDXL_TYPES = frozenset({"report", "update", "dispatch"})

#: Roots that carry alerts in ways we do not read.
_UNREAD = frozenset({"alerts", "feed", "entry", "rss", "RDF", "EDXLDistribution", "edxlDistribution", "Envelope"})


class Wrapper(StrEnum):
    """What a publisher may send several warnings in.

    ``alerts``: a list of alerts under one root; ``edxl``: OASIS EDXL-DE 1.0 and 2.0; ``atom``: an Atom feed or entry
    (RFC 4287) with the alerts inside.
    """

    ALERTS = "alerts"
    EDXL = "edxl"
    ATOM = "atom"


@dataclass(frozen=True, slots=True)
class Enclosed:
    """One thing inside a wrapper: where, the alert as a tree of its own, and what the wrapper says against it."""

    path: str
    alert: etree._Element | None
    violations: tuple[Violation, ...] = ()


def default_wrappers(profile: Profile) -> frozenset[Wrapper]:
    """What a publisher may wrap its warnings in where its rights do not say: all when tolerant, else none."""
    return frozenset(Wrapper) if profile is Profile.TOLERANT else frozenset()


def wrapper_of(root: etree._Element) -> Wrapper | None:
    """Which wrapper this root is; None for everything else."""
    name, space = local_name(root), namespace(root)
    if name == "alerts":
        return Wrapper.ALERTS
    if name.lower() == "edxldistribution" and space.startswith(_EDXL_NAMESPACE):
        return Wrapper.EDXL
    if name in ("feed", "entry") and space == ATOM_NAMESPACE:
        return Wrapper.ATOM
    return None


def refuse_wrapped(root: etree._Element) -> None:
    """Raise WarningInvalid of code ``wrapped`` where ``root`` carries alerts in a way that is not to be read."""
    name = local_name(root)
    if name in _UNREAD:
        raise WarningInvalid(
            broken(
                shown(name),
                "wrapped",
                f"{shown(name)} 是信息的外包装，此发布者无权使用，请逐条发送 alert",
                f"{shown(name)} wraps alerts, which this publisher may not; send each alert by itself",
            )
        )


def unwrap(root: etree._Element, wrapper: Wrapper, limits: Limits) -> tuple[Enclosed, ...]:
    """Take a wrapper apart, in its order; raise WarningInvalid where it holds nothing, or too much."""
    found = list(_TAKEN_APART[wrapper](root))
    name = shown(local_name(root))
    if not found:
        raise WarningInvalid(broken(name, "empty_bundle", f"{name} 中没有信息", f"{name} holds no alert"))
    if len(found) > limits.bundle:
        count = len(found)
        raise WarningInvalid(
            broken(
                name,
                "too_many",
                f"{name} 中有 {count} 条信息，超过上限 {limits.bundle}",
                f"{count} alerts in one body, at most {limits.bundle}",
            )
        )
    return tuple(Enclosed(one.path, None if one.alert is None else _alone(one.alert), one.violations) for one in found)


def _alone(alert: etree._Element) -> etree._Element:
    """The alert as the root of a tree of its own: paths, schema and signature then speak of it alone."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(etree.tostring(alert, with_tail=False), parser)


def _is_alert(element: etree._Element) -> bool:
    return local_name(element).lower() in ("alert", "test")


def _elements(parent: etree._Element) -> Iterator[etree._Element]:
    return parent.iterchildren(etree.Element)


def _alerts(root: etree._Element) -> Iterator[Enclosed]:
    for index, child in enumerate(_elements(root), 1):
        path = f"alerts/{shown(local_name(child), 40)}[{index}]"
        yield Enclosed(path, child) if _is_alert(child) else _no_alert(path)


def _atom(root: etree._Element) -> Iterator[Enclosed]:
    if local_name(root) == "entry":
        entries = [("entry", root)]
    else:
        entries = [
            (f"feed/entry[{index}]", child) for index, child in enumerate(root.findall(f"{{{ATOM_NAMESPACE}}}entry"), 1)
        ]
    for path, entry in entries:
        contents = entry.findall(f"{{{ATOM_NAMESPACE}}}content")
        alerts = [child for content in contents for child in _elements(content) if _is_alert(child)]
        if not alerts:
            yield _no_alert(path, "条目中没有内嵌的 alert，网关不去链接处取", "no alert inside; links are not followed")
        for alert in alerts:
            yield Enclosed(f"{path}/content", alert)


def _edxl(root: etree._Element) -> Iterator[Enclosed]:
    name = local_name(root)
    space = f"{{{namespace(root)}}}"
    contents = [*root.findall(f"{space}contentObject"), *root.findall(f"{space}content/{space}contentObject")]
    for index, content in enumerate(contents, 1):
        path = f"{name}/contentObject[{index}]"
        embedded = list(content.iter(f"{space}embeddedXMLContent"))
        alerts = [child for each in embedded for child in _elements(each) if _is_alert(child)]
        if not alerts:
            yield _no_alert(path)
        for alert in alerts:
            yield Enclosed(path, alert, tuple(_envelope(root, space, alert)))


def _envelope(root: etree._Element, space: str, alert: etree._Element) -> Iterator[Violation]:
    """What the EDXL-DE envelope says against an alert (EDXL-DE 1.0 §3.2.1)."""
    name = local_name(root)

    def said(element: str) -> str:
        return tidy(root.findtext(f"{space}{element}"))

    status, kind = said("distributionStatus"), said("distributionType")
    own_status, own_kind = _child(alert, "status"), _child(alert, "msgType")
    if status.lower() != own_status.lower():
        yield broken(
            f"{name}/distributionStatus",
            "wrapper_status",
            f"外包装的状态 {shown(status, 20)!r} 与信息的 {shown(own_status, 20)!r} 不一致",
            f"the envelope says {shown(status, 20)!r}, the alert {shown(own_status, 20)!r}",
        )
    if kind.lower() not in _EDXL_TYPES and not (kind.lower() == own_kind.lower() == "cancel"):
        yield broken(
            f"{name}/distributionType",
            "wrapper_type",
            f"外包装的类型 {shown(kind, 20)!r} 不是要播发的信息",
            f"a distribution of type {shown(kind, 20)!r} is nothing to broadcast",
        )
    secrecy = said("combinedConfidentiality") or said("confidentiality")
    if secrecy and not secrecy.lower().startswith("unclassified"):
        yield broken(
            f"{name}/combinedConfidentiality",
            "restricted",
            "外包装标为内部信息，不播发",
            "the envelope is classified, not broadcast",
        )


def _child(alert: etree._Element, name: str) -> str:
    return next((tidy(child.text) for child in _elements(alert) if local_name(child).lower() == name.lower()), "")


def _no_alert(path: str, chinese: str = "其中没有 alert", english: str = "there is no alert in it") -> Enclosed:
    return Enclosed(path, None, (broken(path, "no_alert", chinese, english),))


_TAKEN_APART: dict[Wrapper, Callable[[etree._Element], Iterator[Enclosed]]] = {
    Wrapper.ALERTS: _alerts,
    Wrapper.EDXL: _edxl,
    Wrapper.ATOM: _atom,
}
