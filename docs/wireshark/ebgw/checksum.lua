-- CRC-32 of GD/J 089 appendix G and CRC-16 of GD/J 085 table 21.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

-- Lua 5.2 has bit32, Wireshark brought bit, Lua 5.4 has an operator that older ones cannot parse.
local bxor = (bit32 and bit32.bxor) or (bit and bit.bxor) or load("return function(a, b) return a ~ b end")()

-- A CRC that is not reflected (GD/J 089 appendix G, GD/J 085 table 21): width 32 or 16, all ones at first.
local function crc_of(width, polynomial)
    local whole, top = 2 ^ width, 2 ^ (width - 8)
    local steps = {}
    for byte = 0, 255 do
        local value = byte * top
        for _ = 1, 8 do
            local carry = value >= whole / 2
            value = value * 2 % whole
            if carry then value = bxor(value, polynomial) % whole end
        end
        steps[byte] = value
    end
    return function(raw)
        local sum = whole - 1
        for at = 1, #raw do
            local index = bxor(math.floor(sum / top), raw:byte(at)) % 256
            sum = bxor(sum % top * 256, steps[index]) % whole
        end
        return sum
    end
end
return {
    bxor = bxor,
    crc32 = { size = 4, of = crc_of(32, 0x04C11DB7) },
    crc16 = { size = 2, of = crc_of(16, 0x1021) },
}
