"""What we have and how it is 资源信息与状态: EBRPSInfo, EBRDTInfo, EBRASInfo and their states (083 tables 11 to 29)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, TypeAlias

from gateway.devices.bearer import LinkState
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import Phase
from gateway.dispatch.registry import Entry
from gateway.dispatch.service import Dispatch
from gateway.domain.peers import Peer
from gateway.domain.receiver import Route, RouteKind
from gateway.protocols.platform.conditions import (
    Condition,
    EbrasState,
    EbrdtState,
    EbrpsState,
    ResourceState,
)
from gateway.protocols.platform.ids import PlatformCode
from gateway.protocols.platform.resources import (
    DELETE,
    FULL,
    INCREMENTAL,
    SYNC,
    AdapterInfo,
    EbrasInfo,
    EbrdtInfo,
    EbrpsInfo,
    Period,
    PlatformInfo,
    TerminalInfo,
)

#: Alarms that mean that this platform itself does not do what it should.
_OWN_FAULTS: Final = frozenset(
    {"dispatch_failed", "arrivals_failed", "plan_failed", "bearer_broke", "signer_ahead_of_clock", "no_signer"}
)
_WORDS: Final = {
    ResourceState.RUNNING: "运行正常",
    ResourceState.STOPPED: "停止运行",
    ResourceState.FAULT: "故障",
    ResourceState.RECOVERED: "故障恢复",
    ResourceState.PLAYING: "播发中",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFacts:
    """What EBRPSInfo says of us (083 table 11). ``title`` is our name; degrees as text, at most 3.6 digits."""

    title: str
    address: str = ""
    contact: str = ""
    phone: str = ""
    longitude: str = ""
    latitude: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """An adapter of ours: its link, code and name."""

    link: str
    code: str
    title: str


Item: TypeAlias = PlatformInfo | TerminalInfo | AdapterInfo


def mark(item: Item | Condition) -> str:
    """Tells whether what is said of a resource has changed; the time of the report does not count."""
    said = {name: value for name, value in asdict(item).items() if name != "reported"}
    return hashlib.sha256(repr(sorted(said.items())).encode()).hexdigest()[:12]


class Resources:
    """Contents for one superior or another. ``online``: whether a terminal (its number) is connected now."""

    def __init__(
        self,
        dispatch: Dispatch,
        own: OwnFacts,
        code_for: Callable[[Peer], PlatformCode],
        online: Callable[[int], bool],
        adapters: tuple[AdapterFacts, ...] = (),
    ) -> None:
        self._dispatch = dispatch
        self._own = own
        self._code_for = code_for
        self._online = online
        self._adapters = adapters

    # -- information

    def platforms(self, peer: Peer, at: datetime) -> dict[str, Item]:
        """This platform."""
        own, code = self._own, self._code_for(peer)
        return {
            code: PlatformInfo(
                reported=at,
                operation=SYNC,
                superior=PlatformCode(peer.code),
                code=code,
                name=own.title,
                address=own.address,
                contact=own.contact,
                phone=own.phone,
                longitude=own.longitude,
                latitude=own.latitude,
                url=own.url,
            )
        }

    def terminals(self, peer: Peer, at: datetime) -> dict[str, Item]:
        """The terminals of the registry; those of other platforms are told by them."""
        code = self._code_for(peer)
        return {
            str(entry.terminal.code): TerminalInfo(
                reported=at,
                operation=SYNC,
                platform=code,
                code=PlatformCode(entry.terminal.code),
                name=entry.terminal.name,
                longitude=_degrees(entry.terminal.lon),
                latitude=_degrees(entry.terminal.lat),
            )
            for entry in self._own_terminals()
        }

    def adapters(self, peer: Peer, at: datetime) -> dict[str, Item]:
        """The adapters that we drive."""
        code = self._code_for(peer)
        return {
            one.code: AdapterInfo(
                reported=at,
                operation=SYNC,
                platform=code,
                code=PlatformCode(one.code),
                name=one.title,
                longitude="",
                latitude="",
                url="",
            )
            for one in self._adapters
        }

    # -- states

    def platform_state(self, peer: Peer, at: datetime) -> dict[str, Condition]:
        """How this platform is: at fault, broadcasting, or running."""
        state = self._dispatch.state
        faults = [a for a in state.alarms.open if a.kind in _OWN_FAULTS and a.level is AlarmLevel.CRITICAL]
        code, words = self._code_for(peer), ""
        if not state.store.healthy:
            found, words = ResourceState.FAULT, "数据库不可写"
        elif faults:
            found, words = ResourceState.FAULT, faults[0].text
        else:
            found = ResourceState.PLAYING if state.in_force() else ResourceState.RUNNING
        return {code: _condition(at, code, found, words)}

    def terminal_states(self, peer: Peer, at: datetime) -> dict[str, Condition]:
        """How each terminal is that can say so; of those on one-way links nobody knows."""
        playing = self._playing()
        found: dict[str, Condition] = {}
        for entry in self._own_terminals():
            state, words = self._state_of(entry, peer, playing)
            if state is not None:
                code = PlatformCode(entry.terminal.code)
                found[code] = _condition(at, code, state, words)
        return found

    def adapter_states(self, _peer: Peer, at: datetime) -> dict[str, Condition]:
        """How each adapter's link is; nothing of one that was never asked."""
        found: dict[str, Condition] = {}
        for one in self._adapters:
            bearer = self._dispatch.state.bearers.get(Route(RouteKind.ADAPTER, one.link))
            health = None if bearer is None else bearer.health
            if health is not None and health.state is not LinkState.UNKNOWN:
                up = health.state is LinkState.UP
                state = ResourceState.RUNNING if up else ResourceState.FAULT
                found[one.code] = _condition(at, PlatformCode(one.code), state, "" if up else health.detail)
        return found

    def _own_terminals(self) -> Iterator[Entry]:
        for entry in self._dispatch.state.registry:
            if any(route.kind is not RouteKind.PLATFORM for route in entry.terminal.routes):
                yield entry

    def _playing(self) -> set[int]:
        return {
            terminal
            for live in self._dispatch.state.in_force()
            for terminal, position in live.index.items()
            if live.phase[position] == Phase.PLAYING
        }

    def _state_of(self, entry: Entry, peer: Peer, playing: set[int]) -> tuple[ResourceState | None, str]:
        if not entry.terminal.in_service:
            return ResourceState.STOPPED, ""
        if entry.id in playing:
            return ResourceState.PLAYING, ""
        if self._online(entry.id):
            return ResourceState.RUNNING, ""
        if any(route.kind is RouteKind.IP for route in entry.terminal.routes):
            return ResourceState(peer.lost_code), "离线"
        return None, ""


