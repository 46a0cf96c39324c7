"""Hurt frames: shown for what they are, and never an error of the dissector (tests.wireshark.tshark looks for it)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from gateway.protocols.checksum import crc32_mpeg
from gateway.protocols.decode import decode
from tests.protocols.golden import resealed
from tests.wireshark import capture, tshark
from tests.wireshark.capture import Capture
from tests.wireshark.expected import difference
from tests.wireshark.samples import datagrams, golden
from tests.wireshark.tshark import Shown

#: Notes about frames that are what they should be.
_HARMLESS = {"zero_signature", "unknown"}
_CHANGES = 12
#: Head of a section: with another length or table the packets of a transport stream belong together otherwise.
_SECTION_HEAD = 3


def faults(packet: list[Shown]) -> set[str]:
    """What is told to be wrong in a packet."""
    return {problem for frame in packet for problem in frame.problems} - _HARMLESS


def changes(family: str) -> list[tuple[str, bytes]]:
    """Golden frames with one bit changed, here and there, and a right checksum where the family has one at the end."""
    found = []
    for name, frame in golden(family).items():
        end = len(frame) - (0 if family == "rds" else 4)
        places = range(_SECTION_HEAD if family == "ts" else 0, end)
        for at in Random(name).sample(places, min(_CHANGES, len(places))):
            hurt = bytearray(frame)
            hurt[at] ^= 1 << Random(f"{name} {at}").randrange(8)
            found.append((f"{name} {at}", bytes(hurt) if family == "rds" else resealed(bytes(hurt))))
    return found


@pytest.mark.parametrize("family", ["ip", "ip-legacy", "feedback", "adapter", "rds", "ts"])
def test_one_bit_is_told_as_decode_tells_it(family: str, tmp_path: Path) -> None:
    """Unknown numbers, lengths and counts off by a little, codes with letters: the same fields, or a fault in both."""
    hurt = changes(family)
    read = tshark.read(datagrams((frame for _, frame in hurt), family).write(tmp_path / "bits.pcap"))
    assert len(read) == len(hurt)
    for (name, frame), packet in zip(hurt, read, strict=True):
        said = decode(frame)
        if said["error"] is not None:
            assert faults(packet), (name, said["error"])
            continue
        (one,) = packet
        assert (difference(said, one), faults(packet)) == ({}, set()), name


@pytest.mark.parametrize("name", ["C1", "R4a", "R1a", "R5d", "C17", "C20"])
def test_a_frame_cut_anywhere_is_not_taken_for_a_whole_one(name: str, tmp_path: Path) -> None:
    frame = golden("ip", "ip-legacy", "feedback", "adapter", "rds")[name]
    family = "rds" if name == "C20" else "ip"
    cuts = [frame[:size] for size in range(1, len(frame))]
    read = tshark.read(datagrams(cuts, family).write(tmp_path / "cut.pcap"))
    assert len(read) == len(cuts)
    for cut, packet in zip(cuts, read, strict=True):
        # eight bytes of an RDS packet can be an RDS frame
        assert faults(packet) or decode(cut)["kind"] == "frame", len(cut)


@pytest.mark.parametrize("family", ["ip", "ip-legacy", "feedback", "adapter", "ts"])
def test_a_wrong_checksum_is_told_with_the_right_one(family: str, tmp_path: Path) -> None:
    frames = [frame for name, frame in golden(family).items()]
    hurt = [frame[:-1] + bytes([frame[-1] ^ 0x10]) for frame in frames]
    pcap = datagrams(hurt, family).write(tmp_path / "sums.pcap")
    for frame, (one,) in zip(frames, tshark.read(pcap), strict=True):
        assert "crc.bad" in one.problems
        assert one.one("crc.status") == "0"
        assert any(f"{crc32_mpeg(frame[:-4]):X}" in text for text in one.notes)


def test_noise_makes_no_frame_and_no_error(tmp_path: Path) -> None:
    """Bytes by chance on every port, marks of frames among them; also on a connection, where more is awaited."""
    chance, captured = Random(2018), Capture()
    marks = (
        b"",
        b"\xfe\xfd\x01\x00",
        b"\x49\x00\x01\x04",
        b"\x50\x00\x01\x12",
        b"\x58\x72\x01\xf4",
        b"\x83\x18\x00",
        b"G\x40\x21\x10\x00",
    )
    for turn in range(40):
        for port in (capture.IP, capture.ADAPTER, capture.RDS, capture.TS):
            noise = b"".join(mark + chance.randbytes(chance.randrange(90)) for mark in chance.sample(marks, 3))
            captured.datagram(noise, port).segment(noise, port, source=40000 + port + turn % 3)
    for packet in tshark.read(captured.write(tmp_path / "noise.pcap")):
        assert all(one.all("crc.status") != ["1"] for one in packet)
