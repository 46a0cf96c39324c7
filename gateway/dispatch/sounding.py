"""Sounding 播音: programmes at addresses of their own, from before the start frames until after the stops.

A terminal never finds silence where a start frame sends it, and no stream outlives its message. Datagram receivers are
the terminals of the message that are connected; they come and go with their connections.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.sound import OnAir
from gateway.dispatch.state import State
from gateway.domain.message import DRILL_MARK, EbmClass, Manner, Message, MessageState
from gateway.domain.plans import Siren
from gateway.errors import NotFoundError, OverloadedError, SoundError
from gateway.programmes.addresses import Endpoint, RtpAddress, UnicastAddress, parse_address
from gateway.programmes.broadcast import Broadcast, Outlet
from gateway.programmes.events import SoundEvent, SoundKind
from gateway.programmes.live_room import LiveRoom
from gateway.programmes.options import FRAME_SECONDS, SoundOptions
from gateway.programmes.outlets import RtpOutlet, UnicastOutlet
from gateway.programmes.programme import Programme
from gateway.programmes.pulls import Pull, PullOutlet
from gateway.programmes.signals import Signal, packaged, signal_of
from gateway.programmes.studio import Studio
from gateway.programmes.toolbox import Toolbox

log = structlog.get_logger(__name__)

#: Kinds of alarm for what happens to a programme; ``ready`` ends the first two.
_ALARMS: Final = {
    SoundKind.NEEDS_PERSON: ("sound_needs_person", AlarmLevel.CRITICAL),
    SoundKind.FAILED: ("sound_failed", AlarmLevel.CRITICAL),
    SoundKind.UNREAD: ("sound_unread", AlarmLevel.WARNING),
    SoundKind.STALLED: ("sound_stalled", AlarmLevel.WARNING),
}
#: An address that a message was given is kept for it so long until the message is committed, in seconds.
_PROMISE_SECONDS: Final = 60.0


class Form(StrEnum):
    """How programmes travel: the address that start frames carry (GD/J 089-2018 D.5 no. 11)."""

    RTP = "rtp"
    UNICAST = "unicast"
    #: fetched by the terminal, which may stand behind NAT; an extension of ours, see docs/sound.md
    PULL = "pull"


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """Where programmes go. ``addresses`` are taken in turn; with PULL each message has ``pull_base``/EBM id.mp3.

    ``spare`` is an address where nothing ever sounds, for messages beyond them: table D.5 wants an address in every
    start, and one that another programme has would play the wrong warning.
    ``unicast_limit`` bounds the datagram streams of the whole gateway, ``pull_listeners`` those over HTTP; ``tail`` is
    how many seconds a programme outlives its stop frames. ``recordings`` is the folder of recorded files.
    """

    form: Form
    addresses: tuple[str, ...]
    recordings: Path
    spare: str = ""
    pull_base: str = ""
    unicast_limit: int = 500
    pull_listeners: int = 100
    tail: float = 2.0
    multicast_interface: str = ""


@dataclass(slots=True, eq=False)
class _Air:
    live: LiveMessage
    broadcast: Broadcast
    pulls: PullOutlet
    unicast: UnicastOutlet | None
    port: int = 0
    where: dict[int, Endpoint] = field(default_factory=dict)
    users: Counter[Endpoint] = field(default_factory=Counter)
    left_out: set[int] = field(default_factory=set)
    ending: bool = False


class Sounding:
    """Programmes of all messages (``dispatch.sound.Sound``). Made on a running loop."""

    def __init__(
        self, state: State, plan: SoundPlan, options: SoundOptions, cache: Path, toolbox: Toolbox, live: LiveRoom
    ) -> None:
        self._state = state
        self._plan = plan
        self._options = options
        self.studio = Studio(options, cache, self._told, toolbox)
        #: the sources from which people speak
        self.live = live
        self._air: dict[str, _Air] = {}
        self._promised: dict[str, str] = {}
        self._turn = 0

    async def warm(self) -> None:
        """Load what the first reading of a text needs, so that no warning waits for it."""
        await self.studio.warm()

    # -- addresses

    def address(self, ebm_id: str) -> str | None:
        """The next free address, in turn; the spare one, with an alarm, where all are taken."""
        plan = self._plan
        if plan.form is Form.PULL:
            return f"{plan.pull_base}/sound/{ebm_id}.mp3"
        used = {live.message.programme_url for live in self._state.messages.values() if not live.state.is_over}
        used |= {air.live.message.programme_url for air in self._air.values()} | set(self._promised.values())
        for step in range(len(plan.addresses)):
            found = plan.addresses[(self._turn + step) % len(plan.addresses)]
            if found not in used:
                self._turn = (self._turn + step + 1) % len(plan.addresses)
                self._promised[ebm_id] = found
                self._state.pacer.after(_PROMISE_SECONDS, lambda: self._forget_promise(ebm_id))
                return found
        self._no_address(ebm_id)
        return plan.spare or None

    def _forget_promise(self, ebm_id: str) -> None:
        self._promised.pop(ebm_id, None)

    def _no_address(self, ebm_id: str) -> None:
        self._state.alarms.raise_(
            "sound_no_address",
            ebm_id,
            "没有空闲的节目地址，只发指令与文字 no free programme address: frames and text only, no sound",
            AlarmLevel.CRITICAL,
        )

    # -- on and off the air

    def begin(self, live: LiveMessage) -> None:
        """On the air; the first frame is out when this returns, with the signal whatever becomes of the words."""
        message = live.message
        if live.ebm_id in self._air or live.state is not MessageState.ACTIVE:
            return
        if message.manner is Manner.STREAM or message.ebm_class is EbmClass.SYSTEM_DRILL:
            return
        outlets = self._outlets(message)
        self._promised.pop(live.ebm_id, None)
        if outlets is None:
            self._no_address(live.ebm_id)
            return
        pulls = PullOutlet(self._options.kbits, self._options.pull_buffer_seconds, self._dropped)
        outlet, port = outlets
        unicast = outlet if isinstance(outlet, UnicastOutlet) else None
        programme = self._programme(live)
        broadcast = Broadcast(programme, [o for o in (outlet, pulls) if o is not None])
        air = self._air[live.ebm_id] = _Air(live, broadcast, pulls, unicast, port)
        if unicast is not None:
            self._join(air, live.terminals)
        broadcast.start()
        early = message.start.timestamp() - self._state.clock()
        if early > 0:
            # Terminals tune in at the start: they are to hear the signal from its beginning.
            self._state.pacer.after(early, programme.rewind)
        log.info("programme on the air", message_id=live.ebm_id, address=message.programme_url)

    def _outlets(self, message: Message) -> tuple[Outlet | None, int] | None:
        """What carries a programme, and the port of its datagrams; None where the address is not ours to use."""
        url = message.programme_url
        if self._plan.form is Form.PULL:
            return (None, 0) if url.startswith(f"{self._plan.pull_base}/sound/") else None
        if url not in self._plan.addresses or any(a.live.message.programme_url == url for a in self._air.values()):
            return None
        address = parse_address(url)
        if isinstance(address, UnicastAddress):
            return UnicastOutlet(self._options.kbits), address.port
        return self._rtp(address), 0

    def _rtp(self, address: RtpAddress) -> RtpOutlet:
        options = self._options
        return RtpOutlet(address, options.kbits, ttl=options.multicast_ttl, interface=self._plan.multicast_interface)

    def _programme(self, live: LiveMessage) -> Programme:
        message, scheme = live.message, live.scheme
        name, text, language = str(message.ebm_id), message.text, message.language
        if message.manner is Manner.LIVE:
            return self._live(message)
        if message.ebm_class.is_drill:
            text = self._options.said_in_drill(text.removeprefix(DRILL_MARK), language)
        if message.manner is Manner.RECORDING:
            signal = None if message.ebm_class is EbmClass.DAILY else _signal(live)
            return self.studio.recording(name, signal, self._plan.recordings / message.recording)
        if message.manner is Manner.READING:
            return self.studio.reading(name, text, language)
        if message.manner is Manner.ALL_CLEAR:
            return self.studio.all_clear(name, text, language)
        return self.studio.announcement(name, _signal(live), text, language, scheme.repeats)

    def _live(self, message: Message) -> Programme:
        """Signal and live source; what stands in for a source that is dead is made beforehand."""
        name, signal, wanted = message.ebm_id, signal_of(message.severity), self.live.options.fallback
        if wanted == "signal":
            fallback = Programme(name, packaged(signal), kbits=self._options.kbits)
        elif wanted == "text":
            fallback = self.studio.reading(name, message.text, message.language)
        else:
            fallback = self.studio.recording(name, None, self._plan.recordings / wanted)
        return self.live.begin(name, message.recording, packaged(signal), signal.turns, fallback)

    def end(self, live: LiveMessage) -> None:
        """Off the air after the tail."""
        self._promised.pop(live.ebm_id, None)
        air = self._air.get(live.ebm_id)
        if air is not None and not air.ending:
            air.ending = True
            self._state.pacer.after(self._plan.tail, lambda: self._stop(air))

    def _stop(self, air: _Air) -> None:
        self._air.pop(air.live.ebm_id, None)
        air.broadcast.stop()
        self.live.end(air.live.ebm_id)
        for kind in ("sound_limit", *(kind for kind, _ in _ALARMS.values())):
            self._state.alarms.clear(kind, air.live.ebm_id)
        log.info("programme off the air", message_id=air.live.ebm_id, seconds=round(_seconds(air.broadcast), 1))

    async def close(self) -> None:
        """Fall silent at once: a gateway that stops has no stream left."""
        for air in list(self._air.values()):
            air.broadcast.stop()
        self._air.clear()
        await self.live.close()
        await self.studio.close()

    # -- datagram receivers

    def arrived(self, terminal: int) -> None:
        """It gets the programmes of its messages at the address that it is connected from now."""
        for air in self._air.values():
            if air.unicast is not None and terminal in air.live.index:
                self._leave(air, terminal)
                self._join(air, (terminal,))

    def lost(self, terminal: int) -> None:
        """Nothing more is sent to it; who was beyond the limit may take its place."""
        for air in self._air.values():
            if air.unicast is not None:
                self._leave(air, terminal)
                self._join(air, sorted(air.left_out))
                if not air.left_out:
                    self._state.alarms.clear("sound_limit", air.live.ebm_id)

    def _join(self, air: _Air, terminals: Iterable[int]) -> None:
        assert air.unicast is not None
        current = self._state.links.current
        streams = sum(other.unicast.receivers for other in self._air.values() if other.unicast is not None)
        before = len(air.left_out)
        for terminal in terminals:
            link = current.get(terminal)
            if link is None:
                continue
            receiver = (_plain(link.host), air.port)
            if receiver not in air.unicast:
                if streams >= self._plan.unicast_limit:
                    air.left_out.add(terminal)
                    continue
                streams += 1
                air.unicast.add(receiver)
            air.left_out.discard(terminal)
            air.where[terminal] = receiver
            air.users[receiver] += 1
        if len(air.left_out) > before:
            self._state.alarms.raise_(
                "sound_limit",
                air.live.ebm_id,
                f"单播流已达上限 {self._plan.unicast_limit}，{len(air.left_out)} 个终端收不到声音 "
                f"the limit of unicast streams is reached: {len(air.left_out)} terminals get no sound",
                AlarmLevel.CRITICAL,
            )

    @staticmethod
    def _leave(air: _Air, terminal: int) -> None:
        assert air.unicast is not None
        air.left_out.discard(terminal)
        receiver = air.where.pop(terminal, None)
        if receiver is None:
            return
        air.users[receiver] -= 1
        if not air.users[receiver]:
            del air.users[receiver]
            air.unicast.remove(receiver)

    # -- people and listeners

    def on_air(self) -> list[OnAir]:
        """What sounds now, oldest first."""
        return [self._shown(air) for air in self._air.values()]

    def _shown(self, air: _Air) -> OnAir:
        programme = air.broadcast.programme
        words = "ready" if programme.body else "none" if programme.problem else "pending"
        return OnAir(
            ebm_id=air.live.ebm_id,
            address=air.live.message.programme_url,
            words=words,
            problem=str(programme.problem or ""),
            streams=air.unicast.receivers if air.unicast else 0,
            left_out=len(air.left_out),
            listeners=air.pulls.listeners,
            seconds=_seconds(air.broadcast),
            missed=air.broadcast.missed * FRAME_SECONDS,
        )

    def pull(self, ebm_id: str) -> Pull:
        """A listener over HTTP hears the programme from now on. Errors: NotFoundError, OverloadedError."""
        air = self._air.get(ebm_id)
        if air is None:
            raise NotFoundError(f"{ebm_id} 未在播音 does not sound now")
        if sum(other.pulls.listeners for other in self._air.values()) >= self._plan.pull_listeners:
            raise OverloadedError(f"HTTP 收听已达上限 {self._plan.pull_listeners} listeners over HTTP at most")
        return air.pulls.pull()

    async def preview(self, live: LiveMessage) -> bytes:
        """Signal and words of a message as they will sound, once through.

        Errors: NotFoundError for live input and streams, SoundError where its words cannot be made.
        """
        if live.message.manner in (Manner.LIVE, Manner.STREAM):
            raise NotFoundError(f"{live.ebm_id}: 切播与外来流无成品节目 what is live has no finished programme")
        programme = self._programme(live)
        if not await programme.settled():
            raise programme.problem or SoundError("无语音 there are no words")
        return programme.once()

    @staticmethod
    def _dropped() -> None:
        log.warning("listener does not read, dropped")

    def _told(self, event: SoundEvent) -> None:
        if event.kind is SoundKind.READY:
            return
        kind, level = _ALARMS[event.kind]
        self._state.alarms.raise_(kind, event.programme, f"{event.zh} {event.en}", level)


def _signal(live: LiveMessage) -> Signal | None:
    """What sounds before the words: as the scheme says, else by severity."""
    siren = live.scheme.siren
    if siren is None:
        return signal_of(live.message.severity)
    return None if siren is Siren.NONE else Signal(siren.value)


def _plain(host: str) -> str:
    """An IPv4 address as such, where a socket of both families spells it as IPv6."""
    mapped = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(mapped, ipaddress.IPv6Address) and mapped.ipv4_mapped is not None:
        return str(mapped.ipv4_mapped)
    return host


def _seconds(broadcast: Broadcast) -> float:
    return broadcast.frames * FRAME_SECONDS
