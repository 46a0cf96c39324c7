"""Frames on one connection: answers by the standard's codes, resynchronisation, repeats, what is not kept."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial
from gateway.errors import OverloadedError, StoreError
from gateway.protocols import ip
from gateway.protocols.checksum import seal
from gateway.protocols.framing import Kind
from gateway.protocols.ip_bodies import StatusQuery
from gateway.protocols.signature import SignatureBlock
from tests.devices.harness import BOTH, ONLY_D, ONLY_E, Line, Town, answer, beat, report_beat
from tests.gatewaykit import PLATFORM, result_report, task_report, terminal

A = terminal("350524100001")
EBM = "3" * 35
BEAT = beat(A, session=7, first=2)


def connected(accepts: frozenset[Kind] = BOTH) -> tuple[Town, Line]:
    town = Town(A)
    return town, town.connect(accepts=accepts)


def resealed(frame: bytes, at: int, new: bytes) -> bytes:
    """The frame with other bytes at one place, and a right CRC."""
    return seal(frame[:at] + new + frame[at + len(new) : -4])


def unknown_type(session: int = 9, service_type: int = 0x30) -> bytes:
    return resealed(beat(A, session=session), 38, bytes([service_type]))


def wrong_signature() -> bytes:
    packet = ip.parse(BEAT)
    return ip.build(
        replace(
            packet, sign_flag=1, trailer=SignatureBlock(1_900_000_000, CertificateSerial("000000000999"), b"\x55" * 64)
        )
    )


@pytest.mark.parametrize(
    ("frame", "result", "fault"),
    [
        (BEAT[:-1] + bytes([BEAT[-1] ^ 1]), 15, "checksum"),
        (BEAT[:45] + bytes([BEAT[45] ^ 1]) + BEAT[46:], 15, "checksum"),
        # the length of the physical address runs past the content
        (resealed(BEAT, 43, b"\x20"), 13, "malformed"),
        (unknown_type(), 55, "unknown_type"),
        # a command is nothing that a terminal may send
        (ip.build(ip.request(9, A.code, (PLATFORM,), StatusQuery((6,)))), 55, "unknown_type"),
    ],
)
def test_faults_are_answered_by_the_codes_of_table_d12_and_the_stream_goes_on(
    frame: bytes, result: int, fault: str
) -> None:
    town, line = connected()
    line.send(frame, BEAT)
    assert line.results == [result, 0]
    assert town.hub.counters.faults == {fault: 1}
    bad = line.packets[0]
    assert bad.session == int.from_bytes(frame[4:8], "big")
    assert bad.service_type == frame[38]
    assert bad.targets[0].text == A.code


def test_a_signature_that_nothing_can_verify_makes_no_frame_more_than_unsigned() -> None:
    _town, line = connected()
    line.send(wrong_signature())
    assert line.results == [0]
    assert line.link.origin.authenticity == "address"


@pytest.mark.parametrize(
    "noise",
    [
        BEAT[:30],  # short
        BEAT + bytes(20),  # long
        resealed(BEAT, 10, (len(BEAT) + 5).to_bytes(2, "big")),  # longer than it is
        resealed(BEAT, 10, (len(BEAT) - 5).to_bytes(2, "big")),  # shorter than it is
        random.Random(7).randbytes(100_000),
        b"\xfe\xfd" * 2000,
        b"\xfe\xfd\x01\x00" + bytes(4) + b"\x01\x00\xff\xff" + bytes(40),  # 65,535 bytes to come, it says
        b"\xfe\xfd\x01\x00" + bytes(4) + b"\x01\xff\xff" + bytes(40),
        BEAT[:12] + BEAT[:25] + BEAT[:1],
    ],
)
def test_after_bytes_that_are_no_frame_the_next_frame_is_found(noise: bytes) -> None:
    town, line = connected()
    line.send(noise, BEAT, BEAT)
    for _ in range(200):
        if line.results.count(0) >= 2:
            break
        town.sweep(6)
        line.link.last_heard = town.clock.now  # supervision is another matter
    assert line.results.count(0) >= 2
    assert town.told.of("registered")
    assert set(line.results) <= {0, 13, 15}
    framer = line.link._framer
    assert framer is None or framer.pending <= 65535


def test_a_frame_in_twenty_pieces_and_many_frames_in_one() -> None:
    _, line = connected()
    cuts = [round(i * len(BEAT) / 20) for i in range(21)]
    for begin, end in itertools.pairwise(cuts):
        line.send(BEAT[begin:end])
    assert line.results == [0]
    line.send(BEAT * 50 + task_report(A, EBM, 1, 1) + BEAT)
    assert line.results == [0] * 52


def test_half_a_frame_and_then_the_end() -> None:
    town, line = connected()
    line.send(BEAT, task_report(A, EBM, 1, 1)[:30])
    line.link.eof_received()
    assert line.ended == "closed"
    assert not town.told.of("reported")
    assert town.told.of("lost") == [("lost", 1)]


def test_frames_behind_a_false_header_count_when_the_stream_ends() -> None:
    town, line = connected()
    line.send(b"\xfe\xfd\x01\x00" + bytes(4) + b"\x01\x00\x0f\xff" + bytes(12) + task_report(A, EBM, 1, 1))
    line.link.eof_received()
    assert len(town.told.of("reported")) == 1
    assert not line.ended  # not before the receipt is durable


def test_a_repeat_gets_the_stored_answer_within_a_minute() -> None:
    town, line = connected()
    line.send(unknown_type(), unknown_type())
    assert line.results == [55, 55]
    assert town.hub.counters.faults == {"unknown_type": 1}
    assert bytes(line.pipe.written[: len(line.pipe.written) // 2]) * 2 == bytes(line.pipe.written)
    town.clock.now += 61
    line.send(unknown_type(), unknown_type(session=10))
    assert line.results == [55] * 4
    assert town.hub.counters.faults == {"unknown_type": 3}


@pytest.mark.parametrize(
    ("accepts", "frame", "heard"),
    [
        (ONLY_D, BEAT, "registered"),
        (ONLY_D, task_report(A, EBM, 1, 1), ""),
        (ONLY_E, BEAT, ""),
        (ONLY_E, task_report(A, EBM, 1, 1), "reported"),
        (BOTH, BEAT, "registered"),
        (BOTH, task_report(A, EBM, 1, 1), "reported"),
    ],
)
def test_each_port_takes_its_own_family(accepts: frozenset[Kind], frame: bytes, heard: str) -> None:
    town, line = connected(accepts)
    line.send(frame)
    assert [entry[0] for entry in town.told.log] == ([heard] if heard else [])
    assert town.hub.counters.faults == ({} if heard else {"unknown_type": 1})


def test_answers_are_those_of_the_bound_terminal_only() -> None:
    town, line = connected()
    line.send(BEAT, answer(A, 3), answer(terminal("350524100002"), 4), answer(A, 5, 31) * 3)
    assert [entry[2] for entry in town.told.of("answered")] == [3, 5, 5, 5]
    assert town.hub.counters.faults == {"answer_unbound": 1}


def test_the_reserved_nibble_of_an_answer_does_not_matter() -> None:
    town, line = connected()
    frame = answer(A, 3)
    line.send(BEAT, resealed(frame, 12, bytes([frame[12] ^ 0xF0])))
    assert [entry[2] for entry in town.told.of("answered")] == [3]


# -- closing


def test_a_report_connection_is_closed_in_order_once_its_receipts_are_durable() -> None:
    town, line = connected(ONLY_E)
    line.send(task_report(A, EBM, 1, 1) + result_report(A, EBM, 1, 1))
    assert line.link.eof_received() is True
    for durable in (0, 1):
        town.told.durable = durable
        town.hub.receipts_committed()
        assert not line.ended
    town.told.durable = 2
    town.hub.receipts_committed()
    assert line.ended == "closed"


def test_a_connection_that_said_nothing_of_weight_is_closed_at_once() -> None:
    _, line = connected(ONLY_E)
    line.link.eof_received()
    assert line.ended == "closed"


@pytest.mark.parametrize("error", [OverloadedError("full"), StoreError("closed")])
@pytest.mark.parametrize("frame", [task_report(A, EBM, 1, 1), answer(A, 3)])
def test_what_the_store_does_not_take_ends_its_connection_and_not_in_order(error: Exception, frame: bytes) -> None:
    town, line = connected()
    other = town.connect()
    line.send(BEAT)
    town.told.error = error
    line.send(frame)
    assert line.ended == "aborted"
    assert not other.ended
    late = town.connect()
    late.send(frame[:-1])
    late.link.data_received(b"")
    assert not late.ended


async def test_closing_the_hub_does_not_wait_for_a_peer_that_does_not_drain() -> None:
    town, line = connected()
    stuck = town.connect()
    stuck.pipe.stuck = True
    stuck.send(BEAT)
    unkept = town.connect(accepts=ONLY_E)
    unkept.send(report_beat(A), task_report(A, EBM, 1, 1))
    closing = town.hub.close()
    await closing
    assert line.ended == "closed"
    assert stuck.ended == "aborted"
    assert unkept.ended == "aborted"
    assert not town.hub.connections


# -- whatever comes

GOOD = [BEAT, answer(A, 3), task_report(A, EBM, 1, 1), report_beat(A, state=2), unknown_type(), wrong_signature()]
pieces = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(GOOD),
    st.sampled_from(GOOD).flatmap(lambda f: st.integers(0, len(f)).map(lambda n: f[:n])),
    st.tuples(st.sampled_from(GOOD), st.integers(0, 1000), st.integers(1, 255)).map(
        lambda x: x[0][: x[1] % len(x[0])] + bytes([x[0][x[1] % len(x[0])] ^ x[2]]) + x[0][x[1] % len(x[0]) + 1 :]
    ),
    # a right CRC over wrong contents
    st.tuples(st.sampled_from(GOOD), st.integers(0, 1000), st.binary(min_size=1, max_size=4)).map(
        lambda x: resealed(x[0], x[1] % (len(x[0]) - 8), x[2])
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=12), st.integers(1, 64), st.sampled_from([ONLY_D, ONLY_E, BOTH]))
def test_byte_soup_raises_nothing_and_holds_nothing(soup: list[bytes], cut: int, accepts: frozenset[Kind]) -> None:
    town, line = connected(accepts)
    data = b"".join(soup)
    for begin in range(0, len(data), cut * 4):
        line.send(data[begin : begin + cut * 4])
    town.sweep(6)
    framer = line.link._framer
    assert framer is None or framer.pending <= 65535
    assert all(p.packet_type == 2 for p in line.packets)
    assert len(line.pipe.written) <= 100 * (data.count(b"\xfe\xfd") + 1)
    line.link.eof_received()
    assert line.link._framer is None
    town.told.durable = town.told.receipts
    town.hub.receipts_committed()
    assert line.ended == "closed"
