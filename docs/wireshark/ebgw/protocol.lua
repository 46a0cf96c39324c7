-- The protocols that Wireshark knows, their fields, and what the expert window may say.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local ebgw = Proto("ebgw", "应急广播 Emergency Broadcast (GD/J 089, 085, 086)")
-- Two more handles for what is no FEFD or 49/50 stream; their trees are those of `ebgw`.
local ebgw_rds = Proto("ebgw_rds", "应急广播 RDS Emergency Broadcast RDS (GD/J 085)")
local ebgw_ts = Proto("ebgw_ts", "应急广播 TS Emergency Broadcast TS tables (GD/J 086, 087)")

local MAKERS = {
    number = function(abbr, title, names) return ProtoField.uint32(abbr, title, base.DEC, names) end,
    hex8 = function(abbr, title, names) return ProtoField.uint8(abbr, title, base.HEX, names) end,
    hex16 = function(abbr, title, names) return ProtoField.uint16(abbr, title, base.HEX, names) end,
    hex32 = function(abbr, title, names) return ProtoField.uint32(abbr, title, base.HEX, names) end,
    signed = function(abbr, title, names) return ProtoField.int32(abbr, title, base.DEC, names) end,
    text = function(abbr, title) return ProtoField.string(abbr, title) end,
    bytes = function(abbr, title) return ProtoField.bytes(abbr, title) end,
    time = function(abbr, title) return ProtoField.absolute_time(abbr, title, base.UTC) end,
    ip = function(abbr, title) return ProtoField.ipv4(abbr, title) end,
}
local F, all_fields = {}, {}
for name, row in pairs(parts.fields) do
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

return {
    ebgw = ebgw, rds = ebgw_rds, ts = ebgw_ts, F = F,
    MALFORMED = MALFORMED, TRUNCATED = TRUNCATED, BAD_CRC = BAD_CRC, OUTSIDE = OUTSIDE, UNKNOWN = UNKNOWN, UNSIGNED = UNSIGNED,
}
