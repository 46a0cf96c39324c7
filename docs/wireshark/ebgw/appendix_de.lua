-- Contents of GD/J 089-2018 appendices D (IP, tables D.5 to D.11) and E (return data, tables E.4 to E.10).
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.shared) -- the words and the shared layouts by their bare names

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
    if name:find("[^ -~]") then name = hex_of(name) end
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

local HEARTBEAT = seq(u8("work_state"), u8("first"), sized_physical)
local ANSWER = seq(u8("result"), sized(u16("size"), text("description")))
local START = seq(
    ebm_id("ebm_id"), u8("class"), u8("level"), event, u8("volume"), time("start"), time("end"), auxiliaries(u16("aux.length"))
)
local REQUESTS = { -- tables D.5 to D.11
    [0x01] = START, [0x02] = ebm_id("ebm_id"), [0x10] = HEARTBEAT, [0x11] = tags, [0x12] = parameters(SETTABLE),
    [0x17] = AUTHORISATION,
}
local RECORD = seq( -- table E.10
    u16("channel"), u8("state"), ebm_id("ebm_id"), u8("task_type"), u8("class"), u8("level"), event, time("start"),
    time("end"),
    switch("task_type", { [3] = telephone, [4] = telephone }),
    u8("volume"),
    function(r)
        local count, size = u8("count")(r), u8("code_length")(r)
        for _ = 1, count do digits("code", size, size == 12 and 1 or 0)(r) end
    end
)
local REPORTS = { -- tables E.4 to E.10
    [0x10] = HEARTBEAT,
    [0x11] = seq(ANSWER, parameters(REPORTED)),
    [0x13] = seq(u8("flag"), u8("fault_type"), either(seq(text("description", 255), time("time")), time("time"))),
    [0x14] = seq(u8("switch"), u8("task_type"), ebm_id("ebm_id"), time("time")),
    [0x15] = seq(
        ebm_id("ebm_id"), u8("played"), sized(u16("size"), text("description")), time("start"), time("end"), u8("times"),
        time("report_time")
    ),
    [0x16] = seq(sized(u8("size"), whole_code("front_code")), counted(u8("count"), RECORD, "播发记录 Record")),
}

return { requests = REQUESTS, reports = REPORTS, answer = ANSWER }
