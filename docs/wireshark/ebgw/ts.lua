-- Bodies of the tables of transport streams (GD/J 086, 087-2018; 089-2018 appendix C).
local parts = ...
if not parts then return end -- Wireshark runs each file of the folder by itself too

local _ENV = parts.words.beside(parts.shared) -- the words and the shared layouts by their bare names

local PCR_PID, PID = bits(2, { { "", 3 }, { "pcr_pid", 13 } }), bits(2, { { "", 3 }, { "pid", 13 } })
local function descriptors(r)
    r:need(2, "descriptors")
    local size = number_at(r.raw, r.at, 2) % 4096
    r.at = r.at + 2
    r:need(size, "descriptors")
    r:take("descriptors", size)
end
local SERVICE = seq(u16("network_id"), u16("ts_id"), u16("program_number"), PCR_PID)
local DETAILS = seq(SERVICE, descriptors, sized(u16("size"), function(r)
    while r:left() > 0 do seq(u8("stream_type"), PID, descriptors)(r) end
end))
local INDEX = counted(u8("count"), sized(u16("message_length"), seq( -- 086 table 1
    ebm_id("ebm_id"), u16("network_id"), mjd("ts_start"), mjd("ts_end"), event, bits(1, { { "class", 4 }, { "level", 4 } }),
    codes, bits(1, { { "", 7 }, { "details", 1 } }), switch("details", { DETAILS })
)), "消息 Message")
local function content_of(aux_length) -- 086 table 4
    local language = seq(
        text("language", 3), bits(1, { { "", 5 }, { "charset", 3 } }), sized(u16("size"), text("text")),
        sized(u8("size"), text("agency")),
        function(r)
            bits(1, { { "", 4 }, { "count", 4 } })(r)
            for each = 1, r.got.count do
                r:branch("辅助数据 Auxiliary " .. each, seq(u8("aux.type"), sized(aux_length, auxiliary_data)))
            end
        end,
        forget_charset
    )
    return seq(ebm_id("ebm_id"), function(r)
        bits(1, { { "", 4 }, { "count", 4 } })(r)
        for each = 1, r.got.count do
            r:branch("语种 Language " .. each, sized(u32("language_length"), function(inner)
                local fits, problem = inner:fits(language)
                if not fits then error(problem, 0) end
                language(inner)
            end))
        end
    end)
end
local function commands(layouts)
    local fitting = {}
    for tag, layout in pairs(layouts) do fitting[tag] = either(layout, bytes("content")) end
    local command = seq(u8("command.tag"), sized(u16("command.length"), switch("command.tag", fitting, bytes("content"))))
    return counted(u8("count"), command, "指令 Command")
end
local RETURN = seq(
    u8("reback_type"), sized(u8("size"), switch("reback_type", { [2] = exact(host_and_port("address")) }, text("address"))), codes
)
local CONFIGURATION = commands({ -- 086 tables 9 to 15
    clock("clock"), seq(sized_physical, code("resource_code")), seq(u32("freq_khz"), u32("symbol_rate_k"), u8("qam"), codes),
    RETURN, seq(u32("period_s"), codes), seq(u8("volume"), codes), seq(tags, codes),
})
local DAILY = commands({ -- 089 tables C.3 to C.6
    seq(ebm_id("ebm_id"), SERVICE, u8("stream_type"), PID, u8("priority"), u8("volume"), clock("clock"), codes),
    seq(ebm_id("ebm_id"), SERVICE, PID, codes),
    seq(u8("amplifier"), codes),
    seq(bits(1, { { "text_type", 4 }, { "charset", 4 } }), ebm_id("ebm_id"), codes, sized(u16("size"), text("text")), forget_charset),
})
return {
    -- the table gives the auxiliary length 24 bits, its own explanation 32
    [0xFE] = either(content_of(u24("aux.length")), content_of(u32("aux.length"))),
    [0xFA] = DAILY, [0xFB] = CONFIGURATION, [0xFC] = AUTHORISATION, [0xFD] = INDEX,
}


