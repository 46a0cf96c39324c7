"""The pages: every call, nothing from elsewhere, well formed."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from gateway.api.app import all_routes
from gateway.api.docs_page import docs_page
from tests.api.apikit import Api

_VOID = {"meta", "br"}


class _Page(HTMLParser):
    """Checks nesting and collects what matters."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if tag not in _VOID:
            self.open.append(tag)
        if about.get("id"):
            self.ids.append(str(about["id"]))
        if tag == "a":
            self.links.append(str(about["href"]))
        if tag in ("script", "link", "img", "iframe") or "src" in about:
            self.loads.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] in ("li",) and self.open[-1] != tag:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read() -> _Page:
    page = _Page()
    page.feed(docs_page(all_routes()))
    return page


def test_every_call_has_its_section_and_every_link_its_end() -> None:
    page = read()
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link == "/api/v1/openapi.json" or link.removeprefix("#") in page.ids
    text = "".join(page.words)
    for route in all_routes():
        assert route.summary in text
        assert route.path in text


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = read()
    assert page.loads == []
    text = docs_page(all_routes())
    assert "https://" not in text
    assert "@import" not in text


@pytest.mark.asyncio(loop_scope="module")
async def test_it_is_served_to_anybody_and_may_load_nothing(api: Api) -> None:
    answer = await api.get("/docs", None, headers={"Accept": "text/html"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.raw.decode().startswith('<!doctype html><html lang="zh-CN">')
