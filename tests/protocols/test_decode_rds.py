import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols import rds
from gateway.protocols.checksum import crc16_ccitt
from gateway.protocols.decode import decode
from gateway.protocols.rds_frames import split
from gateway.protocols.rds_groups import encode
from gateway.security.libcrypto import LibcryptoProvider
from tests.protocols.golden import BY_ID, VECTORS
from tests.protocols.rds_golden import FRAMES, GROUPS, KEY, PACKETS, bytes_of, frames_of, rds_packets
from tests.protocols.test_decode import KEYS, holds, told

VERIFY = LibcryptoProvider().verify
NO_SIGNATURE = {"present": False, "time": None, "certificate": None, "valid": None, "coverage": None}


def stated(vector: dict[str, Any]) -> dict[str, Any]:
    """The meaning of a packet vector in the words of the contract."""
    meaning = dict(vector["fields"])
    meaning.pop("signature")
    content = meaning.pop("content")
    content["ebm_id"] = content.pop("drill_id", content.get("ebm_id"))
    meaning["targets"] = meaning.pop("codes")
    return told(meaning) | told({key: value for key, value in content.items() if value is not None})  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", PACKETS)
def test_every_packet_as_stated(name: str) -> None:
    shown = decode(BY_ID[name]["hex"], KEY, VERIFY)
    assert list(shown) == KEYS
    assert (shown["protocol"], shown["checksum"], shown["error"]) == ("rds", None, None)
    assert shown["rebuilt"] == BY_ID[name]["hex"]
    assert shown["signature"] == {
        "present": True,
        "time": "2024-06-01T07:59:55Z",
        "certificate": "000000000042",
        "valid": True,
        "coverage": BY_ID[name]["coverage"],
    }
    if "fields" in BY_ID[name]:
        assert holds(shown["fields"], stated(BY_ID[name]))
        assert shown["fields"]["signature_value"] == BY_ID[name]["fields"]["signature"]["value"]
    json.dumps(shown)


