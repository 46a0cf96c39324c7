"""An FM receiver with RDS 调频接收: takes what an output sends to its encoder, as packets, frames or groups (085)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Final

from emulator.air import ENDLESS, AirFleet, Front
from gateway.domain.codes import EbmId
from gateway.domain.message import VOLUME_KEEP, EbmClass
from gateway.errors import FrameError, InvalidValueError
from gateway.protocols import parameters as tags
from gateway.protocols import rds
from gateway.protocols.fields import WireEbmId
from gateway.protocols.framing import Fault
from gateway.protocols.ip import Body
from gateway.protocols.ip_bodies import ParameterSetting, ServiceType, StartBroadcast, StatusQuery, StopBroadcast
from gateway.protocols.parameters import Parameter, ResourceCodeSetting
from gateway.protocols.rds_bodies import (
    Action,
    AmplifierSwitch,
    Clock,
    DailyCommand,
    DailyVolume,
    DeviceCode,
    DrillCommand,
    DrillOperation,
    EmergencyCommand,
    ReturnPeriod,
    StateQuery,
)
from gateway.protocols.rds_frames import FRAME, FRAME_SIZE, LEVELS, MIN_FRAMES, Assembled, Broken, FrameAssembler
from gateway.protocols.rds_framing import RdsFramer
from gateway.protocols.rds_groups import Group, GroupReader

FORMS: Final = ("packets", "frames", "groups")
_LOWEST: Final = 4
_STARTS: Final = (DrillOperation.STORED_AUDIO, DrillOperation.CURRENT_PROGRAMME)


class RdsReceiver:
    """Listens on a TCP port of loopback, or behind a pseudo terminal, in an encoder's place."""

    def __init__(self, fleet: AirFleet, where: str, form: str) -> None:
        kind, _, rest = where.partition(":")
        if kind not in ("tcp", "pty") or form not in FORMS or (kind == "tcp" and not rest.isdecimal()) or not rest:
            raise InvalidValueError("rds", where, "must be tcp:PORT or pty:PATH; packets, frames or groups")
        self._fleet, self._kind, self._rest, self._form = fleet, kind, rest, form
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pty: tuple[int, int] | None = None
        self.url = ""
        self.retune()

    async def open(self) -> None:
        """Begin to listen. Errors: OSError."""
        if self._kind == "tcp":
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", int(self._rest))
            self.url = f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
            return
        master, _ = self._pty = _linked_pty(Path(self._rest))
        self.url = self._rest
        asyncio.get_running_loop().add_reader(master, self._readable, master)

    def close(self) -> None:
        """Stop listening; a line that is open is cut, wherever it stands."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        if self._pty is not None:
            asyncio.get_running_loop().remove_reader(self._pty[0])
            for fd in self._pty:
                os.close(fd)
            self._pty = None
            Path(self._rest).unlink(missing_ok=True)

    def cut(self) -> None:
        """Cut the lines that are open."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def retune(self) -> None:
        """Forget what was heard."""
        self._assembler, self._framer, self._groups = FrameAssembler(), RdsFramer(), GroupReader()
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what came on the line."""
        if self._form == "packets":
            data = self._fleet.bend(data)
            for item in self._framer.feed(data):
                if isinstance(item, Fault):
                    self._fleet.refuse(item.error.code)
                else:
                    self._packet(item.raw)
        elif self._form == "groups":
            for group in self._groups.feed(self._fleet.bend(data)):
                if isinstance(group, Group):
                    self._frame(group.frame)
                else:
                    self._fleet.refuse("group_lost")
        else:
            self._held += data
            while len(self._held) >= FRAME_SIZE:
                self._next_frame()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._held.clear()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                self.feed(data)
        self._writers.discard(writer)
        writer.close()

    def _readable(self, master: int) -> None:
        with contextlib.suppress(OSError):
            self.feed(os.read(master, 4096))

    def _next_frame(self) -> None:
        """Take a frame, or a byte where none begins: a line that is joined in the middle has no mark of its own."""
        raw = bytes(self._held[:FRAME_SIZE])
        frame = FRAME.parse(raw)
        if frame.level not in LEVELS or frame.total < MIN_FRAMES or frame.index >= frame.total:
            self._fleet.refuse("no_frame")
            del self._held[:1]
            return
        del self._held[:FRAME_SIZE]
        arrived = self._fleet.bend(raw)
        if arrived:
            self._frame(arrived)

    def _frame(self, raw: bytes) -> None:
        done = self._assembler.take(raw)
        if isinstance(done, Assembled):
            self._packet(done.raw)
        elif isinstance(done, Broken):
            self._fleet.refuse(done.error.code)

    def _packet(self, raw: bytes) -> None:
        try:
            packet = rds.parse(raw)
        except FrameError as error:
            self._fleet.refuse(error.code)
            return
        if not self._fleet.is_signed(rds.signed_data(raw), packet.signature):
            return
        if isinstance(packet.body, DeviceCode):
            seats = [s for s in self._fleet.seats if s.terminal.device.physical == packet.body.physical]
        else:
            seats = self._fleet.addressed(packet.codes)
        said = _said(packet.body, self._fleet.now())
        if said is not None:
            for seat in seats:
                seat.hear(*said)


def _linked_pty(path: Path) -> tuple[int, int]:
    """Both ends of a pseudo terminal whose far end is found at ``path``."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    path.unlink(missing_ok=True)
    path.symlink_to(os.ttyname(slave))
    return master, slave


