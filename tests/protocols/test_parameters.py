import pytest
from hypothesis import given

from gateway.errors import InvalidValueError
from gateway.protocols import parameters as p
from gateway.protocols.fields import Layout, WireCode
from tests.protocols.strategies import careless, reported, settable, several

SET: Layout[tuple[p.Parameter, ...]] = Layout("set", p.parameters(p.SETTABLE))
REPORT: Layout[tuple[p.Parameter, ...]] = Layout("report", p.parameters(p.REPORTED))


@given(several(settable))
def test_settings_come_back(params: tuple[p.Parameter, ...]) -> None:
    assert SET.parse(SET.build(params)) == params


@given(several(reported))
def test_reports_come_back(params: tuple[p.Parameter, ...]) -> None:
    assert REPORT.parse(REPORT.build(params)) == params


@given(several(careless))
def test_values_that_do_not_fit_their_tag_survive_to_the_byte(params: tuple[p.Parameter, ...]) -> None:
    for layout in (SET, REPORT):
        raw = layout.build(params)
        assert layout.build(layout.parse(raw)) == raw


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("0304" + "03" * 4, bytes.fromhex("03030303")),  # kind 3, length 3, two digits: cut
        ("0307" + "09C0A801010050", bytes.fromhex("09C0A801010050")),  # unknown kind
        ("0307" + "01C0A801010050", p.ReturnAddress(1, "192.168.1.1", 80)),
        ("0306" + "0202 6162 1B58", p.ReturnAddress(2, "ab", 7000)),
        ("040C" + "F63415231002000314010401", WireCode(bytes.fromhex("F63415231002000314010401"))),
        ("0102" + "3C00", bytes.fromhex("3C00")),
        ("0504" + "03112233", p.PhysicalValue(bytes.fromhex("112233"))),
        ("0504" + "04112233", p.PhysicalValue(bytes.fromhex("112233"), counts_itself=True)),
        ("0504" + "09112233", bytes.fromhex("09112233")),
        ("1106" + "009850010120", p.CurrentFrequency("98.50", "101.20")),
        ("1106" + "00FF50010120", p.CurrentFrequency("FF.50", "101.20")),
    ],
)
def test_a_value_that_fits_is_typed_and_any_other_stays_bytes(raw: str, value: p.Value) -> None:
    data = bytes.fromhex("01" + raw)
    (parameter,) = REPORT.parse(data)
    assert parameter.value == value
    assert REPORT.build((parameter,)) == data


def test_both_forms_of_a_resource_code_setting() -> None:
    code = WireCode.of("63415231002000314010401")
    for value in (code, p.ResourceCodeSetting(bytes.fromhex("112233445566"), code)):
        assert SET.parse(SET.build((p.Parameter(4, value),))) == (p.Parameter(4, value),)


def test_address_text() -> None:
    assert p.ReturnAddress(2, "eb.example.cn", 7000).text == "eb.example.cn:7000"
    assert p.ReturnAddress(3, "13800138000").text == "13800138000"


@pytest.mark.parametrize(
    "parameter",
    [
        p.Parameter(p.VOLUME, 256),
        p.Parameter(99, 1),
        p.Parameter(p.LOCAL_ADDRESS, p.LocalAddress("1.2.3", "1.2.3.4", "1.2.3.4")),
        p.Parameter(p.LOCAL_ADDRESS, p.LocalAddress("1.2.3.256", "1.2.3.4", "1.2.3.4")),
        p.Parameter(p.RETURN_ADDRESS, p.ReturnAddress(9, "x", 1)),
        p.Parameter(200, bytes(256)),
    ],
)
def test_what_cannot_be_written_is_refused(parameter: p.Parameter) -> None:
    with pytest.raises(InvalidValueError):
        SET.build((parameter,))
