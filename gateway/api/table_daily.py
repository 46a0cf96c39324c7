"""The calls about daily broadcasts 日常广播, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import daily
from gateway.api.routes import JSON, Body, Need, Reply, Route

_V1: Final = "/api/v1"

DAILY: Final = (
    Route(
        "GET",
        f"{_V1}/programmes",
        daily.list_programmes,
        "节目库 the programme library",
        (Reply(200, "按标识排序 by id", daily.ProgrammesReply),),
        query=daily.ProgrammesQuery,
        problems=(422,),
        words="非操作员密钥只见共享的 / other keys than operators' see what is shared.",
    ),
    Route(
        "PUT",
        f"{_V1}/programmes/{{id}}",
        daily.put_programme,
        "登记或修改节目 add or change a programme",
        (Reply(200, "已修改 changed", daily.ProgrammeReply), Reply(201, "已登记 added", daily.ProgrammeReply)),
        need=Need.OPERATOR,
        takes=(Body(JSON, daily.ProgrammeBody),),
        problems=(400, 404, 413, 415, 422),
    ),
    Route(
        "DELETE",
        f"{_V1}/programmes/{{id}}",
        daily.delete_programme,
        "删除节目 take a programme out",
        (Reply(204, "已删除 gone"),),
        need=Need.OPERATOR,
        problems=(404, 409),
    ),
    Route(
        "GET",
        f"{_V1}/schedules",
        daily.list_schedules,
        "日常播出计划 schedules of daily broadcasts",
        (Reply(200, "按标识排序 by id", daily.SchedulesReply),),
        need=Need.OPERATOR,
    ),
    Route(
        "PUT",
        f"{_V1}/schedules/{{id}}",
        daily.put_schedule,
        "登记或修改计划 add or change a schedule",
        (Reply(200, "已修改 changed", daily.ScheduleReply), Reply(201, "已登记 added", daily.ScheduleReply)),
        need=Need.OPERATOR,
        takes=(Body(JSON, daily.ScheduleBody),),
        problems=(400, 404, 413, 415, 422),
        words="应急广播优先，日常广播让路 / a daily broadcast gives way to every other message.",
    ),
    Route(
        "DELETE",
        f"{_V1}/schedules/{{id}}",
        daily.delete_schedule,
        "删除计划 take a schedule out",
        (Reply(204, "已删除；正在播出的播完 gone; what is on air plays on"),),
        need=Need.OPERATOR,
        problems=(404,),
    ),
    Route(
        "GET",
        f"{_V1}/calendar",
        daily.get_calendar,
        "节假日与调休 holidays and exchanged working days",
        (Reply(200, "按日期排序 by date", daily.CalendarReply),),
        need=Need.OPERATOR,
    ),
    Route(
        "PUT",
        f"{_V1}/calendar",
        daily.put_calendar,
        "设定日期 say what dates are",
        (Reply(200, "全部 all of them", daily.CalendarReply),),
        need=Need.OPERATOR,
        takes=(Body(JSON, daily.CalendarBody),),
        problems=(400, 413, 415, 422),
    ),
)
