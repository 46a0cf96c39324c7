-- Names of the numbers, Chinese first; the project's own tables agree (tests/wireshark/test_names.py).
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local names = {}

names.SERVICES = {
    [0x01] = "开始播发 start", [0x02] = "停止播发 stop", [0x10] = "心跳 heartbeat", [0x11] = "查询 query",
    [0x12] = "参数设置 set", [0x13] = "故障与恢复 fault", [0x14] = "任务切换 task", [0x15] = "播发结果 result",
    [0x16] = "播发记录 records", [0x17] = "证书授权 certificates", [0x30] = "身份认证(草案) authentication (draft)",
}
names.COMMANDS = {
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
names.RDS_TYPES = {
    [0] = "扫描频点列表 scan list", [1] = "资源编码设置 resource code", [2] = "维持指令模式 maintain mode",
    [3] = "校时 clock", [4] = "回传参数 return address", [5] = "回传周期 return period",
    [6] = "证书授权列表 authorisation list", [7] = "证书更新 certificates", [8] = "查询 query",
    [11] = "应急开停播 emergency start/stop", [12] = "复位 reset", [13] = "恢复出厂 factory reset", [14] = "演练 drill",
    [15] = "文本 text", [21] = "维持 maintain", [22] = "日常开停播 daily start/stop",
    [23] = "日常默认音量 daily volume", [24] = "功放开关 amplifier",
}
names.TABLES = {
    [0xFA] = "日常广播节目表 daily", [0xFB] = "管理配置表 configuration", [0xFC] = "证书授权表 certificates",
    [0xFD] = "索引表 index", [0xFE] = "内容表 content",
}
names.RESULTS = {
    [0] = "成功并且正确处理 received and processed", [10] = "未知通信协议类别错误 unknown protocol error",
    [11] = "请求超时，对方无应答 request timed out, no answer", [12] = "协议版本不匹配 protocol version differs",
    [13] = "数据包解析错误 packet cannot be parsed", [14] = "缺少必选参数 mandatory parameter missing",
    [15] = "CRC校验错误 CRC is wrong", [30] = "未知系统类别错误 unknown system error", [31] = "系统忙 system busy",
    [32] = "没找到存储卡 no storage card", [33] = "读取文件失败 reading a file failed",
    [34] = "写入文件失败 writing a file failed", [35] = "UKey未插入 UKey not inserted",
    [36] = "UKey非法 UKey invalid", [50] = "未知数据验证类别错误 unknown validation error",
    [51] = "用户名密码错误 user name or password wrong", [52] = "数字证书非法 certificate or signature invalid",
    [53] = "输入超时 input timed out", [54] = "参数非法 parameter out of range",
    [55] = "功能不支持 function not supported", [56] = "短信格式非法 short message cannot be parsed",
    [57] = "号码无效 number not configured", [58] = "内容非法 content illegal",
    [59] = "资源编码无效 resource code unknown", [60] = "终端出现错误，无法处理 terminal error, cannot process",
    [70] = "未知终端类别错误 unknown terminal error", [71] = "终端无效 terminal unknown",
    [72] = "设备离线 device offline", [73] = "终端忙 terminal busy with higher priority",
}
names.TAGS = {
    "音量 volume", "本地地址 local address", "回传地址 return address", "资源编码 resource code", "物理地址 physical address",
    "工作状态 work state", "故障代码 fault code", "设备类型 device type", "硬件版本 hardware version",
    "软件版本 software version", "调频信号 FM signal", "有线信号 cable signal", "地面信号 terrestrial signal",
    "有线频率 cable frequency", "地面频率 terrestrial frequency", "FM扫描列表 FM scan list", "FM当前频点 FM frequency",
    "FM维持模式 FM maintain mode",
}
names.CLASSES = {
    [1] = "发布系统演练 system drill", [2] = "模拟演练 simulated drill", [3] = "实际演练 real drill",
    [4] = "应急广播 emergency", [5] = "日常广播 daily",
}
names.LEVELS = { [0] = "缺省 none", "特别重大/红 I red", "重大/橙 II orange", "较大/黄 III yellow", "一般/蓝 IV blue" }
names.STATES = { "空闲 idle", "工作 working", "故障 faulty" }
names.ON_OFF = { "关闭 off", "打开 on" }
names.START_STOP = { "开始 start", "停止 stop" }
names.YES_NO = { "是 yes", "否 no" }
names.SETTLED = { [0] = "成功 success", [1] = "失败 failure" }
names.FAULTS = {
    [0] = "无故障 none", "电源电流过低 supply current low", "平均功耗过低 power low", "功放输出电压过低 amplifier output low",
    "场强过低 field strength low", "无法获取监测信息 no monitoring data",
}
names.TASKS = {
    "应急节目源 emergency", "日常节目源 daily", "电话 telephone", "短信 short message", "调音台 mixer", "U盘 USB stick",
    "其他通道 other channel",
}
names.SOURCES = { "县平台 county platform", "输入通道 input channel", "电话 telephone", "短信 short message", "其他通道 other channel" }
names.PLAYED = {
    [0] = "未处理 unprocessed", "等待播发 waiting", "播发中 playing", "播发成功 done", "播发失败 failed", "播发取消 cancelled",
}
names.RETURN_KINDS = { "短信 SMS", "IP地址 IPv4", "域名 domain" }
names.CHARSETS = { [0] = "GB 2312", "GB 18030", "GB 13000", "GB 21669", "GB 16959" }
names.RETURN_CODES = {
    [-1] = "未知错误 unknown error", [0] = "执行成功 done", [1] = "数据长度错误 wrong length",
    [2] = "版本号错误 wrong version", [3] = "指令冲突错误 commands conflict",
    [4] = "适配器验签失败 adapter could not verify the signature",
}

return names
