-- RDS packets and frames (GD/J 085-2018): where they begin and how they are read.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.trailer)
local names, contents, body = parts.names, parts.rds, parts.shared.body
local codes, crc16 = parts.shared.codes, parts.checksum.crc16

local function read_rds(r)
    r:take("protocol", 0, "rds")
    bits(2, { { "rds_type", 5 }, { "length", 11 } })(r)
    codes(r)
    local kind, size = r.got.rds_type, r:left() - 74
    if size < 0 then r:fail("content_length: no room for the signature") end
    r:show("content_length", 0, size)
    r:branch(names.RDS_TYPES[kind] or "未定义 unknown", function(inner) inner:within(size, body(contents[kind])) end)
    r:branch("数字签名 Signature", signature_block)
    return ("RDS %s"):format(names.RDS_TYPES[kind] or kind)
end

-- Whether the types of table 2 and the nibble F before each code make a packet of what begins at `at`.
local function sounds_like_packet(raw, at, kind, count)
    if not names.RDS_TYPES[kind] or (count == 0 and kind ~= 1) then return false end
    for each = 0, count - 1 do
        local lead = raw:byte(at + 4 + 12 * each)
        if lead and lead < 0xF0 and lead >= 0x10 then return false end
    end
    return true
end

-- Packets stand one after another (6.1), each perhaps with its CRC-16. They have no mark: one that is exactly what is there
-- is taken as it is, others must sound right.
local function rds_packet(raw, at)
    local there = #raw - at
    if there < 2 then return "wait" end
    local kind, size = math.floor(raw:byte(at + 1) / 8), 2 + number_at(raw, at, 2) % 2048
    if size < 77 then return nil end
    if there < 3 then return names.RDS_TYPES[kind] and "wait" end
    local count = raw:byte(at + 3)
    if 3 + 12 * count + 74 > size then return nil end
    local summed = there >= size + 2 and crc16.of(raw:sub(at + 1, at + size)) == number_at(raw, at + size, 2)
    local exact = at == 0 and there == size or summed
    if not exact and not sounds_like_packet(raw, at, kind, count) then return nil end
    if there < size then return "wait", read_rds, "RDS数据包 RDS packet" end
    local sum = summed and crc16 or nil
    return { size = size + (summed and 2 or 0), read = read_rds, title = "RDS数据包 RDS packet", sum = sum }
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

return { at = rds_at, read = read_rds }
