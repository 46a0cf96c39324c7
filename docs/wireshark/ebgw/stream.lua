-- Taking frames from the bytes of a packet or a TCP stream, and showing them.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.protocol)
local show_crc = parts.trailer.show_crc

-- Add to the line of the packet list; a packet may hold many frames.
local function say(pinfo, said)
    pinfo.cols.info:append((pinfo.private.ebgw_said and "; " or "") .. said)
    pinfo.private.ebgw_said = "1"
end

-- Show a frame { size, read, title, sum }: its last bytes are the checksum `sum`. No error of `read` goes further.
local function show_frame(tvb, raw, at, frame, pinfo, tree)
    local title, sum = frame.title, frame.sum
    local branch = tree:add(ebgw, tvb(at, frame.size), title)
    local r = cursor(tvb, raw, at, at + frame.size - (sum and sum.size or 0), branch)
    local ok, said = pcall(frame.read, r)
    if ok then
        branch:append_text(": " .. said)
    else
        branch:add_proto_expert_info(MALFORMED, why(said))
        said = title .. " 格式错误 malformed"
    end
    if sum then show_crc(cursor(tvb, raw, at + frame.size - sum.size, at + frame.size, branch), at, sum) end
    say(pinfo, said)
end

-- A frame that ends after the last byte there is: as much of its head as can be read.
local function show_cut(tvb, raw, at, tree, pinfo, read, title)
    local branch = tree:add(ebgw, tvb(at), title)
    branch:add_proto_expert_info(TRUNCATED)
    if read then
        local r = cursor(tvb, raw, at, #raw, branch)
        r.need = function(self, size, name)
            if self.at + size > #raw then self:fail((name or "content") .. ": cut short") end
        end
        pcall(read, r)
    end
    say(pinfo, title .. " 数据不完整 cut short")
end

-- Where after `at` something begins that could be a frame; `mark` is a pattern of first bytes.
local function next_mark(raw, at, begins, mark)
    local found = raw:find(mark, at + 2)
    while found do
        if begins(raw, found - 1) then return found - 1 end
        found = raw:find(mark, found + 1)
    end
    return #raw
end

-- Take frames from the bytes at hand; ask TCP for more where one is not whole (`may_wait`), else show it as cut.
local function walk(tvb, pinfo, tree, begins, mark, may_wait)
    local raw, at = tvb:raw(), 0
    pinfo.cols.protocol = "EBGW"
    pinfo.cols.info:clear()
    pinfo.private.ebgw_said = nil
    while at < #raw do
        local frame, read, title = begins(raw, at)
        if type(frame) == "table" and frame.size > #raw - at then frame, read, title = "wait", frame.read, frame.title end
        if frame == "wait" then
            if may_wait then
                pinfo.desegment_offset, pinfo.desegment_len = at, DESEGMENT_ONE_MORE_SEGMENT
                return #raw -- none would say that the packet is another's
            end
            show_cut(tvb, raw, at, tree, pinfo, read, title or "应急广播 EBGW")
            return #raw
        elseif frame then
            show_frame(tvb, raw, at, frame, pinfo, tree)
            if frame.carried then parts.rds_joined.show(frame.carried, at, pinfo, tree) end
            at = at + frame.size
        else
            local next_at = next_mark(raw, at, begins, mark)
            local branch = tree:add(ebgw, tvb(at, next_at - at), "帧外字节 Bytes outside frames")
            branch:add(F.garbage, tvb(at, next_at - at))
            branch:add_proto_expert_info(OUTSIDE)
            at = next_at
        end
    end
    return #raw
end

return { walk = walk, show_frame = show_frame, show_cut = show_cut }
