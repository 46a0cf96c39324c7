from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.areas import Area, Gazetteer, PopulationSource, without_nested
from gateway.domain.codes import AreaCode

SOURCE = PopulationSource("人口普查", "2020-11-01", estimate=False)


def area(code: str, name: str, people: int = 0, *, in_service: bool = True) -> Area:
    return Area(AreaCode(code), name, people, in_service=in_service)


GAZETTEER = Gazetteer(
    [
        area("350500000000", "泉州市"),
        area("350524000000", "安溪县"),
        area("350527000000", "金门县", in_service=False),
        area("350524100000", "凤城镇"),
        area("350524101000", "蓬莱镇"),
        area("350524100200", "北石村", 300),
        area("350524100201", "先声村", 200),
        area("350524101200", "蓬溪村", 50),
        area("350527100200", "山外村", 999, in_service=False),
    ],
    SOURCE,
)


def test_people_add_up_from_villages_in_service() -> None:
    people = {code: GAZETTEER.population(AreaCode(code)) for code in ("350524100200", "350524100000", "350524000000")}
    assert people == {"350524100200": 300, "350524100000": 500, "350524000000": 550}
    assert GAZETTEER.population(AreaCode("350500000000")) == 550
    assert GAZETTEER.population(AreaCode("350527000000")) == 0


def test_a_village_that_ends_in_zeros_holds_no_neighbours() -> None:
    found = GAZETTEER.villages_in([AreaCode("350524100200")])
    assert [village.name for village in found] == ["北石村"]


def test_villages_of_several_areas_come_once() -> None:
    found = GAZETTEER.villages_in([AreaCode("350524000000"), AreaCode("350524100000"), AreaCode("350524100201")])
    assert [village.name for village in found] == ["北石村", "先声村", "蓬溪村"]
    assert GAZETTEER.villages_in([]) == ()
    assert len(GAZETTEER.villages_in([AreaCode("000000000000")])) == 3


def test_names_in_full_and_of_strangers() -> None:
    assert GAZETTEER.full_name(AreaCode("350524100201")) == "安溪县凤城镇先声村"
    assert GAZETTEER.full_name(AreaCode("350500000000")) == "泉州市"
    assert GAZETTEER.name(AreaCode("350599000000")) == "350599000000"
    assert GAZETTEER.get(AreaCode("350599000000")) is None
    assert AreaCode("350524000000") in GAZETTEER


def test_children_and_counties() -> None:
    assert [child.name for child in GAZETTEER.children(AreaCode("350524000000"))] == ["凤城镇", "蓬莱镇"]
    assert GAZETTEER.children(AreaCode("350524100200")) == ()
    assert [county.name for county in GAZETTEER.counties()] == ["安溪县"]
    assert len(GAZETTEER) == len(list(GAZETTEER)) == 9


CODES = st.lists(
    st.tuples(
        st.sampled_from(["350524", "350525"]),
        st.sampled_from(["000", "100", "101"]),
        st.sampled_from(["000", "200", "201"]),
    )
    .map("".join)
    .map(AreaCode),
    max_size=8,
)


@given(CODES)
def test_without_nested_covers_the_same_with_nothing_inside_another(codes: list[AreaCode]) -> None:
    kept = without_nested(codes)
    assert set(kept) <= set(codes)
    assert list(kept) == sorted(kept)
    for code in codes:
        assert sum(k.covers(code) for k in kept) == 1
