import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols import ts_packets, ts_section
from gateway.protocols.decode import decode
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.ts_configuration import configure
from gateway.protocols.ts_content import ContentTable, LanguageContent
from gateway.protocols.ts_daily import PlayProgramme, daily
from gateway.protocols.ts_descriptors import CableDelivery, Descriptor, Descriptors, TerrestrialDelivery
from gateway.protocols.ts_index import DetailsChannel, IndexTable, Stream
from gateway.protocols.ts_packets import NULL_PACKET, Packetiser, TsPacket
from gateway.protocols.ts_time import OPEN_END, MjdTime, WallClock
from gateway.security.libcrypto import LibcryptoProvider
from tests.protocols.golden import BY_ID, changed, frame, of
from tests.protocols.strategies import mutated
from tests.protocols.test_ts_section import COUNTY, EBM
from tests.protocols.ts_strategies import sections

VERIFY = LibcryptoProvider().verify


@pytest.mark.parametrize(
    ("name", "kind"),
    [("C27", "index"), ("C28", "index"), ("C29", "content"), ("C113", "configuration"), ("C31", "daily")],
)
def test_kinds(name: str, kind: str) -> None:
    assert decode(frame(name))["kind"] == kind


def test_an_index_in_full() -> None:
    shown = decode(frame("C27"), bytes.fromhex(BY_ID["C27"]["public_key"]), VERIFY)
    assert shown == {
        "protocol": "ts",
        "kind": "index",
        "fields": {
            "table_id": 253,
            "private_indicator": 1,
            "section_length": 155,
            "table_id_extension": 0,
            "version": 1,
            "current_next": 1,
            "section_number": 0,
            "last_section_number": 0,
            "messages": [
                {
                    "ebm_id": "43415230000000103010101202406010001",
                    "original_network_id": 1,
                    # the vector counts Beijing time, which the section does not say
                    "start": "2024-06-01T16:00:00Z",
                    "start_clock": "2024-06-01 16:00:00",
                    "end": "2024-06-01T16:10:00Z",
                    "end_clock": "2024-06-01 16:10:00",
                    "event": "11B03",
                    "class": 4,
                    "level": 2,
                    "codes": ["43415230000000000000000"],
                    "details": {
                        "network_id": 1,
                        "ts_id": 2,
                        "program_number": 101,
                        "pcr_pid": 512,
                        "descriptors": [],
                        "streams": [{"stream_type": 3, "pid": 513, "descriptors": []}],
                    },
                }
            ],
            "signature_form": "signed",
            "signature_value": BY_ID["C27"]["hex"][-136:-8],
        },
        "checksum": {"kind": "crc32", "ok": True, "found": "3A77949D7A3E"[-8:], "expected": "949D7A3E"},
        "signature": {
            "present": True,
            "time": "2024-06-01T07:59:55Z",
            "certificate": "000000000042",
            "valid": True,
            "coverage": "A",
        },
        "rebuilt": BY_ID["C27"]["hex"],
        "error": None,
    }


@pytest.mark.parametrize("name", of("ts"))
def test_packets_are_shown_as_their_section(name: str) -> None:
    alone = decode(frame(name))
    packets = Packetiser(continuity=15).packets(frame(name))
    raw = b"".join(packets)
    shown = decode(raw)
    assert shown["fields"] | alone["fields"] == shown["fields"]
    assert (shown["protocol"], shown["kind"], shown["error"]) == ("ts", alone["kind"], None)
    assert (shown["checksum"], shown["signature"]) == (alone["checksum"], alone["signature"])
    assert shown["fields"]["packets"] == len(packets)
    assert shown["fields"]["continuity"] == [15, 0][: len(packets)]
    assert shown["rebuilt"] == raw.hex().upper()


def test_packets_of_other_shapes_are_rebuilt_as_they_came() -> None:
    raw = frame("C109")
    lead = TsPacket(0x21, 3, (b"\x05late!" + raw[:40]), 1, adaptation=bytes(137), control=3, priority=1)
    rest = TsPacket(0x21, 4, raw[40:].ljust(184, b"\xee"))
    stream = b"".join([NULL_PACKET, ts_packets.build(lead), ts_packets.build(rest)])
    shown = decode(stream)
    assert (shown["kind"], shown["error"]) == ("index", None)
    assert shown["rebuilt"] == stream.hex().upper()
    assert shown["fields"]["pids"] == [0x21, 0x1FFF]


