"""OpenAPI 3.1 of the calls, made from their table and models alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import __version__
from gateway.api import problems
from gateway.api.models import Problem
from gateway.api.routes import Need, Route

_REF: Final = "#/components/schemas/{model}"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
#: Refusals that any call with a key may answer.
KEYED_PROBLEMS: Final = (401, 403, 406, 429, 500, 503)

Json = dict[str, Any]


def openapi_document(routes: Sequence[Route]) -> Json:
    """The whole document."""
    names, schemas = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "应急广播网关 Emergency broadcast gateway",
            "version": __version__,
            "description": "应急信息进，投递证据与覆盖人口出。 Warnings in; evidence of delivery out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "ebgw keys publisher add"}},
        },
    }


def allowed_problems(route: Route) -> tuple[int, ...]:
    """Statuses that a call may refuse with."""
    common = KEYED_PROBLEMS if route.need is not Need.NOBODY else (406, 500)
    return tuple(sorted({*common, *route.problems}))


def _schemas(routes: Iterable[Route]) -> tuple[dict[tuple[type[BaseModel], str], Json], Json]:
    wanted: dict[tuple[type[BaseModel], Any], None] = {(Problem, "serialization"): None}
    for route in routes:
        for reply in route.replies:
            if reply.model is not None:
                wanted[reply.model, "serialization"] = None
        for body in route.takes:
            if body.model is not None:
                wanted[body.model, "validation"] = None
    names, top = models_json_schema(list(wanted), ref_template=_REF)
    by_model: dict[tuple[Any, str], Json] = {(model, str(mode)): ref for (model, mode), ref in names.items()}
    return by_model, top["$defs"]


def _operation(route: Route, names: dict[tuple[type[BaseModel], str], Json]) -> Json:
    operation: Json = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {},
    }
    if route.words:
        operation["description"] = route.words
    operation["security"] = [{"key": []}] if route.need is not Need.NOBODY else []
    operation["x-ebgw-needs"] = route.need.name.lower()
    if route.takes:
        content: Json = {}
        for body in route.takes:
            schema = names[body.model, "validation"] if body.model else {"type": "string", "description": body.words}
            content[body.media_type] = {"schema": schema}
            if body.example:
                content[body.media_type]["example"] = body.example
        required = not all(b.model and not b.model.model_json_schema().get("required") for b in route.takes)
        operation["requestBody"] = {"required": required, "content": content}
    for reply in route.replies:
        found: Json = {"description": reply.words}
        if reply.model is not None:
            found["content"] = {reply.media_type: {"schema": names[reply.model, "serialization"]}}
        elif reply.status != HTTPStatus.NO_CONTENT:
            found["content"] = {reply.media_type: {"schema": {"type": "string"}}}
        operation["responses"][str(reply.status)] = found
    refusal = {problems.MEDIA_TYPE: {"schema": names[Problem, "serialization"]}}
    for status in allowed_problems(route):
        operation["responses"].setdefault(str(status), {"description": problems.TITLES[status], "content": refusal})
    return operation


def _operation_id(route: Route) -> str:
    words = route.path.removeprefix("/api/v1").replace("{", "by_").replace("}", "").replace(".", "_")
    return "_".join([route.method.lower(), *(part for part in words.split("/") if part)])


def _tag(route: Route) -> str:
    parts = route.path.removeprefix("/api/v1").strip("/").split("/")
    return parts[0] if route.path.startswith("/api/v1") else "monitoring"


def _path_parameters(route: Route) -> list[Json]:
    words = {
        "id": "warning_id 或 EBM 编码 / or EBM id",
        "code": "资源编码 resource code, 23 digits",
        "stream": "回传标识 id of a monitored stream",
        "ebm_id": "EBM 编码 EBM id, 35 digits",
        "name": "文件名 name of the file",
        "number": "告警编号 number of an alarm",
    }
    return [
        {"name": name, "in": "path", "required": True, "description": words[name], "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[Json]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(ref_template=_REF)
    inline = schema.get("$defs", {})
    found = []
    for name, about in schema["properties"].items():
        known = {key: value for key, value in about.items() if key != "description"}
        found.append(
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": about.get("description", ""),
                "schema": _inlined(known, inline),
            }
        )
    return found


def _inlined(schema: Any, definitions: Json) -> Any:
    """Query models are no bodies: what they refer to is written out."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return definitions[str(schema["$ref"]).rpartition("/")[2]]
        return {key: _inlined(value, definitions) for key, value in schema.items()}
    return [_inlined(item, definitions) for item in schema] if isinstance(schema, list) else schema
