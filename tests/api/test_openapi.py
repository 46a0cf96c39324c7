"""The OpenAPI document: whole, in shape, and true to what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.api.app import all_routes
from gateway.api.openapi import allowed_problems, openapi_document
from gateway.api.problems import TITLES
from gateway.api.routes import Route
from tests.api.apikit import Api

DOCUMENT = openapi_document(all_routes())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


@pytest.mark.asyncio(loop_scope="module")
async def test_it_is_served_to_anybody(api: Api) -> None:
    answer = await api.get("/api/v1/openapi.json", None)
    assert answer.status == 200
    assert answer.json == DOCUMENT


@pytest.mark.asyncio(loop_scope="module")
async def test_every_route_of_the_server_is_in_it_and_no_other(api: Api) -> None:
    served = set()
    for method in ("GET", "POST", "PUT", "DELETE"):
        for route in all_routes():
            path = re.sub(r"\{\w+\}", "x", route.path)
            answer = await api.call(method, path, None)
            if answer.status != 405:
                served.add((route.path, method.lower()))
    assert served == {(path, method) for path, method, _ in operations()}


def test_it_has_the_shape_of_openapi_3_1() -> None:
    assert re.fullmatch(r"3\.1\.\d+", DOCUMENT["openapi"])
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    assert DOCUMENT["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    ids = set()
    for path, method, operation in operations():
        assert path.startswith("/")
        assert method in {"get", "post", "put", "delete"}
        ids.add(operation["operationId"])
        assert operation["summary"]
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))
        for parameter in operation["parameters"]:
            assert parameter.keys() >= {"name", "in", "required", "schema"}
        assert operation["responses"]
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert response["description"]
            for media_type, content in response.get("content", {}).items():
                assert "/" in media_type
                assert "schema" in content
    assert len(ids) == len(list(operations()))


def test_every_reference_leads_to_a_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        prefix, _, name = reference.rpartition("/")
        assert prefix == "#/components/schemas"
        assert name in schemas


def test_the_contract_calls_are_there() -> None:
    warnings = DOCUMENT["paths"]["/api/v1/warnings"]["post"]
    assert set(warnings["requestBody"]["content"]) == {
        "application/cap+xml",
        "application/xml",
        "text/xml",
        "application/json",
    }
    assert {"200", "202", "400", "401", "403", "409", "413", "415", "422", "429", "503"} <= set(warnings["responses"])
    coverage = DOCUMENT["paths"]["/api/v1/warnings/{id}/coverage"]["get"]
    schema = coverage["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/CoverageBody"}


@pytest.mark.parametrize("route", all_routes(), ids=lambda r: f"{r.method} {r.path}")
def test_refusals_are_problems_with_a_title(route: Route) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    for status in allowed_problems(route):
        assert status in TITLES
        content = operation["responses"][str(status)]["content"]
        assert list(content) == ["application/problem+json"]


@pytest.mark.asyncio(loop_scope="module")
async def test_answers_have_exactly_the_fields_that_it_says(api: Api) -> None:
    taken = (await api.warn()).json["warning_id"]
    for path in ("/api/v1/warnings/{id}", "/api/v1/warnings/{id}/coverage", "/api/v1/warnings"):
        body = (await api.get(path.replace("{id}", taken))).json
        schema = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        said = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert body.keys() == said["properties"].keys()
