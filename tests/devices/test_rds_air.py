"""What goes to an encoder next: fresh commands first, fair rounds, texts between, versions, room made by texts."""

from __future__ import annotations

import itertools
from collections import Counter
from math import inf

import pytest

from gateway.devices.rds_air import Air, Form, Piece, Plan
from gateway.domain.codes import ResourceCode
from gateway.errors import OverloadedError
from gateway.protocols import rds
from gateway.protocols.fields import WireEbmId
from gateway.protocols.rds_bodies import AmplifierSwitch, TextTransfer
from gateway.protocols.rds_frames import Assembled, FrameAssembler
from gateway.protocols.rds_groups import Group, GroupReader
from gateway.protocols.rds_plan import FOR_EVER

CODES = (ResourceCode("43505820000000314010400"),)
LEVEL = 3


def packet(number: int) -> bytes:
    return rds.build(rds.command(CODES, AmplifierSwitch(number)))


def text(number: int, size: int = 200) -> bytes:
    ebm = WireEbmId.of(f"43505000000000103010101202606010{number:03d}")
    return rds.build(rds.command(CODES, TextTransfer(1, 0, ebm, b"x" * size)))


def plan(interval: float = 1.0, count: int = FOR_EVER, rank: int = 0) -> Plan:
    return Plan((rank,), interval, count)


def put(air: Air, key: str, data: bytes, how: Plan, at: float = 0.0) -> None:
    air.prepare(key, LEVEL, data, how)
    air.let_go(key, at)


def takes(air: Air, now: float, count: int) -> list[Piece]:
    found = []
    for _ in range(count):
        piece = air.take(now)
        if piece is None:
            break
        found.append(piece)
    return found


def test_what_is_only_prepared_stays_back() -> None:
    air = Air("packets")
    air.prepare("a", LEVEL, packet(1), plan())
    assert (air.take(1e9), air.next_due(), air.is_idle) == (None, inf, False)
    air.let_go("a", 5.0)
    assert air.take(4.9) is None
    assert [piece.key for piece in takes(air, 5.0, 9)] == ["a"]
    air.let_go("never prepared", 0.0)
    assert "never prepared" not in air


def test_a_fresh_command_goes_before_the_rest_of_a_text_and_both_arrive_whole() -> None:
    air = Air("frames")
    put(air, "text", text(1), plan(30.0))
    begun = takes(air, 0.0, 10)
    put(air, "start", packet(1), plan(), at=1.0)
    pieces = takes(air, 1.0, 500)
    first = [piece.key for piece in pieces]
    assert first[0] == "start"
    assert "text" not in first[: first.index("text")]
    assembler = FrameAssembler()
    done = [assembler.take(piece.data) for piece in begun + pieces]
    assert [one.raw for one in done if isinstance(one, Assembled)] == [packet(1), text(1)]


def test_groups_carry_the_same_frames() -> None:
    frames, groups = Air("frames"), Air("groups")
    for air in (frames, groups):
        put(air, "a", packet(1), plan())
    stream = b"".join(piece.data for piece in takes(groups, 0.0, 99))
    read = [one.frame for one in GroupReader().feed(stream) if isinstance(one, Group)]
    assert read == [piece.data for piece in takes(frames, 0.0, 99)]


def test_commands_that_are_always_due_do_not_starve_a_text_nor_wait_for_more_than_one() -> None:
    air = Air("packets")
    for number in range(3):
        put(air, f"c{number}", packet(number), plan(0.001))
    for number in range(4):
        put(air, f"t{number}", text(number), plan(0.001))
    keys, now = [], 0.0
    for _ in range(400):
        now += 0.5
        piece = air.take(now)
        assert piece is not None
        keys.append(piece.key)
    seen = Counter(keys)
    assert set(seen) == {"c0", "c1", "c2", "t0", "t1", "t2", "t3"}
    assert min(seen[f"c{n}"] for n in range(3)) >= 90
    assert min(seen[f"t{n}"] for n in range(4)) >= 20
    assert not any(a[0] == b[0] == "t" for a, b in itertools.pairwise(keys[10:]))


def test_a_counted_packet_goes_out_so_often_and_leaves() -> None:
    air = Air("packets")
    put(air, "stop", packet(1), plan(1.0, count=3))
    sent = [air.take(at) for at in (0.0, 1.0, 2.0, 3.0, 4.0)]
    assert [piece is not None for piece in sent] == [True, True, True, False, False]
    assert air.is_idle
    assert "stop" not in air


def test_removal_ends_it_in_the_middle() -> None:
    air = Air("frames")
    put(air, "a", packet(1), plan())
    takes(air, 0.0, 3)
    air.remove("a")
    assert (takes(air, 0.0, 9), air.is_idle, air.next_due()) == ([], True, inf)


def test_after_a_broken_line_what_was_under_way_begins_again() -> None:
    air = Air("frames")
    put(air, "a", packet(1), plan())
    first = takes(air, 0.0, 5)
    air.begin_again()
    assert takes(air, 0.0, 5) == first


@pytest.mark.parametrize("form", ["packets", "frames", "groups"])
def test_a_change_takes_the_next_version_and_a_restart_goes_on_behind_the_last(form: Form) -> None:
    air = Air(form)
    put(air, "a", packet(1), plan())
    air.renew("a", packet(2))
    assert air.versions == {LEVEL: 1}
    again = Air(form, air.versions)
    put(again, "a", packet(2), plan())
    assert again.versions == {LEVEL: 2}


def test_the_least_urgent_text_makes_room_for_the_33rd_packet_and_a_command_never_does() -> None:
    air = Air("packets")
    for number in range(30):
        put(air, f"c{number}", packet(number), plan(rank=1))
    put(air, "t-urgent", text(1), plan(rank=0))
    put(air, "t-last", text(2), plan(rank=5))
    put(air, "c30", packet(30), plan(rank=1))
    assert "t-last" not in air
    assert "t-urgent" in air
    with pytest.raises(OverloadedError):
        air.prepare("c31", LEVEL, packet(31), plan(rank=1))
    put(air, "red", packet(32), plan(rank=0))
    assert "t-urgent" not in air
    with pytest.raises(OverloadedError):
        air.prepare("red2", LEVEL, packet(33), plan(rank=0))
    assert all(f"c{number}" in air for number in range(31))
