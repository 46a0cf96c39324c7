-- Frames of the adapter protocol (GD/J 089-2018 table A.3): where they begin and how they are read.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.trailer)
local names, contents, crc32 = parts.names, parts.appendix_a, parts.checksum.crc32
local body, switched = parts.shared.body, parts.shared.switched

local function read_adapter(r)
    r:take("protocol", 0, "adapter")
    seq(u8("head"), u16("version"), u8("protocol_type"), u8("platform_type"))(r)
    local size, kind = u32("body_length")(r), r.got.protocol_type
    r:need(size, "body_length")
    r:branch(names.COMMANDS[kind] or "未定义 unknown", function(inner) inner:within(size, body(contents[kind])) end)
    trailer(r)
    local says = r.got.return_code and (" " .. (names.RETURN_CODES[r.got.return_code] or r.got.return_code)) or ""
    return ("A %s%s%s"):format(names.COMMANDS[kind] or ("0x%02X"):format(kind), switched(r), says)
end

-- Largest body of an adapter frame that is believed: larger ones are garbage that looks like a head.
local LARGEST_BODY = 4 * 1024 * 1024

local function adapter_frame(raw, at)
    local there = #raw - at
    if there >= 3 and number_at(raw, at + 1, 2) ~= 1 then return nil end
    if there < 9 then return "wait" end
    local body_size = number_at(raw, at + 5, 4)
    if body_size > LARGEST_BODY then return nil end
    -- an unknown type could be chance: it must be there whole, and right
    local known = names.COMMANDS[raw:byte(at + 4)]
    if there < 11 + body_size then return known and "wait", read_adapter, "附录A appendix A" end
    local size = 11 + body_size + number_at(raw, at + 9 + body_size, 2) + 4
    -- without the field of the signature length nothing but the CRC follows the body
    if there >= 13 + body_size and crc32.of(raw:sub(at + 1, at + 9 + body_size)) == number_at(raw, at + 9 + body_size, 4) then
        size = 13 + body_size
    end
    local right = there >= size and crc32.of(raw:sub(at + 1, at + size - 4)) == number_at(raw, at + size - 4, 4)
    if not known and not right then return nil end
    return { size = size, read = read_adapter, title = "附录A appendix A", sum = crc32 }
end

return adapter_frame
