"""Terminals behind a one-way medium 空中接收: they hear a transmitter, and speak by appendix E or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from emulator import speaking
from emulator.device import Device
from emulator.dice import Dice, seed_of, standing
from emulator.effects import Effect, Report
from emulator.faults import HEALTHY
from emulator.fleet import Fleet
from emulator.hearing import Heard
from emulator.journal import Event
from emulator.line import Line
from emulator.registry import Row
from emulator.returns import ShortReturns
from emulator.settings import FleetSettings
from emulator.terminal import Terminal
from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.targets import addresses
from gateway.errors import EnvironmentLackingError, InvalidValueError
from gateway.protocols.fields import NO_CODE, WireCode
from gateway.protocols.ip import Body, IpPacket
from gateway.protocols.ip_bodies import ServiceType
from gateway.protocols.signature import SignatureBlock

#: Seconds between writes of the journal's file.
_FLUSH: Final = 0.05
_NOT_FIRST: Final = 2
#: Seconds for which a start without an end may play.
ENDLESS: Final = 86400


@dataclass(slots=True)
class AirFaults:
    """What the medium does: probabilities for each frame or packet."""

    loss: float = 0.0
    #: a bit is wrong
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "noise"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InvalidValueError(name, getattr(self, name), "must be a probability 0-1")

    def bend(self, data: bytes, dice: Dice) -> bytes:
        """What arrives of one frame or packet; nothing where it is lost."""
        if dice.hits(self.loss):
            return b""
        if not dice.hits(self.noise):
            return data
        at = dice.below(len(data) * 8)
        return (int.from_bytes(data, "big") ^ 1 << at).to_bytes(len(data), "big")


class Front(Protocol):
    """The tuner: takes what the output sends, and hands on what is signed and whole."""

    @property
    def url(self) -> str:
        """Where the output finds it."""
        ...

    async def open(self) -> None:
        """Begin to listen. Errors: OSError."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...

    def cut(self) -> None:
        """Break the line to the transmitter, where there is one."""
        ...

    def retune(self) -> None:
        """Forget what was heard: somebody has been switched on and must hear it again."""
        ...


class Seat(Line):
    """Drives one terminal on the air; it has no line."""

    __slots__ = ()

    @property
    def air(self) -> AirFleet:
        """The fleet that it belongs to."""
        return cast("AirFleet", self._fleet)

    def dial(self) -> None:
        """Who has power hears."""
        if not self.terminal.faults.off and not self._fleet.closing:
            self.terminal.connected = self.terminal.registered = True
            self._registered()
            self.air.front.retune()

    def reboot(self, reason: str) -> None:
        """Restart: memory is lost, and what is on the air is heard again."""
        super().reboot(reason)
        self.dial()

    def cut(self) -> None:
        """There is no line to cut."""

    def hear(self, body: Body, service: ServiceType, ebm_id: EbmId | None) -> None:
        """Carry out what was sent to this terminal."""
        terminal = self.terminal
        if terminal.faults.off or not terminal.registered:
            return
        if ebm_id is not None:
            terminal.platform = WireCode.of(ResourceCode(ebm_id[: ResourceCode.length])).raw
        terminal.received += 1
        packet = IpPacket(0, NO_CODE, (), service, body)
        heard = Heard(b"", b"", packet, None, ebm_id, frozenset(), ())
        done = terminal.servant.obey(heard, self._fleet.now(), self._frame, terminal.platform, terminal.faults.refuse)
        self.apply([*done.before, *done.after])

    def apply(self, effects: Iterable[Effect]) -> None:
        """Do what the terminal wants done; each report goes behind a heartbeat, which tells whose word it is."""
        silent = self.terminal.faults.silent
        kept = [effect for effect in effects if not (silent and isinstance(effect, Report))]
        super().apply([self._vouched(effect) if isinstance(effect, Report) else effect for effect in kept])

    def _vouched(self, report: Report) -> Report:
        self.terminal.reported += 1
        terminal, device = self.terminal, self.terminal.device
        content = bytes((terminal.servant.state, _NOT_FIRST, len(device.physical))) + device.physical
        beat = speaking.report(report.session, device.wire, terminal.platform, ServiceType.HEARTBEAT, content)
        return report._replace(data=beat + report.data)

    def _frame(self, service: int, content: bytes) -> tuple[int, bytes]:
        session = int(self._fleet.now() * 1000) & 0xFFFFFFFF
        device = self.terminal.device
        return session, speaking.report(session, device.wire, self.terminal.platform, service, content)