def tuner(where: str, form: str) -> Callable[[AirFleet], Front]:
    """How a fleet gets its receiver; ``where`` is tcp:PORT or pty:PATH."""
    return lambda fleet: RdsReceiver(fleet, where, form)


def _said(body: rds.Body, now: float) -> tuple[Body, ServiceType, EbmId | None] | None:
    """The same in the words of appendix D, which the terminal's inside knows; None for what makes no sound here."""
    match body:
        case EmergencyCommand():
            return _switch(body.ebm_id, body.action, EbmClass.EMERGENCY, body.severity, body.event, VOLUME_KEEP, now)
        case DailyCommand():
            return _switch(body.ebm_id, body.action, EbmClass.DAILY, _LOWEST, "00000", body.volume, now)
        case DrillCommand():
            if body.operation == DrillOperation.REPORT_STATE:
                return StatusQuery((tags.WORK_STATE,)), ServiceType.QUERY, None
            action = Action.START if body.operation in _STARTS else Action.STOP
            return _switch(body.ebm_id, action, body.drill, _LOWEST, "00000", VOLUME_KEEP, now)
        case StateQuery():
            return StatusQuery(body.tags), ServiceType.QUERY, None
    parameter = _parameter(body)
    return None if parameter is None else (ParameterSetting((parameter,)), ServiceType.SET, None)


def _switch(
    wire: WireEbmId, action: int, ebm_class: int, severity: int, event: str, volume: int, now: float
) -> tuple[Body, ServiceType, EbmId | None] | None:
    if action == Action.STOP:
        return StopBroadcast(wire), ServiceType.STOP, wire.ebm_id
    if action != Action.START:
        return None
    start = StartBroadcast(wire, ebm_class, severity, event, volume, int(now), int(now) + ENDLESS)
    return start, ServiceType.START, wire.ebm_id


def _parameter(body: rds.Body) -> Parameter | None:
    match body:
        case DailyVolume():
            return Parameter(tags.VOLUME, body.volume)
        case AmplifierSwitch():
            return Parameter(tags.SET_AMPLIFIER, body.state)
        case ReturnPeriod():
            return Parameter(tags.SET_RETURN_PERIOD, body.period_s)
        case Clock() if body.seconds is not None:
            return Parameter(tags.SET_CLOCK, body.seconds)
        case DeviceCode():
            return Parameter(tags.RESOURCE_CODE, ResourceCodeSetting(body.physical, body.code))
    return None
