import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols import adapter, feedback, ip
from gateway.protocols.decode import decode
from gateway.protocols.decode_fields import time_of
from gateway.protocols.ip_bodies import UnknownBody
from gateway.security.libcrypto import LibcryptoProvider
from tests.protocols.adapter_strategies import adapter_packets
from tests.protocols.golden import BY_ID, FAMILIES, OURS, changed, frame, resealed
from tests.protocols.strategies import feedback_packets, ip_packets, mutated

KEYS = ["protocol", "kind", "fields", "checksum", "signature", "rebuilt", "error"]
VERIFY = LibcryptoProvider().verify
#: Names of the vectors' meaning in the words of the contract.
RENAMED = {
    "ebm_class": "class",
    "severity": "level",
    "event_type": "event",
    "receiver_sn": "receiver",
    "auth_sn": "number",
    "cert_sns": "serials",
    "sig_sn": "signer",
    "issuer_sn": "issuer",
    "cert_sn": "serial",
    "auth_lists": "lists",
    "certs": "certificates",
    "return_code": "result",
    "back_code": "result",
}
TIMES = {"start", "end", "time", "report_time", "connection_time"}
#: Lengths and counts that the shown values say already.
UNSHOWN = {"cert_count", "data_length", "cmd_length"}


def told(value: Any, key: str = "") -> Any:
    """The meaning of a vector, in the words of the contract."""
    if isinstance(value, dict):
        told_of = {RENAMED.get(k, k): told(v, k) for k, v in value.items() if k not in UNSHOWN}
        if "resource_code_type" in value:
            # whom a command of appendix A concerns
            told_of["targets"] = told_of.pop("codes", None) or [told_of.pop("code")]
        return told_of
    if isinstance(value, list):
        return [told(item) for item in value]
    return time_of(value) if key in TIMES else value


