"""Calls about drills 应急演练, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import drills
from gateway.api.models import AcceptanceBody, Page, PageQuery
from gateway.api.routes import JSON, Body, Need, Reply, Route

_V1: Final = "/api/v1"
_SAMPLE: Final = """\
{"depth": "terminal", "title": "季度演练", "text": "这是一次演练。", "areas": ["350524100000"], "seconds": 60}"""

DRILLS: Final = (
    Route(
        "POST",
        f"{_V1}/drills",
        drills.post_drill,
        "发起演练：平台、前端、终端三种深度 hold a drill of one of three depths",
        (Reply(202, "已受理 on disk", AcceptanceBody),),
        need=Need.OPERATOR,
        takes=(Body(JSON, drills.DrillRequest, "演练 a drill", _SAMPLE),),
        problems=(400, 404, 409, 413, 415, 422),
        words="走实际链路；显示、播读、存储处处标明演练。On the live path, and said to be a drill wherever shown or"
        " spoken. docs/drills.md.",
    ),
    Route(
        "GET",
        f"{_V1}/drills",
        drills.list_drills,
        "演练列表，新的在前 drills, newest first",
        (Reply(200, "一页 a page", Page[drills.DrillItem]),),
        need=Need.OPERATOR,
        query=PageQuery,
        problems=(422,),
    ),
    Route(
        "GET",
        f"{_V1}/drills/{{id}}",
        drills.get_drill,
        "演练报告 the report of a drill",
        (Reply(200, "至此的结果 as it stands", drills.DrillReport),),
        need=Need.OPERATOR,
        problems=(404,),
    ),
)
