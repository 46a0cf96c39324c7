"""tshark's reading of frames is the project's own."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

import pytest

from gateway.protocols import rds_groups
from gateway.protocols.decode import decode
from tests.protocols.golden import BY_ID
from tests.protocols.rds_golden import frames_of
from tests.wireshark import capture, tshark
from tests.wireshark.capture import Capture
from tests.wireshark.expected import difference
from tests.wireshark.samples import FAMILIES, datagrams, golden, written
from tests.wireshark.tshark import Shown

#: The golden frame whose sum is wrong: its time of signing was changed (vectors.md).
WRONG_SUM = "R7"


def shown(pcap: Path) -> list[Shown]:
    """All frames of a capture."""
    return [frame for packet in tshark.read(pcap) for frame in packet]


@pytest.mark.parametrize(
    "protocols", [("ip", "ip-legacy", "feedback"), ("adapter",), ("rds",), ("rds-group",), ("ts",)], ids="-".join
)
def test_golden_frames_are_read_as_decode_reads_them(protocols: tuple[str, ...], tmp_path: Path) -> None:
    frames = golden(*protocols)
    read = shown(datagrams(frames.values(), protocols[0]).write(tmp_path / "golden.pcap"))
    assert len(read) == len(frames) > 0
    for (name, frame), one in zip(frames.items(), read, strict=True):
        said = decode(frame)
        assert difference(said, one) == {}, name
        unsigned = said["fields"].get("signature_form") == "c"
        assert one.problems == (["crc.bad"] if name == WRONG_SUM else ["zero_signature"] if unsigned else []), name
        assert bool(one.all("sig.certificate")) is said["signature"]["present"], name


@pytest.mark.parametrize("family", FAMILIES)
def test_frames_of_every_kind_are_read_as_decode_reads_them(family: str, tmp_path: Path) -> None:
    frames = written(family, 150)
    read = shown(datagrams(frames, family).write(tmp_path / "drawn.pcap"))
    assert len(read) == len(frames) > 20
    for frame, one in zip(frames, read, strict=True):
        assert difference(decode(frame), one) == {}, frame.hex()
        assert not {"truncated", "outside", "crc.bad"} & set(one.problems), frame.hex()


def test_what_a_broadcast_says(tmp_path: Path) -> None:
    """The fields by which people filter, as literals: what the comparison above rests on."""
    (one,) = shown(datagrams([golden("ip")["C1"]], "ip").write(tmp_path / "start.pcap"))
    assert (one.one("protocol"), one.one("session"), one.one("service_type")) == ("ip", "1", "0x01")
    assert one.one("source") == "43415230000000103010101"
    assert one.all("target") == ["43415230000000000000000"]
    assert one.one("ebm_id") == "43415230000000103010101202406010001"
    assert (one.one("class"), one.one("level"), one.one("event"), one.one("volume")) == ("4", "2", "11B03", "80")
    assert one.one("event_name") == "暴雨"
    assert tshark.time(one.one("start")) == "2024-06-01T08:00:00Z"
    assert tshark.time(one.one("end")) == "2024-06-01T08:10:00Z"
    assert one.one("url") == "rtp://239.1.1.1:5004"
    assert (one.one("signature_form"), one.one("crc.status")) == ("signed", "1")


@pytest.mark.parametrize("name", ["C24", "C104", "C108"])
def test_rds_frames_are_joined_to_their_packet(name: str, tmp_path: Path) -> None:
    frames, packet = shown(datagrams([golden("rds-frames")[name]], "rds").write(tmp_path / "frames.pcap"))
    said = decode(golden("rds-frames")[name])
    assert frames.all("frame.index") == [str(index) for index in range(len(BY_ID[name]["hex"]))]
    assert set(frames.all("frame.total")) == {str(said["fields"]["total"])}
    whole = {**said, "protocol": "rds", "fields": said["fields"]["packet"]}
    assert difference(whole, packet) == {}
    assert packet.problems == []


@pytest.mark.parametrize("passes", [(), ("-2",)], ids=["once", "twice"])
@pytest.mark.parametrize("form", ["auto", "frames", "groups"])
def test_frames_that_come_one_by_one_are_joined_too(form: str, passes: tuple[str, ...], tmp_path: Path) -> None:
    """As an encoder is sent them: each in a segment of its own, those of two packets in turns, the last one missing.

    Wireshark asks for packets again, as they are clicked; tshark does so with -2.
    """
    units = {name: frames_of(name) for name in ("C24", "C104")}
    if form == "groups":
        units = {name: list(map(rds_groups.encode, frames)) for name, frames in units.items()}
    captured = Capture()
    for pair in zip_longest(*units.values()):
        for unit in filter(None, pair):
            captured.segment(unit, capture.RDS)
    captured.segment(units["C24"][0], capture.RDS)
    read = tshark.read(captured.write(tmp_path / "air.pcap"), "-o", f"ebgw.rds_form:{form}", *passes)
    whole = [frame for packet in read for frame in packet if frame.all("protocol") == ["rds"]]
    assert [len(packet) for packet in read if len(packet) != 1] == [2, 2]
    assert [one.one("rds_type") for one in whole] == ["5", "11"]
    for name, packet in zip(("C104", "C24"), whole, strict=True):
        said = decode(golden("rds-frames")[name])
        assert difference({**said, "fields": said["fields"]["packet"]}, packet) == {}
    assert len(read) == sum(map(len, units.values())) + 1


def test_a_group_with_one_hurt_block_says_which(tmp_path: Path) -> None:
    group = bytearray(golden("rds-group")["C25"])
    group[7] ^= 0x01
    (one,) = shown(datagrams([bytes(group)], "rds").write(tmp_path / "group.pcap"))
    assert one.all("group.offset") == ["A", "B", "错误 wrong", "D"]
    assert one.problems == ["crc.bad"]
