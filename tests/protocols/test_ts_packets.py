from collections.abc import Iterable
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import FrameError, FrameTooLarge, InvalidValueError, MalformedFrame
from gateway.protocols import ts_packets
from gateway.protocols.ts_packets import NULL_PACKET, NULL_PID, PACKET_SIZE, Packetiser, TsPacket
from gateway.protocols.ts_sections import Found, SectionFinder
from tests.protocols.golden import frame, of

INDEX, CONTENT, DAILY = frame("C27"), frame("C111"), frame("C31")


def sections(events: Iterable[Found | FrameError]) -> list[bytes]:
    return [event.raw for event in events if isinstance(event, Found)]


def errors(events: Iterable[Found | FrameError]) -> list[FrameError]:
    return [event for event in events if isinstance(event, FrameError)]


def unit(payload: bytes, continuity: int = 0) -> bytes:
    """One packet in which a section begins."""
    return ts_packets.build(TsPacket(0x21, continuity, payload.ljust(184, b"\xff"), unit_start=1))


def test_a_section_in_one_packet() -> None:
    (packet,) = Packetiser().packets(INDEX)
    assert packet[:5].hex() == "4740211000"
    assert packet[5 : 5 + len(INDEX)] == INDEX
    assert set(packet[5 + len(INDEX) :]) == {0xFF}


def test_a_section_over_several_packets_and_the_counter_over_calls() -> None:
    packetiser = Packetiser(continuity=14)
    packets = packetiser.packets(CONTENT) + packetiser.packets(INDEX)
    assert [packet[:4].hex() for packet in packets] == ["4740211e", "4700211f", "47402110"]
    assert all(len(packet) == PACKET_SIZE for packet in packets)


def test_the_null_packet() -> None:
    assert NULL_PACKET[:4].hex() == "471fff10"
    assert ts_packets.parse(NULL_PACKET).pid == NULL_PID


def test_a_packet_of_another_size_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="188"):
        ts_packets.parse(NULL_PACKET[:-1])
    with pytest.raises(InvalidValueError, match="188"):
        ts_packets.build(TsPacket(0x21, 0, b"short"))


@given(st.binary(min_size=187, max_size=187))
def test_packets_come_back(rest: bytes) -> None:
    try:
        packet = ts_packets.parse(b"\x47" + rest)
    except MalformedFrame:
        return
    assert ts_packets.build(packet) == b"\x47" + rest


@pytest.mark.parametrize("name", of("ts"))
@pytest.mark.parametrize("size", [1, 7, 188, 1316, 10_000])
def test_sections_come_out_whole_however_the_stream_is_cut(name: str, size: int) -> None:
    packetiser, finder = Packetiser(), SectionFinder()
    stream = b"".join(b"".join([*packetiser.packets(frame(name)), NULL_PACKET]) for _ in range(3))
    events = [event for at in range(0, len(stream), size) for event in finder.feed(stream[at : at + size])]
    assert sections(events) == [frame(name)] * 3
    assert errors(events) == []


def test_several_sections_in_one_packet() -> None:
    empty = frame("C28")
    events = SectionFinder().feed(unit(b"\0" + empty + frame("C109") + empty))
    assert sections(events) == [empty, frame("C109"), empty]
    assert errors(events) == []


def test_a_section_ends_where_the_pointer_says_the_next_begins() -> None:
    head, tail = DAILY[:183], DAILY[183:]
    stream = unit(b"\0" + head) + unit(bytes([len(tail)]) + tail + frame("C28"), 1)
    assert sections(SectionFinder().feed(stream)) == [DAILY, frame("C28")]


def test_a_head_cut_between_packets() -> None:
    for size in (1, 2):
        lead = bytes(183 - size)
        stream = unit(bytes([len(lead)]) + lead + INDEX[:size])
        rest = ts_packets.build(TsPacket(0x21, 1, INDEX[size:].ljust(184, b"\xff")))
        assert sections(SectionFinder().feed(stream + rest)) == [INDEX]


def test_a_lost_packet_drops_its_section_says_so_once_and_the_next_is_fine() -> None:
    packetiser, finder = Packetiser(), SectionFinder()
    packets = packetiser.packets(CONTENT)
    following = packetiser.packets(DAILY) + packetiser.packets(INDEX)
    events = finder.feed(b"".join(packets[:1]))  # the second packet is lost
    events += finder.feed(b"".join(following))
    assert sections(events) == [DAILY, INDEX]
    assert [error.message for error in errors(events)] == ["continuity_counter: 1 packets lost, or more by 16"]


def test_a_lost_first_packet() -> None:
    packetiser, finder = Packetiser(), SectionFinder()
    before, lost, after = packetiser.packets(INDEX), packetiser.packets(DAILY), packetiser.packets(INDEX)
    events = finder.feed(b"".join(before + lost[1:] + after))
    assert sections(events) == [INDEX, INDEX]
    assert len(errors(events)) == 1


