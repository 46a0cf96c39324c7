"""The OASIS schemas of CAP 1.1 and 1.2, compiled once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import islice
from threading import Lock
from typing import Any, cast

from lxml import etree

from gateway.domain.rules import shown
from gateway.publishers.findings import MAX_FINDINGS, Findings

CAP_1_1 = "urn:oasis:names:tc:emergency:cap:1.1"
CAP_1_2 = "urn:oasis:names:tc:emergency:cap:1.2"

_FILES = {CAP_1_1: "CAP-v1.1.xsd", CAP_1_2: "CAP-v1.2.xsd"}
_NAMESPACE = re.compile(r"\{(?:urn|http)[^}]{1,200}\}")

#: A compiled schema keeps the log of its last run, so runs from several threads take turns.
_TURN = Lock()


@cache
def _schema(namespace: str) -> etree.XMLSchema:
    data = resources.files("gateway.publishers.reference").joinpath(_FILES[namespace]).read_bytes()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.XMLSchema(etree.fromstring(data, parser))


def check_schema(root: etree._Element, namespace: str, findings: Findings) -> None:
    """Report every breach of the schema as a finding of code ``schema``, minor by the profile."""
    schema = _schema(namespace)
    with _TURN:
        if schema.validate(root):
            return
        log: Iterable[Any] = cast(Any, schema.error_log)
        errors = [(entry.path or "", entry.line, entry.message) for entry in islice(log, MAX_FINDINGS)]
    for path, line, message in errors:
        reason = shown(_NAMESPACE.sub("", message), 240)
        findings.minor(_readable(root, path, namespace), "schema", f"第 {line} 行不符合 CAP 模式", reason)


def _readable(root: etree._Element, path: str, namespace: str) -> str:
    """libxml2 writes ``/*/*[13]`` for elements with a namespace; name them instead."""
    try:
        found = root.getroottree().xpath(path) if path else []
    except etree.XPathError:
        return "alert"
    if not isinstance(found, list) or not found or not isinstance(found[0], etree._Element):
        return "alert"
    steps: list[str] = []
    element: etree._Element | None = found[0]
    while element is not None:
        parent = element.getparent()
        name = etree.QName(element).localname
        if parent is not None:
            same = list(parent.iterchildren(element.tag))
            name += f"[{same.index(element) + 1}]" if len(same) > 1 else ""
        steps.append(name)
        element = parent
    return "/".join(reversed(steps))