class NoReturns:
    """Receivers without a way back."""

    waiting = 0

    def post(self, line: Line, report: Report) -> None:
        """Note what nobody will hear."""
        line.note(Event.REPORT_LOST, report, f"{report.what}: no way back")

    def line_up(self, line: Line) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is under way."""


class AirFleet(Fleet):
    """All receivers of one transmitter. ``returns``: whether they can report by appendix E."""

    def __init__(
        self, rows: Sequence[Row], settings: FleetSettings, front: Callable[[AirFleet], Front], *, returns: bool
    ) -> None:
        self.air_faults = AirFaults()
        self.dice = Dice(seed_of(settings.seed, "air"))
        #: what the tuner refused, by the code of the error
        self.refused: dict[str, int] = {}
        self._returns_by_e = returns
        self.front = front(self)
        super().__init__(rows, settings)

    def _line(self, row: Row) -> Seat:
        seed = seed_of(self.settings.seed, row.code)
        terminal = Terminal(Device.of(row.code, row.physical), self.ears, self.settings.terminal, Dice(seed))
        return Seat(self, row.code, terminal, Dice(seed ^ 0x5DEECE66D))

    @property
    def seats(self) -> Iterable[Seat]:
        """Every receiver."""
        return cast("Iterable[Seat]", self.lines)

    async def start(self) -> None:
        """Power on all receivers and tune in."""
        self._loop = asyncio.get_running_loop()
        self._epoch = time.time() - self._loop.time()
        settings = self.settings
        self.returns = (
            ShortReturns(
                self,
                await self._resolve(settings.feedback),
                limit=settings.return_limit,
                tries=settings.return_tries,
                patience=settings.return_patience,
            )
            if self._returns_by_e
            else NoReturns()
        )
        try:
            await self.front.open()
        except OSError as error:
            raise EnvironmentLackingError(f"{self.front.url or 'receiver'}: {error}") from error
        now = self.now()
        for line in self.lines:
            hit = standing(settings.seed, line.code) < settings.share
            line.terminal.set_faults(settings.faults if hit else HEALTHY)
            line.terminal.power_on(now)
            line.dial()
        if settings.journal is not None:
            self.at(now + _FLUSH, self._flush)
        self._count_powered()

    async def close(self) -> None:
        """Switch off and write the rest of the journal."""
        self.closing = True
        if self._wake is not None:
            self._wake.cancel()
        self.front.close()
        self.returns.close()
        await asyncio.sleep(0)
        self.journal.close()

    # -- what tuners use

    def bend(self, data: bytes) -> bytes:
        """What arrives of one frame or packet."""
        return self.air_faults.bend(data, self.dice)

    def refuse(self, code: str) -> None:
        """Count what is broken or not signed as it must be."""
        self.refused[code] = self.refused.get(code, 0) + 1

    def is_signed(self, data: bytes, block: SignatureBlock | None) -> bool:
        """Whether a known key signed ``data``; counts what is refused."""
        error = self.ears.verify(data, block)
        if error is not None:
            self.refuse(error.code)
        return error is None

    def addressed(self, codes: Iterable[WireCode]) -> list[Seat]:
        """Whom these codes name, each or by group."""
        wanted = [digits for code in codes if (digits := code.digits)]
        return [
            seat
            for seat in self.seats
            if any(
                digits == seat.terminal.device.code or addresses(digits, seat.terminal.device.code) for digits in wanted
            )
        ]
