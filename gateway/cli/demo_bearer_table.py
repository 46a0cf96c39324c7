"""Tables of the demo by bearer 承载: what is proven, claimed and sent apart, and what a cut line did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from gateway.cli.demo_town import BEARERS
from gateway.domain.receiver import RouteKind

_GAP = (0, 1, 0, 0)
#: The best evidence, in words.
_WORDS: Mapping[str, str] = {
    "proven": "已证实 proven",
    "claimed": "转报 claimed",
    "sent": "已发 sent",
}
_SUMS = (
    "terminals", "proven", "claimed", "sent", "unreached", "answered", "failed_over", "played_in_truth",
)  # fmt: skip


def bearers_table(bearers: Mapping[str, Mapping[str, Any]]) -> Table:
    """One line for each bearer; every terminal counts once, with its first route."""
    table = _table("按承载 By bearer (每台终端按首选路由计一次 each terminal once, by its first route)")
    table.add_column("承载\nbearer", no_wrap=True)
    table.add_column("最佳证据\nbest", no_wrap=True)
    for head in (
        "终端\nterminals", "已证实\nproven", "转报\nclaimed", "已发\nsent", "未达\nnone", "应答\nanswered",
        "切换\nmoved", "受理→线 s\nto wire", "首帧 s\n1st frame", "实播\nplayed",
    ):  # fmt: skip
        table.add_column(head, justify="right", no_wrap=True)
    for name, each in bearers.items():
        table.add_row(
            BEARERS[RouteKind(name)],
            _WORDS[each["best"]],
            *(f"{each[key]:,}" for key in _SUMS[:-1]),
            _seconds(each["accept_to_wire_ms"]),
            _seconds(each["first_frame_ms"]),
            f"{each['played_in_truth']:,}",
        )
    sums = {key: sum(each[key] for each in bearers.values()) for key in _SUMS}
    table.add_section()
    table.add_row(
        "合计 total",
        "",
        *(f"{sums[key]:,}" for key in _SUMS[:-1]),
        "",
        "",
        f"{sums['played_in_truth']:,}",
        style="bold",
    )
    table.caption = Text(
        "实播: 仿真终端日志, 网关不可见 played: by the terminals' own journals, which the gateway cannot see", "dim"
    )
    return table


def cut_table(cut: Mapping[str, Any]) -> Table:
    """Where the terminals of the line that was cut went, and when."""
    table = _table(
        f"断路 Cut: {cut['route']}, {cut['how']}, 受理后 {cut['at_ms'] / 1000:.2f} s after acceptance; "
        f"{cut['terminals']} 终端 terminals"
    )
    table.add_column("现由\nserved by", no_wrap=True)
    for head in ("终端\nterminals", "证据已齐\nwith best", "断后首发 s\nfirst start", "断后末发 s\nlast start"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_row(
        f"{cut['route']} (断前已应答 answered before)",
        str(cut["answered_before"]),
        str(cut["answered_before"]),
        "-",
        "-",
    )
    for route, each in cut["moved"].items():
        table.add_row(
            f"→ {route}",
            str(each["terminals"]),
            str(each["with_best"]),
            _seconds(each["first_start_ms"]),
            _seconds(each["last_start_ms"]),
        )
    if cut["not_served"]:
        table.add_row("未切换 not moved", str(cut["not_served"]), "0", "-", "-", style="bold red")
    return table


def _table(title: str) -> Table:
    return Table(
        title=Text(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=_GAP, pad_edge=False,
        caption_justify="left",
    )  # fmt: skip


def _seconds(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1000:.2f}"
