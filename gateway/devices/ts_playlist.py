"""Which messages and commands a multiplexer shows at a time, without I/O; it is told the time in Unix seconds.

A receiver picks by level alone (086 figure C.2), so a red drill would outrank an orange emergency: while an emergency
is on the air, drills are not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf

from gateway.devices.ts_words import daily_play, daily_stop, rendered
from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.message import EbmClass, Message
from gateway.domain.targets import addresses
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.ts_configuration import ConfigurationTable, configure
from gateway.protocols.ts_daily import AmplifierSwitch, DailyTable, daily
from gateway.protocols.ts_render import Rendered
from gateway.protocols.ts_render_daily import DailyOrder, DailyStop, render_daily
from gateway.settings.ts_link import TsLink


@dataclass(frozen=True, slots=True)
class Shown:
    """What is on the air at a time; None for a table that is off."""

    messages: tuple[Rendered, ...]
    daily: DailyTable | None
    configuration: ConfigurationTable | None
    certificates: CertificateAuthorisation | None


@dataclass(slots=True)
class _Show:
    """One message; ``parts``: target codes as ordered, with the terminals that each list was for."""

    message: Message
    parts: dict[tuple[ResourceCode, ...], tuple[ResourceCode, ...]] = field(default_factory=dict)

    @property
    def codes(self) -> tuple[ResourceCode, ...]:
        return tuple(dict.fromkeys(code for targets in self.parts for code in targets))

    @property
    def span(self) -> tuple[float, float]:
        return self.message.start.timestamp(), self.message.end.timestamp()


class Playlist:
    """The messages of one multiplexer."""

    def __init__(self, link: TsLink) -> None:
        self._link = link
        self._shows: dict[EbmId, _Show] = {}
        self._commands: list[tuple[float, object]] = []
        self._stops: list[tuple[float, DailyStop]] = []
        self._papers: list[tuple[float, CertificateAuthorisation]] = []
        self.certificates: CertificateAuthorisation | None = None

    def __contains__(self, ebm_id: object) -> bool:
        return ebm_id in self._shows

    def add(self, message: Message, targets: Sequence[ResourceCode], terminals: Iterable[ResourceCode]) -> None:
        """Show a message for these target codes, which are meant for these terminals."""
        show = self._shows.setdefault(message.ebm_id, _Show(message))
        show.message = message
        show.parts[tuple(targets)] = tuple(terminals)

    def remove(self, message: Message, targets: Sequence[ResourceCode], now: float) -> None:
        """Show it no more to whom ``targets`` address; the others are named one by one from then on.

        An index has no word for an exception, and whoever it does not name stops.
        """
        show = self._shows.get(message.ebm_id)
        if show is None:
            return
        wanted = tuple(map(str, targets))
        before = show.codes
        for part, terminals in list(show.parts.items()):
            left = tuple(code for code in terminals if not any(addresses(target, code) for target in wanted))
            if len(left) == len(terminals) and left:
                continue
            del show.parts[part]
            if left:
                show.parts[left] = left
        if message.ebm_class is EbmClass.DAILY and (not show.parts or show.codes != before):
            self._stop_daily(message, tuple(targets), now)
        if not show.parts:
            del self._shows[message.ebm_id]

    def command(self, contents: Iterable[object], now: float) -> None:
        """Repeat settings or queries for the time that the settings give them."""
        until = now + self._link.setting_seconds
        self._commands += [(until, content) for content in contents]

    def authorise(self, body: CertificateAuthorisation, now: float) -> None:
        """Repeat lists and certificates (table 0xFC) for the time that settings get, beside those always shown."""
        self._papers.append((now + self._link.setting_seconds, body))

    def clear(self) -> None:
        """Nothing is shown any more."""
        self._shows.clear()
        self._commands.clear()
        self._stops.clear()
        self._papers.clear()
        self.certificates = None

    def has_emergency(self, now: float) -> bool:
        """Whether an emergency is on the air."""
        return any(
            show.message.ebm_class is EbmClass.EMERGENCY and show.span[0] <= now < show.span[1]
            for show in self._shows.values()
        )

    def next_change(self, now: float) -> float:
        """When what is shown changes by itself; infinity where it does not."""
        times = [at for show in self._shows.values() for at in show.span]
        times += [until for until, _ in (*self._commands, *self._stops, *self._papers)]
        return min((at for at in times if at > now), default=inf)

    def shown(self, now: float) -> Shown:
        """What is on the air at ``now``; what is over is forgotten. Errors: InvalidValueError."""
        for ebm_id, show in list(self._shows.items()):
            if show.span[1] <= now:
                del self._shows[ebm_id]
        self._commands = [one for one in self._commands if one[0] > now]
        self._stops = [one for one in self._stops if one[0] > now]
        self._papers = [one for one in self._papers if one[0] > now]
        at = datetime.fromtimestamp(now, UTC)
        emergency = self.has_emergency(now)
        messages = tuple(
            rendered(show.message, show.codes, self._link, at)
            for show in self._shows.values()
            if show.message.ebm_class is EbmClass.EMERGENCY or (show.message.ebm_class.is_drill and not emergency)
        )
        settings = [content for _, content in self._commands if not isinstance(content, AmplifierSwitch)]
        return Shown(messages, self._daily(now), configure(*settings) if settings else None, self._authorised())

    def _authorised(self) -> CertificateAuthorisation | None:
        """All that table 0xFC says, each once."""
        bodies = [body for _, body in self._papers] + ([self.certificates] if self.certificates is not None else [])
        if not bodies:
            return None
        return CertificateAuthorisation(
            tuple(dict.fromkeys(raw for body in bodies for raw in body.lists)),
            tuple(dict.fromkeys(raw for body in bodies for raw in body.certificates)),
        )

    def _daily(self, now: float) -> DailyTable | None:
        plays: list[DailyOrder] = [
            daily_play(show.message, show.codes, self._link)
            for show in self._shows.values()
            # Table 0xFA names no start: a daily broadcast is shown when its time has come.
            if show.message.ebm_class is EbmClass.DAILY and show.span[0] <= now
        ]
        switches = [content for _, content in self._commands if isinstance(content, AmplifierSwitch)]
        orders = plays + [stop for _, stop in self._stops]
        if not orders and not switches:
            return None
        table, _ = render_daily(orders)
        return DailyTable(table.commands + daily(*switches).commands)

    def _stop_daily(self, message: Message, targets: tuple[ResourceCode, ...], now: float) -> None:
        until = now + self._link.setting_seconds
        self._stops.append((until, daily_stop(message, targets, self._link)))
