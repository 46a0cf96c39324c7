import pytest

from gateway.protocols.results import MEANINGS, Handling, ResultCode, describe, handling


def test_every_code_of_the_table_has_names_and_a_handling() -> None:
    assert set(MEANINGS) == set(ResultCode)
    assert sorted(ResultCode) == [0, *range(10, 16), *range(30, 37), *range(50, 61), *range(70, 74)]


@pytest.mark.parametrize(
    ("expected", "codes"),
    [
        (Handling.DONE, [0]),
        (Handling.REPEAT, [13, 15]),
        (Handling.NEW_SESSION, [11, 31, 53, 73]),
        (Handling.PERMANENT, [12, 52, 54, 55, 59, 71]),
    ],
)
def test_the_retry_table(expected: Handling, codes: list[int]) -> None:
    assert {handling(code) for code in codes} == {expected}


def test_an_unknown_code_waits_for_a_person() -> None:
    assert handling(99) is Handling.PERMANENT
    assert describe(99) == "code 99 未定义"
    assert "CRC" in describe(15)
