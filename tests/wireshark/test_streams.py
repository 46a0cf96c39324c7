"""Frames on TCP connections: several in a segment, one over many, others' bytes between them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from gateway.protocols.decode import decode
from tests.wireshark import capture, tshark
from tests.wireshark.capture import Capture
from tests.wireshark.expected import difference
from tests.wireshark.samples import golden
from tests.wireshark.tshark import Shown

#: Families that share a stream. The drafts' frame does not say where it ends before it is whole.
_ONE_STREAM = ("ip", "feedback", "adapter")
_RDS = golden("rds")
_FRAMES = golden(*_ONE_STREAM)


def agree(frames: dict[str, bytes], read: list[Shown]) -> None:
    """Fail unless what was read is these frames, in this order."""
    assert len(read) == len(frames)
    for (name, frame), one in zip(frames.items(), read, strict=True):
        assert difference(decode(frame), one) == {}, name


def pieces(data: bytes, sizes: Random, longest: int) -> list[bytes]:
    """The bytes in segments of any length."""
    cut, at = [], 0
    while at < len(data):
        size = sizes.randint(1, longest)
        cut.append(data[at : at + size])
        at += size
    return cut


def test_several_frames_in_one_segment(tmp_path: Path) -> None:
    captured = Capture().segment(b"".join(_FRAMES.values()), capture.IP)
    captured.segment(b"".join(_RDS.values()), capture.RDS, source=40001)
    both, packets = tshark.read(captured.write(tmp_path / "segment.pcap"))
    agree(_FRAMES, both)
    agree(_RDS, packets)


@pytest.mark.parametrize("longest", [3, 40, 300])
def test_frames_over_several_segments(longest: int, tmp_path: Path) -> None:
    """Wherever segments end, the frames are the same: also inside a mark or a length."""
    captured = Capture()
    for source, frames, port in ((40000, _FRAMES, capture.ADAPTER), (40001, _RDS, capture.RDS)):
        for piece in pieces(b"".join(frames.values()), Random(longest), longest):
            captured.segment(piece, port, source)
    read = tshark.read(captured.write(tmp_path / "segments.pcap"), "-o", "ebgw.rds_form:packets")
    shown = [frame for packet in read for frame in packet]
    agree(_FRAMES, [one for one in shown if one.all("protocol") != ["rds"]])
    agree(_RDS, [one for one in shown if one.all("protocol") == ["rds"]])


def test_each_byte_in_a_segment_of_its_own(tmp_path: Path) -> None:
    captured, frames = Capture(), golden("ip")
    whole = {name: frames[name] for name in ("C1", "C2")}
    for at in range(sum(map(len, whole.values()))):
        captured.segment(b"".join(whole.values())[at : at + 1], capture.IP)
    agree(whole, [frame for packet in tshark.read(captured.write(tmp_path / "bytes.pcap")) for frame in packet])


def test_bytes_between_frames_are_shown_as_such(tmp_path: Path) -> None:
    """Noise, also such that begins like a frame, hides none of the frames behind it."""
    noise = [b"\x00\xff\x55", b"\xfe\xfd" + bytes(40), b"\xfe", b"I\x00", b"GET / HTTP/1.1\r\n\r\n", b"\xfe\xfe\xfd"]
    frames = list(_FRAMES.items())[: len(noise) + 1]
    mixed = frames[0][1] + b"".join(left + frame for left, (_, frame) in zip(noise, frames[1:], strict=True))
    (read,) = tshark.read(Capture().segment(mixed, capture.IP).write(tmp_path / "noise.pcap"))
    agree(dict(frames), [one for one in read if one.all("protocol")])
    outside = [one for one in read if not one.all("protocol")]
    assert {tuple(one.problems) for one in outside} == {("outside",)}
    shown = b"".join(bytes.fromhex(one.one("garbage").replace(":", "")) for one in outside)
    assert shown == b"".join(noise)


def test_frames_of_d_and_e_are_known_on_any_port(tmp_path: Path) -> None:
    frames = golden("ip", "feedback")
    captured = Capture()
    for source, frame in enumerate(frames.values(), start=40000):
        captured.segment(frame, 23456, source).datagram(frame, 23457)
    read = tshark.read(captured.write(tmp_path / "port.pcap"))
    for packets in (read[::2], read[1::2]):
        agree(frames, [frame for packet in packets for frame in packet])


def test_other_protocols_are_left_alone(tmp_path: Path) -> None:
    captured = (
        Capture().segment(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n", 23456).datagram(b"\xfe\xfdnothing of ours", 23456)
    )
    assert tshark.read(captured.write(tmp_path / "others.pcap")) == [[], []]


def test_frames_in_mqtt_messages(tmp_path: Path) -> None:
    """A QoS 1 publish of MQTT 3.1.1; which topics are ours is a table of Wireshark's own."""
    frame, topic = golden("ip")["C1"], b"ebgw/gdj089-2018/area/350524/down"
    rest = len(topic).to_bytes(2, "big") + topic + b"\x00\x01" + frame
    length = bytes([len(rest) % 128 | 0x80, len(rest) // 128])
    pcap = Capture().segment(b"\x32" + length + rest, 1883).write(tmp_path / "mqtt.pcap")
    (read,) = tshark.read(pcap, "-o", 'uat:mqtt_message_decoding:"Contains","ebgw/","none","ebgw"')
    agree({"C1": frame}, read)