@pytest.mark.parametrize("name", FRAMES)
def test_every_set_of_frames_as_stated(name: str) -> None:
    data = bytes_of(name)
    shown = decode(data.hex(), KEY, VERIFY)
    assert (shown["protocol"], shown["error"], shown["rebuilt"]) == ("rds", None, data.hex().upper())
    assert shown["checksum"]["kind"] == "crc16"
    assert shown["checksum"]["ok"]
    assert shown["signature"]["coverage"] == "A"
    meaning = {key: value for key, value in BY_ID[name].get("fields", {}).items() if key != "over"}
    assert holds(shown["fields"], meaning)
    over = BY_ID[name].get("fields", {"over": "C20"})["over"]
    if over in PACKETS:
        whole = decode(bytes_of(over))
        assert shown["fields"]["packet"] == whole["fields"]
        assert shown["kind"] == whole["kind"]


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_as_stated(name: str) -> None:
    data = bytes_of(name)
    shown = decode(data)
    assert (shown["protocol"], shown["kind"], shown["error"]) == ("rds", "group", None)
    assert shown["rebuilt"] == data.hex().upper()
    assert shown["fields"]["chunk"] == "587201F434"
    assert shown["checksum"]["ok"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("C20", "start"),
        ("C21", "start"),
        ("C88", "set"),
        ("C93", "certificates"),
        ("C95", "query"),
        ("C96", "reset"),
        ("C98", "drill"),
        ("C99", "text"),
        ("C104", "set"),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert decode(bytes_of(name))["kind"] == kind


def test_emergency_start_in_full() -> None:
    shown = decode(bytes_of("C20"))
    assert shown["fields"] == {
        "packet_type": 11,
        "length": 114,
        "targets": ["43415230000000000000000"],
        "content_length": 27,
        "action": 1,
        "switch": 1,
        "level": 2,
        "event": "11B03",
        "ebm_id": "43415230000000103010101202406010001",
        "freq_mhz": "98.50",
        "signature_value": BY_ID["C20"]["hex"][-128:],
    }


def test_a_stop_and_a_reserved_action() -> None:
    raw = bytearray(bytes_of("C20"))
    raw[15] = 0xA2
    assert decode(bytes(raw))["kind"] == "stop"
    raw[15] = 0x22
    assert decode(bytes(raw))["kind"] == "unknown"


def test_unknown_types_are_shown_as_content() -> None:
    raw = bytearray(bytes_of("C20"))
    raw[0] = 9 << 3 | raw[0] & 7
    shown = decode(bytes(raw))
    assert (shown["kind"], shown["error"]) == ("unknown", None)
    assert shown["fields"]["content"] == bytes_of("C20")[15:42].hex().upper()
    assert shown["rebuilt"] == raw.hex().upper()


def test_broken_content_is_shown_as_far_as_it_can_be_read() -> None:
    raw = bytearray(bytes_of("C95"))
    raw[15] = 9  # more tags than there are
    shown = decode(bytes(raw))
    assert (shown["kind"], shown["error"]["code"]) == ("query", "malformed")
    assert shown["fields"]["content"] == "0901060B101112"
    assert shown["rebuilt"] == raw.hex().upper()


def test_an_unsigned_packet_and_a_wrong_signature() -> None:
    unsigned = bytes_of("C20")[:-74] + bytes(74)
    assert decode(unsigned, KEY, VERIFY)["signature"] == NO_SIGNATURE
    hurt = bytes_of("C20")[:-1] + b"\0"
    shown = decode(hurt, KEY, VERIFY)
    assert shown["signature"]["valid"] is False
    assert shown["error"]["code"] == "signature_invalid"


@pytest.mark.parametrize(
    ("source", "code", "offset"),
    [
        ("587201F434", "incomplete", 5),
        (BY_ID["C20"]["hex"][:-2], "incomplete", 115),
        (BY_ID["C20"]["hex"] + "AABBCC", "malformed", 116),
    ],
)
def test_cut_and_followed_packets(source: str, code: str, offset: int) -> None:
    shown = decode(source)
    assert (shown["error"]["code"], shown["error"]["offset"]) == (code, offset)


def test_one_frame_and_some_frames() -> None:
    one = decode(frames_of("C24")[2])
    assert (one["protocol"], one["kind"], one["error"]) == ("rds", "frame", None)
    assert one["fields"] == {"level": 4, "version": 3, "total": 24, "index": 2, "chunk": "0000000000"}
    some = decode(b"".join(frames_of("C24")[2:9]))
    assert [row["index"] for row in some["fields"]["frames"]] == [*range(2, 9)]
    assert some["rebuilt"] == b"".join(frames_of("C24")[2:9]).hex().upper()


def test_frames_in_another_order_with_repeats() -> None:
    data = b"".join([*frames_of("C24")[::-1], *frames_of("C24")[3:5]])
    shown = decode(data, KEY, VERIFY)
    assert (shown["kind"], shown["signature"]["valid"], shown["error"]) == ("start", True, None)
    assert shown["rebuilt"] == data.hex().upper()


def test_a_wrong_crc16_is_shown_and_rebuilt_right() -> None:
    frames = frames_of("C24")
    data = b"".join(frames[:-1]) + frames[-1][:4] + b"\0\0" + frames[-1][6:]
    shown = decode(data)
    assert shown["error"]["code"] == "checksum"
    assert shown["error"]["message"].startswith("CRC is 0000, computed 692D")
    assert shown["checksum"] == {"kind": "crc16", "ok": False, "found": "0000", "expected": "692D"}
    assert shown["rebuilt"] == b"".join(frames).hex().upper()


def test_frames_whose_number_does_not_match_the_length() -> None:
    frames = frames_of("C24")
    frames[0] = frames[0][:3] + b"\x58\xff" + frames[0][5:]
    shown = decode(b"".join(frames))
    assert (shown["kind"], shown["error"]["code"]) == ("frame", "malformed")


def test_all_groups_of_a_packet() -> None:
    data = b"".join(map(encode, frames_of("C24")))
    shown = decode(data, KEY, VERIFY)
    assert (shown["kind"], shown["signature"]["valid"], shown["error"]) == ("start", True, None)
    assert shown["fields"]["packet"]["event"] == "11B03"
    assert shown["rebuilt"] == data.hex().upper()


@pytest.mark.parametrize(("bit", "block"), [(0, "D"), (27, "C"), (60, "B"), (103, "A")])
def test_a_group_with_one_wrong_bit(bit: int, block: str) -> None:
    hurt = (int.from_bytes(bytes_of("C25"), "big") ^ 1 << bit).to_bytes(13, "big")
    shown = decode(hurt)
    assert shown["kind"] == "group"
    assert shown["error"]["message"] == f"group 0: check word of block {block} is wrong"
    assert not shown["checksum"]["ok"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if isinstance(v["hex"], str)], ids=lambda vector: vector["id"])
def test_no_other_protocol_is_taken_for_rds(vector: dict[str, Any]) -> None:
    shown = decode(vector["hex"])
    assert (shown["protocol"] == "rds") == (vector["protocol"] == "rds")
    cut = decode(vector["hex"][: len(vector["hex"]) // 4 * 2])
    assert (cut["protocol"] != "rds") or vector["protocol"] == "rds"


@given(rds_packets(), st.integers(1, 6), st.integers(0, 31))
def test_packets_frames_and_groups_there_and_back(packet: rds.RdsPacket, level: int, version: int) -> None:
    raw = rds.build(packet)
    assert crc16_ccitt(raw + crc16_ccitt(raw).to_bytes(2, "big")) == 0
    frames = split(raw, level, version)
    for data in (b"".join(frames), b"".join(map(encode, frames))):
        shown = decode(data)
        assert (shown["protocol"], shown["rebuilt"]) == ("rds", data.hex().upper())
        json.dumps(shown)


@given(rds_packets(), st.data())
def test_changed_packets_are_shown_or_refused(packet: rds.RdsPacket, data: st.DataObject) -> None:
    raw = bytearray(rds.build(packet))
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, min(60, len(raw) - 1)))] = data.draw(st.integers(0, 255))
    shown = decode(bytes(raw))
    json.dumps(shown)
    if shown["error"] is None:
        assert shown["rebuilt"] == raw.hex().upper()


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=5).map(b"".join))
def test_eight_bytes_of_anything(data: bytes) -> None:
    shown = decode(data)
    if shown["error"] is None:
        assert shown["rebuilt"] == data.hex().upper()
