-- What reads the bytes of a frame and shows them: layouts (words.lua) are functions of a cursor.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local F = parts.protocol.F

local function number_at(raw, at, size)
    local value = 0
    for offset = 1, size do value = value * 256 + raw:byte(at + offset) end
    return value
end

local function hex_of(raw) return (raw:gsub(".", function(char) return ("%02X"):format(char:byte()) end)) end

-- Reads raw from `at` to `stop` and shows under `tree`; without a tree it only tries whether the layout fits.
local Cursor = {}
Cursor.__index = Cursor

local function cursor(tvb, raw, at, stop, tree, code_size)
    return setmetatable({ tvb = tvb, raw = raw, at = at, stop = stop, tree = tree, code_size = code_size or 12, got = {} }, Cursor)
end

function Cursor:left() return self.stop - self.at end

function Cursor:fail(text) error({ text = text, at = self.at }, 0) end

function Cursor:need(size, name)
    if size > self:left() then
        self:fail(("%s: needs %d bytes, %d there"):format(name or "content", size, self:left()))
    end
end

function Cursor:show(name, size, value)
    if not self.tree then return nil end
    if size == 0 and value == nil then return nil end
    if size == 0 then return self.tree:add(F[name], value) end
    if value == nil then return self.tree:add(F[name], self.tvb(self.at, size)) end
    return self.tree:add(F[name], self.tvb(self.at, size), value)
end

function Cursor:take(name, size, value)
    self:show(name, size, value)
    self.got[name] = value
    self.at = self.at + size
    return value
end

function Cursor:bytes(size) return self.raw:sub(self.at + 1, self.at + size) end

function Cursor:warn(kind, text)
    if not self.tree then return end
    if text then self.tree:add_proto_expert_info(kind, text) else self.tree:add_proto_expert_info(kind) end
end

-- Whether `layout` reads exactly what is left; the second value says what hindered it.
function Cursor:fits(layout)
    local trial = cursor(self.tvb, self.raw, self.at, self.stop, nil, self.code_size)
    setmetatable(trial.got, { __index = self.got })
    local ok, problem = pcall(layout, trial)
    if not ok then return false, problem end
    if trial.at ~= trial.stop then return false, { text = ("%d bytes too many"):format(trial:left()), at = trial.at } end
    return true
end

-- Run `layout` on the next `size` bytes alone; what it leaves is shown as bytes without meaning.
function Cursor:within(size, layout)
    self:need(size)
    local stop = self.stop
    self.stop = self.at + size
    layout(self)
    if self:left() > 0 then self:take("rest", self:left()) end
    self.stop = stop
end

-- Run `layout` under a branch of the tree.
function Cursor:branch(title, layout)
    local tree, begun = self.tree, self.at
    if tree and self:left() > 0 then self.tree = tree:add(self.tvb(self.at, self:left()), title) end
    layout(self)
    if self.tree ~= tree and self.at > begun then self.tree:set_len(self.at - begun) end
    self.tree = tree
end

-- What pcall caught, in words.
local function why(problem)
    if type(problem) == "table" then return ("%s (offset %d)"):format(problem.text, problem.at) end
    return "解析器错误 dissector error: " .. tostring(problem)
end

return { new = cursor, number_at = number_at, hex_of = hex_of, why = why }
