"""GD/J 088-2018 appendix B of a county's platform 县级平台, and the thirteen cases of a province's acceptance plan."""

from __future__ import annotations

from tests.acceptance.clauses import Clause, Row, control


def _clause(number: str, chinese: str, english: str, letters: str, acts: str, does: str, *rows: Row) -> Clause:
    return Clause(number, chinese, english, letters, acts, does, rows)


_SENDS = "测试系统模拟上级平台发送应急广播消息 the test system sends an EBM as the superior platform"

COUNTY_PLATFORM = (
    _clause(
        "B.1.1.2",
        "应急广播消息接收处理",
        "a message is taken",
        "abcde",
        "abc",
        _SENDS,
        Row("d", "提示收到，验签后正确显示内容 it is told and shown after its signature was verified"),
        Row("e", "接收回执符合 083 the receipt is by 083"),
        control("伪造签名的消息回 4，不显示 a forged one is answered 4 and not shown"),
    ),
    _clause(
        "B.1.1.3",
        "应急广播消息制作播发",
        "a message is made and played",
        "abcde",
        "abc",
        _SENDS,
        Row("d", "所制作的消息文件符合 082、083、081 the package that it makes is by 082, 083 and 081"),
        Row("e", "播发反馈符合 083 its states are by 083"),
        control("所收全部数据包无一不合规 no package broke a rule of the schemas"),
    ),
    _clause(
        "B.1.2.2",
        "应急广播调度播发",
        "resources are called",
        "abcd",
        "ab",
        _SENDS,
        Row("c", "正确显示并形成调度方案 it is shown, and a scheme is made"),
        Row("d", "与台站的交互符合 083 what goes to a station is by 083", "台站 station"),
        Row("d", "与大喇叭前端的交互符合 089 what goes to loudspeakers is by 089", "大喇叭 loudspeakers"),
        control("指定其他平台的消息不调度 a message for another platform calls nothing"),
    ),
    _clause(
        "B.1.3.2",
        "资源注册",
        "resources are registered",
        "abcd",
        "ab",
        "新注册一个终端 a terminal is registered",
        Row("c", "编号符合 080，并上报 its code is by 080, and it is told upward"),
        Row("d", "修改、删除同步更新 changes and deletion follow"),
        control("编号不合 080 的终端被拒 a code that is none is refused"),
    ),
    _clause(
        "B.1.3.3",
        "资源状态监测",
        "states are watched",
        "abcd",
        "ab",
        "切断终端1 的网络 terminal 1 is cut off",
        Row("c", "终端1 由正常转为离线或故障 terminal 1 turns from normal to fault"),
        Row("d", "修改资源信息后同步更新 a change of its facts is shown"),
        control("终端2 的状态不变 terminal 2 stays as it was"),
    ),
    _clause(
        "B.1.3.4",
        "资源数据同步",
        "data are given on request",
        "abc",
        "ab",
        "测试系统发起运维数据请求 the test system asks for operation data",
        Row("c", "按要求反馈，格式符合 083 each kind is given as asked, by 083"),
        control("不具备的资源以处理结果通知说明 what there is not is told by EBDNotify"),
    ),
    _clause(
        "B.1.4.2",
        "全区日常广播",
        "a daily broadcast to all",
        "abcd",
        "abc",
        "选一路日常节目对全区播发 a daily programme is played to the whole county",
        Row("d", "输出的全区日常广播指令符合 089 the command to all is by 089"),
        control("应急广播时让位 it gives way to an emergency"),
    ),
    _clause(
        "B.1.4.3",
        "分区日常广播",
        "a daily broadcast to a part",
        "abcd",
        "abc",
        "选一路日常节目对一个乡镇播发 a daily programme is played to one town",
        Row("d", "输出的分区日常广播指令符合 089 the command to the part is by 089"),
        control("其他乡镇无输出 nothing goes to another town"),
    ),
    _clause(
        "B.1.4.4",
        "应急切播",
        "live input",
        "abcd",
        "ab",
        "由电话话路进入应急切播 somebody speaks over a telephone line",
        Row("c", "输出含正确的应急切播指令，符合 089 the command is right and by 089"),
        Row("d", "切播结束输出停播 its end puts a stop out"),
        control("无权者不能切播 who has no right cannot"),
    ),
    _clause(
        "B.1.5.2",
        "应急演练",
        "a drill",
        "abc",
        "ab",
        "开始一个平台演练 a platform drill begins",
        Row("c", "消息含正确的演练信息，符合 082、083、081 the message says drill, by 082, 083 and 081"),
        control("终端无任何指令 no command goes to a terminal"),
    ),
    _clause(
        "B.2",
        "安全服务设备",
        "the security service",
        "abcd",
        "a",
        "导入各级设备的证书与拓扑 certificates and topology are taken in",
        Row("b", "证书授权列表申请文件格式正确 the application file has the right form"),
        Row("c", "由证书管理仿真系统生成授权列表 an emulated certificate system makes lists of it"),
        Row("d", "导入并发布到设备 they are taken and published to devices"),
        control("他人签名的列表被拒 a list of another root is refused"),
    ),
)


