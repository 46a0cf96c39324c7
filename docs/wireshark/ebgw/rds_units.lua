-- RDS frames of 8 bytes (GD/J 085-2018 table 21) and groups of 13 bytes that carry one each (6.1, table A.1).
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.protocol)
local bxor = parts.checksum.bxor

-- What all forms of one frame have: a known level, a number below the total; the one right after `before`, if given.
local function follows(before, frame)
    local head, total, index = frame:byte(1, 3)
    if not head then return true end
    local level = math.floor(head / 32)
    if level < 1 or level > 6 or (total and total < 1) or (index and index >= total) then return false end
    if not before then return true end
    local old_head, old_total, old_index = before:byte(1, 3)
    return head == old_head and total == old_total and index == old_index + 1
end

-- Whether the bytes behind a frame, if any, can be the first ones of the next: of the same packet, or of another after the last.
local function begins_after(before, rest)
    local head, total, index = before:byte(1, 3)
    if index == total - 1 then return follows(nil, rest) and (rest:byte(3) or 0) == 0 end
    return rest == string.char(head, total, index + 1):sub(1, #rest)
end

local FRAME = seq(
    bits(1, { { "frame.level", 3 }, { "frame.version", 5 } }), u8("frame.total"), u8("frame.index"), bytes("frame.data", 5)
)

local FRAMES = { size = 8, title = "RDS帧 RDS frames" }
function FRAMES.of(raw, at) return raw:sub(at + 1, at + 8) end
function FRAMES.may_begin(raw, at) return at < #raw and follows(nil, raw:sub(at + 1, at + 8)) end
FRAMES.read = FRAME

-- Offset words by the block in which they stand; both forms of B (table A.1 and EN 50067 differ) and of C.
local OFFSETS = {
    [0] = { [0x0FC] = "A" }, { [0x198] = "B", [0x19C] = "B (table A.1)" }, { [0x168] = "C", [0x350] = "C'" }, { [0x1B4] = "D" },
}
local GENERATOR = 0x5B9 -- x10 + x8 + x7 + x5 + x4 + x3 + 1 (6.1.3)

-- Word of 16 bits, and name of the offset word (nil where the check word is wrong), of block `number` of the group at `at`.
local function block(raw, at, number)
    local found = math.floor(number_at(raw, at + 3 * number, 4) / 2 ^ (6 - 2 * number)) % 2 ^ 26
    local word = math.floor(found / 1024)
    local left = word * 1024
    for bit = 25, 10, -1 do
        if math.floor(left / 2 ^ bit) % 2 == 1 then left = bxor(left, GENERATOR * 2 ^ (bit - 10)) end
    end
    return word, OFFSETS[number][bxor(left, found % 1024)]
end

local GROUPS = { size = 13, title = "RDS组 RDS groups" }

-- The frame in a group; one of its four blocks may be hurt.
function GROUPS.of(raw, at)
    local frame, right = {}, 0
    for number = 0, 3 do
        local word, name = block(raw, at, number)
        right = right + (name and 1 or 0)
        if right < number then return nil end
        frame[#frame + 1] = string.char(math.floor(word / 256), word % 256)
    end
    return table.concat(frame)
end

function GROUPS.may_begin(raw, at)
    if not follows(nil, raw:sub(at + 1, at + 2)) then return false end
    for number = 0, 3 do
        if #raw - at < 3 * number + 4 then return true end
        if not select(2, block(raw, at, number)) then return false end
    end
    return true
end

function GROUPS.read(r)
    local at, frame = r.at, GROUPS.of(r.raw, r.at)
    local head, total, index = frame:byte(1, 3)
    r:show("frame.level", 1, math.floor(head / 32))
    r:show("frame.version", 1, head % 32)
    r:show("frame.total", 2, total)
    r.at = at + 3
    r:show("frame.index", 2, index)
    r:show("frame.data", 5, frame:sub(4)) -- from here on, with check words between; Wireshark takes as many bytes as the range has
    for number, letter in ipairs({ "A", "B", "C", "D" }) do
        r.at = at + 3 * number - 3
        local _, name = block(r.raw, at, number - 1)
        r:show("group.offset", 4, name or "错误 wrong")
        if not name then r:warn(BAD_CRC, ("块%s校验错误 check word of block %s"):format(letter, letter)) end
    end
    r.at = at + 13
end

local function reading(unit)
    return function(r)
        r:take("protocol", 0, "rds-frames")
        local first, last, total = nil, nil, nil
        while r:left() >= unit.size do
            _, total, last = unit.of(r.raw, r.at):byte(1, 3)
            first = first or last
            r:branch(("%s %d/%d"):format(unit.title, last + 1, total), unit.read)
        end
        return ("%s %s%d/%d"):format(unit.title, first < last and (first + 1) .. "-" or "", last + 1, total)
    end
end

-- As many frames of one packet as follow one another, in this form.
local function units_at(unit)
    local read = reading(unit)
    return function(raw, at)
        local carried = {}
        local here = at
        while #raw - here >= unit.size do
            local frame = unit.of(raw, here)
            if not frame or not follows(carried[#carried], frame) then break end
            carried[#carried + 1] = frame
            here = here + unit.size
        end
        if #carried > 0 then
            local goes_on = #carried > 1 or begins_after(carried[1], raw:sub(here + 1, here + 3))
            return { size = here - at, read = read, title = unit.title, carried = carried, goes_on = goes_on }
        end
        if #raw - at < unit.size and unit.may_begin(raw, at) then return "wait", nil, unit.title end
        return nil
    end
end

return { frames = units_at(FRAMES), groups = units_at(GROUPS) }
