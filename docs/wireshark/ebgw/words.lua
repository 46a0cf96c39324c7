-- The words that layouts are written in: a layout reads from a cursor, shows, and steps on;
-- `seq`, `counted`, `sized`, `either`, `switch` join layouts.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local F, number_at, hex_of = parts.protocol.F, parts.cursor.number_at, parts.cursor.hex_of

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
-- A code of all the bytes that are left: only the long form has a reserved nibble.
local function whole_code(name)
    return function(r)
        if r:left() > 0 then digits(name, r:left(), r:left() == 12 and 1 or 0)(r) end
    end
end
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

-- Whether all characters of GB 18030 are whole: one, two or four bytes.
local function is_gb18030(raw)
    local at = 1
    while at <= #raw do
        local first, second, third, fourth = raw:byte(at, at + 3)
        local trail = second and second >= 0x40 and second ~= 0x7F and second ~= 0xFF
        local longer = second and second >= 0x30 and second <= 0x39 and (third or 0) >= 0x81
        longer = longer and third <= 0xFE and (fourth or 0) >= 0x30 and fourth <= 0x39
        if first >= 0x80 and (first == 0x80 or first == 0xFF or not (trail or longer)) then return false end
        at = at + (first < 0x80 and 1 or trail and 2 or 4)
    end
    return true
end

-- Whether these are pairs of bytes, and surrogates pairs of pairs.
local function is_utf16(raw)
    local high = false
    for at = 1, #raw, 2 do
        local unit = math.floor(raw:byte(at) / 4)
        if high ~= (unit == 0x37) then return false end
        high = unit == 0x36
    end
    return #raw % 2 == 0 and not high
end

local UCS_2 = ENC_UCS_2 + ENC_BIG_ENDIAN

-- How `raw` is written: by its `charset` (086 table 4) where one is named, else UTF-8 or GBK; nil where it is no text.
local function encoding(raw, charset)
    if charset == 2 then return is_utf16(raw) and UCS_2 or nil end
    if charset and charset > 2 then return nil end -- Uighur and Tibetan, for which Wireshark has no table
    if raw:find("%c") then return nil end
    if charset == nil and is_utf8(raw) then return ENC_UTF_8 end
    if is_gb18030(raw) then return ENC_GB18030 end
    return is_utf8(raw) and ENC_UTF_8 or nil -- where GB 2312 is only said
end

-- Text of `size` bytes (all that is left without it), padded with zeros; in hexadecimal where it is none.
local function text(name, size)
    return function(r)
        local wanted = size or r:left()
        r:need(wanted, name)
        local raw, at = r:bytes(wanted), r.at
        if not r.got.charset then raw = raw:gsub("%z+$", "") end
        r.at = at + wanted
        if #raw == 0 or not r.tree then return end
        local written = encoding(raw, r.got.charset)
        if written then
            r.tree:add_packet_field(F[name], r.tvb(at, #raw), written)
        else
            r.tree:add(F[name], r.tvb(at, wanted), hex_of(raw))
        end
    end
end

-- A length, then that much of `layout`.
local function sized(length, layout)
    return function(r) r:within(length(r), layout) end
end

-- A layout that must read all that is left.
local function exact(layout)
    return function(r)
        layout(r)
        if r:left() > 0 then r:fail(("%d bytes too many"):format(r:left())) end
    end
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
        local hour, minute, second = raw:match("^%x%x%x%x(%d%d)(%d%d)(%d%d)$")
        if not hour or hour > "23" or minute > "59" or second > "59" then return r:take(name, 5, raw) end
        local days = number_at(r.raw, r.at, 2) - 40587
        local date = os.date("!%Y-%m-%d", days * 86400)
        r:take(name, 5, ("%s %s:%s:%s"):format(date, hour, minute, second))
    end
end

local words = {
    u8 = u8, u16 = u16, u24 = u24, u32 = u32, i32 = i32, bits = bits, bytes = bytes, digits = digits, code = code, whole_code = whole_code, ebm_id = ebm_id,
    serial = serial, time = time, ipv4 = ipv4, mhz = mhz, clock = clock, mjd = mjd, text = text,
    seq = seq, sized = sized, exact = exact, counted = counted, either = either, switch = switch, number_at = number_at, hex_of = hex_of,
    cursor = parts.cursor.new, why = parts.cursor.why,
}

-- An environment in which the words, what `others` holds, and Lua's own names are there without a prefix.
function words.beside(others)
    return setmetatable({}, { __index = function(_, name) return words[name] or others and others[name] or _G[name] end })
end

return words
