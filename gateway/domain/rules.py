"""Broken rules and notices in two languages: Chinese first, English beside."""

from __future__ import annotations

from gateway.domain.warning import Notice
from gateway.errors import Violation


def broken(path: str, code: str, chinese: str, english: str) -> Violation:
    """One broken rule at ``path`` of the body, with its stable ``code``."""
    return Violation(path, code, f"{chinese} / {english}")


def noted(code: str, chinese: str, english: str) -> Notice:
    """Something the publisher should know though the warning was taken."""
    return Notice(code, f"{chinese} / {english}")


def shown(text: str, limit: int = 80) -> str:
    """A stranger's text made fit for a message: printable, on one line, at most ``limit`` characters."""
    clean = "".join(char if char.isprintable() else " " for char in text[: limit + 1])
    return clean if len(clean) <= limit else clean[:limit] + "…"
