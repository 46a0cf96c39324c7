"""The table of calls 接口总表: everything that the HTTP port answers, in the order of the pages."""

from __future__ import annotations

from typing import Final

from gateway.api import (
    adapters,
    alarms,
    coverage,
    decisions,
    deliveries,
    events,
    health,
    links,
    metrics,
    requests,
    terminals,
    warnings,
)
from gateway.api.models import (
    AcceptanceBody,
    AlarmBody,
    AreasBody,
    BundleBody,
    DeliveryBody,
    HealthBody,
    Page,
    ReadyBody,
    ReasonBody,
    StopBody,
    StopReply,
    WarningDetail,
    WarningItem,
)
from gateway.api.routes import JSON, Body, Need, Reply, Route
from gateway.api.table_daily import DAILY
from gateway.api.table_drills import DRILLS
from gateway.api.table_earthquakes import EARTHQUAKES
from gateway.api.table_plans import PLANS
from gateway.api.table_platform import PLATFORM
from gateway.api.table_reports import REPORTS
from gateway.api.table_review import REVIEW
from gateway.api.table_sound import SOUND
from gateway.api.table_trust import TRUST
from gateway.coverage.contract import CoverageBody, StandingBody
from gateway.publishers.json_form import JsonWarning
from gateway.publishers.parse import CAP, XML

_CAP_SAMPLE: Final = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>QZ-20261123-1</identifier><sender>35052441600000</sender>
  <sent>2026-11-23T14:15:00+08:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info>
    <language>zh-CN</language><category>Met</category><event>台风</event><urgency>Immediate</urgency>
    <severity>Extreme</severity><certainty>Observed</certainty><headline>台风红色预警</headline>
    <description>台风即将登陆，请立即避险。</description>
    <area><areaDesc>安溪县</areaDesc><geocode><valueName>division</valueName><value>350524</value></geocode></area>
  </info>
