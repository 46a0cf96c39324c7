"""Datagrams of a multiplexer by a clock that goes by hand: the index below 0.5 s whatever happens, whole datagrams."""

from __future__ import annotations

import itertools
import random

import pytest

from gateway.devices.ts_cycle import PACKETS, Cycle
from gateway.devices.ts_words import rendered
from gateway.protocols import ts_packets, ts_section
from gateway.protocols.ts_carousel import INDEX_LIMIT_S, Carousel
from gateway.protocols.ts_configuration import StateQuery, configure
from gateway.protocols.ts_fields import TABLE_PID
from gateway.protocols.ts_render import Rendered
from gateway.protocols.ts_section import Section, TableId
from gateway.protocols.ts_sections import Found, SectionFinder
from gateway.settings.ts_link import TsLink
from tests.devices.airkit import NOW, known_terminals, message

LINK = TsLink(kind="ts", host="127.0.0.1", port=5086, audio_pid=0x100)
RATE = 125_000.0


def show(number: int, text: str = "请立即转移", codes: int = 1) -> Rendered:
    targets = tuple(known.terminal.code for known in known_terminals(codes, "ts:cable"))
    return rendered(message(number, text=text), targets, LINK, NOW)


def signed(carousel: Carousel) -> dict[Section, bytes]:
    return {section: ts_section.build(section) for section in carousel.sections}


class Wire:
    """Runs a cycle as the pump does, late by chance, and reads what it sends."""

    def __init__(self, cycle: Cycle, late: float = 0.0, seed: int = 1) -> None:
        self.cycle, self.late = cycle, late
        self.dice = random.Random(seed)
        self.now = 0.0
        self.finder = SectionFinder()
        self.found: list[tuple[float, Section]] = []
        self.datagrams: list[bytes] = []

    def run(self, until: float, lose: int | None = None) -> None:
        while self.now < until:
            step = self.cycle.step(self.now)
            for datagram in step.datagrams:
                self.datagrams.append(datagram)
                if lose is not None and len(self.datagrams) == lose:
                    continue
                for event in self.finder.feed(datagram):
                    if isinstance(event, Found):
                        self.found.append((self.now, ts_section.parse(event.raw)))
            self.now = max(self.now, step.next_at)
            if not step.datagrams:
                self.now += self.dice.uniform(0, self.late)

    def indices(self) -> list[float]:
        return [at for at, section in self.found if section.table_id == TableId.INDEX and not section.section_number]

    def gaps(self) -> list[float]:
        times = self.indices()
        return [after - before for before, after in itertools.pairwise(times)]


def test_the_empty_index_comes_on_a_grid_and_never_late() -> None:
    carousel = Carousel()
    wire = Wire(Cycle(carousel, signed(carousel), RATE))
    wire.run(70.0)
    assert len(wire.indices()) == 200
    assert max(wire.gaps()) < INDEX_LIMIT_S


@pytest.mark.parametrize("seed", range(5))
def test_long_contents_and_a_late_caller_leave_the_index_below_its_limit(seed: int) -> None:
    carousel = Carousel()
    text = "请沿指定路线转移。" * 180
    carousel.show([show(number, text, codes=200) for number in range(1, 9)])
    wire = Wire(Cycle(carousel, signed(carousel), RATE), late=0.14, seed=seed)
    wire.run(20.0)
    assert max(wire.gaps()) < INDEX_LIMIT_S
    contents = {s.table_id_extension for _, s in wire.found if s.table_id == TableId.CONTENT}
    assert len(contents) == 8


def test_the_grid_does_not_drift_where_the_caller_is_a_little_late() -> None:
    carousel = Carousel()
    wire = Wire(Cycle(carousel, signed(carousel), RATE), late=0.1)
    wire.run(350.0)
    assert abs(len(wire.indices()) - 1000) <= 2


def test_datagrams_are_of_seven_packets_and_the_counter_goes_on_over_versions() -> None:
    carousel = Carousel()
    wire = Wire(Cycle(carousel, signed(carousel), RATE))
    for number in range(1, 6):
        wire.run(number * 2.0)
        changed = wire.cycle.carousel.copy()
        changed.show([show(number)] if number % 2 else [])
        wire.cycle.show(changed, signed(changed))
    wire.run(14.0)
    assert {len(datagram) for datagram in wire.datagrams} == {PACKETS * 188}
    stream = b"".join(wire.datagrams)
    packets = [ts_packets.parse(stream[at : at + 188]) for at in range(0, len(stream), 188)]
    assert {packet.pid for packet in packets} == {TABLE_PID, ts_packets.NULL_PID}
    counters = [packet.continuity for packet in packets if packet.pid == TABLE_PID]
    assert counters == [number % 16 for number in range(len(counters))]
    versions = [s.version for _, s in wire.found if s.table_id == TableId.INDEX]
    assert sorted(set(versions)) == [0, 1, 2, 3, 4, 5]
    assert versions == sorted(versions)


@pytest.mark.parametrize("lost", [2, 3, 4, 5])
def test_a_lost_datagram_is_healed_by_the_next_index(lost: int) -> None:
    carousel = Carousel()
    carousel.show([show(1, codes=250)])
    wire = Wire(Cycle(carousel, signed(carousel), RATE))
    wire.run(5.0, lose=lost)
    assert len(wire.indices()) >= 13
    assert max(wire.gaps()) < 2 * INDEX_LIMIT_S


def test_a_change_is_on_the_wire_at_once_and_idle_says_when_all_has_left() -> None:
    carousel = Carousel()
    cycle = Cycle(carousel, signed(carousel), RATE)
    wire = Wire(cycle)
    wire.run(1.0)
    changed = cycle.carousel.copy()
    changed.show([show(1)])
    changed.put(configure(StateQuery((1,), ())))
    cycle.show(changed, signed(changed))
    steps = [cycle.step(wire.now + 0.1 * number) for number in range(4)]
    assert [step.is_index for step in steps] == [True, False, False, False]
    assert [bool(step.datagrams) for step in steps] == [True, True, True, False]
    assert [step.idle for step in steps] == [False, False, False, True]


def test_a_copy_leaves_the_original_as_it_is() -> None:
    carousel = Carousel()
    changed = carousel.copy()
    changed.show([show(1)])
    assert carousel.versions == {(TableId.INDEX, 0): 0}
    assert [section.version for section in carousel.sections] == [0]
