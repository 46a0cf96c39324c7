-- What ends a frame: signature block and CRC (GD/J 089-2018 table D.4, appendix G).
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.protocol)

-- Seconds of 2018-01-01: smaller numbers are counters of crypto devices, not times.
local FIRST_TIME = 1514764800

local function signature_block(r)
    r:need(74, "signature")
    if number_at(r.raw, r.at, 4) >= FIRST_TIME then time("sig.time")(r) else u32("sig.counter")(r) end
    seq(serial("sig.certificate"), bytes("sig.value", 64))(r)
end

-- Table D.4 and the three forms of "not signed" that devices send: a nothing, b length 0, c 74 zero bytes.
local function trailer(r)
    local left = r:left()
    if left == 0 then return r:show("signature_form", 0, "a") end
    r:need(2, "sig.length")
    local size = u16("sig.length")(r)
    if size == 0 and r:left() == 0 then return r:show("signature_form", 0, "b") end
    if size ~= 74 or r:left() ~= 74 then
        r:fail(("sig.length: %d announced, %d bytes there"):format(size, r:left()))
    end
    if (r.got.sign_flag or 0) ~= 0 or r:bytes(74):find("[^%z]") then
        r:show("signature_form", 74, "signed")
        return r:branch("数字签名 Signature", signature_block)
    end
    r:show("signature_form", 74, "c")
    r:warn(UNSIGNED)
    r.at = r.at + 74
end

-- The checksum that ends a frame begun at `begin`; the cursor stands before it.
local function show_crc(r, begin, sum)
    local found, right = number_at(r.raw, r.at, sum.size), sum.of(r.raw:sub(begin + 1, r.at))
    r:take("crc", sum.size, found)
    r:show("crc.status", 0, found == right and 1 or 0)
    if found ~= right then r:warn(BAD_CRC, ("CRC %X, 应为 should be %X"):format(found, right)) end
end

return { signature_block = signature_block, trailer = trailer, show_crc = show_crc }
