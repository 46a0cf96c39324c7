-- FEFD frames: appendix D, its drafts with codes of 9 bytes, and appendix E; where they begin and how they are read.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.trailer)
local names, contents, crc32 = parts.names, parts.appendix_de, parts.checksum.crc32
local body, switched = parts.shared.body, parts.shared.switched

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
        r.at = begin + 2
        seq(u16("version"), u32("session"), u8("packet_type"))(r)
        if shape.is_ip then u8("sign_flag")(r) end
        seq(u16("length"), code("source"), counted(u16("count"), code("target")), u8("service_type"))(r)
        local kind, size = r.got.service_type, u16("body_length")(r)
        local layout
        if not shape.is_ip then
            layout = contents.reports[kind]
        elseif r.got.packet_type ~= 2 then
            layout = contents.requests[kind]
        elseif shape.code_size == 9 then
            layout = seq(contents.answer, bytes("rest"))
        else
            layout = contents.answer
        end
        r:need(size, "body_length")
        r:branch(names.SERVICES[kind] or "未定义 unknown", function(inner) inner:within(size, body(layout)) end)
        if shape.is_ip then trailer(r) elseif r:left() > 0 then r:fail(r:left() .. " bytes before the CRC") end
        local answer = shape.is_ip and r.got.packet_type == 2
        local says = r.got.result and (" " .. (names.RESULTS[r.got.result] or r.got.result)) or ""
        return ("%s %s%s%s 会话 session %d%s"):format(
            shape.is_ip and "D" or "E", names.SERVICES[kind] or ("0x%02X"):format(kind), switched(r),
            answer and " 应答 answer" or "", r.got.session, says
        )
    end
end

-- Bytes of the frame at `at` if its lengths add up in `shape`; "wait" where too few are there to say; else nil.
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

-- What begins at `at`: a frame { size, read, title, sum }, "wait" (with a reading and title where known), or nil.
local function fefd_frame(raw, at)
    local there = #raw - at
    -- of another version only what is there: noise with the mark in it would be waited for
    local may_wait = there < 4 or number_at(raw, at + 2, 2) == 0x0100
    if there < 12 then return may_wait and "wait" or nil end
    local waiting = nil
    for _, shape in ipairs(SHAPES) do
        local held = hold(raw, at, shape)
        if held == "wait" then
            waiting = waiting or may_wait and shape
        elseif held and (may_wait or held <= there) then
            return { size = held, read = read_fefd(shape), title = shape.title, sum = crc32 }
        end
    end
    if waiting then return "wait", read_fefd(waiting), waiting.title end
    for _, shape in ipairs(SHAPES) do
        if sounds_right(raw, at, shape) then
            local size = number_at(raw, at + shape.length_at, 2)
            return { size = size, read = read_fefd(shape), title = shape.title, sum = crc32 }
        end
    end
    return nil
end

return fefd_frame
