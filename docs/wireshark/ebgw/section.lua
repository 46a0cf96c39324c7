-- Sections of transport streams (GD/J 086-2018 6.2): what stands around the bodies of ts.lua.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.trailer)
local names, contents, body = parts.names, parts.ts, parts.shared.body

local function read_section(r)
    r:take("protocol", 0, "ts")
    u8("table_id")(r)
    bits(2, { { "", 4 }, { "section_length", 12 } })(r)
    r.stop = math.min(r.stop, r.at + r.got.section_length - 4)
    seq(u16("table_id_extension"), bits(1, { { "", 2 }, { "table_version", 5 }, { "current_next", 1 } }))(r)
    seq(u8("section_number"), u8("last_section_number"))(r)
    -- The body has no length of its own: it ends where a signature of 74 bytes, or none, begins.
    local size, left = nil, r:left()
    if left >= 76 and number_at(r.raw, r.stop - 76, 2) == 74 then size = left - 76 end
    if not size and left >= 2 and number_at(r.raw, r.stop - 2, 2) == 0 then size = left - 2 end
    if not size then r:fail("sig.length: neither 74 nor 0") end
    local kind = r.got.table_id
    r:branch(names.TABLES[kind], function(inner) inner:within(size, body(contents[kind])) end)
    trailer(r)
    return ("TS %s 版本 version %d"):format(names.TABLES[kind], r.got.table_version)
end

return read_section
