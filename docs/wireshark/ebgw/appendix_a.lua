-- Contents of GD/J 089-2018 appendix A (adapter, tables A.5 to A.38).
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.shared) -- the words and the shared layouts by their bare names

local front = code("front_code")
local function coded(r) -- count, length, codes: resource codes by their digits, physical addresses as they are
    local count, size = u8("count")(r), u8("code_length")(r)
    for _ = 1, count do digits("code", size, size == 12 and r.got.code_type ~= 2 and 1 or 0)(r) end
end
local ADDRESSES = seq(u8("code_type"), coded)
local function known_charset(r) if r.got.charset > 2 then forget_charset(r) end end -- read as it looks
local LANGUAGE = seq(
    text("language", 3), u8("charset"), known_charset, sized(u16("size"), text("text")), sized(u8("size"), text("agency")),
    forget_charset, auxiliaries(u32("aux.length"))
)
local OUTPUTS = counted(u8("count"), seq(u8("output_type"), u8("output_channel")))
local BY_TELEPHONE = switch("program_resource", { [3] = telephone, [4] = telephone })
local STARTED = seq( -- table A.12; a stop has the addresses alone
    u8("class"), event, u8("level"), time("start"), time("end"), u8("volume"), ADDRESSES,
    counted(u8("count"), LANGUAGE, "语种 Language"), u8("input_channel"), counted(u8("count"), u8("output_channel")),
    sized(u16("size"), bytes("private"))
)
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
    u8("cmd_tag"), sized(u16("cmd_length"), exact(seq(u32("freq_khz"), u32("symbol_rate_k"), u8("qam_adapter"), ADDRESSES)))
)
local function ts_command(r) -- the only content that is described is that of command 4 of kind 0
    if r.got.command_kind == 0 and r:left() > 0 and r:bytes(1):byte() == 4 then return LOCK(r) end
    bytes("content")(r)
end
local function no_switch(r) r:fail("switch: neither 1 nor 2") end
local CHANNEL_QUERY = seq(front, u8("channel"), u8("channel_state"))

return { -- tables A.5 to A.38
    [0x01] = seq(u8("command_kind"), sized(u32("data_length"), ts_command)),
    [0x02] = function(r)
        seq(u8("command_kind"), u8("rds_type"), u8("send_times"), u8("interval_ms"), codes)(r)
        sized(u32("data_length"), either(parts.rds[r.got.rds_type] or bytes("content"), bytes("content")))(r)
    end,
    [0x03] = seq(u8("command_kind"), sized(u32("data_length"), bytes("content"))),
    [0x04] = seq(ebm_id("ebm_id"), u8("switch"), switch("switch", { STARTED, ADDRESSES }, no_switch)),
    [0x05] = counted(u8("count"), seq(sized_physical, sized(u8("size"), whole_code("resource_code")))),
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
        u8("oper_type"), telephone, sized(u8("size"), text("name")), u8("permission"), coded
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
    [0x20] = seq(sized(u8("size"), whole_code("front_code")), u8("work_state"), time("connection_time")),
    [0x21] = seq(i32("return_code"), sized(u32("data_length"), bytes("content"))),
    [0x22] = seq(u8("settled"), ipv4("receive_ip"), u16("receive_port")),
    [0x3F] = seq(u8("amplifier"), ADDRESSES),
    [0x40] = AUTHORISATION,
    [0x41] = AUTHORISATION,
}


