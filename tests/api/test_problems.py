"""Every error of the tree becomes one status and one form."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from gateway.api.problems import MEDIA_TYPE, HttpProblem, problem_response, response_for
from gateway.errors import (
    EnvironmentLackingError,
    GatewayError,
    InvalidValueError,
    NotFoundError,
    OverloadedError,
    RegistryError,
    RightsError,
    RowRefused,
    StateConflictError,
    StoreError,
    UnsupportedMediaError,
    Violation,
    WarningConflict,
    WarningInvalid,
    WarningUnparseable,
)

RULE = Violation("info[1]/area", "unknown_area", "words")


def body_of(response: web.Response) -> dict[str, object]:
    assert response.content_type == MEDIA_TYPE
    assert isinstance(response.body, bytes)
    found: dict[str, object] = json.loads(response.body)
    assert found["status"] == response.status
    return found


@pytest.mark.parametrize(
    ("error", "status", "errors"),
    [
        (WarningUnparseable(RULE), 400, [("info[1]/area", "unknown_area")]),
        (WarningUnparseable(Violation("", "too_large", "x")), 413, [("", "too_large")]),
        (WarningInvalid(RULE, RULE), 422, [("info[1]/area", "unknown_area")] * 2),
        (WarningConflict(RULE), 409, [("info[1]/area", "unknown_area")]),
        (UnsupportedMediaError("a/b", ("c/d",)), 415, [("", "unsupported_media")]),
        (RightsError("area", "x"), 403, [("", "forbidden_area")]),
        (NotFoundError("x"), 404, [("", "not_found")]),
        (StateConflictError("x"), 409, [("", "state_conflict")]),
        (OverloadedError("x", 2.5), 503, [("", "overloaded")]),
        (
            RegistryError((2, "code", "x"), (3, "area", "y")),
            422,
            [("row 2/code", "registry"), ("row 3/area", "registry")],
        ),
        (InvalidValueError("cursor", "z", "x"), 422, [("cursor", "invalid_value")]),
        (RowRefused("x"), 409, [("", "row_refused")]),
        (StoreError("/secret/path is full"), 503, [("", "store")]),
        (EnvironmentLackingError("x"), 503, [("", "environment")]),
        (HttpProblem(406, RULE), 406, [("info[1]/area", "unknown_area")]),
        (GatewayError("/secret/path"), 500, [("", "internal_error")]),
        (ZeroDivisionError("/secret/path"), 500, [("", "internal_error")]),
        (web.HTTPNotFound(), 404, [("", "not_found")]),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, [("", "method_not_allowed")]),
        (web.HTTPRequestEntityTooLarge(1, 2), 413, [("", "too_large")]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_becomes_its_problem(error: Exception, status: int, errors: list[tuple[str, str]]) -> None:
    response = response_for(error)
    found = body_of(response)
    assert response.status == status
    assert [(e["path"], e["code"]) for e in found["errors"]] == errors  # type: ignore[attr-defined]
    assert b"secret" not in response.body  # type: ignore[operator]
    assert ("Retry-After" in response.headers) == (status == 503)


def test_retry_after_is_whole_seconds_rounded_up() -> None:
    assert response_for(OverloadedError("x", 2.1)).headers["Retry-After"] == "3"
    assert response_for(OverloadedError("x", 0.0)).headers["Retry-After"] == "1"


def test_a_refused_method_names_those_that_are_there() -> None:
    assert response_for(web.HTTPMethodNotAllowed("PUT", ["GET", "POST"])).headers["Allow"] == "GET,POST"


def test_thousands_of_broken_rules_are_cut() -> None:
    found = body_of(problem_response(422, [RULE] * 5000))
    assert len(found["errors"]) == 200  # type: ignore[arg-type]


def test_words_that_are_no_text_do_not_break_the_answer() -> None:
    found = body_of(problem_response(422, [Violation("\udcff", "x", "\ud800")]))
    assert found["status"] == 422
