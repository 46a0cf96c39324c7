from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.areas import Area, Gazetteer, without_nested
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.domain.warning import AreaClaim
from gateway.errors import RegistryError
from gateway.publishers.area_text import MOST_CHARS, read_area_text
from gateway.publishers.areas import resolve
from gateway.publishers.names import name_index
from gateway.publishers.place_words import EVERYDAY, FIRSTS, Kind, number_of, word_at
from gateway.publishers.reference import CountyOutlines, Region, Regions, load_gazetteer, load_regions
from gateway.publishers.spans import DOUBTS, Doubt, Reading, Rule
from tests.publishers.phrases import BEGIN, PAGE, Phrase, home, judge, page, phrases

GAZETTEER = load_gazetteer()
AREAS = sorted(GAZETTEER, key=lambda area: area.code)
BY_NAME = {GAZETTEER.full_name(area.code): area.code for area in AREAS}
#: Full names that one division alone bears.
_BEARERS = Counter(GAZETTEER.full_name(area.code) for area in AREAS)
UNIQUE = sorted(name for name, count in _BEARERS.items() if count == 1)
COAST = Regions(
    [
        Region(BY_NAME["晋江市"], "沿海乡镇", (BY_NAME["晋江市金井镇"], BY_NAME["晋江市深沪镇"]), "test"),
        Region(BY_NAME["石狮市"], "沿海乡镇", (BY_NAME["石狮市永宁镇"],), "test"),
        Region(BY_NAME["泉州市"], "南部", (BY_NAME["晋江市"],), "test"),
    ]
)


def read(text: str, *, regions: Regions | None = None, sender: str = "") -> Reading:
    return read_area_text(text, GAZETTEER, regions, home(sender))


def codes(*names: str) -> tuple[AreaCode, ...]:
    return tuple(sorted(BY_NAME[name] for name in names))


def doubts(reading: Reading) -> list[tuple[str, Doubt | None]]:
    return [(span.words, span.doubt) for span in reading.doubts]


# -- the confusion table


@pytest.mark.parametrize("phrase", phrases(), ids=lambda phrase: f"{phrase.text}|{phrase.sender}")
def test_no_phrase_names_a_wrong_division(phrase: Phrase) -> None:
    judged = judge(phrase)
    assert judged.verdict in ("right", "unresolved"), (judged.reading.codes, judged.strange)


def test_the_table_of_phrases_on_the_page_is_the_one_of_today() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert BEGIN in text
    assert page(text) == text, "run: python -m tests.publishers.phrases"


def test_phrases_are_many_and_of_both_kinds() -> None:
    judged = [judge(phrase) for phrase in phrases()]
    assert len({(one.phrase.text, one.phrase.sender) for one in judged}) == len(judged) >= 60
    right = sum(one.verdict == "right" for one in judged)
    assert right >= 60
    assert len(judged) - right >= 30
    assert any(one.missed for one in judged), "phrases that are beyond it belong into the table too"


# -- spans


def test_each_span_says_where_it_stands_and_by_which_rule_it_counts() -> None:
    reading = read("安溪县凤城镇、湖头镇")
    assert [(s.start, s.end, s.words, s.rule, s.codes) for s in reading.spans] == [
        (0, 6, "安溪县凤城镇", Rule.PARENT, codes("安溪县凤城镇")),
        (7, 10, "湖头镇", Rule.INHERITED, codes("安溪县湖头镇")),
    ]
    assert reading.certain


