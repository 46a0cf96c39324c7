"""Rights as the store keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.api.keys import holder_of, issue_key, rights_of
from gateway.domain.codes import AreaCode
from gateway.domain.warning import Severity, Status
from gateway.errors import InvalidValueError
from gateway.publishers.profile import Profile
from gateway.publishers.rights import KeyKind, Publisher, hash_key

FULL = Publisher(
    "县气象台",
    KeyKind.OPERATOR,
    (AreaCode("350524000000"), AreaCode("350582000000")),
    ("11B*", "10201"),
    Severity.ORANGE,
    (Status.EXERCISE,),
    approval_needed=True,
    profile=Profile.TOLERANT,
)


def test_rights_come_back_as_they_were() -> None:
    _, row = issue_key(FULL, 12.5)
    assert holder_of(row) == FULL
    assert row.created_at == 12.5


def test_only_the_hash_is_stored() -> None:
    plain, row = issue_key(FULL, 0.0)
    assert row.hash == hash_key(plain)
    assert plain not in repr(row)
    assert issue_key(FULL, 0.0)[0] != plain


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"areas": []},
        {"areas": ["35"]},
        {"areas": 5},
        {"highest_severity": "purple"},
        {"statuses": ["Shouted"]},
        {"profile": "lax"},
    ],
)
def test_broken_rights_are_named_and_never_guessed(broken: dict[str, Any]) -> None:
    _, row = issue_key(FULL, 0.0)
    rights = {**rights_of(FULL), **broken} if broken else {}
    with pytest.raises(InvalidValueError):
        holder_of(replace(row, rights=rights))


def test_rights_that_are_no_object_are_refused() -> None:
    _, row = issue_key(FULL, 0.0)
    with pytest.raises(InvalidValueError):
        holder_of(replace(row, rights=["areas"]))