def platform_info(items: tuple[Item, ...], *, full: bool) -> EbrpsInfo:
    """EBRPSInfo."""
    return EbrpsInfo(params=_period(full), items=tuple(i for i in items if isinstance(i, PlatformInfo)))


def terminal_info(items: tuple[Item, ...], *, full: bool) -> EbrdtInfo:
    """EBRDTInfo."""
    return EbrdtInfo(params=_period(full), items=tuple(i for i in items if isinstance(i, TerminalInfo)))


def adapter_info(items: tuple[Item, ...], *, full: bool) -> EbrasInfo:
    """EBRASInfo."""
    return EbrasInfo(params=_period(full), items=tuple(i for i in items if isinstance(i, AdapterInfo)))


def gone_terminal(code: str, at: datetime) -> TerminalInfo:
    """A terminal that left the registry; only its code has a meaning (083 table 19)."""
    return TerminalInfo(reported=at, operation=DELETE, code=PlatformCode(code))


def platform_state(items: tuple[Condition, ...]) -> EbrpsState:
    """EBRPSState."""
    return EbrpsState(items=items)


def terminal_state(items: tuple[Condition, ...]) -> EbrdtState:
    """EBRDTState."""
    return EbrdtState(items=items)


def adapter_state(items: tuple[Condition, ...]) -> EbrasState:
    """EBRASState."""
    return EbrasState(items=items)


def _period(full: bool) -> Period:
    return Period(type=FULL if full else INCREMENTAL)


def _condition(at: datetime, code: PlatformCode, state: ResourceState, words: str) -> Condition:
    return Condition(reported=at, code=code, state=int(state), description=(words or _WORDS[state])[:100])


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