@pytest.mark.parametrize(
    ("text", "sender", "rule"),
    [
        ("湖头镇", "", Rule.NAME),
        ("官桥镇", "安溪县气象台", Rule.SENDER),
        ("全县", "安溪县气象台", Rule.WHOLE),
        ("安溪县各乡镇", "", Rule.KINDS),
        ("安溪县24个乡镇", "", Rule.NAME),
        ("台商投资区", "", Rule.ZONE),
        ("福建省", "", Rule.WIDER),
    ],
)
def test_rules_of_single_spans(text: str, sender: str, rule: Rule) -> None:
    assert [span.rule for span in read(text, sender=sender).spans] == [rule]


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("安溪县城", Doubt.UNKNOWN),
        ("官桥镇", Doubt.AMBIGUOUS),
        ("湖头", Doubt.NEEDS_PARENT),
        ("晋江市水头镇", Doubt.NOT_INSIDE),
        ("安溪县局部", Doubt.VAGUE),
        ("泉州南部", Doubt.REGION),
        ("晋江市各乡镇", Doubt.KINDS),
        ("安溪县等地", Doubt.OPEN),
        ("安溪、永春三县", Doubt.COUNT),
        ("安溪县龙涓镇", Doubt.MINISTRY),
        ("晋江市陈埭镇（350582102）", Doubt.CODE),
        ("晋江市（水头镇除外）", Doubt.EXCEPTION),
        ("除晋江市外，石狮市", Doubt.EXCEPTION),
        ("晋江、石狮局部", Doubt.SHARED),
    ],
)
def test_every_doubt_has_its_words(text: str, doubt: Doubt) -> None:
    reading = read(text)
    assert doubt in [span.doubt for span in reading.doubts]
    assert not reading.certain
    assert set(DOUBTS) == set(Doubt)


def test_a_name_beside_a_word_that_is_not_understood_is_not_taken() -> None:
    for words in ("晋江机场", "安溪铁观音", "石狮市区", "丰泽广场", "不含晋江", "非晋江市", "晋江市至石狮市"):
        assert read(words).codes == ()


def test_the_sender_settles_which_town_and_only_within_its_county() -> None:
    assert read("官桥镇", sender="南安市气象局").codes == codes("南安市官桥镇")
    assert doubts(read("水头镇", sender="安溪县气象局")) == [("水头镇", Doubt.NOT_INSIDE)]
    assert read("水头镇", sender="泉州市气象局").codes == codes("南安市水头镇")


def test_every_town_behind_every_county_is_its_own_or_none() -> None:
    towns = [area for area in AREAS if area.code.level is AreaLevel.TOWNSHIP]
    for county in (area for area in AREAS if area.code.level is AreaLevel.COUNTY):
        for town in towns:
            for tail in (town.name, re.sub("(回族乡|街道|镇|乡)$", "", town.name)):
                found = read(county.name[:-1] + tail)
                same = {t.code for t in towns if county.code.covers(t.code) and t.name.startswith(tail)}
                assert set(found.codes) <= same, (county.name, tail)
                assert found.certain or not county.code.covers(town.code) or tail in EVERYDAY, (county.name, tail)


def test_an_exception_leaves_the_rest_and_nothing_while_it_is_unclear() -> None:
    towns = {area.code for area in GAZETTEER.children(BY_NAME["安溪县"])}
    assert set(read("安溪县（凤城镇除外）").codes) == towns - {BY_NAME["安溪县凤城镇"]}
    assert read("泉州市，安溪县（某某镇除外）").codes == ()
    village = set(read("安溪县除凤城镇美法村外").codes)
    assert BY_NAME["安溪县凤城镇美法村委会"] not in village
    assert BY_NAME["安溪县凤城镇上山村委会"] in village
    assert BY_NAME["安溪县湖头镇"] in village


# -- regions


def test_a_region_counts_by_its_table_and_for_the_whole_list() -> None:
    found = read("晋江、石狮沿海各乡镇", regions=COAST)
    assert found.codes == codes("晋江市金井镇", "晋江市深沪镇", "石狮市永宁镇")
    assert {span.rule for span in found.spans} == {Rule.REGION}
    assert read("晋江、南安沿海乡镇", regions=COAST).codes == ()
    half = read("泉州中部和南部", regions=COAST)
    assert doubts(half) == [("泉州中部", Doubt.REGION)]
    assert half.codes == codes("晋江市")