def holds(shown: Any, expected: Any) -> bool:
    """Whether all that is expected is shown."""
    if isinstance(expected, dict):
        return all(key in shown and holds(shown[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return len(shown) == len(expected) and all(map(holds, shown, expected))
    return bool(shown == expected)


@pytest.mark.parametrize("vector", OURS, ids=lambda vector: vector["id"])
def test_every_vector_as_stated(vector: dict[str, Any]) -> None:
    key = bytes.fromhex(vector["public_key"]) if "public_key" in vector else None
    shown = decode(vector["hex"], key, VERIFY)
    assert list(shown) == KEYS
    assert shown["protocol"] == vector["protocol"]
    assert shown["checksum"]["ok"] == vector["crc_ok"]
    assert (shown["error"] is None) == vector["crc_ok"]
    assert shown["signature"]["present"] == vector["signed"]
    assert shown["signature"]["coverage"] == vector.get("coverage")
    assert shown["signature"]["valid"] == (True if vector["signed"] else None)
    assert bytes.fromhex(shown["rebuilt"]) == resealed(bytes.fromhex(vector["hex"]))
    json.dumps(shown)


@pytest.mark.parametrize("vector", [v for v in OURS if "fields" in v], ids=lambda vector: vector["id"])
def test_the_stated_meaning(vector: dict[str, Any]) -> None:
    stated = dict(vector["fields"])
    body, signature, crc = stated.pop("body"), stated.pop("signature", None), stated.pop("crc")
    shown = decode(vector["hex"])
    assert holds(shown["fields"], told(stated) | told(body))
    assert shown["checksum"]["found"] == crc
    if signature is not None:
        assert shown["fields"]["signature_form"] == signature["form"]
    if signature is not None and signature["form"] == "signed":
        assert shown["signature"]["certificate"] == signature["cert_sn"]
        assert shown["signature"]["time"] == time_of(signature["time"])
        assert shown["fields"]["signature_value"] == signature["value"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("C1", "start"),
        ("C3", "stop"),
        ("C5", "heartbeat"),
        ("C6", "answer"),
        ("C7", "query"),
        ("C8", "set"),
        ("C39", "certificates"),
        ("C11", "heartbeat"),
        ("C12", "answer"),
        ("C13", "fault"),
        ("C14", "task"),
        ("C15", "result"),
        ("C51", "records"),
        ("R4a", "answer"),
        ("C17", "start"),
        ("C57", "stop"),
        ("C53", "set"),
        ("C59", "set"),
        ("C67", "set"),
        ("C63", "query"),
        ("C69", "query"),
        ("C75", "certificates"),
        ("R5a", "answer"),
        ("R5f", "answer"),
        ("C86", "answer"),
        ("R5c", "channels"),
        ("C78", "channels"),
        ("R5d", "records"),
        ("C82", "task"),
        ("C83", "task"),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert decode(frame(name))["kind"] == kind


def test_start_in_full() -> None:
    shown = decode("\n".join(BY_ID["C2"]["hex"][at : at + 10] for at in range(0, 210, 10)).lower())
    assert shown == {
        "protocol": "ip",
        "kind": "start",
        "fields": {
            "version": 256,
            "session": 1,
            "packet_type": 1,
            "sign_flag": 0,
            "length": 105,
            "source": "43415230000000103010101",
            "targets": ["43415230000000000000000"],
            "service_type": 1,
            "body_length": 58,
            "ebm_id": "43415230000000103010101202406010001",
            "class": 4,
            "level": 2,
            "event": "11B03",
            "volume": 80,
            "start": "2024-06-01T08:00:00Z",
            "end": "2024-06-01T08:10:00Z",
            "aux": [
                {
                    "type": 61,
                    "length": 20,
                    "data": "7274703A2F2F3233392E312E312E313A35303034",
                    "url": "rtp://239.1.1.1:5004",
                }
            ],
            "signature_form": "b",
        },
        "checksum": {"kind": "crc32", "ok": True, "found": "A65A950C", "expected": "A65A950C"},
        "signature": {"present": False, "time": None, "certificate": None, "valid": None, "coverage": None},
        "rebuilt": BY_ID["C2"]["hex"],
        "error": None,
    }


def test_a_wrong_checksum_is_shown_and_rebuilt_right() -> None:
    shown = decode(frame("R7"))
    assert shown["error"] == {"code": "checksum", "offset": 191, "message": "CRC is 69F39BFE, computed 0B4DE2AE"}
    assert shown["rebuilt"] == BY_ID["R7"]["hex"][:-8] + "0B4DE2AE"
    assert shown["signature"]["valid"] is None


def test_a_signature_under_another_key() -> None:
    shown = decode(frame("C1"), bytes.fromhex(BY_ID["R7"]["public_key"]), VERIFY)
    assert shown["signature"] == {
        "present": True,
        "time": "2024-06-01T07:59:55Z",
        "certificate": "000000000042",
        "valid": False,
        "coverage": None,
    }
    assert shown["error"]["code"] == "signature_invalid"
    assert shown["rebuilt"] == BY_ID["C1"]["hex"]


def test_a_counter_is_shown_as_number() -> None:
    counted = frame("C3")[:61] + bytes.fromhex("000009DD") + frame("C3")[65:]
    assert decode(resealed(counted))["signature"]["time"] == 0x9DD


def test_all_zero_codes_are_null() -> None:
    assert decode(frame("R2"))["fields"]["targets"] == [None]


def test_broken_content_is_shown_as_far_as_it_can_be_read() -> None:
    broken = changed(frame("C4"), 43, 1)
    shown = decode(broken)
    assert shown["error"]["code"] == "malformed"
    assert "Heartbeat.physical" in shown["error"]["message"]
    assert shown["kind"] == "heartbeat"
    assert shown["fields"]["content"] == "010107112233445566"
    assert shown["rebuilt"] == broken.hex().upper()


def test_broken_lengths_leave_the_checksum() -> None:
    shown = decode(changed(frame("C1"), 24, 200, 2))
    assert (shown["error"]["code"], shown["rebuilt"], shown["fields"]) == ("malformed", None, {})
    assert shown["checksum"]["ok"] is True


@pytest.mark.parametrize(
    ("source", "code", "offset"),
    [
        ("", "malformed", 0),
        ("zz", "not_hex", 0),
        ("FEFD0", "not_hex", 2),
        ("FEFD 01", "incomplete", 3),
        (BY_ID["C1"]["hex"][:100], "incomplete", 50),
        (BY_ID["C11"]["hex"][:-2], "incomplete", 52),
        (BY_ID["C46"]["hex"][:-2], "incomplete", 111),
        (BY_ID["C5"]["hex"] + "AABB", "malformed", 56),
        ("FEFD" + "00" * 40, "malformed", 10),
        ("587200F434", "malformed", 0),
        ("49", "incomplete", 1),
        ("5000", "incomplete", 2),
        ("490001", "incomplete", 3),
        ("490002", "malformed", 0),
        (BY_ID["C17"]["hex"][:100], "incomplete", 50),
        (BY_ID["R5a"]["hex"][:-2], "incomplete", 96),
        (BY_ID["R5a"]["hex"] + "AABB", "malformed", 97),
        ("500001120200000008" + "00" * 40, "malformed", 5),
    ],
)
def test_input_that_is_no_frame(source: str, code: str, offset: int) -> None:
    shown = decode(source)
    assert list(shown) == KEYS
    assert (shown["error"]["code"], shown["error"]["offset"]) == (code, offset)
    assert shown["error"]["message"]


def test_what_stands_behind_a_frame_does_not_hide_it() -> None:
    shown = decode(frame("C5") + b"\xaa")
    assert shown["rebuilt"] == BY_ID["C5"]["hex"]
    assert shown["error"]["message"].startswith("1 bytes after the end")


def test_unknown_types_are_shown_as_content() -> None:
    for name, at in (("C3", 38), ("C14", 37)):
        shown = decode(changed(frame(name), at, 0x28))
        assert (shown["kind"], shown["error"]) == ("unknown", None)
        assert shown["fields"]["content"]


def test_texts_and_vendor_values_of_devices() -> None:
    assert decode(frame("R4a"))["fields"]["description"] == "59DCF79C"
    assert decode(frame("C48"))["fields"]["description"] == "恢复正常"
    odd = bytearray(frame("C2"))
    odd[61:66] = b"\x00\xff123"
    assert decode(resealed(bytes(odd)))["fields"]["event"] == "00FF313233"


def test_an_adapter_start_in_full() -> None:
    shown = decode(frame("C17"))
    assert shown["protocol"] == "adapter"
    assert shown["fields"] == {
        "head": 0x49,
        "version": 1,
        "protocol_type": 4,
        "platform_type": 1,
        "length": 192,
        "body_length": 0x67,
        "ebm_id": "43415230000000103010101202406010001",
        "power_switch": 1,
        "class": 4,
        "event": "11B03",
        "level": 2,
        "start": "2024-06-01T08:00:00Z",
        "end": "2024-06-01T08:10:00Z",
        "volume": 80,
        "resource_code_type": 1,
        "resource_code_length": 12,
        "targets": ["43415230000000000000000"],
        "languages": [{"language": "zho", "charset": 0, "text": "暴雨预警", "agency": "气象局", "aux": [AUX]}],
        "aux": [AUX],
        "input_channel": 0,
        "output_channels": [1],
        "private": "",
        "signature_form": "signed",
        "signature_value": BY_ID["C17"]["hex"][248:376],
    }


AUX = {
    "type": 61,
    "length": 20,
    "data": "7274703A2F2F3233392E312E312E313A35303034",
    "url": "rtp://239.1.1.1:5004",
}


def test_answers_of_a_real_adapter() -> None:
    assert decode(frame("R5b"))["fields"]["result"] == -1
    assert decode(frame("R5b"))["fields"]["meaning"] == "unknown error 未知错误"
    assert decode(frame("R5c"))["fields"]["channels"][0] == {
        "id": 1,
        "type": 1,
        "sub_channels": [{"freq_mhz": "100.00", "state": 1}],
    }
    assert decode(frame("R5f"))["fields"]["stream_address"] == "rtp://224.12.12.12:1212"


def test_a_broken_adapter_frame_is_shown_as_far_as_it_can_be_read() -> None:
    wrong = decode(frame("C17")[:-1] + b"\0")
    assert wrong["error"]["code"] == "checksum"
    assert wrong["rebuilt"] == BY_ID["C17"]["hex"]
    assert wrong["fields"]["ebm_id"] == "43415230000000103010101202406010001"
    content = decode(changed(frame("C59"), 11, 1))
    assert (content["kind"], content["error"]["code"]) == ("set", "malformed")
    assert content["fields"]["content"] == "3C020306112233445566112233445567"
    assert content["rebuilt"] == changed(frame("C59"), 11, 1).hex().upper()
    lengths = decode(changed(frame("C59"), 25, 1, 2))
    assert (lengths["error"]["code"], lengths["fields"], lengths["rebuilt"]) == ("malformed", {}, None)
    assert lengths["checksum"]["ok"] is True
    behind = decode(frame("C59") + b"\xaa")
    assert behind["rebuilt"] == BY_ID["C59"]["hex"]
    other_key = decode(frame("C59"), bytes.fromhex(BY_ID["R7"]["public_key"]), VERIFY)
    assert (other_key["error"]["code"], other_key["signature"]["valid"]) == ("signature_invalid", False)
    unknown = decode(changed(frame("C59"), 3, 0x70))
    assert (unknown["kind"], unknown["error"]) == ("unknown", None)


@given(adapter_packets())
def test_every_adapter_packet_is_shown(packet: adapter.AdapterPacket) -> None:
    whole = adapter.build(packet)
    shown = decode(whole)
    json.dumps(shown)
    assert (shown["protocol"], shown["error"], shown["rebuilt"]) == ("adapter", None, whole.hex().upper())
    assert (shown["kind"] == "unknown") == isinstance(packet.body, UnknownBody)


@given(
    st.binary(max_size=300)
    | st.text(max_size=100)
    | st.binary(max_size=100).map(lambda raw: "FEFD" + raw.hex())
    | st.binary(max_size=100).map(lambda raw: "490001" + raw.hex())
)
def test_nothing_raises(source: str | bytes) -> None:
    shown = decode(source)
    assert list(shown) == KEYS
    assert shown["protocol"] in (None, "rds", *FAMILIES)


@given(
    mutated(ip_packets().map(ip.build) | feedback_packets().map(feedback.build) | adapter_packets().map(adapter.build))
)
def test_mutated_frames_are_shown_or_refused(data: bytes) -> None:
    shown = decode(data)
    json.dumps(shown)
    if shown["error"] is None:
        assert shown["rebuilt"] == data.hex().upper()
