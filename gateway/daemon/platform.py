"""The platform interface from the settings: what takes packages, what sends them, and what it has to tell."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from gateway.coverage.books import Books
from gateway.coverage.figures import Rule
from gateway.daemon.keys import client_tls, tls_of
from gateway.devices.trust import Trust
from gateway.dispatch.service import Dispatch
from gateway.domain.codes import AreaCode
from gateway.domain.peers import Peer, PeerRole
from gateway.errors import SettingsError
from gateway.programmes.library import Library
from gateway.protocols.platform.conditions import ConnectionCheck
from gateway.protocols.platform.ebm import Ebm
from gateway.protocols.platform.ids import PlatformCode
from gateway.protocols.platform.resources import OmdRequest
from gateway.protocols.platform.states import EbmStateRequest, EbmStateResponse
from gateway.settings import Settings
from gateway.settings.adapter_link import AdapterLink
from gateway.upstream.platform.announcing import Announcer, Periods, subjects
from gateway.upstream.platform.asked import Asked
from gateway.upstream.platform.bearer import PlatformBearer, PlatformDrills
from gateway.upstream.platform.broadcasts import Broadcasts
from gateway.upstream.platform.checks import Checks
from gateway.upstream.platform.claims import Claims
from gateway.upstream.platform.client import PeerClient
from gateway.upstream.platform.handling import TAKEN, Arrived, Verdict
from gateway.upstream.platform.heartbeats import Heartbeats
from gateway.upstream.platform.inbox import Inbox
from gateway.upstream.platform.numbers import PackageNumbers
from gateway.upstream.platform.outbox import Outbox
from gateway.upstream.platform.port import PlatformPort, PortOptions
from gateway.upstream.platform.presence import PeerPresence
from gateway.upstream.platform.progress import Progress, ProgressRules
from gateway.upstream.platform.records import Records
from gateway.upstream.platform.resources import AdapterFacts, OwnFacts, Resources
from gateway.upstream.platform.sealing import Sealer


@dataclass(frozen=True, slots=True)
class PlatformRooms:
    """What the platform interface is made of. Bearers go to dispatch before it starts; ``open`` comes after."""

    settings: Settings
    port: PlatformPort
    inbox: Inbox
    outbox: Outbox
    presence: PeerPresence
    announcer: Announcer
    progress: Progress
    records: Records
    heartbeats: Heartbeats

    async def open(self, task: Callable[[Coroutine[Any, Any, None], str], None]) -> int:
        """Take up what waits to be sent, begin to tell and to beat, serve; returns the port's number.

        Errors: StoreError, EnvironmentLackingError.
        """
        await self.outbox.start()
        task(self.presence.run(), "presence of peers")
        task(self.progress.run(), "progress for superiors")
        task(self.records.run(), "records for superiors")
        task(self.announcer.run(), "resources for superiors")
        task(self.heartbeats.run(), "heartbeats to peers")
        section = self.settings.platform
        return await self.port.open(section.host, section.port, tls_of(section.tls, "platform"))


def make_platform(
    settings: Settings,
    dispatch: Dispatch,
    books: Books,
    trust: Trust | None,
    library: Library,
    online: Callable[[int], bool],
) -> PlatformRooms | None:
    """The platform interface; None where it is not enabled. ``online``: whether a terminal is connected.

    Peers below us become bearers of dispatch. Errors: SettingsError where no peer's key can be known.
    """
    section, peers = settings.platform, settings.peered
    if not section.enabled:
        return None
    if trust is None and peers:
        raise SettingsError(("signing.trust_file", "must name the keys of [peers], each as a [[peer]]"))
    state = dispatch.state
    code = PlatformCode(section.code or settings.gateway.code)
    sealer = Sealer(code, section.url, PackageNumbers(state.store.reserve), dispatch.errands.sign, state.clock)
    presence = PeerPresence(peers, state.alarms, state.monotonic)
    client = PeerClient(trust, state.monotonic, _client_tls(settings))
    outbox = Outbox(state.store, state.alarms, peers, sealer, client, state.clock)
    rules = ProgressRules(
        section.success_rate, section.progress_seconds, section.settle_seconds, Rule(settings.coverage.rule)
    )
    progress = Progress(dispatch, books, outbox, peers, rules)
    records = Records(dispatch, books, outbox, peers, success=rules.success, rule=rules.rule, settle=rules.settle)
    have = Resources(dispatch, _own(settings), sealer.code_for, online, _adapters(settings))
    periods = Periods(section.info_seconds, section.platform_state_seconds, section.terminal_state_seconds)
    announcer = Announcer(state.store, outbox, peers, subjects(have, periods), state.clock, state.monotonic)
    bearers = _bearers(peers, dispatch, outbox, library)
    broadcasts = Broadcasts(dispatch, AreaCode(settings.gateway.region), library, sealer.code_for, progress.left)
    asked = Asked(dispatch, outbox, announcer, progress, records)

    async def alive(_arrived: Arrived) -> Verdict:
        return TAKEN

    def heard(peer: Peer) -> None:
        presence.heard(peer)
        outbox.wake(peer)

    inbox = Inbox(
        state.store,
        state.alarms,
        {
            Ebm: broadcasts.take,
            ConnectionCheck: alive,
            OmdRequest: asked.data,
            EbmStateRequest: asked.state,
            EbmStateResponse: Claims(dispatch, bearers).take,
        },
    )
    checks = Checks(peers, {peer.code: sealer.code_for(peer) for peer in peers}, trust)
    options = PortOptions(
        settings.gateway.data_dir / "packages", section.paths, section.max_package_bytes, section.max_requests_at_once
    )
    port = PlatformPort(options, dispatch, checks, inbox, sealer, heard)
    heartbeats = Heartbeats(outbox, peers, state.clock)
    return PlatformRooms(settings, port, inbox, outbox, presence, announcer, progress, records, heartbeats)


def _bearers(
    peers: tuple[Peer, ...], dispatch: Dispatch, outbox: Outbox, library: Library
) -> tuple[PlatformBearer, ...]:
    """Peers below us, as routes."""
    below = (peer for peer in peers if peer.role is not PeerRole.SUPERIOR and outbox.reaches(peer))
    bearers = tuple(PlatformBearer(peer, dispatch, outbox, library) for peer in below)
    dispatch.state.bearers.update({bearer.route: bearer for bearer in bearers})
    PlatformDrills(dispatch, bearers, outbox)
    return bearers


def _client_tls(settings: Settings) -> dict[str, tuple[ssl.SSLContext, str]]:
    found = {}
    for name, peer in settings.peers.items():
        context = client_tls(peer.tls, f"peers.{name}.tls")
        if context is not None:
            found[name] = context, peer.tls.name
    return found


def _own(settings: Settings) -> OwnFacts:
    section = settings.platform
    return OwnFacts(
        title=settings.gateway.name,
        address=section.address,
        contact=section.contact,
        phone=section.phone,
        longitude=section.longitude,
        latitude=section.latitude,
        url=section.url,
    )


def _adapters(settings: Settings) -> tuple[AdapterFacts, ...]:
    return tuple(
        AdapterFacts(name, link.code, link.title or name)
        for name, link in settings.links.items()
        if isinstance(link, AdapterLink)
    )
