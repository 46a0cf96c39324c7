"""``ebgw demo``: the whole way on one machine, from a real alert to proven listeners."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from emulator.limits import how_many_fit
from gateway.cli.client import ApiClient
from gateway.cli.demo_bearers import BearerStage, far_ends
from gateway.cli.demo_broker import INSTALL, kinds_here
from gateway.cli.demo_folder import CITY, DEMO_PERSON, MOST_IN_VILLAGE, DemoFolder, prepare, registry_rows
from gateway.cli.demo_links import LinkPlan
from gateway.cli.demo_processes import Child
from gateway.cli.demo_report import show_result, verdict
from gateway.cli.demo_stage import IpStage, Stage
from gateway.cli.demo_tiers import tiers_demo
from gateway.cli.demo_town import BearersType, assigned
from gateway.cli.demo_warning import DemoWarning, adapt, packaged_warning
from gateway.cli.demo_watch import Broadcast, accept_to_wire_ms
from gateway.cli.group import EXIT_FAILED
from gateway.cli.options import json_option
from gateway.cli.output import console as make_console
from gateway.cli.output import say_json
from gateway.cli.run import loop_factory
from gateway.daemon import raise_file_limit
from gateway.domain.areas import Gazetteer
from gateway.domain.receiver import RouteKind
from gateway.domain.zone import BEIJING
from gateway.errors import EnvironmentLackingError
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox
from gateway.publishers.reference import load_gazetteer

#: Earthquake-warning terminals of the reference town.
TERMINALS = 4021
#: Report connections of the emulator at once, and files of the daemon beside its connections.
_REPORTS = 200
#: Air time is so much shorter than it says: the 600 s of a blue warning become 4.
_SCALE = 150.0
_VALID = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the command line asks for."""

    terminals: int
    warning: Path | None
    loss: float
    actual: bool
    keep: bool
    #: the console stays open until it is ended
    stays: bool
    deadline: float
    bearers: tuple[RouteKind, ...] = (RouteKind.IP,)


@click.command("demo")
@click.option("--terminals", type=click.IntRange(1), default=TERMINALS, show_default=True, help="终端数 / how many.")
@click.option(
    "--warning",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="另一条真实预警 (CAP 或 12379) / another real alert.",
)
@click.option("--loss", type=click.FloatRange(0, 1), default=0.0, help="丢帧概率 / share of frames lost on the lines.")
@click.option("--actual", is_flag=True, help="按真实应急播发，而非演练 / as an emergency, and not as a drill.")
@click.option(
    "--bearers",
    type=BearersType(),
    default=RouteKind.IP.value,
    show_default=True,
    help="承载 all, 或 or some of ip,adapter,serial,rds,ts,mqtt,udp; 播发中切断一条总线 a bus is cut in mid-broadcast.",
)
@click.option(
    "--tiers",
    is_flag=True,
    help="市县两级：市平台经两个县平台到终端 / a city's platform over two counties' platforms and their terminals.",
)
@click.option(
    "--keep",
    is_flag=True,
    help="保留数据并打开值班台，Ctrl-C 结束 / keep the data, leave the console open; --json: data only.",
)
@click.option("--deadline", type=click.FloatRange(0, 3600), default=120.0, show_default=True, help="秒 seconds.")
@json_option
@click.pass_context
def demo(
    ctx: click.Context,
    terminals: int,
    warning: Path | None,
    loss: float,
    actual: bool,
    keep: bool,
    deadline: float,
    bearers: tuple[RouteKind, ...],
    tiers: bool,
    as_json: bool,
) -> None:
    """演示：一条真实预警唤醒泉州 4,021 个仿真终端 / A real alert wakes 4,021 emulated terminals of 泉州.

    退出码 exit: 0 每个可达终端均有其路由所容的最佳证据 every reachable terminal has the best evidence that its route
    allows (IP: 已证实 proven), 1 有缺或与终端日志不符 some lack it, or their own journals say otherwise, 3 缺少点名承载
    所需程序 a program that a named bearer needs is missing (all: 略去 that bearer is left out).
    """
    console = make_console(stderr=as_json)
    wish = _Wish(terminals, warning, loss, actual, keep, keep and not as_json, deadline, bearers)
    if tiers and (loss or bearers != (RouteKind.IP,)):
        raise click.UsageError("--tiers 不与 --loss、--bearers 同用 --tiers goes without --loss and --bearers")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        try:
            result = runner.run(_until_told(_tiers(console, wish) if tiers else _demo(console, wish)))
        except (KeyboardInterrupt, asyncio.CancelledError):
            console.print("已中断，子进程已停止 interrupted; the children were stopped")
            ctx.exit(EXIT_FAILED)
    if as_json:
        say_json(result)
    ctx.exit(0 if result["outcome"] == "complete" else EXIT_FAILED)


