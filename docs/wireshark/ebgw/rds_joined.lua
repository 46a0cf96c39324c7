-- RDS packets from their frames, which an encoder is sent one by one: kept for each connection until all are there.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.protocol)

-- Frames that wait for others by connection, level, version and total; packets that were whole by where they were.
local waiting, whole = {}, {}

local function forget() waiting, whole = {}, {} end

-- Keep a frame; return the data of all of its packet where it is the last one missing.
local function keep(frame, connection)
    local head, total, index = frame:byte(1, 3)
    local key, data = ("%s %d %d"):format(connection, head, total), frame:sub(4)
    local kept = waiting[key]
    if not kept or (kept[index] and kept[index] ~= data) then kept = { count = 0 } end
    if not kept[index] then kept.count = kept.count + 1 end
    kept[index], waiting[key] = data, kept
    if kept.count < total then return nil end
    waiting[key] = nil
    return table.concat(kept, "", 0, total - 1)
end

local function show_packet(data, pinfo, tree)
    local size = 2 + number_at(data, 0, 2) % 2048
    if size + 2 > #data then
        return tree:add_proto_expert_info(MALFORMED, ("length: %d announced, %d there"):format(size + 2, #data))
    end
    local tvb = ByteArray.new(hex_of(data)):tvb("RDS数据包 RDS packet")
    local packet = { size = size + 2, read = parts.rds_stream.read, title = "RDS数据包 RDS packet", sum = parts.checksum.crc16 }
    parts.stream.show_frame(tvb, data, 0, packet, pinfo, tree)
end

-- Show the packets that these frames, at `at` of a packet of the capture, make whole; each in a tab of its own.
local function show(frames, at, pinfo, tree)
    local place = ("%d %d %s"):format(pinfo.number, at, table.concat(frames))
    if not pinfo.visited then -- in order only once; later Wireshark asks for packets as it likes
        local connection = ("%s %d %s %d"):format(tostring(pinfo.src), pinfo.src_port, tostring(pinfo.dst), pinfo.dst_port)
        local found = {}
        for _, frame in ipairs(frames) do found[#found + 1] = keep(frame, connection) end
        whole[place] = #found > 0 and found or nil
    end
    for _, data in ipairs(whole[place] or {}) do show_packet(data, pinfo, tree) end
end

return { show = show, forget = forget }
