"""The platform interface from the settings: port, checks, inbox, and what makes our packages."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.devices.trust import Trust
from gateway.dispatch.service import Dispatch
from gateway.domain.codes import AreaCode
from gateway.errors import SettingsError
from gateway.programmes.library import Library
from gateway.protocols.platform.conditions import ConnectionCheck
from gateway.protocols.platform.ebm import Ebm
from gateway.protocols.platform.ids import PlatformCode
from gateway.settings import Settings
from gateway.upstream.platform.broadcasts import Broadcasts
from gateway.upstream.platform.checks import Checks
from gateway.upstream.platform.handling import TAKEN, Arrived, Verdict
from gateway.upstream.platform.inbox import Inbox
from gateway.upstream.platform.numbers import PackageNumbers
from gateway.upstream.platform.port import PlatformPort, PortOptions
from gateway.upstream.platform.presence import PeerPresence
from gateway.upstream.platform.sealing import Sealer


@dataclass(frozen=True, slots=True)
class PlatformRooms:
    """What the platform interface is made of."""

    port: PlatformPort
    inbox: Inbox
    sealer: Sealer
    presence: PeerPresence


def make_platform(
    settings: Settings, dispatch: Dispatch, trust: Trust | None, library: Library
) -> PlatformRooms | None:
    """The platform interface; None where it is not enabled. Errors: SettingsError where no peer's key can be known."""
    section, peers = settings.platform, settings.peered
    if not section.enabled:
        return None
    if trust is None and peers:
        raise SettingsError(("signing.trust_file", "must name the keys of [peers], each as a [[peer]]"))
    state = dispatch.state
    code = PlatformCode(section.code or settings.gateway.code)
    sealer = Sealer(code, section.url, PackageNumbers(state.store.reserve), dispatch.errands.sign, state.clock)
    presence = PeerPresence(peers, state.alarms, state.monotonic)
    region = AreaCode(settings.gateway.region)
    broadcasts = Broadcasts(dispatch, region, library, sealer.code_for)

    async def alive(_arrived: Arrived) -> Verdict:
        return TAKEN

    inbox = Inbox(state.store, state.alarms, {Ebm: broadcasts.take, ConnectionCheck: alive})
    checks = Checks(peers, {peer.code: sealer.code_for(peer) for peer in peers}, trust)
    options = PortOptions(
        settings.gateway.data_dir / "packages", section.paths, section.max_package_bytes, section.max_requests_at_once
    )
    return PlatformRooms(
        PlatformPort(options, dispatch, checks, inbox, sealer, presence.heard), inbox, sealer, presence
    )