async def _until_told(work: Any) -> dict[str, Any]:
    """Run ``work``; SIGTERM ends it as Ctrl-C does, and the children with it."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    result: dict[str, Any] = await task
    return result


async def _tiers(console: Console, wish: _Wish) -> dict[str, Any]:
    gazetteer = load_gazetteer()
    count = _how_many(console, wish.terminals, len(gazetteer.villages_in([CITY])))
    source = wish.warning.read_bytes() if wish.warning else packaged_warning()
    return await tiers_demo(
        console, gazetteer, source, count, actual=wish.actual, keep=wish.keep, deadline=wish.deadline
    )


async def _demo(console: Console, wish: _Wish) -> dict[str, Any]:
    begun = time.monotonic()
    gazetteer = load_gazetteer()
    count = _how_many(console, wish.terminals, len(gazetteer.villages_in([CITY])))
    now = datetime.now(BEIJING).replace(microsecond=0)
    # Read before anything is started: a file that is no alert ends the demo at once.
    source = wish.warning.read_bytes() if wish.warning else packaged_warning()
    adapt(source, area=CITY, area_name=gazetteer.name(CITY), now=now, expires=now + _VALID, actual=wish.actual)
    kinds = kinds_here(wish.bearers)
    if kinds != wish.bearers:
        _say(console, f"不含 left out: MQTT, {INSTALL}")
    rows = assigned(registry_rows(gazetteer, count), kinds)
    if not rows:
        raise click.BadParameter("所选承载没有终端 no terminal is on these bearers", param_hint="--terminals")
    plan = LinkPlan(rows)
    folder = await prepare(gazetteer, rows, keep=wish.keep, more=plan.settings)
    assert folder.lock is not None
    with contextlib.closing(folder.lock):
        console.rule("应急广播网关演示 Emergency broadcast gateway demo")
        _say(console, f"数据目录 data folder: {folder.path}")
        _say(console, f"台账 registry: {folder.terminals:,} 终端 terminals, {_villages(gazetteer)}")
        async with _gateway(folder) as gateway:
            ready = await gateway.line("ready")
            _say(console, f"网关 gateway: {ready['http']}, D {ready['terminals']}, E {ready['feedback']}")
            async with (
                ApiClient(ready["http"], folder.key) as api,
                _stage(wish, folder, gateway, ready, api, kinds, rows, plan) as stage,
            ):
                result = await _broadcast(console, wish, gazetteer, folder, source, stage, api)
                if wish.stays:
                    await _stay(console, folder, ready)
    _say(console, f"用时 took {time.monotonic() - begun:.1f} s; 数据 data: {folder.path}{_fate(wish, folder)}")
    return result


@asynccontextmanager
async def _stage(
    wish: _Wish,
    folder: DemoFolder,
    gateway: Child,
    ready: dict[str, Any],
    api: ApiClient,
    kinds: Sequence[RouteKind],
    rows: Sequence[dict[str, str]],
    plan: LinkPlan,
) -> AsyncIterator[Stage]:
    """The far ends, running: one emulator for connections of their own, and one for each link."""
    common = _common(folder, wish.loss)
    emulator = _emulator(folder, ready, common)
    if tuple(kinds) == (RouteKind.IP,):
        async with emulator:
            control = (await emulator.line("ready"))["control"]
            async with ApiClient(control) as truth:
                yield IpStage((gateway, emulator), truth, folder.path / "tape")
        return
    ip = emulator if RouteKind.IP in kinds else None
    async with far_ends(plan, ready, folder.path, common, ip) as (ends, others):
        children = (gateway, *others, *(end.child for end in ends))
        first = {row["code"]: row["routes"].partition(";")[0] for row in rows}
        yield BearerStage(ends, children, api, first)


async def _stay(console: Console, folder: DemoFolder, ready: dict[str, Any]) -> None:
    """Leave gateway and emulator as they are, with the console on them, until somebody ends it."""
    _say(
        console, f"值班台 console: {ready['http']}/console  姓名 name: {DEMO_PERSON}  口令 password: {folder.password}"
    )
    _say(console, "Ctrl-C 结束 ends it")
    await asyncio.Event().wait()


def _fate(wish: _Wish, folder: DemoFolder) -> str:
    if wish.keep or folder.path.parent.name != "var":
        return ""
    return " (下次演示时清除 cleared by the next demo; --keep 保留 keeps it)"


def _say(console: Console, text: str) -> None:
    console.print(escape(text), soft_wrap=True)


def _villages(gazetteer: Gazetteer) -> str:
    mark = " (村级人口为演示估算 village figures are an estimate)" if gazetteer.source.estimate else ""
    return f"泉州 {len(gazetteer.villages_in([CITY])):,} 村 villages, {gazetteer.population(CITY):,} 人 people{mark}"


def _how_many(console: Console, wanted: int, villages: int) -> int:
    """Raise the file limit first; say plainly when fewer terminals fit than are wanted."""
    most = villages * MOST_IN_VILLAGE
    if wanted > most:
        raise click.BadParameter(f"最多 at most {most:,}", param_hint="--terminals")
    files = raise_file_limit()
    fit = how_many_fit(files, wanted, returns=_REPORTS)
    if not fit:
        raise EnvironmentLackingError(f"打开文件数上限太低 / too few open files: ulimit -n {files}")
    if fit < wanted:
        console.print(
            f"[bold]打开文件数上限 {files} 只容 {fit:,} 个终端（要求 {wanted:,}） "
            f"the limit of open files ({files}) fits {fit:,} of {wanted:,} terminals[/]"
        )
    return fit


def _gateway(folder: DemoFolder) -> Child:
    return Child("gateway", ["-m", "gateway.cli", "run", "-c", str(folder.settings)], folder.path / "gateway.log")


def _common(folder: DemoFolder, loss: float) -> list[str]:
    """Arguments of every emulator."""
    facts = folder.signing.facts()
    options = {
        "--registry": str(folder.registry),
        "--public-key": facts["public_key"],
        "--certificate": facts["certificate"],
        "--scale": f"{_SCALE:g}",
        "--loss": str(loss),
    }
    return [part for option in options.items() for part in option]


def _emulator(folder: DemoFolder, ready: dict[str, Any], common: Sequence[str]) -> Child:
    options = {
        "--gateway": ready["terminals"],
        "--feedback": ready["feedback"],
        "--return-limit": str(_REPORTS),
        "--journal": str(folder.path / "journal.jsonl"),
        "--tape": str(folder.path / "tape"),
        "--tapes": "1",
        "--linger": "1",
    }
    arguments = ["-m", "emulator", "--player", *common, *(part for option in options.items() for part in option)]
    return Child("emulator", arguments, folder.path / "emulator.log")


async def _broadcast(
    console: Console,
    wish: _Wish,
    gazetteer: Gazetteer,
    folder: DemoFolder,
    source: bytes,
    stage: Stage,
    api: ApiClient,
) -> dict[str, Any]:
    began = time.monotonic()
    registered = await stage.gather(console, folder.terminals, wish.deadline)
    _say(console, f"终端 terminals: {registered:,} 已注册 registered in {time.monotonic() - began:.1f} s")
    now = datetime.now(UTC).astimezone(BEIJING).replace(microsecond=0)
    warning = adapt(
        source, area=CITY, area_name=gazetteer.name(CITY), now=now, expires=now + _VALID, actual=wish.actual
    )
    _tell_warning(console, warning, wish.actual)
    reachable = await stage.reachable()
    accepted = await api.post("/api/v1/warnings", warning.body, warning.media_type)
    warning_id = accepted["warning_id"]
    _say(console, f"已受理 accepted: {warning_id}, EBM {accepted['message_id']}, {accepted['state']}")
    for notice in accepted["notices"]:
        _say(console, f"  提示 notice {notice['code']}: {notice['message']}")
    for capability in Toolbox.find(SoundOptions()).capabilities():
        if not capability.present:
            _say(console, f"  无语音 {capability.zh} {capability.en}")
    _say(console, "终端与播放器为仿真 terminals and their players are emulated")
    broadcast = await stage.follow(console, api, accepted, reachable, wish.deadline)
    wire = await accept_to_wire_ms(api)
    _title(console, "结果 Result", wish.actual)
    more = stage.tell(console)
    by_any = await show_result(console, api, warning_id, broadcast)
    result = verdict(
        broadcast,
        registered=folder.terminals,
        reachable=len(reachable),
        accept_to_wire_ms=wire,
        changed=[change.as_json() for change in warning.changes],
        data_dir=str(folder.path),
    )
    result.update(more, coverage_any=by_any)
    _say(console, _last_words(result, broadcast))
    return result


def _last_words(result: dict[str, Any], broadcast: Broadcast) -> str:
    counts, wire = result["terminals"], result["accept_to_wire_ms"]
    words = (
        f"可达 reachable {counts['reachable']:,}, 已证实 proven {counts['proven']:,}, "
        f"未达 unreached {counts['unreached']:,}; 受理到末帧 accept to last frame {'-' if wire is None else wire} ms; "
    )
    if not counts["reachable"]:
        return words + "没有可达终端 no terminal was reachable"
    if not broadcast.complete:
        return words + f"截止时未齐 not complete after {broadcast.seconds:.1f} s"
    if "bearers" in result:
        return words + f"可达终端证据已齐 the best evidence of every reachable terminal after {broadcast.seconds:.1f} s"
    return words + f"全部播完 all played after {broadcast.seconds:.1f} s (播出时长缩短 air time ÷ {_SCALE:g})"


def _title(console: Console, words: str, actual: bool) -> None:
    console.rule(words if actual else f"{words}  [black on yellow] 演练 drill [/]")


def _tell_warning(console: Console, warning: DemoWarning, actual: bool) -> None:
    _title(console, f"预警 Warning: {escape(warning.headline)}", actual)
    for change in warning.changes:
        old, new = (text if len(text) <= 60 else f"{text[:57]}…" for text in (change.old, change.new))
        _say(console, f"  改 changed {change.path}: {old or '∅'} → {new or '∅'}")
