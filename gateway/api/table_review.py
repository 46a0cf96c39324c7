"""Calls about review 审听, suppressions and heartbeats of publishers, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import review, suppressions
from gateway.api.models import Page, PageQuery
from gateway.api.routes import Need, Reply, Route
from gateway.api.sound import AUDIO

_V1: Final = "/api/v1"

REVIEW: Final = (
    Route(
        "GET",
        f"{_V1}/warnings/{{id}}/programme",
        review.get_programme,
        "审听成品节目 the finished programme of a message, as it will sound",
        (Reply(200, "MP3，警报音与语音各一遍 signal and words, once through", None, AUDIO),),
        need=Need.OPERATOR,
        problems=(404, 422),
        words="审听记入审计；[approval] listen 要求审核前审听。Kept in the audit; [approval] listen asks for it.",
    ),
    Route(
        "GET",
        f"{_V1}/suppressions",
        suppressions.list_suppressions,
        "未再播发的应急信息 warnings that were not broadcast again, newest first",
        (Reply(200, "一页 a page; publishers see their own", Page[suppressions.SuppressionItem]),),
        query=PageQuery,
        problems=(422,),
        words="规则见 docs/publishers.md / the rules: docs/publishers.md.",
    ),
    Route(
        "POST",
        f"{_V1}/heartbeat",
        suppressions.heartbeat,
        "发布者心跳 the publisher is there",
        (Reply(204, "已知 noted", None),),
        words="[publishers.NAME] heartbeat_seconds 内无任何请求即告警。Silence for longer is an alarm.",
    ),
)
