-- 应急广播大喇叭协议解析 Wireshark dissector for China's emergency broadcast protocols: GD/J 089-2018 appendices D (IP),
-- E (return data), A (adapter) and C (daily table), GD/J 085 (RDS), GD/J 086/087 (transport stream tables).
-- How to install and what to filter for: README.md beside this file.
--
-- Order of this file: fields; a cursor and the words of the layout language; layouts; frames; streams; registration.
-- A layout is a function of a cursor that reads, shows and steps on; `seq`, `counted`, `sized`, `either` join layouts.

local ebgw = Proto("ebgw", "应急广播 Emergency Broadcast (GD/J 089, 085, 086)")
-- Two more handles for what is no FEFD or 49/50 stream; their trees are those of `ebgw`.
local ebgw_rds = Proto("ebgw_rds", "应急广播 RDS Emergency Broadcast RDS (GD/J 085)")
local ebgw_ts = Proto("ebgw_ts", "应急广播 TS Emergency Broadcast TS tables (GD/J 086, 087)")

---------------------------------------------------------------------------------------------------------------- fields

local SERVICES = {
    [0x01] = "开始播发 start", [0x02] = "停止播发 stop", [0x10] = "心跳 heartbeat", [0x11] = "查询 query",
    [0x12] = "参数设置 set", [0x13] = "故障与恢复 fault", [0x14] = "任务切换 task", [0x15] = "播发结果 result",
    [0x16] = "播发记录 records", [0x17] = "证书授权 certificates", [0x30] = "身份认证(草案) authentication (draft)",
}
local COMMANDS = {
    [0x01] = "TS特殊指令 TS command", [0x02] = "RDS特殊指令 RDS command", [0x03] = "IP特殊指令 IP command",
    [0x04] = "开停播 start/stop", [0x05] = "资源编码设置 resource codes", [0x06] = "音量 volume",
    [0x07] = "回传参数 return address", [0x08] = "参数/状态查询 query", [0x09] = "时钟校准 clock",
    [0x0A] = "网络参数 network", [0x0B] = "回传周期 return period", [0x0C] = "白名单 white list",
    [0x0D] = "适配器回传参数 adapter's return address", [0x0E] = "输出通道查询 output channels query",
    [0x0F] = "输入通道查询 input channels query", [0x10] = "播发记录查询 records query",
    [0x11] = "故障详情查询 fault query", [0x12] = "通用应答 answer", [0x13] = "输出通道 output channels",
    [0x14] = "输入通道 input channels", [0x15] = "播发记录 records", [0x16] = "故障详情 fault",
    [0x17] = "开停播应答 start/stop answer", [0x18] = "任务开始 task begins", [0x19] = "任务结束 task ends",
    [0x20] = "心跳 heartbeat", [0x21] = "平台通用应答 platform's answer", [0x22] = "任务开始应答 task answer",
    [0x3F] = "功放开关 amplifier", [0x40] = "通用证书更新 certificates", [0x41] = "适配器证书更新 adapter's certificates",
}
local RDS_TYPES = {
    [0] = "扫描频点列表 scan list", [1] = "资源编码设置 resource code", [2] = "维持指令模式 maintain mode",
    [3] = "校时 clock", [4] = "回传参数 return address", [5] = "回传周期 return period",
    [6] = "证书授权列表 authorisation list", [7] = "证书更新 certificates", [8] = "查询 query",
    [11] = "应急开停播 emergency start/stop", [12] = "复位 reset", [13] = "恢复出厂 factory reset", [14] = "演练 drill",
    [15] = "文本 text", [21] = "维持 maintain", [22] = "日常开停播 daily start/stop",
    [23] = "日常默认音量 daily volume", [24] = "功放开关 amplifier",
}
local TABLES = {
    [0xFA] = "日常广播节目表 daily", [0xFB] = "管理配置表 configuration", [0xFC] = "证书授权表 certificates",
    [0xFD] = "索引表 index", [0xFE] = "内容表 content",
}
local RESULTS = {
    [0] = "成功并且正确处理 received and processed", [10] = "未知通信协议类错误 protocol error",
    [11] = "请求超时 timed out", [12] = "协议版本不匹配 version differs", [13] = "数据包解析错误 cannot be parsed",
    [14] = "缺少必选参数 parameter missing", [15] = "CRC校验错误 CRC is wrong", [30] = "未知系统类错误 system error",
    [31] = "系统忙 system busy", [32] = "没找到存储卡 no storage card", [33] = "读取文件失败 reading failed",
    [34] = "写入文件失败 writing failed", [35] = "UKey未插入 UKey missing", [36] = "UKey非法 UKey invalid",
    [50] = "未知数据验证类错误 validation error", [51] = "用户名密码错误 password wrong",
    [52] = "数字证书非法 certificate or signature invalid", [53] = "输入超时 input timed out",
    [54] = "参数非法 parameter out of range", [55] = "功能不支持 not supported",
    [56] = "短信格式非法 short message unreadable", [57] = "号码无效 number invalid", [58] = "内容非法 content illegal",
    [59] = "资源编码无效 resource code invalid", [60] = "终端出现错误 terminal fault", [70] = "未知终端类错误 terminal error",
    [71] = "终端无效 terminal invalid", [72] = "设备离线 device offline", [73] = "终端忙 terminal busy",
}
local TAGS = {
    "音量 volume", "本地地址 local address", "回传地址 return address", "资源编码 resource code", "物理地址 physical address",
    "工作状态 work state", "故障代码 fault code", "设备类型 device type", "硬件版本 hardware version",
    "软件版本 software version", "调频信号 FM signal", "有线信号 cable signal", "地面信号 terrestrial signal",
    "有线频率 cable frequency", "地面频率 terrestrial frequency", "FM扫描列表 FM scan list", "FM当前频点 FM frequency",
    "FM维持模式 FM maintain mode",
}
local CLASSES = {
    "系统演练 system drill", "模拟演练 simulated drill", "实际演练 real drill", "应急广播 emergency", "日常广播 daily",
}
local LEVELS = { [0] = "缺省 none", "特别重大/红 I red", "重大/橙 II orange", "较大/黄 III yellow", "一般/蓝 IV blue" }
local STATES = { "空闲 idle", "工作 working", "故障 faulty" }
local ON_OFF = { "关闭 off", "打开 on" }
local START_STOP = { "开始 start", "停止 stop" }
local YES_NO = { "是 yes", "否 no" }
local SETTLED = { [0] = "成功 success", [1] = "失败 failure" }
local FAULTS = {
    [0] = "无故障 none", "电源电流过低 supply current low", "平均功耗过低 power low", "功放输出电压过低 amplifier output low",
    "场强过低 field strength low", "无法获取监测信息 no monitoring data",
}
local TASKS = {
    "应急节目源 emergency", "日常节目源 daily", "电话 telephone", "短信 short message", "调音台 mixer", "U盘 USB stick",
    "其他通道 other channel",
}
local SOURCES = { "县平台 county platform", "输入通道 input channel", "电话 telephone", "短信 short message", "其他通道 other channel" }
local PLAYED = {
    [0] = "未处理 unprocessed", "等待播发 waiting", "播发中 playing", "播发成功 done", "播发失败 failed", "播发取消 cancelled",
}
local RETURN_KINDS = { "短信 SMS", "IP地址 IPv4", "域名 domain" }
local CHARSETS = { [0] = "GB 2312", "GB 18030", "GB 13000", "GB 21669", "GB 16959" }
local RETURN_CODES = {
    [-1] = "未知错误 unknown error", [0] = "成功 success", "数据长度错误 wrong length", "版本号错误 wrong version",
    "指令冲突 conflict", "验签失败 signature refused",
}

