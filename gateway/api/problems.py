"""Problems 错误应答: every refusal as ``application/problem+json`` (RFC 9457) with each broken rule by path."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web
from pydantic import ValidationError

from gateway.api.models import Problem
from gateway.errors import (
    AudioRejected,
    EnvironmentLackingError,
    GatewayError,
    InvalidValueError,
    NotFoundError,
    OverloadedError,
    RegistryError,
    RightsError,
    RowRefused,
    SoundError,
    StateConflictError,
    StoreError,
    UnsupportedMediaError,
    Violation,
    WarningConflict,
    WarningError,
    WarningInvalid,
    WarningUnparseable,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

#: Seconds after which a publisher may try again when the store cannot be written.
_STORE_RETRY: Final = 5
#: Seconds after which a program that was missing may have been installed.
_PROGRAM_RETRY: Final = 60
#: Broken rules shown of one body; more would only repeat them.
_SHOWN: Final = 200

TITLES: Final[Mapping[int, str]] = {
    400: "无法解析 not parseable",
    401: "缺少或未知的密钥 no key or an unknown one",
    403: "超出密钥权限 outside the rights of this key",
    404: "不存在 no such thing",
    405: "不支持的方法 method not allowed",
    406: "无法提供所要的格式 cannot answer in this form",
    408: "正文未及时收齐 the body did not come in time",
    409: "与现有内容或状态冲突 conflict with what is there",
    413: "内容过大 too large",
    415: "不支持的媒体类型 unsupported media type",
    422: "内容不符合规则 understood, but a rule is broken",
    429: "请求过多 too many requests of this key",
    500: "内部错误 internal error",
    502: "对端未照办 a device did not do what it was asked",
    503: "暂时无法服务 not able to serve now",
}

#: Status of each error of our own, the narrowest class first.
_STATUS: Final[tuple[tuple[type[GatewayError], int], ...]] = (
    (WarningUnparseable, 400),
    (WarningInvalid, 422),
    (WarningConflict, 409),
    (UnsupportedMediaError, 415),
    (RightsError, 403),
    (NotFoundError, 404),
    (StateConflictError, 409),
    (OverloadedError, 503),
    (RegistryError, 422),
    (InvalidValueError, 422),
    (AudioRejected, 422),
    (SoundError, 503),
    (RowRefused, 409),
    (StoreError, 503),
    (EnvironmentLackingError, 503),
)


class HttpProblem(GatewayError):
    """A refusal that only HTTP knows (no key, wrong Accept, body too large); ``headers`` go with the answer."""

    code = "http"

    def __init__(
        self, status: int, *violations: Violation, headers: Mapping[str, str] | None = None, close: bool = False
    ) -> None:
        self.status, self.violations, self.headers, self.close = status, violations, headers or {}, close
        super().__init__("; ".join(v.message for v in violations))


def too_large(limit: int) -> HttpProblem:
    """A body above ``limit`` bytes; the connection is closed, since the rest of it is never read."""
    message = f"正文超过 {limit} 字节 / the body exceeds {limit} bytes"
    return HttpProblem(413, Violation("", "too_large", message), close=True)


def lacking(error: EnvironmentLackingError) -> HttpProblem:
    """A program is missing that this call needs: told by its name; the connection is closed, its body may go on."""
    headers = {"Retry-After": str(_PROGRAM_RETRY)}
    return HttpProblem(503, Violation("", error.code, str(error)), headers=headers, close=True)


def problem_response(
    status: int,
    violations: Iterable[Violation],
    *,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    close: bool = False,
) -> web.Response:
    """The answer for one refusal."""
    shown = list(violations)[:_SHOWN]
    title = TITLES.get(status) or HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "type": f"/docs#problem-{status}",
        "title": title,
        "status": status,
        "detail": detail or "; ".join(v.message for v in shown[:3]) or title,
        "errors": [{"path": v.path, "code": v.code, "message": v.message} for v in shown],
    }
    response = web.Response(
        status=status,
        body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
        content_type=MEDIA_TYPE,
        headers=headers,
    )
    if close:
        response.force_close()
    return response


def problem_of(error: Exception) -> Problem:
    """The same as a model, for one of several answers in a body."""
    body = response_for(error).body
    assert isinstance(body, bytes)
    return Problem.model_validate_json(body)


def response_for(error: Exception) -> web.Response:
    """The answer for any exception of a handler; what is no refusal of ours is logged, and shown without insides."""
    if isinstance(error, HttpProblem):
        return problem_response(error.status, error.violations, headers=error.headers, close=error.close)
    if isinstance(error, web.HTTPException):
        return _of_aiohttp(error)
    if isinstance(error, ValidationError):
        return problem_response(*_of_pydantic(error))
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return _of_gateway(error, status)
    log.error("request failed", error=type(error).__name__, exc_info=error)
    return problem_response(500, [Violation("", "internal_error", TITLES[500])])


def _of_gateway(error: GatewayError, status: int) -> web.Response:
    violations, headers = [Violation("", error.code, str(error))], {}
    if isinstance(error, WarningError):
        violations = list(error.violations)
        if isinstance(error, WarningUnparseable) and any(v.code == "too_large" for v in violations):
            status = 413
    elif isinstance(error, InvalidValueError | AudioRejected):
        violations = [Violation(error.field, error.code, f"{str(error.value)[:80]!r}: {error.rule}")]
    elif isinstance(error, RightsError):
        violations = [Violation("", f"forbidden_{error.right}", error.message)]
    elif isinstance(error, RegistryError):
        violations = [Violation(f"row {row}/{column}", error.code, rule) for row, column, rule in error.problems]
    elif isinstance(error, UnsupportedMediaError):
        headers["Accept"] = ", ".join(error.supported)
    elif isinstance(error, OverloadedError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif status == 503:
        log.error("cannot serve", error=str(error))
        headers["Retry-After"] = str(_STORE_RETRY)
        violations = [Violation("", error.code, TITLES[503])]
    return problem_response(status, violations, headers=headers)


def _of_aiohttp(error: web.HTTPException) -> web.Response:
    status = error.status
    words = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    code = words.get(status, "http")
    return problem_response(
        status, [Violation("", code, TITLES.get(status, error.reason))], headers=headers, close=status == 413
    )


def _of_pydantic(error: ValidationError) -> tuple[int, list[Violation]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    status = 400 if any(item["type"] == "json_invalid" for item in found) else 422
    return status, [
        Violation("/".join(str(part)[:40] for part in item["loc"]), item["type"], item["msg"]) for item in found
    ]
