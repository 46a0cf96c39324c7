"""The daemon 守护进程: the one place that knows all rooms. It builds them from the settings, starts and stops them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from gateway.api.server import HttpServer
from gateway.api.services import Services
from gateway.api.weigh import weigher
from gateway.console.app import add_console
from gateway.coverage.books import Books
from gateway.daemon.drop import Drop
from gateway.daemon.expected import expected_of
from gateway.daemon.front_end import make_front_end
from gateway.daemon.keys import signing_key, sm2_provider, tls_of
from gateway.daemon.links import make_bearers
from gateway.daemon.listening import hub_limits, listen
from gateway.daemon.machine import calm_the_collector, clock_synchronised, raise_file_limit
from gateway.daemon.monitoring import make_monitors
from gateway.daemon.notify import errands_of_the_day
from gateway.daemon.papers import make_paper_book
from gateway.daemon.platform import PlatformRooms, make_platform
from gateway.daemon.quakes import make_quakes
from gateway.daemon.replay import keep_replay, open_trust
from gateway.daemon.signing import signs_by
from gateway.daemon.sound import library_sources, make_sound, recordings_folder, sound_options
from gateway.devices.adapter_link import AdapterLink
from gateway.devices.adapter_port import AdapterPort
from gateway.devices.adapter_server import ServerLimits
from gateway.devices.bearer import Tools
from gateway.devices.hub import Hub
from gateway.devices.listeners import Listeners
from gateway.devices.profiles import load_profiles
from gateway.devices.trust import Trust
from gateway.dispatch.alarms import AlarmLevel, Alarms
from gateway.dispatch.all_clear import AllClear
from gateway.dispatch.daily import Daily
from gateway.dispatch.daily_book import DailyBook
from gateway.dispatch.frames import FrameMaker
from gateway.dispatch.numbers import EbmNumbers, Sessions
from gateway.dispatch.pacer import Pacer
from gateway.dispatch.planner import Planner
from gateway.dispatch.retry import RetryRule
from gateway.dispatch.service import Dispatch
from gateway.dispatch.sounding import Sounding
from gateway.dispatch.state import DispatchPolicy, NoLinks, State
from gateway.dispatch.terminals import TerminalBook, load_registry
from gateway.dispatch.trust_desk import TrustDesk, open_trust_desk
from gateway.dispatch.waiting import Waiting
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.message import AirTime
from gateway.programmes.library import Library
from gateway.programmes.toolbox import Toolbox
from gateway.publishers.places import places
from gateway.publishers.reference import (
    CountyOutlines,
    Regions,
    load_event_names,
    load_gazetteer,
    load_outlines,
    load_regions,
)
from gateway.security.high_water import HighWaterFile
from gateway.security.keyring import KeyRing
from gateway.security.keys import SigningKey
from gateway.security.signer import Signer, SignerAlarm
from gateway.security.sm2 import Sm2Provider
from gateway.settings import Settings
from gateway.store import Store, StoreSettings, queries
from gateway.store.rows import StateRow
from gateway.upstream.shared_library import SharedLibrary

log = structlog.get_logger(__name__)

#: Before the names under which links keep what outlives a restart.
_LINK_STATE = "link "


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the gateway serves: port numbers after 0 was resolved."""

    http: int
    terminals: int
    feedback: int
    #: 0 where no adapter is set
    adapters: int = 0
    #: 0 where the gateway is no adapter itself
    front_end: int = 0
    #: 0 where the platform interface is not enabled
    platform: int = 0


def _policy(settings: Settings) -> DispatchPolicy:
    dispatch = settings.dispatch
    return DispatchPolicy(
        own_code=settings.gateway.code,
        region=settings.gateway.region,
        retry=RetryRule(
            dispatch.same_frame_tries,
            dispatch.sessions_for_each_start,
            dispatch.backoff_first_seconds,
            dispatch.backoff_longest_seconds,
        ),
        air_time=AirTime(settings.air_time.by_severity()),
        answer_seconds=dispatch.answer_seconds,
        epoch_seconds=settings.signing.epoch_seconds,
        send_ahead=dispatch.send_ahead_seconds,
        slice=dispatch.slice,
        volume=dispatch.volume,
        programme_url=dispatch.programme_url,
        exercise_class=dispatch.exercise_class,
    )


