"""Reports 报告 of the settings."""

from __future__ import annotations

from pathlib import Path

from gateway.settings.base import Section


class ReportsSection(Section):
    """``font``: a TrueType file with Chinese that is embedded into pdf; none: a face that viewers bring along."""

    font: Path | None = None
