"""A receiver of transport streams 传送流接收: takes UDP in a multiplexer's place, does as the tables say (086, 087)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Final

from emulator.air import ENDLESS, AirFleet, Front, Seat
from gateway.domain.codes import EbmId
from gateway.domain.message import VOLUME_KEEP, EbmClass
from gateway.errors import FrameError
from gateway.protocols import parameters as tags
from gateway.protocols import ts_section
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip import Body
from gateway.protocols.ip_bodies import ParameterSetting, ServiceType, StartBroadcast, StatusQuery, StopBroadcast
from gateway.protocols.parameters import Parameter, ResourceCodeSetting
from gateway.protocols.ts_configuration import ConfigurationTable, DefaultVolume, ReturnPeriod, StateQuery
from gateway.protocols.ts_daily import AmplifierSwitch, DailyTable, PlayProgramme, StopProgramme
from gateway.protocols.ts_index import IndexEntry, IndexTable
from gateway.protocols.ts_packets import PACKET_SIZE
from gateway.protocols.ts_section import Section
from gateway.protocols.ts_sections import Found, SectionFinder
from gateway.protocols.ts_time import TsTime, WallClock

_LOWEST: Final = 4
#: Seconds between two looks whether a message of the future has begun.
_LOOK: Final = 0.25


class TsReceiver(asyncio.DatagramProtocol):
    """Listens on a UDP address; a multicast group is joined on ``interface`` (an IPv4 address, empty: the system's)."""

    def __init__(self, fleet: AirFleet, address: tuple[str, int], interface: str, ts_time: TsTime) -> None:
        self._fleet, self._address, self._interface, self._ts_time = fleet, address, interface, ts_time
        self._transport: asyncio.DatagramTransport | None = None
        self._entries: tuple[IndexEntry, ...] = ()
        #: messages of the index that each receiver was given, by its code; and all that came by an index
        self._started: dict[str, set[EbmId]] = {}
        self._by_index: set[EbmId] = set()
        self.url = ""
        self.sections = 0
        self.retune()

    @property
    def messages(self) -> int:
        """Messages of the index that was heard last."""
        return len({entry.ebm_id for entry in self._entries})

    async def open(self) -> None:
        """Begin to listen. Errors: OSError."""
        loop = asyncio.get_running_loop()
        sock = _bound(self._address, self._interface)
        transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)
        self._transport = transport
        host, port = sock.getsockname()[:2]
        self.url = f"udp://{host}:{port}"
        self._fleet.at(self._fleet.now() + _LOOK, self._look)

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def cut(self) -> None:
        """Nothing is connected: what was under way of a section is lost."""
        self._finder = SectionFinder()

    def retune(self) -> None:
        """Forget what was heard."""
        self._finder = SectionFinder()
        self._seen: dict[tuple[int, int, int], int] = {}
        self._parts: dict[int, IndexTable] = {}
        self._parts_of: tuple[int, int] | None = None
        # A start that a receiver knows already changes nothing there.
        self._started.clear()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Take the packets of a datagram."""
        for at in range(0, len(data), PACKET_SIZE):
            for event in self._finder.feed(self._fleet.bend(data[at : at + PACKET_SIZE])):
                if isinstance(event, Found):
                    self._section(event.raw)
                else:
                    self._fleet.refuse(event.code)

    def _section(self, raw: bytes) -> None:
        try:
            section = ts_section.parse(raw)
            data = ts_section.signed_part(section)
        except FrameError as error:
            self._fleet.refuse(error.code)
            return
        self.sections += 1
        key = section.table_id, section.table_id_extension, section.section_number
        if self._seen.get(key) == section.version or not self._fleet.is_signed(data, section.signature):
            return
        self._seen[key] = section.version
        body = section.body
        if isinstance(body, IndexTable):
            self._index_part(section, body)
        elif isinstance(body, ConfigurationTable | DailyTable):
            for command in body.commands:
                self._command(command.value)

    def _index_part(self, section: Section, body: IndexTable) -> None:
        version = section.version, section.last_section_number
        if version != self._parts_of:
            self._parts, self._parts_of = {}, version
        self._parts[section.section_number] = body
        if len(self._parts) == section.last_section_number + 1:
            parts = [self._parts[number] for number in sorted(self._parts)]
            self._entries = tuple(entry for part in parts for entry in part.messages)
            self._judge()

    def _look(self) -> None:
        """A message whose time has come begins without another index."""
        if self._transport is not None:
            self._judge()
            self._fleet.at(self._fleet.now() + _LOOK, self._look)

    def _judge(self) -> None:
        """Start and stop by the index; of several messages a receiver takes the highest level (086 figure C.2)."""
        wanted: dict[str, list[IndexEntry]] = {}
        now = self._fleet.now()
        for entry in self._entries:
            span = self._span(entry, now)
            if span[0] <= now < span[1]:
                for seat in self._fleet.addressed(entry.codes):
                    wanted.setdefault(seat.code, []).append(entry)
        for seat in self._fleet.seats:
            entries = wanted.get(seat.code, [])
            best = min((entry.severity for entry in entries), default=0)
            self._apply(seat, [entry for entry in entries if entry.severity == best], now)

    def _apply(self, seat: Seat, entries: Sequence[IndexEntry], now: float) -> None:
        started = self._started.setdefault(seat.code, set())
        by_id = {entry.ebm_id.ebm_id: entry for entry in entries if entry.ebm_id.ebm_id is not None}
        for ebm_id in self._by_index.intersection(seat.terminal.broadcast.live).difference(by_id):
            seat.hear(StopBroadcast(WireEbmId.of(ebm_id)), ServiceType.STOP, ebm_id)
        self._by_index.update(by_id)
        started.intersection_update(by_id)
        for ebm_id, entry in by_id.items():
            if ebm_id in started:
                continue
            started.add(ebm_id)
            first, last = self._span(entry, now)
            body = StartBroadcast(
                entry.ebm_id, entry.ebm_class, entry.severity, entry.event, VOLUME_KEEP, int(first), int(last)
            )
            seat.hear(body, ServiceType.START, ebm_id)

    def _span(self, entry: IndexEntry, now: float) -> tuple[float, float]:
        start, end = entry.start.seconds(self._ts_time), entry.end.seconds(self._ts_time)
        return (now if start is None else start), (now + ENDLESS if end is None else end)

    def _command(self, value: object) -> None:
        said = _said(value, self._fleet.now())
        if said is None:
            return
        if isinstance(value, ResourceCodeSetting):
            seats = [seat for seat in self._fleet.seats if seat.terminal.device.physical == value.physical]
        elif isinstance(value, WallClock):
            seats = list(self._fleet.seats)
        else:
            codes: Sequence[WireCode] = getattr(value, "codes", ())
            seats = self._fleet.addressed(codes)
        for seat in seats:
            seat.hear(*said)


def tuner(address: tuple[str, int], interface: str = "", ts_time: TsTime = TsTime.UTC) -> Callable[[AirFleet], Front]:
    """How a fleet gets its receiver."""
    return lambda fleet: TsReceiver(fleet, address, interface, ts_time)


def _bound(address: tuple[str, int], interface: str) -> socket.socket:
    host = ipaddress.ip_address(address[0])
    family = socket.AF_INET6 if host.version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        if host.is_multicast and family == socket.AF_INET:
            member = socket.inet_aton(address[0]) + socket.inet_aton(interface or "0.0.0.0")  # noqa: S104 - any way in
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _said(value: object, now: float) -> tuple[Body, ServiceType, EbmId | None] | None:
    """A command of table 0xFA or 0xFB in the words of appendix D; None for what is not played out here."""
    match value:
        case PlayProgramme():
            until = now + ENDLESS if value.end.seconds is None else value.end.seconds
            body = StartBroadcast(
                value.ebm_id, EbmClass.DAILY, _LOWEST, "00000", value.volume, int(now), max(int(until), int(now) + 1)
            )
            return body, ServiceType.START, value.ebm_id.ebm_id
        case StopProgramme():
            return StopBroadcast(value.ebm_id), ServiceType.STOP, value.ebm_id.ebm_id
        case StateQuery():
            return StatusQuery(value.tags), ServiceType.QUERY, None
    parameter = _parameter(value)
    return None if parameter is None else (ParameterSetting((parameter,)), ServiceType.SET, None)


def _parameter(value: object) -> Parameter | None:
    match value:
        case DefaultVolume():
            return Parameter(tags.VOLUME, value.volume)
        case ReturnPeriod():
            return Parameter(tags.SET_RETURN_PERIOD, value.period_s)
        case AmplifierSwitch():
            return Parameter(tags.SET_AMPLIFIER, value.switch)
        case WallClock() if value.seconds is not None:
            return Parameter(tags.SET_CLOCK, value.seconds)
        case ResourceCodeSetting():
            return Parameter(tags.RESOURCE_CODE, value)
    return None