def test_a_wrong_checksum_in_packets_is_rebuilt_right() -> None:
    broken = frame("C109")[:-1] + b"\0"
    shown = decode(b"".join(Packetiser().packets(broken)))
    assert shown["error"]["code"] == "checksum"
    assert shown["rebuilt"] == b"".join(Packetiser().packets(frame("C109"))).hex().upper()


def test_a_wrong_checksum() -> None:
    shown = decode(frame("C27")[:-4] + bytes(4))
    assert shown["error"]["code"] == "checksum"
    assert shown["error"]["offset"] == 154
    assert shown["rebuilt"] == BY_ID["C27"]["hex"]


def test_a_wrong_signature() -> None:
    hurt = changed(frame("C27"), 100, 1)
    shown = decode(hurt, bytes.fromhex(BY_ID["C27"]["public_key"]), VERIFY)
    assert (shown["error"]["code"], shown["signature"]["valid"]) == ("signature_invalid", False)
    assert shown["rebuilt"] == hurt.hex().upper()


@pytest.mark.parametrize(
    ("source", "code", "offset"),
    [
        (BY_ID["C27"]["hex"][:-2], "incomplete", 157),
        (BY_ID["C27"]["hex"][:8], "incomplete", 4),
        (BY_ID["C27"]["hex"] + "AABB", "malformed", 158),
        ("FDFFFF" + "00" * 20, "malformed", 1),
        (Packetiser().packets(frame("C27"))[0].hex()[:-2], "incomplete", 187),
        (Packetiser().packets(frame("C111"))[0].hex(), "incomplete", 0),
        (NULL_PACKET.hex(), "malformed", 0),
        ((Packetiser().packets(frame("C27"))[0] + b"\0" * 188).hex(), "malformed", 188),
    ],
)
def test_input_that_is_no_section(source: str, code: str, offset: int) -> None:
    shown = decode(source)
    assert (shown["error"]["code"], shown["error"]["offset"]) == (code, offset)


def test_what_stands_behind_a_section_does_not_hide_it() -> None:
    shown = decode(frame("C28") + b"\xaa")
    assert shown["rebuilt"] == BY_ID["C28"]["hex"]
    assert shown["error"]["message"] == "1 bytes after the end of the section"


def test_two_sections_in_packets_show_the_first_and_say_so() -> None:
    packetiser = Packetiser()
    shown = decode(b"".join(packetiser.packets(frame("C28")) + packetiser.packets(frame("C27"))))
    assert shown["error"]["message"] == "2 sections in these packets: one at a time is shown"
    assert shown["fields"]["messages"] == []


def test_a_lost_packet_is_told() -> None:
    packetiser = Packetiser()
    packetiser.packets(frame("C28"))
    second = packetiser.packets(frame("C27"))
    shown = decode(b"".join(Packetiser().packets(frame("C28")) + Packetiser(continuity=2).packets(frame("C27"))))
    assert shown["error"]["message"].startswith("continuity_counter: 1 packets lost")
    assert decode(b"".join(second))["error"] is None


def test_a_broken_body_is_shown_as_far_as_it_can_be_read() -> None:
    broken = changed(frame("C27"), 9, 1, 2)
    shown = decode(broken)
    assert (shown["error"]["code"], shown["kind"]) == ("malformed", "index")
    assert shown["fields"]["version"] == 1
    assert shown["fields"]["content"] == broken[8:-80].hex().upper()
    assert shown["rebuilt"] == broken.hex().upper()


def test_broken_trailers_leave_the_checksum() -> None:
    shown = decode(changed(frame("C28"), 9, 1, 2))
    assert (shown["error"]["code"], shown["rebuilt"], shown["checksum"]["ok"]) == ("malformed", None, True)


def test_a_content_of_3328_bytes_begins_with_fefd_and_is_still_one() -> None:
    language = LanguageContent("zho", 0, bytes([65]) * 3000)
    for size in (3286, 3287, 3288, 3400, 3541):
        table = ContentTable(EBM, (replace(language, text=bytes([65]) * size),))
        raw = ts_section.build(ts_section.section_of(table))
        assert raw[:2] == b"\xfe\xfd"
        assert decode(raw)["kind"] == "content"
        assert decode(raw[:-1])["protocol"] != "ts"


@pytest.mark.parametrize("name", of("ip", "feedback"))
def test_frames_of_the_appendices_stay_theirs(name: str) -> None:
    for size in range(2, len(frame(name)) + 1):
        assert decode(frame(name)[:size])["protocol"] != "ts"