def test_the_table_of_regions_is_read_and_checked(tmp_path: Path) -> None:
    assert len(load_regions(GAZETTEER)) == len(load_regions(GAZETTEER, tmp_path)) == 0
    table = tmp_path / "regions.csv"
    head = "code,words,divisions,source\n"
    table.write_text(head + "350582000000,沿海乡镇,350582106000 350582105000,市防汛办 2026\n", encoding="utf-8")
    region = load_regions(GAZETTEER, tmp_path).get(BY_NAME["晋江市"], "沿海乡镇")
    assert region is not None
    assert (len(region.divisions), region.source) == (2, "市防汛办 2026")
    for row in ("350582000000,沿海乡镇,350583101000,x", "35,沿海,350582106000,x", "350582000000,沿海,350582106000,"):
        table.write_text(f"{head}{row}\n", encoding="utf-8")
        with pytest.raises(RegistryError):
            load_regions(GAZETTEER, tmp_path)


# -- with the other ways of saying an area


def test_text_serves_only_where_there_is_no_code_and_no_shape() -> None:
    shapes = CountyOutlines({})
    both = [AreaClaim("安溪县凤城镇、某某地", (("12379", "350524100000"),)), AreaClaim("永春县")]
    found = resolve(both, GAZETTEER, shapes)
    assert [(str(a.code), a.matched_by) for a in found.areas] == [("350524100000", "code"), ("350525000000", "text")]
    assert not found.doubts
    square = ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0))
    assert resolve([AreaClaim("安溪县", (), (square,))], GAZETTEER, shapes).areas == ()
    held = resolve([AreaClaim("安溪县、某某地")], GAZETTEER, shapes)
    assert [v.code for v in held.doubts] == ["area_unresolved"]
    assert "某某地" in held.doubts[0].message
    assert resolve([AreaClaim("Anxi County")], GAZETTEER, shapes).readings == ()


def test_all_areas_of_one_warning_share_the_bound_of_what_is_read() -> None:
    claims = [AreaClaim("安溪县、" * 1000 + str(n)) for n in range(4)]
    found = resolve(claims, GAZETTEER, CountyOutlines({}))
    assert sum(span.doubt is Doubt.LENGTH for reading in found.readings for span in reading.spans) == 2


# -- whatever comes


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(UNIQUE), min_size=1, max_size=40),
    st.lists(
        st.sampled_from(["、", "，", ",", "；", "和", "及", "以及", "与", "\n", "、 ", " "]), min_size=1, max_size=5
    ),
)
def test_any_list_of_full_names_is_read_as_just_these(names: list[str], separators: list[str]) -> None:
    text = names[0] + "".join(separators[i % len(separators)] + name for i, name in enumerate(names[1:]))
    reading = read(text)
    assert reading.certain, doubts(reading)
    assert reading.codes == without_nested(BY_NAME[name] for name in names)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([area for area in AREAS if area.code.level is AreaLevel.COUNTY]),
    st.data(),
    st.sampled_from(["、", "，", "和"]),
)
def test_towns_that_share_one_county_are_read_in_it(county: Area, data: st.DataObject, separator: str) -> None:
    code = county.code
    towns = GAZETTEER.children(code)
    if not towns:
        return
    chosen = data.draw(st.lists(st.sampled_from(towns), min_size=1, max_size=12, unique=True))
    reading = read(GAZETTEER.name(code) + separator.join(town.name for town in chosen))
    assert reading.certain, doubts(reading)
    assert reading.codes == tuple(sorted(town.code for town in chosen))


_PLAIN = [phrase for phrase in phrases() if not phrase.sender and not re.search("除|不含", phrase.text)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PLAIN), min_size=2, max_size=4), st.sampled_from("；。\n"))
def test_clauses_are_read_each_by_itself(chosen: list[Phrase], mark: str) -> None:
    alone = [read(phrase.text) for phrase in chosen]
    together = read(mark.join(phrase.text for phrase in chosen))
    assert together.codes == without_nested(code for one in alone for code in one.codes)
    assert sorted(map(str, (span.doubt for span in together.doubts))) == sorted(
        str(span.doubt) for one in alone for span in one.doubts
    )


_WORDS = """
、 ， 。 ； ： （ ） 和 及 等 等地 除 外 以外 除外 不含 含 的 至 各乡镇 各镇（街道） 大部 局部 沿海 南部 一带 境内 三县
两镇 未来3小时 今天夜间 暴雨橙色预警 预警区域： 我市 全县 全市 350524 本镇 24个乡镇 市辖区 辖区
"""
_NOISE = st.one_of(
    st.sampled_from(_WORDS.split()),
    st.text(alphabet="县市区镇乡村水山东西南北中大小雨风海江", min_size=1, max_size=4),
    st.text(max_size=3),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(_NOISE, st.sampled_from([name for name in UNIQUE if len(name) < 8])), max_size=25))