def _case(number: str, chinese: str, english: str, does: str, *rows: Row) -> Clause:
    """The plan has no letters: each thing to be seen has one here."""
    letters = "".join(dict.fromkeys(row.letter for row in rows if row.letter))
    return Clause(f"TEST_{number}", chinese, english, letters, "", does, rows)


_FORGED = control("伪造签名的请求回 4，无应答 a forged request is answered 4 and gets nothing")


PROVINCE = (
    _case(
        "001",
        "心跳",
        "heartbeat",
        "双方按周期发送 both sides beat",
        Row("a", "上级按周期收到并回 1 the superior hears it and answers 1"),
        Row("b", "上级的心跳得到回执 1 its own are answered 1"),
        control("上级断开时告警 a dead superior is an alarm"),
    ),
    _case(
        "002",
        "平台信息上报",
        "EBRPSInfo",
        "首次启动、变更、周期 first start, change, period",
        Row("a", "每次均上报 told each time"),
        Row("b", "经纬度格式 degrees of at most 3.6 digits"),
        control("无变化不重复上报 nothing is told again without a change"),
    ),
    _case(
        "003",
        "平台信息查询",
        "OMDRequest EBRPSInfo",
        "Full，Incremental",
        Row("a", "回执在同一连接，应答另起 receipt at once, answer by itself"),
        Row("b", "至少一条；无变化为零条 one at least; none where nothing changed"),
        _FORGED,
    ),
    _case(
        "004",
        "平台状态上报",
        "EBRPSState",
        "模拟平台故障；周期 a fault of the platform; period",
        Row("a", "故障上报 told as fault"),
        Row("b", "按周期上报 told by period"),
        control("恢复后上报正常 after it, normal is told"),
    ),
    _case(
        "005",
        "平台状态查询",
        "OMDRequest EBRPSState",
        "Full，Incremental",
        Row("a", "至少一条；无变化为零条 one at least; none where nothing changed"),
        _FORGED,
    ),
    _case(
        "006",
        "终端信息上报",
        "EBRDTInfo",
        "新增、修改终端 a terminal is added and changed",
        Row("a", "上报，RelatedEBRPS 为本平台 told, with our code"),
        control("未变的终端不重复上报 a terminal that did not change is not told again"),
    ),
    _case(
        "007",
        "终端信息查询",
        "OMDRequest EBRDTInfo",
        "Full，Incremental",
        Row("a", "至少一条；无变化为零条 one at least; none where nothing changed"),
        _FORGED,
    ),
    _case(
        "008",
        "终端状态上报",
        "EBRDTState",
        "终端离线 a terminal goes off line",
        Row("a", "自动上报 told by itself"),
        control("另一终端状态不变 the other terminal stays as it was"),
    ),
    _case(
        "009",
        "终端状态查询",
        "OMDRequest EBRDTState",
        "Full，Incremental",
        Row("a", "至少一条；无变化为零条 one at least; none where nothing changed"),
        _FORGED,
    ),
    _case(
        "010",
        "延时播发",
        "a start in the future",
        "开始时间在将来 StartTime is ahead",
        Row("a", "按时开播与停播 it starts and stops in time"),
        Row("b", "状态 1、2、3 states 1, 2, 3"),
        control("开始前无声 nothing sounds before"),
    ),
    _case(
        "011",
        "实时播发",
        "an immediate start",
        "开始时间为当前 StartTime is now",
        Row("a", "立即开播，到时停播 it starts at once and stops in time"),
        Row("b", "状态 2、3 states 2, 3"),
        control("区域外的终端无声 a terminal outside stays silent"),
    ),
    _case(
        "012",
        "播发记录查询",
        "OMDRequest EBMBrdLog",
        "给定时段 a period",
        Row("a", "含所测消息 it holds the messages of the test"),
        control("时段外无记录 none outside the period"),
    ),
    _case(
        "013",
        "播发状态查询",
        "EBMStateRequest",
        "查询一条消息 about one message",
        Row("a", "应答的 RelatedEBD 为请求 the answer names the request"),
        control("未知消息以处理结果通知说明 an unknown message is told by EBDNotify"),
    ),
)
