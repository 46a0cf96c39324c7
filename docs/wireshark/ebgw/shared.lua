-- Layouts that several families have.
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside() -- the words by their bare names
local MALFORMED, UNKNOWN = parts.protocol.MALFORMED, parts.protocol.UNKNOWN

local url = text("url")

-- The name of an event type: 1cLnn without a name of its own has that of GB/T 35561, c + ordinal of L + nn.
local LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
local function event_name(event_code)
    local class, letter, last = event_code:match("^1([1-5])(%u)(%d%d)$")
    local ordinal = letter and LETTERS:find(letter, 1, true)
    local numeric = ordinal and ("%s%02d%s"):format(class, ordinal, last)
    return parts.events[event_code] or parts.events[numeric] or "未知事件 " .. event_code
end
local function event(r)
    r:need(5, "event")
    local raw = r:bytes(5)
    local shown = raw:find("^[ -~]+$") and raw or hex_of(raw)
    r:show("event_name", 5, event_name(shown))
    r:take("event", 5, shown)
end

local tags = counted(u8("count"), u8("tag"))
local codes = counted(u8("count"), code("code"))
local sized_physical = sized(u8("size"), bytes("physical"))

-- GD/J 081 table 6 and table 1.
local LIST = seq(
    serial("list.receiver"), u8("list.number"), counted(u8("count"), serial("list.serial")),
    serial("list.signer"), bytes("list.signature", 64)
)
local function validity(r) -- year since 2000, month
    r:need(2, "cert.valid_year")
    r:take("cert.valid_year", 1, 2000 + r.raw:byte(r.at + 1))
    r:take("cert.valid_month", 1, r.raw:byte(r.at + 1))
end
local CERTIFICATE = seq(
    u8("cert.version"), serial("cert.issuer"), serial("cert.serial"), validity,
    bytes("cert.public_key", 64), bytes("cert.signature", 64)
)
local LISTS = counted(u8("count"), sized(u16("list.length"), either(LIST, bytes("list.data"))), "证书授权列表 List")
local CERTIFICATES = counted(u8("count"), sized(u8("cert.length"), either(CERTIFICATE, bytes("cert.data"))), "证书 Certificate")
local AUTHORISATION = seq(LISTS, CERTIFICATES)

local function host_and_port(name)
    return function(r)
        r:need(6, name)
        local a, b, c, d = r.raw:byte(r.at + 1, r.at + 4)
        r:take(name, 6, ("%d.%d.%d.%d:%d"):format(a, b, c, d, number_at(r.raw, r.at + 4, 2)))
    end
end

-- Return address of A, RDS and TS: kind, length, then digits, IPv4 and port, or "name:port".
local REBACK_ADDRESS = sized(u8("size"), switch("reback_type", { [2] = either(host_and_port("address"), bytes("rest")) }, text("address")))

local SOUND = seq(u8("aux.protocol"), u8("aux.codec"), u16("aux.pid"), bytes("rest", 9), url)
local function auxiliary_data(r)
    local kind = r.got["aux.type"]
    r:show("aux.data", r:left())
    if kind == 61 and r:left() > 0 then return url(r) end
    if kind == 2 and r.code_size == 9 and r:fits(SOUND) then return SOUND(r) end
    r.at = r.stop
end
local function auxiliaries(length)
    return counted(u8("count"), seq(u8("aux.type"), sized(length, auxiliary_data)), "辅助数据 Auxiliary")
end

local SIZED_TELEPHONE = sized(u8("size"), text("telephone"))

-- The character set of a text does not hold for the fields behind it.
local function forget_charset(r) r.got.charset = nil end

local REBACK = seq(u8("reback_type"), REBACK_ADDRESS)

-- Which way something was switched, for the line of the packet list; nothing where the content has no switch.
local function switched(r)
    local switch = r.got.switch
    return switch and (" " .. (parts.names.START_STOP[switch] or switch)) or ""
end

-- Contents of known and unknown kinds; what does not fit its table is shown as bytes, with the reason.
local function body(layout, known)
    return function(r)
        if layout then
            local fits, problem = r:fits(layout)
            if fits then return layout(r) end
            r:warn(MALFORMED, why(problem))
        elseif not known then
            r:warn(UNKNOWN)
        end
        r:take("content", r:left())
    end
end

return {
    url = url, event = event, tags = tags, codes = codes, sized_physical = sized_physical, host_and_port = host_and_port,
    auxiliary_data = auxiliary_data, auxiliaries = auxiliaries, telephone = SIZED_TELEPHONE, forget_charset = forget_charset,
    LIST = LIST, CERTIFICATES = CERTIFICATES, AUTHORISATION = AUTHORISATION, REBACK = REBACK, REBACK_ADDRESS = REBACK_ADDRESS,
    body = body, switched = switched,
}
