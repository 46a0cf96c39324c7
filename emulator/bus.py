"""A bus 总线 of emulated terminals, paced at its bit rate: what a gateway meets behind an RS-485 or RS-232 port.

The wire is one: all hear a frame when its last bit has come, only a frame with one target is answered, and two who
answer at once spoil each other. An RS-232 line has one terminal, which beats its heart and reports as on TCP.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from emulator.bus_drop import COUNT, FIRST_TARGET, ONE, BusReturns, Drop
from emulator.bus_faults import BusFaults
from emulator.bus_port import BusPort
from emulator.device import Device
from emulator.dice import Dice, seed_of, standing
from emulator.faults import HEALTHY
from emulator.fleet import Fleet
from emulator.line import Line
from emulator.registry import Row
from emulator.settings import FleetSettings
from emulator.terminal import Terminal
from gateway.errors import InvalidValueError
from gateway.protocols.framing import Frame, Kind, StreamFramer

#: Silence after which bytes that make no frame are forgotten by all, in seconds.
_FORGET: Final = 0.1
_FLUSH: Final = 0.05


@dataclass(frozen=True, slots=True)
class BusSettings:
    """``baud`` in bit/s, ``bits`` of a character; ``turnaround``: seconds until a terminal begins to answer.

    ``grain``: characters that reach the gateway together, as from the buffer of a real port.
    """

    baud: int = 9600
    bits: int = 10
    turnaround: float = 0.002
    grain: int = 16
    alone: bool = False

    def __post_init__(self) -> None:
        for name in ("baud", "bits", "grain"):
            if getattr(self, name) < 1:
                raise InvalidValueError(name, getattr(self, name), "must be at least 1")


class BusFleet(Fleet):
    """The terminals of one bus. ``make_port`` gets what to call with the gateway's bytes."""

    def __init__(
        self,
        rows: Sequence[Row],
        settings: FleetSettings,
        bus: BusSettings,
        make_port: Callable[[Callable[[bytes], None]], BusPort],
    ) -> None:
        if bus.alone and len(rows) != 1:
            raise InvalidValueError("terminals", len(rows), "an RS-232 line has exactly one terminal")
        self.bus = bus
        self.bus_faults = BusFaults()
        self.port = make_port(self._came)
        self._character = bus.bits / bus.baud
        self._dice = Dice(seed_of(settings.seed, "bus"))
        self._framer = StreamFramer()
        self._in_free = self._last_in = 0.0
        self._out = bytearray()
        self._speaker: Drop | None = None
        self._out_free = 0.0
        #: while terminals hear a frame: when its last bit came, however late this process gets to it
        self._heard_at: float | None = None
        #: true time at which every terminal had heard the last whole frame for more than one
        self.first_heard = 0.0
        super().__init__(rows, settings)
        self._by_wire = {line.terminal.device.wire: line for line in self.lines}

    def _line(self, row: Row) -> Drop:
        seed = seed_of(self.settings.seed, row.code)
        terminal = Terminal(Device.of(row.code, row.physical), self.ears, self.settings.terminal, Dice(seed))
        return Drop(self, row.code, terminal, Dice(seed ^ 0x5DEECE66D))

    async def start(self) -> None:
        """Power on all terminals and plug the bus in."""
        self._loop = asyncio.get_running_loop()
        self._epoch = time.time() - self._loop.time()
        self.returns = BusReturns(alone=self.bus.alone)
        await self.port.plug()
        now = self.now()
        for line in self.lines:
            hit = standing(self.settings.seed, line.code) < self.settings.share
            line.terminal.set_faults(self.settings.faults if hit else HEALTHY)
            line.terminal.power_on(now)
            line.dial()
        if self.settings.journal is not None:
            self.at(now + _FLUSH, self._flush)
        self._count_powered()

    async def close(self) -> None:
        """Unplug and write the rest of the journal."""
        self.closing = True
        if self._wake is not None:
            self._wake.cancel()
        self.port.unplug()
        for _ in range(3):
            await asyncio.sleep(0)
        self.journal.close()

    def unplug(self) -> None:
        """Take the port away; what is on the wire is lost."""
        self._out.clear()
        self.port.unplug()

    # -- the wire

    def speak(self, drop: Drop, data: bytes) -> None:
        """A terminal sends one frame; whoever speaks while another does spoils both."""
        faults, dice = self.bus_faults, self._dice
        if dice.hits(faults.half):
            data = data[: len(data) // 2]
        if dice.hits(faults.noise):
            data = dice.data(1 + dice.below(16)) + data
        if dice.hits(faults.collide):
            data = _mixed(data, dice.data(len(data)))
        if self._out and self._speaker is not drop:
            self._out[:] = _mixed(bytes(self._out), data)
            return
        self._speaker = drop
        if not self._out:
            asked = self.now() if self._heard_at is None else self._heard_at
            self._out_free = max(asked + self.bus.turnaround, self._out_free)
            self._next_piece(len(data))
        self._out += data

    def _next_piece(self, count: int) -> None:
        self._out_free += min(count, self.bus.grain) * self._character
        self.at(self._out_free, self._piece, min(count, self.bus.grain))

    def _piece(self, count: int) -> None:
        piece = bytes(self._out[:count])
        del self._out[:count]
        if piece:
            self.port.write(piece)
        if self._out:
            self._next_piece(len(self._out))

    def _came(self, data: bytes) -> None:
        """Bytes were handed to the port: they are on the wire for as long as they take."""
        now = self.now()
        if now - max(self._in_free, self._last_in) > _FORGET:
            self._framer = StreamFramer()
        self._in_free = max(now, self._in_free) + len(data) * self._character
        self.at(self._in_free, self._arrived, data, self._in_free)

    def _arrived(self, data: bytes, end: float) -> None:
        self._last_in = self.now()
        if self.bus_faults.echo:
            self.port.write(data)
        for item in self._framer.feed(data):
            if isinstance(item, Frame) and item.kind is Kind.IP:
                if item.raw[COUNT] != ONE:
                    self.first_heard = self._last_in
                self._heard_at = end
                for line in self._listeners(item.raw):
                    line.data_received(item.raw)
                self._heard_at = None

    def _listeners(self, frame: bytes) -> Iterable[Line]:
        """Whoever the frame may be for: a terminal looks at the address before it looks at a signature."""
        alone = self._by_wire.get(frame[FIRST_TARGET]) if frame[COUNT] == ONE else None
        return self._lines.values() if alone is None else (alone,)


def _mixed(one: bytes, other: bytes) -> bytes:
    """Two drivers on one pair: a low level of either wins."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    return bytes(a & b for a, b in zip(longer, shorter, strict=False)) + longer[len(shorter) :]
