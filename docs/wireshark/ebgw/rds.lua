-- Contents of RDS packets (GD/J 085-2018 tables 3 to 20).
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.shared) -- the words and the shared layouts by their bare names

return { -- tables 3 to 20
    [0] = counted(u8("count"), seq(u8("index"), u8("priority"), mhz("freq_mhz"))),
    [1] = seq(sized_physical, code("resource_code")),
    [2] = seq(u8("enabled"), u16("period_s")),
    [3] = clock("clock"),
    [4] = REBACK,
    [5] = u32("period_s"),
    [6] = either(LIST, bytes("list.data")),
    [7] = CERTIFICATES,
    [8] = tags,
    [11] = seq(bits(1, { { "switch", 2 }, { "retune", 2 }, { "level", 4 } }), event, ebm_id("ebm_id"), mhz("freq_mhz")),
    [12] = seq(bits(1, { { "command", 2 }, { "change_default", 2 }, { "", 4 } }), mhz("freq_mhz")),
    [13] = bits(1, { { "command", 2 }, { "", 6 } }),
    [14] = seq(bits(1, { { "drill_type", 4 }, { "operation", 4 } }), ebm_id("ebm_id")),
    [15] = seq(bits(1, { { "text_type", 4 }, { "charset", 4 } }), ebm_id("ebm_id"), sized(u8("size"), text("text")), forget_charset),
    [21] = seq(u8("index"), bytes("rest", 1)),
    -- the flags stand in the nibble that is reserved elsewhere, right before the digits
    [22] = seq(bits(1, { { "switch", 2 }, { "retune", 2 }, { "", 4 } }, 0), ebm_id("ebm_id"), mhz("freq_mhz"), u8("volume")),
    [23] = seq(u8("volume"), bytes("rest", 1)),
    [24] = u8("amplifier"),
}


