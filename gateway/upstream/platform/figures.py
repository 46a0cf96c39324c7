"""What is told upward of a broadcast 播发状态: code, coverage and counts from committed evidence (083 table 7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from gateway.coverage.books import Books, OpenBook
from gateway.coverage.figures import Rule
from gateway.dispatch.live import LiveMessage, LogEntry, Sent
from gateway.domain.areas import Gazetteer, without_nested
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.domain.ladder import EvidenceKind
from gateway.domain.message import Command, EbmClass, MessageState
from gateway.domain.orders import Receipt
from gateway.domain.receiver import RouteKind
from gateway.protocols.platform.ids import MessageId
from gateway.protocols.platform.states import BrdState, Coverage, EbmStateResponse, ResourceLogs

_PLAYING: Final = frozenset({EvidenceKind.PLAYING.value, EvidenceKind.PLAYED.value})


def plays(entry: LogEntry) -> bool:
    """Whether committed evidence says that something plays, or that a link where no answer comes has the start."""
    if isinstance(entry, Sent):
        return entry.command is Command.START and entry.route.kind.is_one_way
    return isinstance(entry, Receipt) and entry.kind in _PLAYING


def state_now(live: LiveMessage, *, playing: bool, success: float, reached: float) -> BrdState:
    """BrdStateCode of a message (platform.md 4.6). ``reached``: share of its terminals; ``success``: what is enough.

    A message that is on air and plays nowhere yet still waits.
    """
    match live.state:
        case MessageState.AWAITING_APPROVAL | MessageState.ACCEPTED:
            return BrdState.WAITING
        case MessageState.ACTIVE:
            return BrdState.PLAYING if playing else BrdState.WAITING
        case MessageState.ENDED:
            return BrdState.DONE if playing and reached >= success else BrdState.FAILED
        case MessageState.CANCELLED | MessageState.SUPERSEDED:
            return BrdState.CANCELLED
        case _:
            return BrdState.FAILED


def share_reached(opened: OpenBook) -> float:
    """Share of the terminals meant that play or played, by any evidence, 0..1."""
    found = opened.book.coverage.snapshot(opened.live.accepted_at)
    return found.reached.terminals / found.target.terminals if found.target.terminals else 0.0


def coverage_of(books: Books, opened: OpenBook, gazetteer: Gazetteer, rule: Rule, now: float) -> Coverage:
    """Coverage as known now. The rate counts people by what terminals and other platforms say, not by bytes sent."""
    found = opened.book.snapshot(now, rule, opened.state)
    population = found.target.population
    said = found.reached.proven.population + found.reached.claimed.population
    return Coverage(
        rate=round(min(1.0, said / population), 4) if population else 0.0,
        areas=tuple(map(str, _areas(books, opened, gazetteer))),
        resources=_resources(opened.live, found.reached.terminals),
    )


def _areas(books: Books, opened: OpenBook, gazetteer: Gazetteer) -> tuple[AreaCode, ...]:
    """Divisions with a terminal that plays or played; a division in place of all that it holds."""
    there = {
        terminal.area
        for number, known in opened.book.coverage.deliveries()
        if known.reached is not None and (terminal := books.terminal(number)) is not None
    }
    for level in (AreaLevel.TOWNSHIP, AreaLevel.COUNTY):
        for parent in {code.parent for code in there if code.level == level + 1}:
            children = {area.code for area in gazetteer.children(parent) if area.in_service}
            if children and children <= there:
                there.add(parent)
    return without_nested(there)


def _resources(live: LiveMessage, terminals: int) -> tuple[int, int, int, int]:
    """调用资源统计: platforms (this one included), adapters, transmitters and terminals used."""
    links = {entry.route for entry in live.log if isinstance(entry, Sent) and entry.command is Command.START}
    count = {kind: sum(1 for route in links if route.kind is kind) for kind in RouteKind}
    return (
        1 + count[RouteKind.PLATFORM],
        count[RouteKind.ADAPTER],
        count[RouteKind.RDS] + count[RouteKind.TS],
        terminals,
    )


def words_of(state: BrdState, live: LiveMessage, opened: OpenBook | None) -> str:
    """BrdStateDesc: the table's word, why, and the terminals by class of evidence."""
    said = [state.chinese]
    if live.state is MessageState.AWAITING_APPROVAL:
        said.append("待审核")
    elif live.message.ebm_class is EbmClass.SYSTEM_DRILL:
        said.append("发布系统演练，不驱动终端")
    elif opened is not None:
        found = opened.book.coverage.snapshot(live.accepted_at)
        proven, claimed, sent = (
            figure.terminals for figure in (found.reached.proven, found.reached.claimed, found.reached.sent)
        )
        if state is BrdState.FAILED and proven + claimed + sent:
            said.append(f"部分失败 {found.target.terminals - found.reached.terminals}/{found.target.terminals}")
        said.append(f"终端 {found.target.terminals}：证实 {proven}，转报 {claimed}，单向已发 {sent}")
    if live.state.is_over and live.state is not MessageState.ENDED and live.state_reason:
        said.append(live.state_reason)
    return "；".join(said)[:200]


def response(
    ebm_id: MessageId, state: BrdState, at: datetime, words: str, coverage: Coverage | None = None
) -> EbmStateResponse:
    """EBMStateResponse; readers of the field expect ResBrdInfo even where there is nothing in it."""
    return EbmStateResponse(
        reported=at,
        ebm_id=ebm_id,
        state=int(state),
        description=words,
        coverage=coverage,
        resources=ResourceLogs(items=()),
    )


def any_plays(entries: Iterable[LogEntry]) -> bool:
    """Whether any of these entries is evidence that something plays."""
    return any(map(plays, entries))
