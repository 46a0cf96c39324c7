from __future__ import annotations

from pathlib import Path

import pytest

from emulator.registry import COLUMNS, read_registry
from gateway.errors import RegistryError
from tests.emulator.reference import rows

CODES = [row.code for row in rows(3)]
HEAD = ",".join(COLUMNS) + "\n"


def write(path: Path, *lines: str) -> Path:
    file = path / "registry.csv"
    file.write_text(HEAD + "".join(line + "\n" for line in lines), encoding="utf-8-sig")
    return file


def test_reads_those_in_service_that_ip_reaches(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        f"{CODES[0]},000000000001,一号,350582100001,gdj089-2018,ip,24.9,118.6,300,true",
        f"{CODES[1]},000000000002,二号,350582100002,gdj089-2018,ip,,,,false",
        f"{CODES[2]},000000000003,三号,350582100003,gdj089-2018,adapter,,,,true",
    )
    (row,) = read_registry(file)
    assert (row.code, row.physical, row.name) == (CODES[0], "000000000001", "一号")


def test_every_fault_has_row_and_column(tmp_path: Path) -> None:
    good = f"{CODES[0]},000000000001,,,,,,,,"
    file = write(tmp_path, good, "123,000000000002,,,,,,,,", f"{CODES[1]},xyz,,,,,,,,", good)
    with pytest.raises(RegistryError) as caught:
        read_registry(file)
    assert [(row, column) for row, column, _ in caught.value.problems] == [
        (3, "resource code"), (4, "physical address"), (5, "code"),
    ]  # fmt: skip


def test_missing_columns_and_files(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("name\nx\n")
    with pytest.raises(RegistryError) as caught:
        read_registry(file)
    assert [column for _, column, _ in caught.value.problems] == ["code", "physical_address"]
    with pytest.raises(RegistryError):
        read_registry(tmp_path / "none.csv")
    (tmp_path / "binary").write_bytes(b"code,physical_address\n\xff\xfe")
    with pytest.raises(RegistryError):
        read_registry(tmp_path / "binary")
