-- RDS packets (GD/J 085-2018 table 1), and which form of RDS begins where.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.trailer)
local names, contents, body = parts.names, parts.rds, parts.shared.body
local codes, crc16, units = parts.shared.codes, parts.checksum.crc16, parts.rds_units

local function read_rds(r)
    r:take("protocol", 0, "rds")
    bits(2, { { "rds_type", 5 }, { "length", 11 } })(r)
    codes(r)
    local kind, size = r.got.rds_type, r:left() - 74
    if size < 0 then r:fail("content_length: no room for the signature") end
    r:show("content_length", 0, size)
    r:branch(names.RDS_TYPES[kind] or "未定义 unknown", function(inner) inner:within(size, body(contents[kind])) end)
    r:branch("数字签名 Signature", signature_block)
    return ("RDS %s%s"):format(names.RDS_TYPES[kind] or kind, parts.shared.switched(r))
end

-- Whether each code that is there begins with its reserved nibble, F, or 0 from some devices.
local function reserved_nibbles(raw, at, count)
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
    if not reserved_nibbles(raw, at, count) then return nil end
    local summed = there >= size + 2 and crc16.of(raw:sub(at + 1, at + size)) == number_at(raw, at + size, 2)
    local exact = at == 0 and there == size or summed
    local known = names.RDS_TYPES[kind] and (count > 0 or kind == 1)
    if not (exact or known) then return nil end
    if there < size then return "wait", read_rds, "RDS数据包 RDS packet" end
    local sum = summed and crc16 or nil
    return { size = size + (summed and 2 or 0), exact = exact, read = read_rds, title = "RDS数据包 RDS packet", sum = sum }
end

-- Without a form by preference, the surest first: a packet that is exactly what is there or has its CRC-16, groups by their
-- check words, frames that go on behind the first one, what sounds like a packet, a single frame.
local function any(raw, at)
    local packet, read, title = rds_packet(raw, at)
    if packet and packet.exact then return packet end
    local group, _, group_title = units.groups(raw, at)
    if group then return group, nil, group_title end
    local frames, _, frames_title = units.frames(raw, at)
    if frames and frames.goes_on or not packet then return frames, nil, frames_title end
    return packet, read, title
end

local FORMS = { any, rds_packet, units.frames, units.groups }

local function rds_at(raw, at) return FORMS[parts.protocol.ebgw.prefs.rds_form](raw, at) end

return { at = rds_at, read = read_rds }
