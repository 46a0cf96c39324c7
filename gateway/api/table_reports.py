"""Calls about reports 报告 and trends, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import coverage, reports
from gateway.api.routes import JSON, Need, Reply, Route

_V1: Final = "/api/v1"
_FILES: Final = tuple(
    Reply(200, f"{form}，签名在 signed in header {reports.PROOF_HEADER}", None, media)
    for form, media in reports.FORMS.items()
    if media != JSON
)

REPORTS: Final = (
    Route(
        "GET",
        f"{_V1}/warnings/{{id}}/report",
        reports.get_report,
        "单次播发或演练报告 the report of a message, or of a drill",
        (Reply(200, "JSON", reports.ReportBody), *_FILES),
        query=reports.ReportQuery,
        problems=(404, 422),
        words="各种格式数字相同；见 docs/reports.md / the same numbers in every form: docs/reports.md.",
    ),
    Route(
        "GET",
        f"{_V1}/coverage/trend",
        coverage.coverage_trend,
        "常态覆盖逐日 standing coverage day by day",
        (Reply(200, "旧的在前 oldest first", coverage.TrendReply),),
        query=coverage.TrendQuery,
        problems=(422,),
        words="每小时查看一次，每日保留最后一次 looked at every hour; a day holds its last look.",
    ),
    Route(
        "GET",
        f"{_V1}/coverage/audible",
        coverage.audible_coverage,
        "可听覆盖 the ground and the people within hearing, by county",
        (Reply(200, "按区县 by county", coverage.AudibleReply),),
        need=Need.OPERATOR,
        words="终端圆形并集，重叠只计一次 a union of circles: overlaps count once; see docs/coverage.md.",
    ),
    Route(
        "GET",
        f"{_V1}/reports/month",
        reports.get_month,
        "月度报告 the report of a month",
        (Reply(200, "JSON", reports.ReportBody), *_FILES),
        need=Need.OPERATOR,
        query=reports.MonthQuery,
        problems=(422,),
    ),
)