def test_a_packet_sent_twice_counts_once() -> None:
    first, second = Packetiser().packets(CONTENT)
    events = SectionFinder().feed(first + first + second + second)
    assert sections(events) == [CONTENT]
    assert errors(events) == []


def test_a_discontinuity_that_is_announced_is_no_loss() -> None:
    jump = TsPacket(0x21, 9, (b"\0" + frame("C28")).ljust(182, b"\xff"), 1, adaptation=b"\x80", control=3)
    events = SectionFinder().feed(Packetiser().packets(INDEX)[0] + ts_packets.build(jump))
    assert sections(events) == [INDEX, frame("C28")]
    assert errors(events) == []


def test_a_packet_without_payload_does_not_count() -> None:
    packetiser = Packetiser()
    first, second = packetiser.packets(CONTENT)
    idle = ts_packets.build(TsPacket(0x21, 0, b"", adaptation=bytes(183), control=2))
    assert sections(SectionFinder().feed(first + idle + second)) == [CONTENT]


def test_other_pids_between_do_not_disturb() -> None:
    first, second = Packetiser().packets(CONTENT)
    other = Packetiser(pid=0x100).packets(DAILY)
    events = SectionFinder().feed(b"".join([first, *other, NULL_PACKET, second]))
    assert sections(events) == [CONTENT]
    assert errors(events) == []


@pytest.mark.parametrize("garbage", [b"\x00", b"\x47", b"\x47" * 187, b"\x47\x40\x21" + bytes(300), bytes(1000)])
@pytest.mark.parametrize("size", [1, 188, 10_000])
def test_garbage_before_sync(garbage: bytes, size: int) -> None:
    stream = garbage + b"".join([*Packetiser().packets(DAILY), NULL_PACKET])
    finder = SectionFinder()
    events = [event for at in range(0, len(stream), size) for event in finder.feed(stream[at : at + size])]
    assert sections(events) == [DAILY]
    assert [error.message for error in errors(events)] == ["sync: no 0x47 where a packet must begin"]


def test_sync_lost_in_the_middle_is_found_again() -> None:
    packetiser = Packetiser()
    first, second = packetiser.packets(CONTENT)
    stream = first + second[:50] + b"".join(packetiser.packets(INDEX) + packetiser.packets(DAILY))
    events = SectionFinder().feed(stream)
    assert len(errors(events)) >= 1
    assert sections(events)[-1] == DAILY
    assert CONTENT not in sections(events)


def test_damaged_and_scrambled_packets_are_not_read() -> None:
    for damage in ({"error": 1}, {"scrambling": 2}):
        hurt = TsPacket(0x21, 0, (b"\0" + INDEX).ljust(184, b"\xff"), 1, **damage)  # type: ignore[arg-type]
        events = SectionFinder().feed(ts_packets.build(hurt) + unit(b"\0" + INDEX, 5))
        assert sections(events) == [INDEX]
        assert len(errors(events)) == 1


def test_a_packet_whose_adaptation_field_is_too_long_ends_the_section() -> None:
    first, second = Packetiser().packets(CONTENT)
    broken = bytes.fromhex("47002131b8").ljust(188, b"\xff")
    events = SectionFinder().feed(first + broken + second + unit(b"\0" + INDEX, 2))
    assert sections(events) == [INDEX]
    assert len(errors(events)) == 1


def test_lengths_and_pointers_beyond_their_bounds() -> None:
    finder = SectionFinder()
    (error,) = finder.feed(unit(b"\0\xfd\xff\xfe"))
    assert isinstance(error, FrameTooLarge)
    (error,) = finder.feed(unit(bytes([184]), 1))
    assert "pointer_field" in str(error)
    cut, whole = finder.feed(unit(b"\0" + DAILY[:183], 2) + unit(b"\0" + INDEX, 3))
    assert "66 bytes missing" in str(cut)
    assert isinstance(whole, Found)


@given(st.lists(st.sampled_from(["lose", "keep", "keep", "twice", "noise"]), min_size=14, max_size=14))
def test_whatever_is_lost_no_wrong_section_comes_out(fates: list[str]) -> None:
    packetiser, finder = Packetiser(), SectionFinder()
    originals = [INDEX, CONTENT, DAILY, frame("C28")]
    packets = [packet for section in originals * 3 for packet in packetiser.packets(section)]
    stream = b""
    for packet, fate in zip_longest(packets, fates, fillvalue="keep"):
        assert isinstance(packet, bytes)
        stream += b"\x47\x00noise" if fate == "noise" else b""
        stream += b"" if fate == "lose" else packet * (2 if fate == "twice" else 1)
    events = finder.feed(stream + b"".join(packet for _ in range(3) for packet in packetiser.packets(INDEX)))
    assert sections(events)[-1] == INDEX
    assert all(raw in originals for raw in sections(events))
    if set(fates) <= {"keep", "twice"}:
        assert errors(events) == []
