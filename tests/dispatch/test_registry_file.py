"""The registry file: every fault by line and column, nothing taken when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dispatch.registry_file import COLUMNS, read_registry, read_registry_file
from gateway.domain.areas import Gazetteer
from gateway.domain.receiver import IP_ROUTE
from gateway.errors import RegistryError
from gateway.publishers.reference import load_gazetteer

GAZETTEER: Gazetteer = load_gazetteer()
HEADER = ",".join(COLUMNS)
AREA = "350524100001"
CODE = f"6{AREA}0314010401"
GOOD = f"{CODE},3505241001,大喇叭,{AREA},gdj089-2018,ip,25.05,118.18,300,1"


def faults(*lines: str, header: str = HEADER) -> list[tuple[int, str, str]]:
    with pytest.raises(RegistryError) as caught:
        read_registry([header, *lines], GAZETTEER)
    return list(caught.value.problems)


def test_a_whole_row_and_one_with_the_least() -> None:
    second = CODE[:-2] + "02"
    one, two = read_registry([HEADER, GOOD, f"{second},AA:BB-cc,,{AREA},,,,,,"], GAZETTEER)
    assert (one.code, one.name, one.area, one.profile) == (CODE, "大喇叭", AREA, "gdj089-2018")
    assert (one.lat, one.lon, one.radius_m, one.in_service, one.routes) == (25.05, 118.18, 300, True, (IP_ROUTE,))
    assert (two.physical_address, two.profile, two.lat, two.in_service) == ("AABBCC", "gdj089-2018", None, True)


def test_four_columns_are_enough() -> None:
    assert len(read_registry([",".join(COLUMNS[:4]), f"{CODE},AA,x,{AREA}"], GAZETTEER)) == 1


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("code", "123", "23"),
        ("code", "", "23"),
        ("physical_address", "XYZ", "hexadecimal"),
        ("physical_address", "", "hexadecimal"),
        ("area", "35052410000", "12"),
        ("area", "350524199999", "not a division"),
        ("area", "350524100002", "differs from digits 2-13"),
        ("profile", "acme-1", "not a known profile"),
        ("routes", "carrier-pigeon", "must begin with one of"),
        ("routes", "rds", "must name its link"),
        ("routes", "ip;", "must begin with one of"),
        ("routes", "ip:9000", "takes no link"),
        ("routes", "rds:hill", "not in the settings"),
        ("routes", "ip;ip", "twice"),
        ("lat", "north", "must be a number"),
        ("lat", "91", "-90 to 90"),
        ("lat", "nan", "-90 to 90"),
        ("lon", "-181", "-180 to 180"),
        ("radius_m", "-1", "0 to 100000"),
        ("radius_m", "inf", "0 to 100000"),
        ("in_service", "yes", "0 or 1"),
        ("lat", "", "given together"),
    ],
)
def test_each_fault_is_named_by_row_column_and_rule(column: str, value: str, rule: str) -> None:
    cells = dict(zip(COLUMNS, GOOD.split(","), strict=True))
    cells[column] = value
    found = faults(GOOD.replace("0401,", "0402,").replace("3505241001", "AA"), ",".join(cells.values()))
    assert len(found) == 1
    row, where, text = found[0]
    assert row == 3
    assert column in where
    assert rule in text


def test_all_faults_of_all_rows_come_at_once() -> None:
    found = faults("1,2,,3,x,y,z,,,9", GOOD, "1,AA,,,,,,,,")
    assert {row for row, _, _ in found} == {2, 4}
    assert {column for row, column, _ in found if row == 2} >= {"code", "physical_address", "area", "in_service"}


def test_rows_are_lines_of_the_file_though_some_are_empty() -> None:
    found = faults("", "", GOOD, "", "bad,AA,,,,,,,,")
    assert {row for row, _, _ in found} == {6}


def test_a_code_or_an_address_that_stands_twice_names_both_rows() -> None:
    found = faults(GOOD, GOOD, GOOD.replace("0401,", "0402,"))
    assert found == [
        (3, "code", f"{CODE} stands in row 2 already"),
        (3, "physical_address", "3505241001 stands in row 2 already"),
        (4, "physical_address", "3505241001 stands in row 2 already"),
    ]


def test_headers_are_held_to_the_contract() -> None:
    assert faults(GOOD, header="code,name,area,colour") == [
        (1, "physical_address", "column is missing"),
        (1, "colour", "column is not known"),
    ]
    assert [column for _, column, _ in faults(header="")] == list(COLUMNS[:4])


def test_a_row_that_is_longer_than_the_header_is_a_fault() -> None:
    assert faults(GOOD + ",more") == [(2, "*", "has more fields than the header")]


def test_a_flood_of_faults_is_cut_and_counted() -> None:
    found = faults(*["1,AA,,,,,,,,"] * 400)
    assert len(found) == 201
    assert found[-1][1:] == ("*", "and 600 more faults")


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "registry.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n{GOOD}\r\n".encode())
    assert len(read_registry_file(path, GAZETTEER)) == 1
    path.write_bytes(HEADER.encode() + b"\n" + "大喇叭".encode("gbk"))
    with pytest.raises(RegistryError, match="is not UTF-8"):
        read_registry_file(path, GAZETTEER)
    with pytest.raises(RegistryError, match="cannot be read"):
        read_registry_file(tmp_path / "none.csv", GAZETTEER)
    path.write_text(f'{HEADER}\n"{"x" * 140_000}"\n', encoding="utf-8")
    with pytest.raises(RegistryError, match="is not CSV"):
        read_registry_file(path, GAZETTEER)


def test_lines_that_are_no_csv_are_a_fault_too() -> None:
    assert faults(f'"{"x" * 140_000}"')[0][0] == 2


cell = st.one_of(st.text(max_size=8), st.sampled_from([CODE, AREA, "AA", "1", "ip", '"', "\0", "25.0"]))


@settings(deadline=None)
@given(st.lists(st.lists(cell, max_size=11).map(",".join), max_size=4))
def test_whatever_stands_in_it_is_read_or_refused(lines: list[str]) -> None:
    try:
        read = read_registry([HEADER, *lines], GAZETTEER)
    except RegistryError as error:
        assert error.problems
    else:
        assert len(read) <= len(lines)
