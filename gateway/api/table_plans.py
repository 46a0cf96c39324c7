"""The calls about plans 调度预案 and schemes 调度方案, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import schemes
from gateway.api.models import Page
from gateway.api.routes import Reply, Route

_V1: Final = "/api/v1"

PLANS: Final = (
    Route(
        "GET",
        f"{_V1}/plans",
        schemes.list_plans,
        "调度预案 the plans of the settings",
        (Reply(200, "按名称排序 by name", schemes.PlansReply),),
        words="选用规则见 docs/plans.md / how one is chosen: docs/plans.md.",
    ),
    Route(
        "GET",
        f"{_V1}/schemes",
        schemes.list_schemes,
        "调度方案：等待、播发中、历史 schemes of messages that wait, play, or are past, newest first",
        (Reply(200, "一页 a page; publishers see their own", Page[schemes.SchemeItem]),),
        query=schemes.SchemesQuery,
        problems=(422,),
    ),
)
