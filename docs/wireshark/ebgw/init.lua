-- 应急广播大喇叭协议解析 Wireshark dissector for China's emergency broadcast protocols: GD/J 089-2018 appendices D (IP),
-- E (return data), A (adapter) and C (daily table), GD/J 085 (RDS), GD/J 086/087 (transport stream tables).
-- How to install it and what to filter for: README.md above this folder.

-- Each part is run once, in this order, and finds the parts before it in the table it is given.
local parts = {}
local folder = debug.getinfo(1, "S").source:match("^@?(.*[/\\])") or ""
for _, name in ipairs({
    "names", "events", "fields", "protocol", "checksum", "cursor", -- what is shown, and with what
    "words", "shared", "appendix_de", "rds", "appendix_a", "ts", -- layouts of contents
    "trailer", "fefd", "adapter", "rds_units", "rds_stream", "rds_joined", "section", "stream", -- frames and streams
}) do
    parts[name] = assert(loadfile(folder .. name .. ".lua"))(parts)
end

local ebgw, ebgw_rds, ebgw_ts = parts.protocol.ebgw, parts.protocol.rds, parts.protocol.ts
local number_at, walk = parts.cursor.number_at, parts.stream.walk

local function frame_at(raw, at)
    local first, second = raw:byte(at + 1, at + 2)
    if first == 0x49 or first == 0x50 then return parts.adapter(raw, at) end
    if first ~= 0xFE or (second and second ~= 0xFD) then return nil end
    return parts.fefd(raw, at)
end

local function may_wait(pinfo) return pinfo.can_desegment > 0 and pinfo.port_type == 2 end

function ebgw.dissector(tvb, pinfo, tree) return walk(tvb, pinfo, tree, frame_at, "[\254IP]", may_wait(pinfo)) end

function ebgw_rds.dissector(tvb, pinfo, tree) return walk(tvb, pinfo, tree, parts.rds_stream.at, ".", may_wait(pinfo)) end

-- FEFD, version 1.0 and a head that adds up: ours on any port.
local function guess(tvb, pinfo, tree)
    if tvb:len() < 12 then return false end
    local raw = tvb:raw()
    if number_at(raw, 0, 4) ~= 0xFEFD0100 or raw:byte(9) < 1 or raw:byte(9) > 2 or not parts.fefd(raw, 0) then return false end
    pinfo.conversation = ebgw
    ebgw.dissector(tvb, pinfo, tree)
    return true
end

-- What 0xFC belonged to before: SCTE 35 sections have no section syntax, ours always.
local others = {}

function ebgw_rds.init() parts.rds_joined.forget() end

function ebgw_ts.dissector(tvb, pinfo, tree)
    local raw = tvb:raw()
    local other = #raw > 1 and raw:byte(2) < 0x80 and others[raw:byte(1)]
    if other then return other:call(tvb, pinfo, tree) end
    local size = #raw >= 3 and 3 + number_at(raw, 1, 2) % 4096 or 0
    pinfo.cols.protocol = "EBGW"
    if #raw < 12 or size > #raw then
        parts.stream.show_cut(tvb, raw, 0, tree, pinfo, nil, "TS段 TS section")
    else
        local section = { size = size, read = parts.section, title = "TS段 TS section", sum = size >= 12 and parts.checksum.crc32 }
        parts.stream.show_frame(tvb, raw, 0, section, pinfo, tree)
    end
    return #raw
end

ebgw:register_heuristic("tcp", guess)
ebgw:register_heuristic("udp", guess)

local sections = DissectorTable.get("mpeg_sect.tid")
for table_id in pairs(parts.names.TABLES) do
    others[table_id] = sections:get_dissector(table_id)
    sections:add(table_id, ebgw_ts)
end

ebgw.prefs.ports = Pref.range("附录D/E端口 Ports of D and E", "9000,8889", "TCP and UDP", 65535)
ebgw.prefs.adapter_ports = Pref.range("附录A端口 Ports of the adapter protocol", "8799", "TCP and UDP", 65535)
ebgw.prefs.rds_ports = Pref.range("RDS端口 Ports of RDS", "", "TCP and UDP; serial over TCP", 65535)
ebgw.prefs.rds_form = Pref.enum("RDS形式 Form of RDS", 1, "what the encoder takes; packets without a mark can be mistaken", {
    { "auto", "自动 auto", 1 }, { "packets", "数据包 packets", 2 }, { "frames", "帧 frames of 8 bytes", 3 },
    { "groups", "组 groups of 13 bytes", 4 },
})
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
