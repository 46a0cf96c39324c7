"""Looking into XML elements by local name, with paths for messages."""

from __future__ import annotations

from lxml import etree

from gateway.publishers.findings import Findings
from gateway.publishers.values import tidy


def local_name(element: etree._Element) -> str:
    """Name without its namespace."""
    return etree.QName(element).localname


def namespace(element: etree._Element) -> str:
    """Namespace, or the empty string."""
    return etree.QName(element).namespace or ""


class Node:
    """One element with its path; children are found by local name within the same namespace.

    ``any_case`` matches names whatever their case, as 12379 bodies need (audencePrt, audiencePrt, AUDIENCEPRT).
    """

    __slots__ = ("_children", "_findings", "any_case", "element", "path")

    def __init__(self, element: etree._Element, path: str, findings: Findings, *, any_case: bool = False) -> None:
        self.element, self.path, self.any_case, self._findings = element, path, any_case, findings
        space = namespace(element)
        self._children: dict[str, list[etree._Element]] = {}
        for child in element:
            if namespace(child) == space:
                self._children.setdefault(self._key(local_name(child)), []).append(child)

    def _key(self, name: str) -> str:
        return name.lower() if self.any_case else name

    def all(self, name: str) -> list[Node]:
        """Every child of this name, in order."""
        found = self._children.get(self._key(name), [])
        return [
            Node(child, f"{self.path}/{name}[{index}]", self._findings, any_case=self.any_case)
            for index, child in enumerate(found, 1)
        ]

    def count(self, name: str) -> int:
        """How many children of this name there are."""
        return len(self._children.get(self._key(name), ()))

    def texts(self, name: str) -> list[str]:
        """Tidied texts of every child of this name that holds any."""
        found = (tidy(child.text) for child in self._children.get(self._key(name), ()))
        return [text for text in found if text]

    def text(self, name: str) -> str:
        """Tidied text of the one child of this name, or the empty string; a second one is a broken rule."""
        found = self._children.get(self._key(name), [])
        if len(found) > 1:
            path = f"{self.path}/{name}"
            self._findings.broken(
                path, "repeated", f"{name} 出现了 {len(found)} 次", f"{name} stands {len(found)} times"
            )
        return tidy(found[0].text) if found else ""

    def required(self, name: str) -> str:
        """Text of the one child of this name; none or an empty one is a broken rule."""
        text = self.text(name)
        if not text:
            self._findings.broken(f"{self.path}/{name}", "missing", f"缺少 {name}", f"{name} is missing or empty")
        return text