def test_nothing_is_read_that_no_name_in_the_text_bears(pieces: list[str]) -> None:
    text = "".join(pieces)
    reading = read(text)
    named = {code for at in range(len(text)) if (m := name_index(GAZETTEER).at(text, at)) for code in m.codes}
    zones = {code for code, area in ((a.code, a) for a in AREAS) if area.zone and "区" in text}
    if any(words in text for words in ("福建", "省", "各县")):
        named.add(BY_NAME["泉州市"])
    for code in reading.codes:
        assert any(one.covers(code) for one in named | zones), (text, code)
    for span in reading.spans:
        assert span.words == text[span.start : span.end]
        assert bool(span.rule) is not bool(span.doubt)
    assert [span.start for span in reading.spans] == sorted(span.start for span in reading.spans)
    assert reading.codes == without_nested(reading.codes)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(UNIQUE), st.text(alphabet="机场大桥水库医院学校公园路街商业中心站口岸码", min_size=1, max_size=4)
)
def test_a_name_with_strange_words_behind_it_is_never_certain(name: str, behind: str) -> None:
    reading = read(name + behind)
    if name_index(GAZETTEER).at(name + behind, 0) is not None and not any(
        (name + behind).endswith(other) for other in (a.name for a in AREAS)
    ):
        assert not reading.certain


@pytest.mark.parametrize(
    "piece",
    [
        "某",
        "（",
        "）",
        "除",
        "外",
        "不含",
        "三县",
        "晋江、二县",
        "各村",
        "凤城镇美法村、",
        "我市",
        "泉州市",
        "除凤城镇外",
        "晋江：（",
        "350524",
    ],
)
def test_ten_thousand_characters_of_anything_are_read_to_the_end(piece: str) -> None:
    text = (piece * (MOST_CHARS + 10))[: MOST_CHARS + 10]
    reading = read(text)
    assert reading.spans[-1].doubt is Doubt.LENGTH
    assert reading.spans[-1].start == MOST_CHARS


def test_words_begin_with_the_characters_that_are_looked_for() -> None:
    tails = [
        "",
        "市",
        "县",
        "区",
        "部",
        "分",
        "天",
        "日夜间",
        "色预警",
        "个乡镇",
        "围",
        "近",
        "以及",
        "含",
        "包括",
        "响区域",
        "区县",
        "外",
    ]
    for point in [*range(0x20, 0x80), *range(0x3000, 0x3020), *range(0x4E00, 0x9FA6), *range(0xFF00, 0xFF60)]:
        for tail in tails:
            if chr(point) not in FIRSTS:
                assert word_at(chr(point) + tail, 0) is None


@pytest.mark.parametrize(
    ("words", "number"), [("等6个乡镇", 6), ("三县", 3), ("十二个乡镇", 12), ("二十四个乡镇", 24), ("两镇", 2)]
)
def test_numbers_in_counting_words(words: str, number: int) -> None:
    assert word_at(words, 0) == (Kind.COUNT, len(words))
    assert number_of(words) == number


@given(st.lists(st.sampled_from([area.code for area in AREAS]), max_size=60))
def test_nested_divisions_are_dropped_as_one_by_one_comparison_would(found: list[AreaCode]) -> None:
    kept = without_nested(found)
    assert set(kept) == {a for a in found if not any(b != a and b.covers(a) for b in found)}


def test_a_county_gateway_knows_what_its_own_words_mean() -> None:
    anxi = BY_NAME["安溪县"]
    small = Gazetteer([area for area in AREAS if anxi.covers(area.code)], GAZETTEER.source)
    assert read_area_text("全县各乡镇", small).codes == (anxi,)
    assert read_area_text("凤城镇、湖头镇", small).codes == codes("安溪县凤城镇", "安溪县湖头镇")
    assert read_area_text("泉州市", small).codes == ()