</alert>"""
_JSON_SAMPLE: Final = """{"sender": "35052441600000", "identifier": "QZ-20261123-1",
 "sent": "2026-11-23T14:15:00+08:00", "status": "Actual", "event": "11B01", "severity": "red",
 "headline": "台风红色预警", "text": "台风即将登陆，请立即避险。", "areas": [{"code": "350524", "name": "安溪县"}]}"""
_CSV_SAMPLE: Final = """code,physical_address,name,area,profile,routes,lat,lon,radius_m,in_service
63505241002010314010101,000000000001,美法村村部,350524100201,gdj089-2018,ip,,,0,1"""

_WARNING_BODIES: Final = (
    Body(CAP, None, "OASIS CAP 1.2 或 1.1 / or 1.1", _CAP_SAMPLE),
    Body(XML, None, "12379 格式或 CAP / the 12379 dialect, or CAP"),
    Body("text/xml", None, "同 application/xml / as application/xml"),
    Body(JSON, JsonWarning, "本网关 JSON 格式 / our JSON form", _JSON_SAMPLE),
)
_REASON: Final = (Body(JSON, ReasonBody, "可省略 may be left out", '{"reason": "误发"}'),)

_V1: Final = "/api/v1"
_ONE: Final = f"{_V1}/warnings/{{id}}"

WARNINGS: Final = (
    Route(
        "POST",
        f"{_V1}/warnings",
        warnings.post_warning,
        "发布、更新或解除应急信息 send, update or cancel a warning",
        (
            Reply(202, "已落盘 taken, and on disk", AcceptanceBody),
            Reply(200, "此前已收到 the same came before: the same ids, the present state", AcceptanceBody),
            Reply(207, "多条预警，逐条应答 a bundle: each warning with its own answer", BundleBody),
        ),
        takes=_WARNING_BODIES,
        query=warnings.PostQuery,
        problems=(400, 404, 409, 413, 415, 422),
        words="标识为 (sender, identifier, sent)；同标识不同内容 409。先查权限，再查规则。"
        " Identity is (sender, identifier, sent); the same with other content is 409. Rights first, then rules."
        " <alerts>、EDXL-DE、Atom 须有权限 (keys publisher add --wrappers)，总是 207，逐条独立受理或拒绝，可整体重发。"
        " Bundles need the right to them, are answered 207 whatever became of each, and may be sent again as a whole.",
    ),
    Route(
        "GET",
        f"{_V1}/warnings",
        warnings.list_warnings,
        "应急信息列表，新的在前 warnings, newest first",
        (Reply(200, "一页 a page; publishers see their own", Page[WarningItem]),),
        query=warnings.SearchQuery,
        problems=(422,),
    ),
    Route(
        "GET",
        _ONE,
        warnings.get_warning,
        "一条应急信息及其消息 one warning with its message",
        (Reply(200, "全部内容 all we keep of it", WarningDetail),),
        problems=(404,),
        words="id 为 warning_id 或 EBM 编码 / id is our warning_id or the EBM id.",
    ),
    Route(
        "POST",
        f"{_ONE}/approve",
        decisions.approve,
        "批准播发 let a waiting message go on air",
        (Reply(202, "已批准 approved", AcceptanceBody),),
        need=Need.OPERATOR,
        takes=_REASON,
        problems=(400, 404, 409, 413, 415, 422),
    ),
    Route(
        "POST",
        f"{_ONE}/areas",
        decisions.set_areas,
        "给出等待中消息的区域 say which divisions a waiting message is for",
        (Reply(202, "已更改，仍待批准 changed; it still waits for its approval", AcceptanceBody),),
        need=Need.OPERATOR,
        takes=(Body(JSON, AreasBody, "", '{"areas": ["350524000000"], "reason": "电话核实"}'),),
        problems=(400, 404, 409, 413, 415, 422),
        words="用于文字区域未全部识别的消息，见 docs/areas.md / for messages whose words were not wholly understood.",
    ),
    Route(
        "POST",
        f"{_ONE}/reject",
        decisions.reject,
        "驳回 refuse a waiting message",
        (Reply(202, "已驳回 rejected", AcceptanceBody), Reply(200, "此前已驳回 was so already", AcceptanceBody)),
        need=Need.OPERATOR,
        takes=_REASON,
        problems=(400, 404, 409, 413, 415, 422),
    ),
    Route(
        "POST",
        f"{_ONE}/cancel",
        decisions.cancel,
        "取消播发 take a message off the air",
        (Reply(202, "已取消 cancelled", AcceptanceBody), Reply(200, "此前已取消 was so already", AcceptanceBody)),
        takes=_REASON,
        problems=(400, 404, 409, 413, 415, 422),
        words="已结束的消息 409 / a message that is over otherwise is 409.",
    ),
    Route(
        "GET",
        f"{_ONE}/deliveries",
        deliveries.list_deliveries,
        "逐终端投递与证据 deliveries and their evidence, terminal by terminal",
        (Reply(200, "一页 a page, by division", Page[DeliveryBody]),),
        query=deliveries.DeliveriesQuery,
        problems=(404, 422),
    ),
    Route(
        "GET",
        f"{_ONE}/coverage",
        coverage.message_coverage,
        "消息覆盖人口 how many people a message reached",
        (Reply(200, "已证实、转报、已发三类互斥 three disjoint classes", CoverageBody),),
        query=coverage.CoverageQuery,
        problems=(404, 422),
    ),
    Route(
        "POST",
        f"{_V1}/stop",
        decisions.stop,
        "区域静播 everything in some divisions falls silent",
        (Reply(202, "涉及的消息 the messages concerned", StopReply),),
        need=Need.OPERATOR,
        takes=(Body(JSON, StopBody, "", '{"areas": ["350524000000"], "reason": "误播"}'),),
        problems=(400, 413, 415, 422),
    ),
)

TERMINALS: Final = (
    Route(
        "GET",
        f"{_V1}/coverage",
        coverage.standing_coverage,
        "常态覆盖率 whom the terminals could reach now",
        (Reply(200, "本级与下级 the division and those below it", StandingBody),),
        query=coverage.StandingQuery,
        problems=(404, 422),
    ),
    Route(
        "GET",
        f"{_V1}/terminals",
        terminals.list_terminals,
        "终端台账 the registry of terminals, by code",
        (Reply(200, "一页 a page", Page[terminals.TerminalReply]),),
        need=Need.OPERATOR,
        query=terminals.TerminalsQuery,
        problems=(422,),
    ),
    Route(
        "POST",
        f"{_V1}/terminals",
        terminals.post_terminals,
        "登记一个终端或导入台账 add a terminal, or import a registry file",
        (
            Reply(201, "已登记 added", terminals.TerminalReply),
            Reply(200, "已导入（CSV） imported; all rows or none", terminals.ImportReply),
        ),
        need=Need.OPERATOR,
        takes=(
            Body(JSON, terminals.TerminalBody, "一个终端 one terminal"),
            Body(terminals.CSV, None, "台账文件 a registry file", _CSV_SAMPLE),
        ),
        problems=(400, 409, 413, 415, 422),
    ),
    Route(
        "GET",
        f"{_V1}/terminals/{{code}}",
        terminals.get_terminal,
        "一个终端 one terminal",
        (Reply(200, "台账与连接状态 its entry and how it stands", terminals.TerminalReply),),
        need=Need.OPERATOR,
        problems=(404,),
    ),
    Route(
        "PUT",
        f"{_V1}/terminals/{{code}}",
        terminals.put_terminal,
        "登记或修改终端 add or change a terminal",
        (
            Reply(200, "已修改 changed", terminals.TerminalReply),
            Reply(201, "已登记 added", terminals.TerminalReply),
        ),
        need=Need.OPERATOR,
        takes=(Body(JSON, terminals.TerminalBody),),
        problems=(400, 409, 413, 415, 422),
    ),
    Route(
        "DELETE",
        f"{_V1}/terminals/{{code}}",
        terminals.delete_terminal,
        "注销终端 take a terminal out of the registry",
        (Reply(204, "已注销，记录保留 gone; what it did stays on record"),),
        need=Need.OPERATOR,
        problems=(404,),
    ),
    Route(
        "GET",
        f"{_V1}/strangers",
        terminals.list_strangers,
        "未登记设备 devices that tried to register and are not in the registry",
        (Reply(200, "新的在前 latest first", terminals.StrangersReply),),
        need=Need.OPERATOR,
        query=terminals.StrangersQuery,
        problems=(422,),
    ),
    Route(
        "GET",
        f"{_V1}/links",
        links.list_links,
        "链路 links to adapters, lines, transmitters and brokers, and how they stand",
        (Reply(200, "按路由排序 by route", links.LinksReply),),
        need=Need.OPERATOR,
    ),
    Route(
        "POST",
        f"{_V1}/links/{{id}}/adapter",
        adapters.ask_adapter,
        "适配器管理 ask an adapter itself: channels, records, faults, white list, certificates, where it reports",
        (Reply(200, "适配器的应答 what it answered", adapters.AdapterReply),),
        need=Need.OPERATOR,
        takes=(Body(JSON, adapters.AdapterAsk),),
        problems=(400, 404, 413, 415, 422, 502),
        words="id 为链路名 / id is the name of the link.",
    ),
    Route(
        "GET",
        f"{_V1}/alarms",
        alarms.list_alarms,
        "告警 alarms, newest first",
        (Reply(200, "一页 a page", Page[AlarmBody]),),
        need=Need.OPERATOR,
        query=alarms.AlarmsQuery,
        problems=(422,),
    ),
    Route(
        "POST",
        f"{_V1}/alarms/{{number}}/acknowledge",
        alarms.acknowledge,
        "确认告警 somebody has seen an alarm",
        (Reply(204, "已记下 noted", None),),
        need=Need.OPERATOR,
        problems=(404,),
        words="持续超过 [alarms] again_minutes 则再次提示 / shown as unseen again where it lasts.",
    ),
    Route(
        "GET",
        f"{_V1}/events",
        events.stream_events,
        "变更推送 changes as server-sent events: message, coverage, alarm",
        (Reply(200, "事件流 a stream of events", None, events.MEDIA_TYPE),),
        counted=False,
        words="先推送当前状态；发布者只收自己的 / what is in force comes first; publishers hear of their own.",
    ),
)

REQUESTS: Final = (
    Route(
        "POST",
        f"{_V1}/terminals/{{code}}/query",
        requests.query_terminal,
        "查询一个终端 ask one terminal how it is set and how it is",
        (Reply(200, "结果，含失败 what came of it, failures included", requests.RequestReply),),
        need=Need.OPERATOR,
        takes=(Body(JSON, requests.QueryBody, example='{"items": ["volume", "work_state"]}'),),
        problems=(400, 404, 413, 415, 422),
    ),
    Route(
        "POST",
        f"{_V1}/terminals/{{code}}/parameters",
        requests.set_terminal,
        "设置一个终端 set one terminal",
        (Reply(200, "结果，含失败 what came of it, failures included", requests.RequestReply),),
        need=Need.OPERATOR,
        takes=(Body(JSON, requests.ParametersBody, example='{"volume": 70}'),),
        problems=(400, 404, 413, 415, 422),
    ),
    Route(
        "POST",
        f"{_V1}/requests",
        requests.post_request,
        "批量查询或设置 ask or set many, by division or by code",
        (Reply(200, "整体与逐台结果 as a whole and one by one", requests.RequestReply),),
        need=Need.OPERATOR,
        takes=(
            Body(JSON, requests.RequestBody, example='{"areas": ["350524000000"], "parameters": {"clock": "now"}}'),
        ),
        problems=(400, 404, 413, 415, 422),
        words="经各自路由逐台下发，无应答则换下一路由 / each over its routes; silence leads to the next.",
    ),
)

MONITORS: Final = (
    Route(
        "GET",
        "/metrics",
        metrics.get_metrics,
        "指标 figures for Prometheus",
        (Reply(200, "文本格式 text format", None, metrics.MEDIA_TYPE),),
        need=Need.NOBODY,
        counted=False,
    ),
    Route(
        "GET",
        "/healthz",
        health.healthz,
        "存活 the process lives",
        (Reply(200, "是 yes", HealthBody),),
        need=Need.NOBODY,
        counted=False,
    ),
    Route(
        "GET",
        "/readyz",
        health.readyz,
        "就绪 able to serve",
        (Reply(200, "是 yes, with what is doubtful", ReadyBody),),
        need=Need.NOBODY,
        counted=False,
        problems=(503,),
    ),
)

ROUTES: Final = (
    *WARNINGS,
    *EARTHQUAKES,
    *TERMINALS,
    *REQUESTS,
    *PLANS,
    *PLATFORM,
    *REVIEW,
    *REPORTS,
    *DRILLS,
    *DAILY,
    *SOUND,
    *MONITORS,
    *TRUST,
)
