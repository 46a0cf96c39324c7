"""Which connection speaks for which terminal: registration, supervision, disputes, what ties a report to its source."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.devices.hub import HubLimits
from gateway.domain.codes import ResourceCode
from gateway.domain.ladder import Authenticity, Standing
from gateway.domain.receiver import Profile
from gateway.protocols.ip_bodies import ServiceType
from tests.devices.harness import Line, Town, answer, beat, report_beat
from tests.gatewaykit import task_report, terminal

A, B = terminal("350524100001"), terminal("350524100002")
EBM = "3" * 35


def town(**limits: float) -> Town:
    return Town(A, B, limits=HubLimits(**limits))  # type: ignore[arg-type]


# -- registration


def test_the_first_heartbeat_registers_and_is_answered() -> None:
    t = town()
    line = t.connect()
    line.send(beat(A, session=77))
    assert [(p.session, p.service_type, p.targets[0].text) for p in line.packets] == [(77, 0x10, A.code)]
    assert line.results == [0]
    assert t.told.of("registered") == [("registered", 1, True)]
    assert t.hub.current[1] is line.link
    assert t.hub.is_online(1)
    assert not t.hub.is_online(2)


@pytest.mark.parametrize(
    ("frame", "result", "reason"),
    [
        (beat(A, code=ResourceCode.build(6, A.area, number=99)), 59, "unknown_code"),
        (beat(A, physical="AABBCCDDEEFF"), 71, "physical_address_differs"),
        (beat(A, physical="00" * 32), 71, "physical_address_differs"),
    ],
)
def test_strangers_are_answered_and_listed_and_speak_for_nobody(frame: bytes, result: int, reason: str) -> None:
    t = town()
    line = t.connect()
    line.send(frame, answer(A, 5))
    assert line.results == [result]
    assert [entry[3] for entry in t.told.of("stranger")] == [reason]
    assert not t.hub.current
    assert not t.hub.writers
    assert not t.told.of("registered")
    assert not t.told.of("answered")
    assert t.hub.counters.faults == {"answer_unbound": 1}


def test_a_stranger_that_enters_the_registry_is_registered_by_its_next_heartbeat() -> None:
    t = town()
    known = t.told.known.pop(str(A.code))
    line = t.connect()
    line.send(beat(A))
    t.told.known[str(A.code)] = known
    line.send(beat(A, first=2))
    assert line.results == [59, 0]
    assert t.told.of("registered") == [("registered", 1, False)]


def test_heartbeats_with_session_0_for_ever_are_answered_and_are_life() -> None:
    t = town()
    line = t.connect()
    for _ in range(20):
        line.send(beat(A, session=0, first=2))
        t.sweep(9)
    assert line.results == [0] * 20
    assert t.hub.current[1] is line.link
    assert len(t.told.of("registered")) == 1


def test_a_power_up_on_a_bound_connection_is_told_and_the_repeated_flag_of_the_registration_is_not() -> None:
    t = town()
    line = t.connect()
    line.send(beat(A, first=1), beat(A, first=1), beat(A, first=2))
    assert t.told.of("registered") == [("registered", 1, True)]
    line.send(beat(A, first=1))
    assert t.told.of("registered") == [("registered", 1, True)] * 2


def test_a_power_up_is_told_too_where_the_connection_had_registered_without_one() -> None:
    t = town()
    line = t.connect()
    line.send(beat(A, first=2), beat(A, first=1))
    assert t.told.of("registered") == [("registered", 1, False), ("registered", 1, True)]


def test_a_connection_may_change_whom_it_speaks_for() -> None:
    t = town()
    line = t.connect()
    line.send(beat(A), beat(B))
    assert t.told.of("lost") == [("lost", 1)]
    assert dict(t.hub.current) == {2: line.link}
    line.lose()
    assert t.told.of("lost")[1:] == [("lost", 2)]
    assert not t.hub.current
    assert not t.hub.connections


def test_our_answers_end_as_the_profile_wants() -> None:
    for form, size in (("a", 0), ("b", 2), ("c", 76)):
        t = Town(A, profile=Profile("p", unsigned_form=form))  # type: ignore[arg-type]
        line = t.connect()
        line.send(beat(A))
        bare = 12 + 12 + 2 + 12 + 3 + 3 + 4
        assert len(line.pipe.written) == bare + size


# -- supervision


def test_silent_terminals_are_dropped_after_three_heartbeats() -> None:
    t = town(missed_heartbeats=3)
    line, other = t.connect(), t.connect()
    line.send(beat(A))
    other.send(beat(B))
    t.sweep(29)
    other.send(beat(B, first=2))
    t.sweep(2)
    assert line.ended == "aborted"
    assert not other.ended
    assert t.told.of("lost") == [("lost", 1)]
    assert t.hub.counters.silent_peers_dropped == 1


def test_the_unregistered_are_closed_whatever_noise_they_make() -> None:
    t = town(registration=30)
    mute, noisy = t.connect(), t.connect()
    for _ in range(4):
        noisy.send(b"noise without any frame")
        t.sweep(9)
    assert (mute.ended, noisy.ended) == ("closed", "closed")
    assert not t.hub.connections


def test_an_unregistered_peer_that_does_not_drain_is_cut_at_the_second_look() -> None:
    t = town(registration=30)
    line = t.connect()
    line.pipe.stuck = True
    line.send(beat(A, physical="AABB"))
    t.sweep(31)
    assert line.ended == "closed"
    assert t.hub.connections
    t.sweep(1)
    assert line.ended == "aborted"
    assert not t.hub.connections


def test_a_connection_of_reports_may_idle_longer() -> None:
    t = town(registration=30, idle=300)
    line = t.connect()
    line.send(report_beat(A))
    t.told.durable = t.told.receipts
    t.sweep(299)
    assert line.ended == ""
    t.sweep(2)
    assert line.ended == "closed"


def test_an_idle_connection_whose_reports_are_not_kept_yet_is_not_closed_in_order() -> None:
    t = town(idle=300)
    line = t.connect()
    line.send(task_report(A, EBM, 1, 1))
    t.sweep(301)
    assert line.ended == "aborted"


def test_a_cut_frame_is_given_up_by_the_gap_between_bytes_and_not_by_its_age() -> None:
    t = town(frame_gap=5, registration=1000)
    line = t.connect()
    frame = beat(A)
    for byte in frame[:10]:
        line.send(bytes([byte]))
        t.sweep(4)
    line.send(frame[10:])
    assert line.results == [0]
    line.send(frame[:20])
    t.sweep(4)
    assert line.link.partial_since
    t.sweep(2)
    assert not line.link.partial_since
    assert t.hub.counters.faults["incomplete"] == 1
    line.send(beat(A, first=2))
    assert line.results == [0, 0]


def test_a_stream_whose_segments_always_end_within_a_frame_loses_none() -> None:
    t = town(frame_gap=5)
    line = t.connect()
    stream = beat(A, first=2) * 40
    size = len(beat(A))
    cuts = [0, *(i * size + 20 for i in range(40)), len(stream)]
    for begin, end in itertools.pairwise(cuts):
        line.send(stream[begin:end])
        t.sweep(1)
    assert line.results == [0] * 40
    assert not t.hub.counters.faults


# -- a peer that does not read


def test_a_peer_that_does_not_drain_is_dropped_at_its_bound_and_only_it() -> None:
    t = town()
    slow, quick = t.connect(max_unsent=500), t.connect(max_unsent=500)
    slow.send(beat(A))
    quick.send(beat(B))
    slow.pipe.stuck = True
    for _ in range(10):
        for link in tuple(t.hub.current.values()):
            link.write(bytes(100))
    assert slow.ended == "aborted"
    assert not quick.ended
    assert slow.pipe.unsent <= 600
    assert t.hub.counters.slow_peers_dropped == 1
    assert list(t.hub.current) == [2]


# -- two connections for one terminal


def rivals(t: Town) -> tuple[Line, Line]:
    older = t.connect()
    older.send(beat(A))
    newer = t.connect("127.0.0.9")
    newer.send(beat(A))
    return older, newer


def test_the_newer_is_current_and_the_silent_older_is_closed_after_five_seconds() -> None:
    t = town(dispute=5)
    older, newer = rivals(t)
    assert t.told.of("ask_alive") == [("ask_alive", 1)]
    assert t.hub.current[1] is newer.link
    assert set(t.hub.links(1)) == {newer.link, older.link}
    t.sweep(4.9)
    assert older.ended == ""
    t.sweep(0.2)
    assert older.ended == "aborted"
    assert t.hub.links(1) == (newer.link,)
    assert not t.hub.contested
    assert not t.told.of("disputed")
    assert not t.told.of("lost")


@pytest.mark.parametrize("word", [answer(A, 9), beat(A, first=2), report_beat(A), beat(A, code=B.code)])
def test_if_both_live_the_terminal_is_disputed_and_proves_nothing_until_one_goes(word: bytes) -> None:
    t = town(dispute=5)
    older, newer = rivals(t)
    t.clock.now += 1
    older.send(word)
    assert t.told.of("disputed") == [("disputed", 1, True)]
    assert t.hub.is_disputed(1)
    t.sweep(6)
    assert older.ended == ""
    newer.send(answer(A, 10))
    assert t.told.log[-1][5].standing == Standing.CLAIMED
    older.send(task_report(A, EBM, 1, 1))
    assert t.told.log[-1][3].standing == Standing.CLAIMED
    newer.lose()
    assert t.told.of("disputed")[-1] == ("disputed", 1, False)
    assert t.hub.current[1] is older.link
    assert not t.told.of("lost")
    older.send(answer(A, 11))
    assert t.told.log[-1][5].standing == Standing.PROVEN


def test_a_rival_that_makes_noise_only_is_closed() -> None:
    t = town(dispute=5)
    older, newer = rivals(t)
    for _ in range(6):
        older.send(b"\xfe\xfdnoise")
        t.sweep(1)
    assert older.ended == "aborted"
    assert not t.hub.is_disputed(1)
    assert t.hub.current[1] is newer.link


def test_what_was_said_before_the_question_is_no_sign_of_life() -> None:
    t = town(dispute=5)
    older, _ = rivals(t)
    assert not t.told.of("disputed")
    t.sweep(6)
    assert older.ended == "aborted"


def test_dropping_a_terminal_drops_all_that_claim_it() -> None:
    t = town()
    older, newer = rivals(t)
    t.hub.drop(1)
    assert (older.ended, newer.ended) == ("aborted", "aborted")
    assert not t.hub.links(1)
    assert t.told.of("lost") == [("lost", 1)]


# -- what ties a report to its source


def origin_of(t: Town, line: Line, *frames: bytes) -> tuple[int, Authenticity]:
    line.send(*frames)
    entry = t.told.of("reported")[-1]
    assert entry[2] == ServiceType.TASK
    return entry[3].standing, entry[3].authenticity


REPORT = task_report(A, EBM, 1, 1)


def test_a_report_from_anywhere_is_a_claim() -> None:
    t = town()
    assert origin_of(t, t.connect("127.0.0.9"), REPORT) == (Standing.CLAIMED, Authenticity.NONE)


def test_a_report_from_the_host_of_the_command_connection_is_bound() -> None:
    t = town()
    line = t.connect("127.0.0.1")
    line.send(beat(A))
    assert origin_of(t, t.connect("127.0.0.1"), REPORT) == (Standing.PROVEN, Authenticity.ADDRESS)
    assert origin_of(t, t.connect("127.0.0.9"), REPORT) == (Standing.CLAIMED, Authenticity.NONE)
    line.lose()
    assert origin_of(t, t.connect("127.0.0.1"), REPORT) == (Standing.CLAIMED, Authenticity.NONE)


def test_a_heartbeat_of_appendix_e_vouches_for_its_connection_if_the_address_is_right() -> None:
    t = town()
    good, bad = t.connect("127.0.0.9"), t.connect("127.0.0.8")
    assert origin_of(t, good, report_beat(A), REPORT) == (Standing.PROVEN, Authenticity.ADDRESS)
    assert origin_of(t, bad, report_beat(A, physical="AABB"), REPORT) == (Standing.CLAIMED, Authenticity.NONE)
    assert not t.hub.current  # vouching makes no command link


def test_a_client_certificate_binds_its_own_code_only() -> None:
    t = town()
    line = t.connect("127.0.0.9")
    line.link.mtls_code = str(A.code)
    assert origin_of(t, line, REPORT) == (Standing.PROVEN, Authenticity.MTLS)
    line.link.mtls_code = str(B.code)
    assert origin_of(t, line, REPORT) == (Standing.CLAIMED, Authenticity.NONE)


def test_reports_of_unknown_codes_are_strangers() -> None:
    t = town()
    foreign = terminal("350524100009")
    t.connect().send(task_report(foreign, EBM, 1, 1))
    assert [entry[1] for entry in t.told.of("stranger")] == [str(foreign.code)]
    assert not t.told.of("reported")


# -- whatever happens


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("cblswna"), st.integers(0, 3), st.integers(0, 1)), max_size=40))
def test_whatever_happens_the_tables_of_the_hub_agree(steps: list[tuple[str, int, int]]) -> None:
    t = town(dispute=5)
    lines: list[Line | None] = [None] * 4
    for what, slot, who in steps:
        line, terminal_ = lines[slot], (A, B)[who]
        if what == "c" and line is None:
            lines[slot] = t.connect()
        elif what == "s":
            t.sweep(2)
        elif line is not None and not line.ended:
            if what == "b":
                line.send(beat(terminal_, first=who + 1))
            elif what == "a":
                line.send(answer(terminal_, 4))
            elif what == "n":
                line.send(b"\xfe\xfd\x01\x00noise")
            elif what == "l":
                line.lose()
        lines = [None if x is not None and x.ended else x for x in lines]
        hub = t.hub
        live = {x.link for x in lines if x is not None}
        assert hub.connections == live
        assert hub.counters.connections == len(live)
        assert hub.writers.keys() == hub.current.keys()
        bound = {link for number in (1, 2) for link in hub.links(number)}
        assert bound == {link for link in live if link.known is not None}
        for number in (1, 2):
            links = hub.links(number)
            assert len(set(links)) == len(links)
            assert all(link.known is not None and link.known.id == number for link in links)
            assert (number in hub.contested) == (len(links) > 1)
            assert not hub.is_disputed(number) or len(links) > 1
            told = [entry[2] for entry in t.told.of("disputed") if entry[1] == number]
            assert hub.is_disputed(number) == bool(told and told[-1])
            assert all(link.origin.bound != hub.is_disputed(number) for link in links)
    for line in lines:
        if line is not None:
            line.lose()
    assert not t.hub.connections
    assert not t.hub.current
    assert not t.hub.contested