def test_open_ends_and_digits_that_are_no_time_are_null() -> None:
    table = ts_section.parse(frame("C27")).body
    assert isinstance(table, IndexTable)
    entry = replace(table.messages[0], start=MjdTime(b"\xec\x2e\x2a\x00\x00"), end=OPEN_END)
    shown = decode(ts_section.build(ts_section.section_of(IndexTable((entry,)))))["fields"]["messages"][0]
    assert (shown["start"], shown["start_clock"]) == (None, "EC2E2A0000")
    assert (shown["end"], shown["end_clock"]) == (None, None)


def test_descriptors_are_shown() -> None:
    table = ts_section.parse(frame("C27")).body
    assert isinstance(table, IndexTable)
    loop = Descriptors(
        (
            Descriptor(0x44, CableDelivery.of(474_000, 6_875, 3)),
            Descriptor(0x5A, TerrestrialDelivery(47400000, 1, 2, 3, 4, 5)),
            Descriptor(0xAB, b"\1\2"),
        )
    )
    details = DetailsChannel(1, 2, 101, descriptors=loop, streams=(Stream.content(),))
    entry = replace(table.messages[0], details=details)
    shown = decode(ts_section.build(ts_section.section_of(IndexTable((entry,)))))["fields"]["messages"][0]["details"]
    cable, terrestrial, other = shown["descriptors"]
    assert cable == {
        "tag": 0x44,
        "freq_khz": 474000.0,
        "symbol_rate_k": 6875.0,
        "qam": 3,
        "fec_outer": 0,
        "fec_inner": 15,
    }
    assert (terrestrial["centre_frequency"], terrestrial["subcarriers"]) == (47400000, 3)
    assert other == {"tag": 0xAB, "data": "0102"}
    assert shown["streams"][0]["stream_type"] == 5


def test_certificates_are_shown_as_in_appendix_d() -> None:
    lists = CertificateAuthorisation((b"\1\2",), (b"\3",))
    shown = decode(ts_section.build(ts_section.section_of(lists)))
    assert shown["kind"] == "certificates"
    assert shown["fields"]["lists"] == [{"length": 2, "data": "0102"}]
    assert shown["fields"]["certificates"] == [{"length": 1, "data": "03"}]


def test_clocks_that_are_no_time_and_text_that_is_none() -> None:
    odd = configure(WallClock(2024, 2, 30, 1, 2, 3))
    (command,) = decode(ts_section.build(ts_section.section_of(odd)))["fields"]["commands"]
    assert command == {"tag": 1, "length": 7, "time": None, "clock": "2024-2-30 1:2:3"}
    play = daily(PlayProgramme(EBM, 1, 2, 3, 4, 3, 5, 0, 50, WallClock.of(1717229400), COUNTY))
    (command,) = decode(ts_section.build(ts_section.section_of(play)))["fields"]["commands"]
    assert (command["end"], command["clock"]) == ("2024-06-01T08:10:00Z", "2024-06-01 16:10:00")
    table = ContentTable(EBM, (LanguageContent("zho", 4, b"\x0f\x40"),))
    assert decode(ts_section.build(ts_section.section_of(table)))["fields"]["languages"][0]["text"] == "0F40"


@given(sections().map(ts_section.build) | mutated(sections().map(ts_section.build)))
def test_sections_are_shown_or_refused(raw: bytes) -> None:
    shown = decode(raw)
    json.dumps(shown)
    if shown["error"] is None:
        assert shown["rebuilt"] == raw.hex().upper()


@given(mutated(sections().map(ts_section.build).map(lambda raw: b"".join(Packetiser().packets(raw)))), st.booleans())
def test_packets_are_shown_or_refused(raw: bytes, whole: bool) -> None:
    shown = decode(raw.ljust(-(-len(raw) // 188) * 188, b"\xff") if whole else raw)
    json.dumps(shown)
    if shown["error"] is None:
        assert shown["rebuilt"] == (raw.ljust(-(-len(raw) // 188) * 188, b"\xff") if whole else raw).hex().upper()


@given(st.binary(max_size=400), st.sampled_from(["FAF0", "FBB0", "FCF0", "FDF0", "FEF0", "FEFD", "474021", "47"]))
def test_nothing_raises(rest: bytes, head: str) -> None:
    json.dumps(decode(bytes.fromhex(head) + rest))