-- name = { kind, title, names of values }; filter ebgw.NAME. Kinds: number, hex (a number), signed, text, bytes, time, ip.
local FIELDS = {
    protocol = { "text", "协议 Protocol" },
    version = { "hex", "协议版本号 Version" },
    session = { "number", "会话标识 Session" },
    packet_type = { "number", "数据包类型 Packet type", { "请求/主动上报 request or unasked", "应答/被动回传 answer" } },
    sign_flag = { "number", "签名标识 Sign flag", { [0] = "不签名 unsigned", [1] = "签名 signed" } },
    length = { "number", "数据包长度 Length" },
    source = { "text", "数据源对象编码 Source" },
    target = { "text", "数据目标对象编码 Target" },
    service_type = { "hex", "业务数据类型 Service type", SERVICES },
    body_length = { "number", "业务数据长度 Body length" },
    content = { "bytes", "业务数据内容 Content" },
    count = { "number", "数量 Count" },
    size = { "number", "长度 Length of what follows" },
    rest = { "bytes", "未定义字节 Bytes without meaning" },
    garbage = { "bytes", "帧外字节 Bytes outside frames" },
    crc = { "hex", "校验 CRC" },
    ["crc.status"] = { "number", "校验结果 CRC status", { [0] = "错误 bad", [1] = "正确 good" } },
    signature_form = { "text", "签名形式 Signature form" },
    ["sig.length"] = { "number", "数字签名信息长度 Signature length" },
    ["sig.time"] = { "time", "数字签名时间 Signature time" },
    ["sig.counter"] = { "number", "数字签名计数 Signature counter" },
    ["sig.certificate"] = { "text", "签名证书编号 Certificate" },
    ["sig.value"] = { "bytes", "数字签名 Signature" },
    -- broadcasts
    ebm_id = { "text", "应急广播消息编码 EBM id" },
    class = { "number", "广播类型 Class", CLASSES },
    level = { "number", "事件级别 Level", LEVELS },
    event = { "text", "事件类型 Event type" },
    volume = { "number", "音量 Volume" },
    start = { "time", "开始时间 Start" },
    ["end"] = { "time", "结束时间 End" },
    ["aux.type"] = { "number", "辅助数据类型 Auxiliary type" },
    ["aux.length"] = { "number", "辅助数据长度 Auxiliary length" },
    ["aux.data"] = { "bytes", "辅助数据 Auxiliary data" },
    ["aux.protocol"] = { "number", "音频协议 Sound protocol", { [1] = "RTSP", [4] = "HTTP" } },
    ["aux.codec"] = { "number", "音频编码 Sound codec", { "mp3", "mp4" } },
    ["aux.pid"] = { "number", "音频PID Sound PID" },
    url = { "text", "节目地址 URL" },
    language = { "text", "语种 Language" },
    charset = { "number", "字符集 Character set", CHARSETS },
    text = { "text", "文本 Text" },
    text_type = { "number", "文本类型 Text type", { "应急事件 emergency", "日常宣传 daily", "应急测试 test" } },
    agency = { "text", "发布机构 Agency" },
    -- terminals
    work_state = { "number", "终端工作状态 Work state", STATES },
    first = { "number", "首次注册标识 First registration", { "首次 first", "非首次 not first" } },
    physical = { "bytes", "物理地址编码 Physical address" },
    tag = { "number", "参数标识 Parameter asked for", TAGS },
    ["param.tag"] = { "number", "参数标识 Parameter tag" },
    ["param.length"] = { "number", "参数长度 Parameter length" },
    ["param.data"] = { "bytes", "参数内容 Parameter data" },
    ip = { "ip", "IP地址 IP address" },
    mask = { "ip", "子网掩码 Mask" },
    gateway = { "ip", "网关 Gateway" },
    kind = { "number", "地址类型 Address kind", { "IP地址 IPv4", "域名 domain", "电话 telephone" } },
    reback_type = { "number", "回传方式 Return kind", RETURN_KINDS },
    address = { "text", "地址 Address" },
    resource_code = { "text", "资源编码 Resource code" },
    amplifier = { "number", "功放开关 Amplifier", ON_OFF },
    time = { "time", "时间 Time" },
    clock = { "text", "时钟 Clock (zone not stated)" },
    period_s = { "number", "周期(秒) Period (s)" },
    fault_code = { "number", "故障代码 Fault code" },
    device_type = { "bytes", "设备类型 Device type" },
    hardware = { "bytes", "硬件版本 Hardware version" },
    software = { "bytes", "软件版本 Software version" },
    strength = { "number", "信号强度 Strength" },
    quality = { "number", "信号质量 Quality" },
    freq_khz = { "number", "频率 Frequency (kHz)" },
    symbol_rate_k = { "number", "符号率 Symbol rate (kBd)" },
    qam = { "number", "调制方式 QAM", { "16", "32", "64", "128", "256" } },
    qam_adapter = { "number", "调制方式(A.23) QAM (A.23)", { [0] = "16", [1] = "32", [2] = "64", [3] = "128", [4] = "256" } },
    index = { "number", "序号 Index" },
    priority = { "number", "优先级 Priority" },
    freq_mhz = { "text", "频率 Frequency (MHz)" },
    command_mhz = { "text", "指令频点 Command frequency (MHz)" },
    programme_mhz = { "text", "节目频点 Programme frequency (MHz)" },
    enabled = { "number", "启用 Enabled", { [0] = "禁用 off", [1] = "启用 on" } },
    -- answers and reports
    result = { "number", "结果代码 Result", RESULTS },
    played = { "number", "播发结果 Broadcast result (E.9)", { [0] = "失败 failure", [1] = "成功 success" } },
    settled = { "number", "处理结果 Result (A.32, A.38)", SETTLED },
    description = { "text", "描述 Description" },
    return_code = { "signed", "返回码 Return code", RETURN_CODES },
    flag = { "number", "故障恢复标识 Fault or recovery", { "发生故障 fault", "故障消除 gone" } },
    fault_type = { "number", "故障类型 Fault type", FAULTS },
    switch = { "number", "开停标识 Begin or end", START_STOP },
    retune = { "number", "切换频点 Retune", YES_NO },
    task_type = { "number", "任务类型 Task type", TASKS },
    task_filter = { "number", "任务类型 Task filter", { [0] = "全部 all", "日常 daily", "应急 emergency" } },
    times = { "number", "播发次数 Times played" },
    report_time = { "time", "上报时间 Report time" },
    front_code = { "text", "前端编码 Front end code" },
    channel = { "number", "通道号 Channel" },
    state = { "number", "状态 State", PLAYED },
    channel_state = { "number", "通道状态 Channel state", { [0] = "全部 all", "空闲 idle", "占用 busy", "故障 faulty" } },
    telephone = { "text", "电话号码 Telephone" },
    code = { "text", "区域/对象编码 Area or receiver code" },
    -- certificates (GD/J 081 tables 1 and 6)
    ["list.length"] = { "number", "证书授权列表长度 List length" },
    ["list.receiver"] = { "text", "接收者编号 Receiver" },
    ["list.number"] = { "number", "列表序号 List number" },
    ["list.serial"] = { "text", "授权证书编号 Authorised certificate" },
    ["list.signer"] = { "text", "签名证书编号 Signer" },
    ["list.signature"] = { "bytes", "列表签名 List signature" },
    ["list.data"] = { "bytes", "证书授权列表 List data" },
    ["cert.length"] = { "number", "证书长度 Certificate length" },
    ["cert.version"] = { "number", "证书版本 Certificate version" },
    ["cert.issuer"] = { "text", "签发者编号 Issuer" },
    ["cert.serial"] = { "text", "证书编号 Serial number" },
    ["cert.valid_year"] = { "number", "有效期年 Valid until year" },
    ["cert.valid_month"] = { "number", "有效期月 Valid until month" },
    ["cert.public_key"] = { "bytes", "公钥 Public key" },
    ["cert.signature"] = { "bytes", "证书签名 Certificate signature" },
    ["cert.data"] = { "bytes", "证书 Certificate data" },
    -- adapter protocol (appendix A)
    head = { "hex", "报头 Head", { [0x49] = "平台到适配器 platform to adapter", [0x50] = "适配器到平台 adapter to platform" } },
    protocol_type = { "hex", "协议类型 Protocol type", COMMANDS },
    platform_type = { "number", "消息来源 Origin", { "平台软件 platform", "设备应急 device" } },
    data_length = { "number", "数据长度 Data length" },
    command_kind = { "number", "指令类别 Command kind" },
    cmd_tag = { "number", "配置指令 Configuration command" },
    cmd_length = { "number", "配置指令长度 Command length" },
    rds_type = { "number", "RDS数据包类型 RDS packet type", RDS_TYPES },
    send_times = { "number", "发送次数 Times sent" },
    interval_ms = { "number", "发送间隔 Interval (ms)" },
    code_type = { "number", "编码类型 Code type", { "逻辑码 resource code", "物理码 physical address" } },
    code_length = { "number", "编码长度 Code length" },
    input_channel = { "number", "输入通道 Input channel" },
    output_channel = { "number", "输出通道 Output channel" },
    output_type = { "number", "输出类型 Output type", { "调频 FM", "有线 cable", "地面 terrestrial", "IP" } },
    private = { "bytes", "私有数据 Private data" },
    stream_address = { "text", "接收流地址 Stream address" },
    oper_type = { "number", "操作 Operation", { "增加 add", "修改 change", "删除 delete" } },
    name = { "text", "名称 Name" },
    permission = { "number", "权限 Permission", { "短信 SMS", "电话 telephone", "全部 both" } },
    group = { "number", "通道组 Group" },
    program_resource = { "number", "节目来源 Programme source", SOURCES },
    connection_time = { "time", "连接时间 Connection time" },
    receive_ip = { "ip", "收流地址 Receiver of the stream" },
    receive_port = { "number", "收流端口 Port of the receiver" },
    -- RDS (GD/J 085)
    content_length = { "number", "内容长度 Content length" },
    operation = { "number", "演练操作 Drill operation", { "播预存音频 stored sound", "播当前频点 current frequency", "回传状态 report", "停播 stop" } },
    drill_type = { "number", "演练类型 Drill type", CLASSES },
    command = { "number", "指令类型 Command" },
    change_default = { "number", "更改默认频点 Change default frequency", YES_NO },
    ["frame.level"] = { "number", "帧来源级别 Frame level", { "中央 nation", "省 province", "市 city", "县 county", "乡 town", "村 village" } },
    ["frame.version"] = { "number", "帧版本号 Frame version" },
    ["frame.total"] = { "number", "帧总数 Frames" },
    ["frame.index"] = { "number", "帧序号 Frame index" },
    ["frame.data"] = { "bytes", "帧数据 Frame data" },
    -- transport stream (GD/J 086, 087; 089 appendix C)
    table_id = { "hex", "表标识 Table", TABLES },
    section_length = { "number", "段长度 Section length" },
    table_id_extension = { "hex", "表标识扩展 Table extension" },
    table_version = { "number", "版本号 Table version" },
    current_next = { "number", "当前后续指示 Current" },
    section_number = { "number", "段号 Section" },
    last_section_number = { "number", "最后段号 Last section" },
    network_id = { "number", "网络标识 Network id" },
    ts_id = { "number", "传输流标识 Transport stream id" },
    program_number = { "number", "节目号 Programme number" },
    pcr_pid = { "hex", "PCR PID" },
    pid = { "hex", "PID" },
    stream_type = { "hex", "流类型 Stream type" },
    details = { "number", "详情频道指示 Details channel" },
    ts_start = { "text", "开始时间 Start (MJD, zone by setting of the multiplex)" },
    ts_end = { "text", "结束时间 End (MJD, zone by setting of the multiplex)" },
    descriptors = { "bytes", "描述符 Descriptors" },
    message_length = { "number", "消息长度 Message length" },
    language_length = { "number", "语种内容长度 Language length" },
    ["command.tag"] = { "number", "指令标识 Command tag" },
    ["command.length"] = { "number", "指令长度 Command length" },
}

