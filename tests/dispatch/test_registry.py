"""The registry in memory: by id, by code, by division."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.registry import Entry, Registry
from gateway.domain.codes import AreaCode, PhysicalAddress
from tests.gatewaykit import terminal

AREAS = ["350524100001", "350524100200", "350524101001", "350503001002", "350524100000", "350500000000"]


def test_look_ups_agree_after_changes_and_removals() -> None:
    one, two = terminal(AREAS[0], 1), terminal(AREAS[0], 2)
    registry = Registry([Entry(1, one), Entry(2, two)])
    assert [e.id for e in registry.in_areas([AreaCode(AREAS[0])])] == [1, 2]
    changed = replace(one, in_service=False, physical_address=PhysicalAddress("AA"))
    registry.put(Entry(1, changed))
    assert registry.get(1) == registry.by_code(str(one.code)) == Entry(1, changed)
    assert [e.id for e in registry.in_areas([AreaCode(AREAS[0])])] == [2]
    registry.remove(2)
    registry.remove(2)
    assert registry.get(2) is None
    assert registry.by_code(str(two.code)) is None
    assert registry.in_areas([AreaCode(AREAS[0])]) == []
    assert len(registry) == 1
    assert registry.next_id() == 2
    assert list(registry) == [Entry(1, changed)]


def test_a_terminal_that_changes_its_code_leaves_the_old_one() -> None:
    one, two = terminal(AREAS[0], 1), terminal(AREAS[2], 1)
    registry = Registry([Entry(1, one)])
    registry.put(Entry(1, two))
    assert registry.by_code(str(one.code)) is None
    assert [e.id for e in registry.in_areas([AreaCode(AREAS[2])])] == [1]


@given(
    st.lists(st.tuples(st.sampled_from(AREAS), st.booleans()), max_size=12),
    st.lists(st.sampled_from([*AREAS, "350524000000", "350503000000", "440000000000", "000000000000"]), max_size=4),
)
def test_in_areas_is_those_whose_area_is_covered_each_once(held: list[tuple[str, bool]], asked: list[str]) -> None:
    entries = [
        Entry(i, replace(terminal(area, i), in_service=in_service))
        for i, (area, in_service) in enumerate(held, start=1)
    ]
    found = Registry(entries).in_areas(map(AreaCode, asked))
    wanted = {
        e.id for e in entries if e.terminal.in_service and any(AreaCode(a).covers(e.terminal.area) for a in asked)
    }
    assert sorted(e.id for e in found) == sorted(wanted)
