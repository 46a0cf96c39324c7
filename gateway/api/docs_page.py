"""The pages 接口说明 at /docs: one HTML text made from the table of calls; nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from pydantic import BaseModel

from gateway import __version__
from gateway.api.openapi import allowed_problems
from gateway.api.problems import TITLES
from gateway.api.routes import Body, Reply, Route

_STYLE: Final = """
body{font:16px/1.6 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:0 auto;max-width:64rem;padding:1rem;
color:#1a1a1a;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;border-top:1px solid #ccc;padding-top:1rem;margin-top:2rem}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:#f3f3f3;padding:.8rem;overflow:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{border:1px solid #ddd;padding:.3rem .5rem;
text-align:left;vertical-align:top}th{background:#f3f3f3}
.method{display:inline-block;min-width:4.5rem;font-weight:700}.needs{color:#8a3b00}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}pre,th{background:#262626}td,th{border-color:#444}
.needs{color:#ffb27a}a{color:#8ab4ff}}
"""

_HEAD: Final = """
<p>密钥放在请求头 <code>Authorization: Bearer …</code>，由 <code>ebgw keys publisher add</code> 发放。
列表用 <code>?limit≤1000&amp;cursor</code> 翻页，返回 <code>{items, next}</code>。时间为 RFC 3339（UTC）。<br>
Keys go into <code>Authorization: Bearer …</code> and are made by <code>ebgw keys publisher add</code>.
Lists are paged by <code>?limit≤1000&amp;cursor</code> and give <code>{items, next}</code>. Times are RFC 3339, UTC.</p>
<p>机器可读 <a href="/api/v1/openapi.json">OpenAPI 3.1</a></p>
<pre>curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/cap+xml" --data-binary @alert.xml \\
     http://127.0.0.1:8080/api/v1/warnings</pre>
<h2 id="traps">常见问题 Pitfalls</h2>
<ul>
<li>同一标识（sender、identifier、sent）重发相同内容得 200 与相同编号；内容不同得 409。
The same identity with the same content is 200 with the same ids; with other content 409.</li>
<li>区划代码与名称不符时拒收并写明两种读法，绝不猜测。
Where a code and a name disagree the warning is refused with both readings named, never guessed.</li>
<li>多边形按县界粗略匹配，回执中有提示。 Polygons are matched against county outlines only; a notice says so.</li>
<li>没有代码和图形的区域按文字识别；未全部读懂则等人确认（awaiting_approval）。
Areas of words alone are read; unless every word is understood the warning waits for a person.</li>
<li>202 表示已落盘，不表示已播出：请看 coverage。 202 means on disk, not on air: look at coverage.</li>
</ul>
"""


def docs_page(routes: Sequence[Route]) -> str:
    """The whole page."""
    index = "".join(
        f'<li><a href="#{_anchor(route)}"><span class="method">{route.method}</span>'
        f"<code>{escape(route.path)}</code></a> {escape(route.summary)}</li>"
        for route in routes
    )
    problems = "".join(
        f'<tr id="problem-{status}"><td>{status}</td><td>{escape(title)}</td></tr>'
        for status, title in sorted(TITLES.items())
    )
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>应急广播网关接口 Gateway API</title><style>{_STYLE}</style></head><body>"
        f"<h1>应急广播网关接口 Gateway API {escape(__version__)}</h1>{_HEAD}<ul>{index}</ul>"
        f"{''.join(map(_section, routes))}"
        '<h2 id="problems">错误 Problems</h2><p><code>application/problem+json</code>：'
        "<code>errors: [{path, code, message}]</code></p>"
        f"<table><tr><th>状态 status</th><th>含义 meaning</th></tr>{problems}</table></body></html>"
    )


def _anchor(route: Route) -> str:
    return f"{route.method}-{route.path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}"


def _section(route: Route) -> str:
    parts = [
        f'<h2 id="{_anchor(route)}"><span class="method">{route.method}</span><code>{escape(route.path)}</code></h2>',
        f"<p>{escape(route.summary)}</p>",
        f'<p class="needs">{escape(route.need.value)}</p>',
    ]
    if route.words:
        parts.append(f"<p>{escape(route.words)}</p>")
    if route.query is not None:
        parts.append("<h3>查询参数 Query</h3>" + _fields(route.query, "validation"))
    parts.extend(map(_taken, route.takes))
    parts.extend(map(_given, route.replies))
    refusals = " · ".join(f'<a href="#problem-{status}">{status}</a>' for status in allowed_problems(route))
    parts.append(f"<p>拒绝 Refusals: {refusals}</p>")
    return "".join(parts)


def _taken(body: Body) -> str:
    found = f"<h3>请求体 Body <code>{escape(body.media_type)}</code></h3><p>{escape(body.words)}</p>"
    if body.model is not None:
        found += _fields(body.model, "validation")
    return found + (f"<pre>{escape(body.example)}</pre>" if body.example else "")


def _given(reply: Reply) -> str:
    found = f"<h3>{reply.status} {escape(reply.words)}</h3>"
    return found + (_fields(reply.model, "serialization") if reply.model is not None else "")


def _fields(model: type[BaseModel], mode: str) -> str:
    schema = model.model_json_schema(mode=mode)  # type: ignore[arg-type]
    rows = "".join(_rows(schema, schema.get("$defs", {}), ""))
    return f"<table><tr><th>字段 field</th><th>类型 type</th><th>说明 meaning</th></tr>{rows}</table>"


def _rows(schema: dict[str, Any], definitions: dict[str, Any], prefix: str, depth: int = 0) -> Iterable[str]:
    required = schema.get("required", ())
    for name, about in schema.get("properties", {}).items():
        star = " *" if name in required and depth == 0 else ""
        words = escape(str(about.get("description", "")))
        kind = escape(_type(about))
        yield f"<tr><td><code>{escape(prefix + name)}</code>{star}</td><td>{kind}</td><td>{words}</td></tr>"
        inner = _inner(about, definitions)
        if inner is not None and depth < 2:
            suffix = "[]." if about.get("type") == "array" else "."
            yield from _rows(inner, definitions, f"{prefix}{name}{suffix}", depth + 1)


def _inner(about: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any] | None:
    for candidate in (about, about.get("items", {}), *about.get("anyOf", ())):
        reference = candidate.get("$ref") if isinstance(candidate, dict) else None
        if reference is not None:
            found: dict[str, Any] = definitions[str(reference).rpartition("/")[2]]
            return found if "properties" in found else None
    return None


def _type(about: dict[str, Any]) -> str:
    if "anyOf" in about:
        return " | ".join(_type(option) for option in about["anyOf"])
    if "enum" in about:
        return " | ".join(map(str, about["enum"]))
    if "$ref" in about:
        return str(about["$ref"]).rpartition("/")[2]
    if about.get("type") == "array":
        return f"[{_type(about.get('items', {}))}]"
    return str(about.get("format") or about.get("type") or about.get("const") or "")