local MAKERS = {
    number = function(abbr, title, names) return ProtoField.uint32(abbr, title, base.DEC, names) end,
    hex = function(abbr, title, names) return ProtoField.uint32(abbr, title, base.HEX, names) end,
    signed = function(abbr, title, names) return ProtoField.int32(abbr, title, base.DEC, names) end,
    text = function(abbr, title) return ProtoField.string(abbr, title) end,
    bytes = function(abbr, title) return ProtoField.bytes(abbr, title) end,
    time = function(abbr, title) return ProtoField.absolute_time(abbr, title, base.UTC) end,
    ip = function(abbr, title) return ProtoField.ipv4(abbr, title) end,
}
local F, all_fields = {}, {}
for name, row in pairs(FIELDS) do
    F[name] = MAKERS[row[1]]("ebgw." .. name, row[2], row[3])
    all_fields[#all_fields + 1] = F[name]
end
ebgw.fields = all_fields

local MALFORMED = ProtoExpert.new("ebgw.malformed", "格式错误 malformed", expert.group.MALFORMED, expert.severity.ERROR)
local TRUNCATED = ProtoExpert.new("ebgw.truncated", "数据不完整 cut short", expert.group.MALFORMED, expert.severity.ERROR)
local BAD_CRC = ProtoExpert.new("ebgw.crc.bad", "CRC校验错误 wrong CRC", expert.group.CHECKSUM, expert.severity.ERROR)
local OUTSIDE = ProtoExpert.new("ebgw.outside", "帧外字节 bytes outside frames", expert.group.MALFORMED, expert.severity.WARN)
local UNKNOWN = ProtoExpert.new("ebgw.unknown", "未定义 not in the tables", expert.group.UNDECODED, expert.severity.NOTE)
local UNSIGNED = ProtoExpert.new("ebgw.zero_signature", "零签名 signature of zeros", expert.group.SECURITY, expert.severity.NOTE)
ebgw.experts = { MALFORMED, TRUNCATED, BAD_CRC, OUTSIDE, UNKNOWN, UNSIGNED }

------------------------------------------------------------------------------------------------------------- checksums

-- Lua 5.2 has bit32, Wireshark brought bit, Lua 5.4 has an operator that older ones cannot parse.
local bxor = (bit32 and bit32.bxor) or (bit and bit.bxor) or load("return function(a, b) return a ~ b end")()

-- A CRC that is not reflected (GD/J 089 appendix G, GD/J 085 table 21): width 32 or 16, all ones at first.
local function crc_of(width, polynomial)
    local whole, top = 2 ^ width, 2 ^ (width - 8)
    local steps = {}
    for byte = 0, 255 do
        local value = byte * top
        for _ = 1, 8 do
            local carry = value >= whole / 2
            value = value * 2 % whole
            if carry then value = bxor(value, polynomial) % whole end
        end
        steps[byte] = value
    end
    return function(raw)
        local sum = whole - 1
        for at = 1, #raw do
            local index = bxor(math.floor(sum / top), raw:byte(at)) % 256
            sum = bxor(sum % top * 256, steps[index]) % whole
        end
        return sum
    end
end
local crc32, crc16 = crc_of(32, 0x04C11DB7), crc_of(16, 0x1021)

---------------------------------------------------------------------------------------------------------------- cursor

local function number_at(raw, at, size)
    local value = 0
    for offset = 1, size do value = value * 256 + raw:byte(at + offset) end
    return value
end

local function hex_of(raw) return (raw:gsub(".", function(char) return ("%02X"):format(char:byte()) end)) end

-- Reads raw from `at` to `stop` and shows under `tree`; without a tree it only tries whether the layout fits.
local Cursor = {}
Cursor.__index = Cursor

local function cursor(tvb, raw, at, stop, tree, code_size)
    return setmetatable({ tvb = tvb, raw = raw, at = at, stop = stop, tree = tree, code_size = code_size or 12, got = {} }, Cursor)
end

function Cursor:left() return self.stop - self.at end

function Cursor:fail(text) error({ text = text, at = self.at }, 0) end

function Cursor:need(size, name)
    if size > self:left() then
        self:fail(("%s: needs %d bytes, %d there"):format(name or "content", size, self:left()))
    end
end

function Cursor:show(name, size, value)
    if not self.tree then return nil end
    if size == 0 and value == nil then return nil end
    if size == 0 then return self.tree:add(F[name], value) end
    if value == nil then return self.tree:add(F[name], self.tvb(self.at, size)) end
    return self.tree:add(F[name], self.tvb(self.at, size), value)
end

function Cursor:take(name, size, value)
    self:show(name, size, value)
    self.got[name] = value
    self.at = self.at + size
    return value
end

function Cursor:bytes(size) return self.raw:sub(self.at + 1, self.at + size) end

function Cursor:warn(kind, text)
    if self.tree then self.tree:add_proto_expert_info(kind, text) end
end

-- Whether `layout` reads exactly what is left; the second value says what hindered it.
function Cursor:fits(layout)
    local trial = cursor(self.tvb, self.raw, self.at, self.stop, nil, self.code_size)
    setmetatable(trial.got, { __index = self.got })
    local ok, problem = pcall(layout, trial)
    if not ok then return false, problem end
    if trial.at ~= trial.stop then return false, { text = ("%d bytes too many"):format(trial:left()), at = trial.at } end
    return true
end

-- Run `layout` on the next `size` bytes alone; what it leaves is shown as bytes without meaning.
function Cursor:within(size, layout)
    self:need(size)
    local stop = self.stop
    self.stop = self.at + size
    layout(self)
    if self:left() > 0 then self:take("rest", self:left()) end
    self.stop = stop
end

-- Run `layout` under a branch of the tree.
function Cursor:branch(title, layout)
    local tree, begun = self.tree, self.at
    if tree and self:left() > 0 then self.tree = tree:add(self.tvb(self.at, self:left()), title) end
    layout(self)
    if self.tree ~= tree and self.at > begun then self.tree:set_len(self.at - begun) end
    self.tree = tree
end

------------------------------------------------------------------------------------------------------ words of layouts

local function number(size)
    return function(name)
        return function(r)
            r:need(size, name)
            return r:take(name, size, number_at(r.raw, r.at, size))
        end
    end
end
local u8, u16, u24, u32 = number(1), number(2), number(3), number(4)

local function i32(name)
    return function(r)
        r:need(4, name)
        local value = number_at(r.raw, r.at, 4)
        return r:take(name, 4, value < 2 ^ 31 and value or value - 2 ^ 32)
    end
end

local function seq(...)
    local parts = { ... }
    return function(r)
        for _, part in ipairs(parts) do part(r) end
    end
end
local nothing = seq()

-- Bytes as they are; without `size` all that is left.
local function bytes(name, size)
    return function(r)
        local wanted = size or r:left()
        r:need(wanted, name)
        r:take(name, wanted)
    end
end

-- Digits, one in a nibble; `skip` leading nibbles are reserved, `size` may depend on the dialect.
local function digits(name, size, skip)
    return function(r)
        local wanted = type(size) == "function" and size(r) or size
        r:need(wanted, name)
        return r:take(name, wanted, hex_of(r:bytes(wanted)):sub(skip + 1))
    end
end
local function code(name) return digits(name, function(r) return r.code_size end, 1) end
local function ebm_id(name) return digits(name, function(r) return r.code_size == 9 and 15 or 18 end, 1) end
local function legacy_digits(layout) -- the drafts reserve no nibble
    return function(name)
        return function(r)
            if r.code_size ~= 9 then return layout(name)(r) end
            local size = name == "ebm_id" and 15 or 9
            return digits(name, size, 0)(r)
        end
    end
end
code, ebm_id = legacy_digits(code), legacy_digits(ebm_id)
local function serial(name) return digits(name, 6, 0) end

local function time(name)
    return function(r)
        r:need(4, name)
        return r:take(name, 4, NSTime.new(number_at(r.raw, r.at, 4), 0))
    end
end

local function ipv4(name) return bytes(name, 4) end

-- Three bytes of BCD: four digits of MHz and two behind the point (GD/J 085 table 3).
local function mhz(name)
    return function(r)
        r:need(3, name)
        local shown = hex_of(r:bytes(3))
        local whole = shown:sub(1, 4):gsub("^0+", "")
        r:take(name, 3, (whole == "" and "0" or whole) .. "." .. shown:sub(5))
    end
end

-- UTF-8 of letters, signs and Chinese characters. No two-byte sequences: GBK looks like those by chance.
local function is_utf8(raw)
    local at = 1
    while at <= #raw do
        local first = raw:byte(at)
        local size = first < 0x80 and 1 or first >= 0xE0 and first < 0xF0 and 3 or first >= 0xF0 and first < 0xF5 and 4 or 0
        if size == 0 then return false end
        for next_at = at + 1, at + size - 1 do
            local byte = raw:byte(next_at)
            if not byte or byte < 0x80 or byte > 0xBF then return false end
        end
        at = at + size
    end
    return true
end

-- Text of `size` bytes (all that is left without it), in `charset` (1.5 of the tables) where one is named.
local function text(name, size)
    return function(r)
        local wanted = size or r:left()
        r:need(wanted, name)
        if wanted == 0 then return end
        local raw = r:bytes(wanted):gsub("%z+$", "")
        local shown = raw
        local charset = r.got.charset
        if charset == 2 then
            shown = r.tvb(r.at, wanted):string(ENC_UCS_2 + ENC_BIG_ENDIAN)
        elseif #raw > 0 and (charset == 0 or charset == 1 or not is_utf8(raw)) then
            shown = r.tvb(r.at, #raw):string(ENC_GB18030)
        end
        r:take(name, wanted, shown)
    end
end

-- A length, then that much of `layout`.
local function sized(length, layout)
    return function(r) r:within(length(r), layout) end
end

-- A count, then as many of `layout`, each in a branch of its own where it has a title.
local function counted(count, layout, title)
    return function(r)
        for number_of = 1, count(r) do
            if title then r:branch(title .. " " .. number_of, layout) else layout(r) end
        end
    end
end

-- The first layout that reads exactly what is left; the last one is taken unasked.
local function either(...)
    local choices = { ... }
    return function(r)
        for at = 1, #choices - 1 do
            if r:fits(choices[at]) then return choices[at](r) end
        end
        return choices[#choices](r)
    end
end

-- The layout that belongs to a number read before.
local function switch(name, layouts, default)
    return function(r) return (layouts[r.got[name]] or default or nothing)(r) end
end

-- Bits of the next `size` bytes as numbers, most significant first; "" is reserved. Steps on by `step` bytes.
local function bits(size, parts, step)
    return function(r)
        r:need(size, parts[1][1])
        local value, left = number_at(r.raw, r.at, size), size * 8
        for _, part in ipairs(parts) do
            left = left - part[2]
            local found = math.floor(value / 2 ^ left) % 2 ^ part[2]
            if part[1] ~= "" then
                r:show(part[1], size, found)
                r.got[part[1]] = found
            end
        end
        r.at = r.at + (step or size)
    end
end

local function clock(name)
    return function(r)
        r:need(7, name)
        local parts = { number_at(r.raw, r.at, 2), r.raw:byte(r.at + 3, r.at + 7) }
        r:take(name, 7, ("%04d-%02d-%02d %02d:%02d:%02d"):format((table.unpack or unpack)(parts)))
    end
end

-- Days of MJD and six digits of time (GD/J 086 appendix A); the proleptic calendar by counting from 1858-11-17.
local function mjd(name)
    return function(r)
        r:need(5, name)
        local raw = hex_of(r:bytes(5))
        if raw == "FFFFFFFFFF" then return r:take(name, 5, "未定 open") end
        local days = number_at(r.raw, r.at, 2) - 40587
        local date = os.date("!%Y-%m-%d", days * 86400)
        r:take(name, 5, ("%s %s:%s:%s"):format(date, raw:sub(5, 6), raw:sub(7, 8), raw:sub(9, 10)))
    end
end

--------------------------------------------------------------------------------------------- layouts shared by several

local url = text("url")
local event = text("event", 5)
local tags = counted(u8("count"), u8("tag"))
local codes = counted(u8("count"), code("code"))
local sized_physical = sized(u8("size"), bytes("physical"))

-- GD/J 081 table 6 and table 1.
local LIST = seq(
    serial("list.receiver"), u8("list.number"), counted(u8("count"), serial("list.serial")),
    serial("list.signer"), bytes("list.signature", 64)
)
local function validity(r) -- year since 2000, month
    r:need(2, "cert.valid_year")
    r:take("cert.valid_year", 1, 2000 + r.raw:byte(r.at + 1))
    r:take("cert.valid_month", 1, r.raw:byte(r.at + 1))
end
local CERTIFICATE = seq(
    u8("cert.version"), serial("cert.issuer"), serial("cert.serial"), validity,
    bytes("cert.public_key", 64), bytes("cert.signature", 64)
)
local LISTS = counted(u8("count"), sized(u16("list.length"), either(LIST, bytes("list.data"))), "证书授权列表 List")
local CERTIFICATES = counted(u8("count"), sized(u8("cert.length"), either(CERTIFICATE, bytes("cert.data"))), "证书 Certificate")
local AUTHORISATION = seq(LISTS, CERTIFICATES)

local function host_and_port(name)
    return function(r)
        r:need(6, name)
        local a, b, c, d = r.raw:byte(r.at + 1, r.at + 4)
        r:take(name, 6, ("%d.%d.%d.%d:%d"):format(a, b, c, d, number_at(r.raw, r.at + 4, 2)))
    end
end

-- Return address of A, RDS and TS: kind, length, then digits, IPv4 and port, or "name:port".
local REBACK_ADDRESS = sized(u8("size"), switch("reback_type", { [2] = either(host_and_port("address"), bytes("rest")) }, text("address")))

------------------------------------------------------------------------------------------------- appendices D and E

-- Tag 3 of D.9 and E.5: here the port is binary and the name has a length.
local function named_address(r)
    local kind = u8("kind")(r)
    if kind == 1 then return host_and_port("address")(r) end
    if kind ~= 2 and kind ~= 3 then r:fail("kind: " .. kind) end
    r:need(1, "address")
    local size = r.raw:byte(r.at + 1)
    local port_size = kind == 2 and 2 or 0
    r:need(1 + size + port_size, "address")
    local name = r.raw:sub(r.at + 2, r.at + 1 + size)
    if kind == 2 then name = name .. ":" .. number_at(r.raw, r.at + 1 + size, 2) end
    r:take("address", 1 + size + port_size, name)
end

-- Tag 5 of E.5: the length counts the address, or itself too.
local function reported_physical(r)
    local size = u8("size")(r)
    if size ~= r:left() and size ~= r:left() + 1 then r:fail("physical: length " .. size) end
    bytes("physical")(r)
end

local SIGNAL = seq(u8("strength"), u8("quality"))
local SETTABLE = {
    u8("volume"), seq(ipv4("ip"), ipv4("mask"), ipv4("gateway")), named_address,
    either(seq(sized_physical, code("resource_code")), code("resource_code")),
    u8("amplifier"), time("time"), u32("period_s"),
}
local REPORTED = {
    SETTABLE[1], SETTABLE[2], SETTABLE[3], code("resource_code"), reported_physical, u8("work_state"), u8("fault_code"),
    bytes("device_type"), bytes("hardware"), bytes("software"), SIGNAL, SIGNAL, SIGNAL,
    seq(u32("freq_khz"), u32("symbol_rate_k"), u8("qam")), u32("freq_khz"),
    counted(u8("count"), seq(u8("index"), u8("priority"), mhz("freq_mhz"))),
    seq(mhz("command_mhz"), mhz("programme_mhz")), seq(u8("enabled"), u16("period_s")),
}

local function parameters(table_of_tags)
    local fitting = {}
    for tag, layout in pairs(table_of_tags) do fitting[tag] = either(layout, bytes("param.data")) end
    local value = switch("param.tag", fitting, bytes("param.data"))
    return counted(u8("count"), seq(u8("param.tag"), sized(u8("param.length"), value)), "参数 Parameter")
end

local SOUND = seq(u8("aux.protocol"), u8("aux.codec"), u16("aux.pid"), bytes("rest", 9), url)
local function auxiliary_data(r)
    local kind = r.got["aux.type"]
    r:show("aux.data", r:left())
    if kind == 61 and r:left() > 0 then return url(r) end
    if kind == 2 and r.code_size == 9 and r:fits(SOUND) then return SOUND(r) end
    r.at = r.stop
end
local function auxiliaries(length)
    return counted(u8("count"), seq(u8("aux.type"), sized(length, auxiliary_data)), "辅助数据 Auxiliary")
end

local HEARTBEAT = seq(u8("work_state"), u8("first"), sized_physical)
local ANSWER = seq(u8("result"), sized(u16("size"), text("description")))
local START = seq(
    ebm_id("ebm_id"), u8("class"), u8("level"), event, u8("volume"), time("start"), time("end"), auxiliaries(u16("aux.length"))
)
local REQUESTS = { -- tables D.5 to D.11
    [0x01] = START, [0x02] = ebm_id("ebm_id"), [0x10] = HEARTBEAT, [0x11] = tags, [0x12] = parameters(SETTABLE),
    [0x17] = AUTHORISATION,
}
local FAULT_END = time("time")
local RECORD = seq( -- table E.10
    u16("channel"), u8("state"), ebm_id("ebm_id"), u8("task_type"), u8("class"), u8("level"), event, time("start"),
    time("end"),
    switch("task_type", { [3] = sized(u8("size"), text("telephone")), [4] = sized(u8("size"), text("telephone")) }),
    u8("volume"),
    function(r)
        local count, size = u8("count")(r), u8("code_length")(r)
        for _ = 1, count do digits("code", size, size == 12 and 1 or 0)(r) end
    end
)
local REPORTS = { -- tables E.4 to E.10
    [0x10] = HEARTBEAT,
    [0x11] = seq(ANSWER, parameters(REPORTED)),
    [0x13] = seq(u8("flag"), u8("fault_type"), either(seq(text("description", 255), FAULT_END), FAULT_END)),
    [0x14] = seq(u8("switch"), u8("task_type"), ebm_id("ebm_id"), time("time")),
    [0x15] = seq(
        ebm_id("ebm_id"), u8("played"), sized(u16("size"), text("description")), time("start"), time("end"), u8("times"),
        time("report_time")
    ),
    [0x16] = seq(sized(u8("size"), code("front_code")), counted(u8("count"), RECORD, "播发记录 Record")),
}

-- Contents of known and unknown kinds; what does not fit its table is shown as bytes, with the reason.
local function body(layout, known)
    return function(r)
        if layout then
            local fits, problem = r:fits(layout)
            if fits then return layout(r) end
            r:warn(MALFORMED, Cursor.why(problem))
        elseif not known then
            r:warn(UNKNOWN)
        end
        r:take("content", r:left())
    end
end

function Cursor.why(problem)
    if type(problem) == "table" then return ("%s (offset %d)"):format(problem.text, problem.at) end
    return "解析器错误 dissector error: " .. tostring(problem)
end

--------------------------------------------------------------------------------------------------------- appendix A

local front = code("front_code")
local function coded(r) -- count, length, codes: resource codes by their digits, physical addresses as they are
    local count, size = u8("count")(r), u8("code_length")(r)
    for _ = 1, count do digits("code", size, size == 12 and r.got.code_type ~= 2 and 1 or 0)(r) end
end
local ADDRESSES = seq(u8("code_type"), coded)
local LANGUAGE = seq(
    text("language", 3), u8("charset"), sized(u16("size"), text("text")), sized(u8("size"), text("agency")),
    auxiliaries(u32("aux.length"))
)
local OUTPUTS = counted(u8("count"), seq(u8("output_type"), u8("output_channel")))
local SIZED_TELEPHONE = sized(u8("size"), text("telephone"))
local BY_TELEPHONE = switch("program_resource", { [3] = SIZED_TELEPHONE, [4] = SIZED_TELEPHONE })
local STARTED = seq( -- table A.12; a stop has the addresses alone
    u8("class"), event, u8("level"), time("start"), time("end"), u8("volume"), ADDRESSES,
    counted(u8("count"), LANGUAGE, "语种 Language"), u8("input_channel"), counted(u8("count"), u8("output_channel")),
    sized(u16("size"), bytes("private"))
)
local function forget_charset(r) r.got.charset = nil end
local BUSY_WITH = switch("channel_state", { [2] = ebm_id("ebm_id") })
local TS_OUTPUT = counted(u8("count"), seq(
    u16("network_id"), u16("ts_id"), u16("program_number"), u16("pcr_pid"),
    counted(u8("count"), seq(u8("stream_type"), u16("pid"))), u8("channel_state"), BUSY_WITH
))
local OUTPUT_CHANNEL = seq(u8("channel"), u8("output_type"), switch("output_type", {
    counted(u8("count"), seq(mhz("freq_mhz"), u8("channel_state"), BUSY_WITH)), TS_OUTPUT, TS_OUTPUT,
}))
local A_RECORD = seq( -- table A.30
    ebm_id("ebm_id"), u8("state"), u8("program_resource"), u8("class"), u8("level"), event, time("start"), time("end"),
    u8("volume"), u8("input_channel"), OUTPUTS, BY_TELEPHONE, coded
)
local LOCK = seq( -- table A.23
    u8("cmd_tag"), u16("cmd_length"), u32("freq_khz"), u32("symbol_rate_k"), u8("qam_adapter"), ADDRESSES
)
local REBACK = seq(u8("reback_type"), REBACK_ADDRESS)
local CHANNEL_QUERY = seq(front, u8("channel"), u8("channel_state"))

local RDS_CONTENTS -- below; the adapter's command 0x02 wraps them

local ADAPTER = { -- tables A.5 to A.38
    [0x01] = seq(u8("command_kind"), sized(u32("data_length"), either(LOCK, bytes("content")))),
    [0x02] = function(r)
        seq(u8("command_kind"), u8("rds_type"), u8("send_times"), u8("interval_ms"), codes)(r)
        sized(u32("data_length"), either(RDS_CONTENTS[r.got.rds_type] or bytes("content"), bytes("content")))(r)
    end,
    [0x03] = seq(u8("command_kind"), sized(u32("data_length"), bytes("content"))),
    [0x04] = seq(ebm_id("ebm_id"), u8("switch"), switch("switch", { STARTED }, ADDRESSES), forget_charset),
    [0x05] = counted(u8("count"), seq(sized_physical, sized(u8("size"), code("resource_code")))),
    [0x06] = seq(u8("volume"), ADDRESSES),
    [0x07] = seq(REBACK, ADDRESSES),
    [0x08] = seq(REBACK, ADDRESSES, tags),
    [0x09] = time("time"),
    [0x0A] = seq(ipv4("ip"), ipv4("mask"), ipv4("gateway"), u8("code_type"), function(r)
        local size = u8("code_length")(r)
        digits("code", size, size == 12 and r.got.code_type ~= 2 and 1 or 0)(r)
    end),
    [0x0B] = seq(u32("period_s"), ADDRESSES),
    [0x0C] = counted(u8("count"), seq(
        u8("oper_type"), SIZED_TELEPHONE, sized(u8("size"), text("name")), u8("permission"), coded
    ), "白名单 Entry"),
    [0x0D] = seq(u8("reback_type"), u32("period_s"), REBACK_ADDRESS),
    [0x0E] = CHANNEL_QUERY,
    [0x0F] = CHANNEL_QUERY,
    [0x10] = seq(front, ebm_id("ebm_id"), u8("task_filter"), time("start"), time("end")),
    [0x11] = front,
    [0x12] = seq(i32("return_code"), sized(u32("data_length"), text("description"))),
    [0x13] = seq(front, counted(u8("count"), OUTPUT_CHANNEL, "输出通道 Output")),
    [0x14] = seq(front, counted(u8("count"), seq(
        u8("channel"), sized(u16("size"), text("name")), u8("group"), u8("channel_state")
    ), "输入通道 Input")),
    [0x15] = seq(front, counted(u32("count"), A_RECORD, "播发记录 Record")),
    [0x16] = seq(front, u8("fault_type"), sized(u16("size"), text("description"))),
    [0x17] = seq(
        front, ebm_id("ebm_id"), u8("settled"), sized(u32("data_length"), text("description")),
        sized(u16("size"), text("stream_address"))
    ),
    [0x18] = seq(
        front, ebm_id("ebm_id"), u8("program_resource"), u8("class"), u8("level"), event, u8("input_channel"), OUTPUTS,
        BY_TELEPHONE, u8("volume"), coded
    ),
    [0x19] = seq(front, ebm_id("ebm_id")),
    [0x20] = seq(sized(u8("size"), front), u8("work_state"), time("connection_time")),
    [0x21] = seq(i32("return_code"), sized(u32("data_length"), bytes("content"))),
    [0x22] = seq(u8("settled"), ipv4("receive_ip"), u16("receive_port")),
    [0x3F] = seq(u8("amplifier"), ADDRESSES),
    [0x40] = AUTHORISATION,
    [0x41] = AUTHORISATION,
}

------------------------------------------------------------------------------------------------------ RDS (GD/J 085)

RDS_CONTENTS = { -- tables 3 to 20
    [0] = counted(u8("count"), seq(u8("index"), u8("priority"), mhz("freq_mhz"))),
    [1] = seq(sized_physical, code("resource_code")),
    [2] = seq(u8("enabled"), u16("period_s")),
    [3] = clock("clock"),
    [4] = REBACK,
    [5] = u32("period_s"),
    [6] = LIST,
    [7] = CERTIFICATES,
    [8] = tags,
    [11] = seq(bits(1, { { "switch", 2 }, { "retune", 2 }, { "level", 4 } }), event, ebm_id("ebm_id"), mhz("freq_mhz")),
    [12] = seq(bits(1, { { "command", 2 }, { "change_default", 2 }, { "", 4 } }), mhz("freq_mhz")),
    [13] = bits(1, { { "command", 2 }, { "", 6 } }),
    [14] = seq(bits(1, { { "drill_type", 4 }, { "operation", 4 } }), ebm_id("ebm_id")),
    [15] = seq(bits(1, { { "text_type", 4 }, { "charset", 4 } }), ebm_id("ebm_id"), sized(u8("size"), text("text")), forget_charset),
    [21] = seq(u8("index"), bytes("rest", 1)),
    -- the flags stand in the nibble that is reserved elsewhere, right before the digits
    [22] = seq(bits(1, { { "switch", 2 }, { "retune", 2 }, { "", 4 } }, 0), ebm_id("ebm_id"), mhz("freq_mhz"), u8("volume")),
    [23] = seq(u8("volume"), bytes("rest", 1)),
    [24] = u8("amplifier"),
}

---------------------------------------------------------------------------------------- transport stream (GD/J 086/087)

local PCR_PID, PID = bits(2, { { "", 3 }, { "pcr_pid", 13 } }), bits(2, { { "", 3 }, { "pid", 13 } })
local function descriptors(r)
    r:need(2, "descriptors")
    local size = number_at(r.raw, r.at, 2) % 4096
    r.at = r.at + 2
    r:need(size, "descriptors")
    r:take("descriptors", size)
end
local SERVICE = seq(u16("network_id"), u16("ts_id"), u16("program_number"), PCR_PID)
local DETAILS = seq(SERVICE, descriptors, sized(u16("size"), function(r)
    while r:left() > 0 do seq(u8("stream_type"), PID, descriptors)(r) end
end))
local INDEX = counted(u8("count"), sized(u16("message_length"), seq( -- 086 table 1
    ebm_id("ebm_id"), u16("network_id"), mjd("ts_start"), mjd("ts_end"), event, bits(1, { { "class", 4 }, { "level", 4 } }),
    codes, bits(1, { { "", 7 }, { "details", 1 } }), switch("details", { DETAILS })
)), "消息 Message")
local function content_of(aux_length) -- 086 table 4
    local language = seq(
        text("language", 3), bits(1, { { "", 5 }, { "charset", 3 } }), sized(u16("size"), text("text")),
        sized(u8("size"), text("agency")),
        function(r)
            bits(1, { { "", 4 }, { "count", 4 } })(r)
            for each = 1, r.got.count do
                r:branch("辅助数据 Auxiliary " .. each, seq(u8("aux.type"), sized(aux_length, auxiliary_data)))
            end
        end,
        forget_charset
    )
    return seq(ebm_id("ebm_id"), function(r)
        bits(1, { { "", 4 }, { "count", 4 } })(r)
        for each = 1, r.got.count do
            r:branch("语种 Language " .. each, sized(u32("language_length"), function(inner)
                local fits, problem = inner:fits(language)
                if not fits then error(problem, 0) end
                language(inner)
            end))
        end
    end)
end
local function commands(layouts)
    local fitting = {}
    for tag, layout in pairs(layouts) do fitting[tag] = either(layout, bytes("content")) end
    local command = seq(u8("command.tag"), sized(u16("command.length"), switch("command.tag", fitting, bytes("content"))))
    return counted(u8("count"), command, "指令 Command")
end
local CONFIGURATION = commands({ -- 086 tables 9 to 15
    clock("clock"), seq(sized_physical, code("resource_code")), seq(u32("freq_khz"), u32("symbol_rate_k"), u8("qam"), codes),
    seq(REBACK, codes), seq(u32("period_s"), codes), seq(u8("volume"), codes), seq(tags, codes),
})
local DAILY = commands({ -- 089 tables C.3 to C.6
    seq(ebm_id("ebm_id"), SERVICE, u8("stream_type"), PID, u8("priority"), u8("volume"), clock("clock"), codes),
    seq(ebm_id("ebm_id"), SERVICE, PID, codes),
    seq(u8("amplifier"), codes),
    seq(bits(1, { { "text_type", 4 }, { "charset", 4 } }), ebm_id("ebm_id"), codes, sized(u16("size"), text("text")), forget_charset),
})
local SECTIONS = {
    -- the table gives the auxiliary length 24 bits, its own explanation 32
    [0xFE] = either(content_of(u24("aux.length")), content_of(u32("aux.length"))),
    [0xFA] = DAILY, [0xFB] = CONFIGURATION, [0xFC] = AUTHORISATION, [0xFD] = INDEX,
}

---------------------------------------------------------------------------------------------------------------- frames

-- Seconds of 2018-01-01: smaller numbers are counters of crypto devices, not times.
local FIRST_TIME = 1514764800

local function signature_block(r)
    r:need(74, "signature")
    if number_at(r.raw, r.at, 4) >= FIRST_TIME then time("sig.time")(r) else u32("sig.counter")(r) end
    seq(serial("sig.certificate"), bytes("sig.value", 64))(r)
end

-- Table D.4 and the three forms of "not signed" that devices send: a nothing, b length 0, c 74 zero bytes.
local function trailer(r)
    local left = r:left()
    if left == 0 then return r:show("signature_form", 0, "a") end
    r:need(2, "sig.length")
    local size = u16("sig.length")(r)
    if size == 0 and r:left() == 0 then return r:show("signature_form", 0, "b") end
    if size ~= 74 or r:left() ~= 74 then
        r:fail(("sig.length: %d announced, %d bytes there"):format(size, r:left()))
    end
    if r:bytes(74):find("[^%z]") then
        r:show("signature_form", 74, "signed")
        return r:branch("数字签名 Signature", signature_block)
    end
    r:show("signature_form", 74, "c")
    r:warn(UNSIGNED)
    r.at = r.at + 74
end

-- The CRC that ends a frame of `size` bytes.
local function show_crc(r, begin, size, sum_of, width)
    local found, right = number_at(r.raw, r.at, width), sum_of(r.raw:sub(begin + 1, begin + size - width))
    r:take("crc", width, found)
    r:show("crc.status", 0, found == right and 1 or 0)
    if found ~= right then r:warn(BAD_CRC, ("CRC %X, 应为 should be %X"):format(found, right)) end
end

-- Forms of FEFD frames: where the length stands, bytes of a code, bytes of trailers that are possible before the CRC.
local SHAPES = {
    { name = "ip", title = "附录D appendix D", length_at = 10, code_size = 12, rests = { [0] = true, [2] = true, [76] = true } },
    { name = "ip-legacy", title = "附录D草案 draft of appendix D", length_at = 10, code_size = 9, rests = { [0] = true, [2] = true, [76] = true } },
    { name = "feedback", title = "附录E appendix E", length_at = 9, code_size = 12, rests = { [0] = true } },
}
for _, shape in ipairs(SHAPES) do
    shape.is_ip = shape.length_at == 10
    shape.source_at = shape.length_at + 2
    shape.count_at = shape.source_at + shape.code_size
end

local function read_fefd(shape)
    return function(r)
        local begin = r.at
        r:take("protocol", 0, shape.name)
        r.code_size = shape.code_size
        r.stop = r.stop - 4
        r.at = begin + 2
        seq(u16("version"), u32("session"), u8("packet_type"))(r)
        if shape.is_ip then u8("sign_flag")(r) end
        seq(u16("length"), code("source"), counted(u16("count"), code("target")), u8("service_type"))(r)
        local kind, size = r.got.service_type, u16("body_length")(r)
        local layout
        if not shape.is_ip then
            layout = REPORTS[kind]
        elseif r.got.packet_type ~= 2 then
            layout = REQUESTS[kind]
        elseif shape.code_size == 9 then
            layout = seq(ANSWER, bytes("rest"))
        else
            layout = ANSWER
        end
        r:need(size, "body_length")
        r:branch(SERVICES[kind] or "未定义 unknown", function(inner) inner:within(size, body(layout)) end)
        if shape.is_ip then trailer(r) elseif r:left() > 0 then r:fail(r:left() .. " bytes before the CRC") end
        local answer = shape.is_ip and r.got.packet_type == 2
        local says = r.got.result and (" " .. (RESULTS[r.got.result] or r.got.result)) or ""
        return ("%s %s%s 会话 session %d%s"):format(
            shape.is_ip and "D" or "E", SERVICES[kind] or ("0x%02X"):format(kind), answer and " 应答 answer" or "", r.got.session, says
        )
    end
end

local function read_adapter(r)
    r:take("protocol", 0, "adapter")
    r.stop = r.stop - 4
    seq(u8("head"), u16("version"), u8("protocol_type"), u8("platform_type"))(r)
    local size, kind = u32("body_length")(r), r.got.protocol_type
    r:need(size, "body_length")
    r:branch(COMMANDS[kind] or "未定义 unknown", function(inner) inner:within(size, body(ADAPTER[kind])) end)
    trailer(r)
    local says = r.got.return_code and (" " .. (RETURN_CODES[r.got.return_code] or r.got.return_code)) or ""
    return ("A %s%s"):format(COMMANDS[kind] or ("0x%02X"):format(kind), says)
end

local function read_rds(r)
    r:take("protocol", 0, "rds")
    bits(2, { { "rds_type", 5 }, { "length", 11 } })(r)
    codes(r)
    local kind, size = r.got.rds_type, r:left() - 74
    if size < 0 then r:fail("content_length: no room for the signature") end
    r:show("content_length", 0, size)
    r:branch(RDS_TYPES[kind] or "未定义 unknown", function(inner) inner:within(size, body(RDS_CONTENTS[kind])) end)
    r:branch("数字签名 Signature", signature_block)
    return ("RDS %s"):format(RDS_TYPES[kind] or kind)
end

local function read_section(r)
    r:take("protocol", 0, "ts")
    u8("table_id")(r)
    bits(2, { { "", 4 }, { "section_length", 12 } })(r)
    r.stop = math.min(r.stop, r.at + r.got.section_length) - 4
    seq(u16("table_id_extension"), bits(1, { { "", 2 }, { "table_version", 5 }, { "current_next", 1 } }))(r)
    seq(u8("section_number"), u8("last_section_number"))(r)
    -- The body has no length of its own: it ends where a signature of 74 bytes, or none, begins.
    local size, left = nil, r:left()
    if left >= 76 and number_at(r.raw, r.stop - 76, 2) == 74 then size = left - 76 end
    if not size and left >= 2 and number_at(r.raw, r.stop - 2, 2) == 0 then size = left - 2 end
    if not size then r:fail("sig.length: neither 74 nor 0") end
    local kind = r.got.table_id
    r:branch(TABLES[kind], function(inner) inner:within(size, body(SECTIONS[kind])) end)
    trailer(r)
    return ("TS %s 版本 version %d"):format(TABLES[kind], r.got.table_version)
end

-- Show one frame of `size` bytes; `crc_size` bytes at its end are a CRC. Nothing that `read` meets goes further than here.
local function show_frame(tvb, raw, at, size, pinfo, tree, title, read, crc_size)
    local branch = tree:add(ebgw, tvb(at, size), title)
    local r = cursor(tvb, raw, at, at + size, branch)
    local ok, said = pcall(read, r)
    if ok then
        branch:append_text(": " .. said)
    else
        branch:add_proto_expert_info(MALFORMED, Cursor.why(said))
        said = title .. " 格式错误 malformed"
    end
    if crc_size then
        local sum = cursor(tvb, raw, at + size - crc_size, at + size, branch)
        show_crc(sum, at, size, crc32, crc_size)
    end
    pinfo.cols.info:append((pinfo.private.ebgw_said and "; " or "") .. said)
    pinfo.private.ebgw_said = "1"
end

-- A frame that ends after the last byte there is: as much of its head as can be read.
local function show_cut(tvb, raw, at, tree, pinfo, read, title)
    local branch = tree:add(ebgw, tvb(at), title)
    branch:add_proto_expert_info(TRUNCATED)
    if read then
        local r = cursor(tvb, raw, at, #raw + 4, branch)
        r.need = function(self, size, name)
            if self.at + size > #raw then self:fail((name or "content") .. ": cut short") end
        end
        pcall(read, r)
    end
    pinfo.cols.info:append((pinfo.private.ebgw_said and "; " or "") .. title .. " 数据不完整 cut short")
    pinfo.private.ebgw_said = "1"
end

--------------------------------------------------------------------------------------------------------------- streams

-- What begins at `at`: a frame { size, read, title }, "wait" (with a frame's reading where it is known), or nil.
local function hold(raw, at, shape)
    local there, total = #raw - at, number_at(raw, at + shape.length_at, 2)
    local content_at = shape.count_at + 5
    if total < content_at + 4 then return nil end
    if there < shape.count_at + 2 then return "wait" end
    content_at = content_at + shape.code_size * number_at(raw, at + shape.count_at, 2)
    if total < content_at + 4 then return nil end
    if there < content_at then return "wait" end
    return shape.rests[total - 4 - content_at - number_at(raw, at + content_at - 2, 2)] and total or nil
end

-- Whether the fixed fields of a head are as tables D.2 and E.2 want them, though its lengths disagree.
local function sounds_right(raw, at, shape)
    if shape.code_size ~= 12 or #raw - at < shape.count_at then return false end
    if number_at(raw, at + 2, 2) ~= 0x0100 or raw:byte(at + 9) < 1 or raw:byte(at + 9) > 2 then return false end
    if shape.is_ip and raw:byte(at + 10) > 1 then return false end
    local source = hex_of(raw:sub(at + shape.source_at + 1, at + shape.count_at))
    return source:find("^[F0]%d+$") ~= nil and number_at(raw, at + shape.length_at, 2) >= shape.count_at + 9
end

local function fefd_frame(raw, at)
    if #raw - at < 12 then return "wait" end
    local waiting = nil
    for _, shape in ipairs(SHAPES) do
        local held = hold(raw, at, shape)
        if held == "wait" then
            waiting = waiting or shape
        elseif held then
            return { size = held, read = read_fefd(shape), title = shape.title, crc = 4 }
        end
    end
    if waiting then return "wait", read_fefd(waiting), waiting.title end
    for _, shape in ipairs(SHAPES) do
        if sounds_right(raw, at, shape) then
            return { size = number_at(raw, at + shape.length_at, 2), read = read_fefd(shape), title = shape.title, crc = 4 }
        end
    end
    return nil
end

-- Largest body of an adapter frame that is believed: larger ones are garbage that looks like a head.
local LARGEST_BODY = 4 * 1024 * 1024

local function adapter_frame(raw, at)
    local there = #raw - at
    if there >= 3 and number_at(raw, at + 1, 2) ~= 1 then return nil end
    if there >= 4 and not COMMANDS[raw:byte(at + 4)] then return nil end
    if there < 9 then return "wait" end
    local body_size = number_at(raw, at + 5, 4)
    if body_size > LARGEST_BODY then return nil end
    if there < 11 + body_size then return "wait", read_adapter, "附录A appendix A" end
    local size = 11 + body_size + number_at(raw, at + 9 + body_size, 2) + 4
    -- without the field of the signature length nothing but the CRC follows the body
    if crc32(raw:sub(at + 1, at + 9 + body_size)) == number_at(raw .. "\0\0\0\0", at + 9 + body_size, 4) and there >= 13 + body_size then
        size = 13 + body_size
    end
    return { size = size, read = read_adapter, title = "附录A appendix A", crc = 4 }
end

local function frame_at(raw, at)
    local first, second = raw:byte(at + 1, at + 2)
    if first == 0x49 or first == 0x50 then return adapter_frame(raw, at) end
    if first ~= 0xFE or (second and second ~= 0xFD) then return nil end
    return fefd_frame(raw, at)
end

-- Where after `at` something begins that could be a frame.
local function next_mark(raw, at, begins)
    for next_at = at + 1, #raw - 1 do
        if begins(raw, next_at) then return next_at end
    end
    return #raw
end

-- RDS: packets one after another (6.1 of the standard), each perhaps with its CRC-16, or frames of 8 bytes.
local function rds_packet(raw, at)
    local there = #raw - at
    if there < 2 then return "wait" end
    local kind, size = math.floor(raw:byte(at + 1) / 8), 2 + number_at(raw, at, 2) % 2048
    if not RDS_TYPES[kind] or size < 77 then return nil end
    if there < 3 then return "wait" end
    local count = raw:byte(at + 3)
    if 3 + 12 * count + 74 > size or (count == 0 and kind ~= 1) then return nil end
    for each = 0, count - 1 do
        local lead = raw:byte(at + 4 + 12 * each)
        if lead and lead < 0xF0 and lead >= 0x10 then return nil end
    end
    if there < size then return "wait", read_rds, "RDS数据包 RDS packet" end
    if there >= size + 2 and crc16(raw:sub(at + 1, at + size)) == number_at(raw, at + size, 2) then
        return { size = size, read = read_rds, title = "RDS数据包 RDS packet", after = 2 }
    end
    return { size = size, read = read_rds, title = "RDS数据包 RDS packet" }
end

local RDS_FRAME = seq(
    bits(1, { { "frame.level", 3 }, { "frame.version", 5 } }), u8("frame.total"), u8("frame.index"), bytes("frame.data", 5)
)

local function read_rds_frames(r)
    r:take("protocol", 0, "rds-frames")
    local parts = {}
    while r:left() >= 8 do
        parts[#parts + 1] = r.raw:sub(r.at + 4, r.at + 8)
        r:branch("RDS帧 RDS frame", RDS_FRAME)
    end
    return ("RDS %d 帧 frames"):format(#parts)
end

local function rds_frames(raw, at)
    local there = #raw - at
    if there < 3 then return "wait" end
    local head, total, index = raw:byte(at + 1, at + 3)
    local level = math.floor(head / 32)
    if level < 1 or level > 6 or index >= total then return nil end
    local size = 8
    while index == 0 and size < 8 * total and there > size do -- as many as follow one another
        local next_head, next_total, next_index = raw:byte(at + size + 1, at + size + 3)
        if next_head ~= head or (next_total or total) ~= total or (next_index or size / 8) ~= size / 8 then break end
        size = size + 8
    end
    if there < size then return "wait", nil, "RDS帧 RDS frames" end
    return { size = size, read = read_rds_frames, title = "RDS帧 RDS frames", frames = total, whole = size == 8 * total }
end

local function rds_at(raw, at)
    local packet, read, title = rds_packet(raw, at)
    if packet and packet ~= "wait" then return packet end
    local frames = rds_frames(raw, at)
    if frames and frames ~= "wait" and not packet then return frames end
    if packet or frames then return "wait", read, title or "RDS" end
    return nil
end

-- The packet that a whole set of 8-byte frames carries, in a tab of its own.
local function show_joined(raw, at, frames, pinfo, tree)
    local parts = {}
    for each = 0, frames.frames - 1 do parts[#parts + 1] = raw:sub(at + 8 * each + 4, at + 8 * each + 8) end
    local joined = table.concat(parts)
    local size = 2 + number_at(joined, 0, 2) % 2048
    if size + 2 > #joined then
        return tree:add_proto_expert_info(MALFORMED, ("length: %d announced, %d there"):format(size + 2, #joined))
    end
    local tvb = ByteArray.new(hex_of(joined)):tvb("RDS数据包 RDS packet")
    show_frame(tvb, joined, 0, size, pinfo, tree, "RDS数据包 RDS packet", read_rds)
    show_crc(cursor(tvb, joined, size, size + 2, tree:add(ebgw, tvb(size, 2), "CRC-16")), 0, size + 2, crc16, 2)
end

-- Take frames from the bytes at hand; ask TCP for more where one is not whole (`may_wait`), else show it as cut.
local function walk(tvb, pinfo, tree, begins, may_wait)
    local raw, at = tvb:raw(), 0
    pinfo.cols.protocol = "EBGW"
    pinfo.cols.info:clear()
    pinfo.private.ebgw_said = nil
    while at < #raw do
        local frame, read, title = begins(raw, at)
        if type(frame) == "table" and frame.size > #raw - at then frame, read, title = "wait", frame.read, frame.title end
        if frame == "wait" then
            if may_wait then
                pinfo.desegment_offset, pinfo.desegment_len = at, DESEGMENT_ONE_MORE_SEGMENT
                return at
            end
            show_cut(tvb, raw, at, tree, pinfo, read, title or "应急广播 EBGW")
            return #raw
        elseif frame then
            show_frame(tvb, raw, at, frame.size, pinfo, tree, frame.title, frame.read, frame.crc)
            if frame.after then
                show_crc(cursor(tvb, raw, at + frame.size, at + frame.size + 2, tree:add(ebgw, tvb(at + frame.size, 2), "CRC-16")), at, frame.size + 2, crc16, 2)
            elseif frame.whole then
                show_joined(raw, at, frame, pinfo, tree)
            end
            at = at + frame.size + (frame.after or 0)
        else
            local next_at = next_mark(raw, at, begins)
            local branch = tree:add(ebgw, tvb(at, next_at - at), "帧外字节 Bytes outside frames")
            branch:add(F.garbage, tvb(at, next_at - at))
            branch:add_proto_expert_info(OUTSIDE)
            at = next_at
        end
    end
    return #raw
end

local function may_wait(pinfo) return pinfo.can_desegment > 0 and pinfo.port_type == 2 end

function ebgw.dissector(tvb, pinfo, tree) return walk(tvb, pinfo, tree, frame_at, may_wait(pinfo)) end

function ebgw_rds.dissector(tvb, pinfo, tree) return walk(tvb, pinfo, tree, rds_at, may_wait(pinfo)) end

-- FEFD, version 1.0 and a head that adds up: ours on any port.
local function guess(tvb, pinfo, tree)
    if tvb:len() < 12 then return false end
    local raw = tvb:raw()
    if number_at(raw, 0, 4) ~= 0xFEFD0100 or raw:byte(9) < 1 or raw:byte(9) > 2 or not fefd_frame(raw, 0) then return false end
    pinfo.conversation = ebgw
    ebgw.dissector(tvb, pinfo, tree)
    return true
end

-- What 0xFC belonged to before: SCTE 35 sections have no section syntax, ours always.
local others = {}

function ebgw_ts.dissector(tvb, pinfo, tree)
    local raw = tvb:raw()
    local other = #raw > 1 and raw:byte(2) < 0x80 and others[raw:byte(1)]
    if other then return other:call(tvb, pinfo, tree) end
    local size = #raw >= 3 and 3 + number_at(raw, 1, 2) % 4096 or 0
    pinfo.cols.protocol = "EBGW"
    if #raw < 12 or size > #raw then
        show_cut(tvb, raw, 0, tree, pinfo, nil, "TS段 TS section")
    else
        show_frame(tvb, raw, 0, size, pinfo, tree, "TS段 TS section", read_section, size >= 12 and 4 or nil)
    end
    return #raw
end

---------------------------------------------------------------------------------------------------------- registration

ebgw:register_heuristic("tcp", guess)
ebgw:register_heuristic("udp", guess)

local sections = DissectorTable.get("mpeg_sect.tid")
for table_id in pairs(TABLES) do
    others[table_id] = sections:get_dissector(table_id)
    sections:add(table_id, ebgw_ts)
end

ebgw.prefs.ports = Pref.range("附录D/E端口 Ports of D and E", "9000,8889", "TCP and UDP", 65535)
ebgw.prefs.adapter_ports = Pref.range("附录A端口 Ports of the adapter protocol", "8799", "TCP and UDP", 65535)
ebgw.prefs.rds_ports = Pref.range("RDS端口 Ports of RDS", "", "TCP and UDP; serial over TCP", 65535)
ebgw.prefs.ts_ports = Pref.range("TS端口 Ports of transport streams", "", "UDP, packets of 188 bytes", 65535)

local tcp, udp = DissectorTable.get("tcp.port"), DissectorTable.get("udp.port")
local bound = {}

local function bind(name, ports, dissector, tables)
    for _, one in ipairs(tables) do
        if bound[name] and bound[name] ~= "" then one:remove(bound[name], dissector) end
        if ports ~= "" then one:add(ports, dissector) end
    end
    bound[name] = ports
end

local function bind_all()
    bind("ports", tostring(ebgw.prefs.ports), ebgw, { tcp, udp })
    bind("adapter_ports", tostring(ebgw.prefs.adapter_ports), ebgw, { tcp, udp })
    bind("rds_ports", tostring(ebgw.prefs.rds_ports), ebgw_rds, { tcp, udp })
    bind("ts_ports", tostring(ebgw.prefs.ts_ports), Dissector.get("mp2t"), { udp })
end

ebgw.prefs_changed = bind_all
bind_all()