def _no_pages(*_: object) -> None:
    """Where the console is switched off."""


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Gateway:
    """A running gateway. ``async with Gateway(settings) as gateway: gateway.ports``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stack = AsyncExitStack()
        self.ports = Ports(0, 0, 0)
        self._signed: Signer | None = None
        self.trust: TrustDesk | None = None
        self.platform: PlatformRooms | None = None

    @property
    def signatures_made(self) -> int:
        """Signatures since the start."""
        return 0 if self._signed is None else self._signed.signatures_made

    async def __aenter__(self) -> Gateway:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        raise_file_limit()
        settings.gateway.data_dir.mkdir(parents=True, exist_ok=True)
        provider = sm2_provider(settings.signing.provider)
        key = signing_key(settings, provider)
        gazetteer = await asyncio.to_thread(load_gazetteer, settings.reference.folder)
        outlines = await asyncio.to_thread(load_outlines, gazetteer)
        regions = await asyncio.to_thread(load_regions, gazetteer, settings.reference.folder)
        await asyncio.to_thread(places, gazetteer)
        store = await Store.open(
            StoreSettings(settings.store_url, receipt_rows=settings.store.queue_limit), node=settings.gateway.node
        )
        stack.push_async_callback(store.close)
        self.state = await self._state(store, gazetteer, key, provider)
        self.dispatch = Dispatch(self.state)
        trust = await open_trust(settings.signing, provider, store, time.time)
        if trust is not None:
            self._task(keep_replay(trust, store), "replay state")
        self.hub = hub = Hub(self.dispatch, hub_limits(settings), settings.gateway.code, trust)
        self.state.links = hub
        self.dispatch.receipts.on_committed = hub.receipts_committed
        options = sound_options(settings.sound)
        toolbox = Toolbox.find(options)
        self.monitors = make_monitors(settings.monitor, settings.gateway.data_dir, toolbox, self.state.alarms, store)
        stack.push_async_callback(self.monitors.close)
        self.state.bearers.update(make_bearers(settings.links, self._tools(trust)))
        adapters = self._adapter_port()
        self.state.sound = sound = make_sound(settings, options, toolbox, self.dispatch)
        if settings.sound.enabled and settings.sound.all_clear:
            AllClear(self.dispatch, options.said_of_end, settings.gateway.code, settings.sound.all_clear_seconds)
        Waiting(self.dispatch, settings.approval.escalation())
        self.expected = expected_of(settings, self.state)
        self._task(self.expected.run(), "heartbeats of publishers")
        self.books = Books(self.dispatch)
        self.library = Library(recordings_folder(settings.gateway.data_dir), toolbox, options)
        self.platform = make_platform(settings, self.dispatch, self.books, trust, self.library, hub.is_online)
        if self.platform is not None:
            stack.push_async_callback(self.platform.outbox.close)
        await self.dispatch.start()
        stack.push_async_callback(self.dispatch.close)
        listeners = Listeners(hub)
        stack.push_async_callback(listeners.close)
        terminals, feedback = await listen(listeners, settings)
        reports = 0
        if adapters is not None:
            stack.push_async_callback(adapters.close)
            section = settings.adapters
            reports = await adapters.open(section.host, section.port, tls_of(section.tls, "adapters"))
        self.front_end = front = make_front_end(settings.front_end, self.dispatch, trust, key.certificate)
        commands = 0
        if front is not None:
            stack.push_async_callback(front.close)
            place = settings.front_end
            commands = await front.open(place.host, place.port, tls_of(place.tls, "front_end"))
        self.terminals = TerminalBook(store, self.state.registry, time.time, hub.drop)
        self.daily = DailyBook(store, time.time)
        await self.daily.load()
        Daily(self.dispatch, self.daily, settings.gateway.code).start()
        if isinstance(sound, Sounding):
            self.dispatch.sender.spawn(sound.warm())
            sound.live.open()
        assert self._signed is not None
        ring = KeyRing(settings.key_file, key, provider, self._signed.switch)
        self.papers = make_paper_book(settings, trust, ring.is_ours, self.state.alarms, time.time)
        self._task(self.papers.run(), "expiry of certificates")
        self.trust = None if trust is None else await open_trust_desk(self.dispatch, trust, ring)
        if self.trust is not None:
            stack.push_async_callback(self.trust.publisher.close)
        self.quakes = make_quakes(settings, self.dispatch, outlines)
        self._task(self.quakes.run(), "aims of earthquake warnings")
        self.services = self._services(gazetteer, outlines, regions, toolbox)
        self._share()
        self._watch_folders()
        pages = add_console if settings.console.enabled else _no_pages
        http = HttpServer(self.services, tls_of(settings.http.tls, "http"), pages)
        stack.push_async_callback(http.close)
        web = await http.open(settings.http.host, settings.http.port)
        platform = 0
        if self.platform is not None:
            stack.push_async_callback(self.platform.port.close)
            platform = await self.platform.open(self._task)
        self.ports = Ports(web, terminals, feedback, reports, commands, platform)
        calm_the_collector()
        log.info("gateway serves", ports=str(self.ports), terminals=len(self.state.registry), sm2=provider.name)

    async def _state(self, store: Store, gazetteer: Gazetteer, key: SigningKey, provider: Sm2Provider) -> State:
        """What the rooms of dispatch share, on an open store; the hub is not there yet."""
        settings, stack = self.settings, self._stack
        alarms = Alarms(store.submit, time.time)
        signing = ThreadPoolExecutor(1, thread_name_prefix="sign")
        stack.callback(signing.shutdown)
        self._signed = signer = self._signer(key, provider, alarms)
        stack.callback(signer.close)
        source = ResourceCode(settings.gateway.code)

        def borrowed(ebm_id: EbmId) -> None:
            alarms.raise_("ebm_numbers_borrowed", ebm_id.day, f"当日编号已用尽，借用次日 {ebm_id}", AlarmLevel.CRITICAL)

        return State(
            policy=_policy(settings),
            store=store,
            registry=await load_registry(store),
            profiles=load_profiles(settings.reference.folder / "profiles" if settings.reference.folder else None),
            gazetteer=gazetteer,
            links=NoLinks(),
            frames=FrameMaker(source, signer.sign),
            signing=signing,
            sessions=Sessions(store.reserve, settings.gateway.node),
            numbers=EbmNumbers(store.reserve, source, borrowed),
            pacer=Pacer(asyncio.get_running_loop()),
            alarms=alarms,
            clock=time.time,
            monotonic=time.monotonic,
            planner=Planner(settings.planned, settings.approval.rules(), settings.quiet_hours.rule()),
        )

    def _tools(self, trust: Trust | None) -> Tools:
        """What bearers are made with."""
        store = self.state.store

        async def keep(name: str, value: Any) -> None:
            await store.write(StateRow(f"{_LINK_STATE}{name}", value), urgent=True)

        async def kept(name: str) -> object:
            return await store.read(queries.state, f"{_LINK_STATE}{name}")

        return Tools(
            events=self.dispatch,
            workshop=self.dispatch.errands,
            clock=time.time,
            monotonic=time.monotonic,
            members=self.dispatch.members,
            own_code=ResourceCode(self.settings.gateway.code),
            trust=trust,
            monitoring=self.monitors,
            keep=keep,
            kept=kept,
        )

    def _adapter_port(self) -> AdapterPort | None:
        """The port for reports of adapters; None where no link leads to one."""
        links = [bearer for bearer in self.state.bearers.values() if isinstance(bearer, AdapterLink)]
        if not links:
            return None
        section = self.settings.adapters
        limits = ServerLimits(
            max_frame=section.max_frame_bytes, idle=section.idle_seconds, connections=section.max_connections
        )
        port = AdapterPort(links, self.dispatch, self.dispatch.errands, limits, time.monotonic)

        def committed() -> None:
            self.hub.receipts_committed()
            port.receipts_committed()

        self.dispatch.receipts.on_committed = committed
        return port

    def _share(self) -> None:
        """Fetch what other platforms share, in tasks of their own."""
        for source in library_sources(self.settings.library):
            shared = SharedLibrary(
                source, self.daily, self.services.library, self.state.alarms, self.settings.gateway.code
            )
            self._task(shared.run(), f"library of {source.name}")

    def _watch_folders(self) -> None:
        """Take what publishers drop into folders or send as short messages, and tell alarms to those who want them."""
        weigh = weigher(self.services)
        for name, section in self.settings.drop.items():
            self._task(Drop(name, section, self.services, weigh).run(), f"drop folder {name}")
        for work, name in errands_of_the_day(self.services, weigh):
            self._task(work, name)

    def _task(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._stack.push_async_callback(_end, asyncio.create_task(work, name=name))

    def _services(
        self,
        gazetteer: Gazetteer,
        outlines: CountyOutlines,
        regions: Regions,
        toolbox: Toolbox,
    ) -> Services:
        """What the API is given."""
        return Services(
            settings=self.settings,
            store=self.state.store,
            dispatch=self.dispatch,
            books=self.books,
            quakes=self.quakes,
            expected=self.expected,
            hub=self.hub,
            terminals=self.terminals,
            daily=self.daily,
            monitors=self.monitors,
            papers=self.papers,
            library=self.library,
            capabilities=toolbox.capabilities() if self.settings.sound.enabled else (),
            gazetteer=gazetteer,
            outlines=outlines,
            regions=regions,
            event_names=load_event_names(),
            profiles=self.state.profiles,
            clock=time.time,
            monotonic=time.monotonic,
            signatures_made=lambda: self.signatures_made,
            trust=self.trust,
            clock_synchronised=clock_synchronised,
        )

    def _signer(self, key: SigningKey, provider: Sm2Provider, alarms: Alarms) -> Signer:
        loop = asyncio.get_running_loop()
        mark = HighWaterFile(Path(f"{self.settings.key_file}.last"))

        def alarm(which: SignerAlarm, active: bool, detail: str) -> None:
            # Called in the signing thread.
            if active:
                loop.call_soon_threadsafe(alarms.raise_, which.value, "signer", detail)
            else:
                loop.call_soon_threadsafe(alarms.clear, which.value, "signer")

        return Signer(
            key,
            signs_by(self.settings.signing, provider, alarms, self._stack),
            clock=time.time,
            last=mark.load(),
            persist=mark.save,
            alarm=alarm,
            clock_synchronised=clock_synchronised,
        )
