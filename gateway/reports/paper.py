"""A report as pdf, for paper and for files that must not change."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from gateway.errors import EnvironmentLackingError
from gateway.reports.map import CountyMap
from gateway.reports.model import Kind, Report, Table, text_of
from gateway.reports.pictures import pictures

#: Adobe's name of a Chinese face that viewers bring along, used where the settings name no file: it is not embedded.
_COMMON: Final = "STSong-Light"
_EMBEDDED: Final = "ebgw-report"
_SIZE: Final = 7.5
_WIDTH: Final = landscape(A4)[0] - 24 * mm


def pdf_of(report: Report, drawing: CountyMap, font: Path | None = None) -> bytes:
    """The pdf, with the map of ``drawing``; ``font`` a TrueType file with Chinese to embed.

    Errors: EnvironmentLackingError for a font that is none.
    """
    face = _face(font)
    style = ParagraphStyle("text", fontName=face, fontSize=_SIZE, leading=_SIZE * 1.35, wordWrap="CJK")
    right = ParagraphStyle("number", parent=style, alignment=2)
    head = ParagraphStyle("head", parent=style, fontSize=16, leading=21)
    title = ParagraphStyle("title", parent=style, fontSize=11, leading=15, spaceBefore=8, spaceAfter=3)
    made = f"制表 made {text_of(report.made_at, Kind.TIME)} 北京时间 Beijing time，{report.made_by}"
    flow: list[Any] = []
    if report.drill:
        flow.append(Paragraph("<b>演练 DRILL — 非实际预警 not an actual warning</b>", title))
    flow += [
        Paragraph(escape(f"{report.gateway}　{report.subtitle}"), style),
        Paragraph(escape(report.title), head),
        Paragraph(escape(made), style),
    ]
    if report.estimate:
        flow.append(Paragraph("人口为演示估算 people are an estimate", style))
    if report.dots or len(report.curve.points) > 1:
        flow.append(pictures(report, drawing, face))
    for table in report.tables:
        flow.append(Paragraph(escape(table.title), title))
        flow.append(_table(table, style, right, face) if table.rows else Paragraph("无 none", style))
        if table.note:
            flow.append(Paragraph(escape(table.note), style))
        flow.append(Spacer(1, 2 * mm))
    out = io.BytesIO()
    margin = 12 * mm
    paper = SimpleDocTemplate(
        out,
        pagesize=landscape(A4),
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin,
        title=f"{report.subtitle} {report.title}",
        author=report.gateway,
    )
    foot = partial(_foot, face, report)
    paper.build(flow, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _face(font: Path | None) -> str:
    if font is None:
        if _COMMON not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(UnicodeCIDFont(_COMMON))
        return _COMMON
    try:
        pdfmetrics.registerFont(TTFont(_EMBEDDED, str(font)))
    except (OSError, TTFError) as error:
        raise EnvironmentLackingError(f"[reports] font {font}: {error}") from error
    return _EMBEDDED


def _table(table: Table, style: ParagraphStyle, right: ParagraphStyle, face: str) -> LongTable:
    """One table; long ones in plain cells, which are laid out a hundred times faster than paragraphs."""
    kinds = [column.kind for column in table.columns]
    rows: list[list[Any]] = [[Paragraph(escape(column.title), style) for column in table.columns]]
    for row in table.rows:
        # The common face has no raised dot, which stands in formulas.
        cells = [text_of(value, kind).replace("·", "×") for value, kind in zip(row, kinds, strict=True)]
        if table.bulk:
            rows.append([cell if len(cell) <= 60 else f"{cell[:57]}…" for cell in cells])
            continue
        rows.append(
            [
                Paragraph(escape(cell), style if kind in (Kind.TEXT, Kind.TIME) else right)
                for cell, kind in zip(cells, kinds, strict=True)
            ]
        )
    widths = _widths(table)
    look = [
        ("FONTNAME", (0, 0), (-1, -1), face),
        ("FONTSIZE", (0, 0), (-1, -1), 5.2 if table.bulk else _SIZE),
        ("LEADING", (0, 0), (-1, -1), 6.6 if table.bulk else _SIZE * 1.35),
        ("GRID", (0, 0), (-1, -1), 0.25, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eef2f6")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ]
    return LongTable(rows, colWidths=widths, repeatRows=1, style=TableStyle(look))


def _widths(table: Table) -> list[float]:
    """By what stands in the columns, each within bounds."""
    lengths = []
    for place, column in enumerate(table.columns):
        cells = [_length(text_of(row[place], column.kind)) for row in table.rows[:200]]
        lengths.append(min(60, max([6, _length(column.title) / 2, *cells])))
    whole = sum(lengths)
    return [_WIDTH * length / whole for length in lengths]


def _length(text: str) -> int:
    return sum(2 if character > "\u2e7f" else 1 for character in text)


def _foot(face: str, report: Report, canvas: Any, paper: Any) -> None:
    canvas.setFont(face, 7)
    canvas.drawString(12 * mm, 6 * mm, f"{report.name}{'  演练 DRILL' if report.drill else ''}")
    canvas.drawRightString(landscape(A4)[0] - 12 * mm, 6 * mm, str(paper.page))
