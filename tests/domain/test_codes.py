"""Codes of GD/J 080-2018 and 082-2018, with the standard's own examples."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import (
    EBM_ID_ALL,
    AreaCode,
    AreaLevel,
    CertificateSerial,
    EbmId,
    PhysicalAddress,
    ResourceCode,
)
from gateway.errors import InvalidValueError

DIGITS = st.text("0123456789", min_size=12, max_size=12)

#: GD/J 080-2018 table B.1: code, level, area, type, subtype.
EXAMPLES = [
    ("11100000000000101010101", 1, "110000000000", "0101", "01"),
    ("23400000000000101010101", 2, "340000000000", "0101", "01"),
    ("43415230000000301010101", 4, "341523000000", "0301", "01"),
    ("43415230000000301010201", 4, "341523000000", "0301", "02"),
    ("43415230000000301020301", 4, "341523000000", "0301", "03"),
    ("63415231002000314010401", 6, "341523100200", "0314", "04"),
    ("63415230000000314010400", 6, "341523000000", "0314", "04"),
]


@pytest.mark.parametrize(("code", "level", "area", "kind", "subtype"), EXAMPLES)
def test_examples_of_the_standard(code: str, level: int, area: str, kind: str, subtype: str) -> None:
    resource = ResourceCode(code)
    assert (resource.level, resource.area, resource.kind, resource.subtype) == (level, area, kind, subtype)


def test_a_resource_code_is_built_from_its_fields() -> None:
    assert ResourceCode.build(6, AreaCode("341523100200")) == "63415231002000314010401"
    assert ResourceCode.build(6, AreaCode("341523000000"), number=0) == "63415230000000314010400"


@pytest.mark.parametrize(
    ("code", "level", "parent", "prefix"),
    [
        ("000000000000", AreaLevel.NATION, "000000000000", ""),
        ("350000000000", AreaLevel.PROVINCE, "000000000000", "35"),
        ("350500000000", AreaLevel.CITY, "350000000000", "3505"),
        ("350524000000", AreaLevel.COUNTY, "350500000000", "350524"),
        ("350524100000", AreaLevel.TOWNSHIP, "350524000000", "350524100"),
        ("350524100201", AreaLevel.VILLAGE, "350524100000", "350524100201"),
        ("341523100200", AreaLevel.VILLAGE, "341523100000", "341523100200"),
        ("110000000000", AreaLevel.PROVINCE, "000000000000", "11"),
        ("350520000000", AreaLevel.COUNTY, "350500000000", "350520"),
        ("500000000000", AreaLevel.PROVINCE, "000000000000", "50"),
    ],
)
def test_levels_parents_and_prefixes_go_by_whole_groups(code: str, level: AreaLevel, parent: str, prefix: str) -> None:
    area = AreaCode(code)
    assert (area.level, area.parent, area.prefix) == (level, parent, prefix)


def test_a_village_that_ends_in_zeros_is_one_village() -> None:
    village = AreaCode("341523100200")
    assert village.covers(village)
    for other in ("341523100201", "341523100210", "341523100299"):
        assert not village.covers(AreaCode(other))
    assert village.township == "341523100000"
    assert village.county == "341523000000"


def test_a_township_that_ends_in_zeros_is_one_township() -> None:
    township = AreaCode("350524100000")
    assert township.covers(AreaCode("350524100201"))
    assert not township.covers(AreaCode("350524101000"))
    assert not township.covers(AreaCode("350524110000"))


@given(DIGITS, DIGITS)
def test_covering_is_an_order(first: str, second: str) -> None:
    a, b = AreaCode(first), AreaCode(second)
    assert a.covers(a)
    assert a.parent.covers(a)
    assert a.parent.level < a.level or a.level is AreaLevel.NATION
    if a.covers(b) and b.covers(a):
        assert a.prefix == b.prefix
    if a.covers(b):
        assert a.parent.covers(b)
        assert a.level <= b.level


@pytest.mark.parametrize(
    "digits", ["", "35052410020", "3505241002011", "35052410020x", "３５０５２４１００２０１", "350524100201\n"]
)
def test_area_codes_are_twelve_plain_digits(digits: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        AreaCode(digits)
    assert refused.value.field == "area"


def test_resource_codes_are_twenty_three_digits() -> None:
    for digits in ("6341523100200031401040", "634152310020003140104011", "F3415231002000314010401"):
        with pytest.raises(InvalidValueError, match="23 decimal digits"):
            ResourceCode(digits)


def test_ebm_ids_carry_platform_day_and_number() -> None:
    ebm = EbmId.build(ResourceCode("43505240000000101010101"), date(2026, 11, 23), 7)
    assert ebm == "43505240000000101010101202611230007"
    assert (ebm.platform, ebm.day, ebm.sequence, ebm.forced) == ("43505240000000101010101", "20261123", 7, True)
    assert not EbmId(ebm[:31] + "0000").forced
    assert not EBM_ID_ALL.forced


@pytest.mark.parametrize("number", [-1, 10_000])
def test_ebm_numbers_end_at_9999(number: int) -> None:
    with pytest.raises(InvalidValueError):
        EbmId.build(ResourceCode("43505240000000101010101"), date(2026, 11, 23), number)


@pytest.mark.parametrize(
    ("text", "address"),
    [("123456789002", "123456789002"), ("aa:bb-cc dd", "AABBCCDD"), ("0f", "0F"), ("00" * 32, "00" * 32)],
)
def test_physical_addresses_are_hexadecimal_in_any_dress(text: str, address: str) -> None:
    assert PhysicalAddress(text) == address


@pytest.mark.parametrize("text", ["", "1", "123", "xy", "00" * 33])
def test_physical_addresses_are_whole_bytes(text: str) -> None:
    with pytest.raises(InvalidValueError):
        PhysicalAddress(text)


def test_certificate_numbers() -> None:
    assert CertificateSerial("00000000100a") == "00000000100A"
    for text in ("", "00000000100", "00000000100G", "0000000010010"):
        with pytest.raises(InvalidValueError):
            CertificateSerial(text)
