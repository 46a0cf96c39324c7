"""What the API is given by the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.coverage.books import Books
from gateway.devices.hub import Hub
from gateway.dispatch.daily_book import DailyBook
from gateway.dispatch.expected import Expected
from gateway.dispatch.papers import PaperBook
from gateway.dispatch.quakes import Quakes
from gateway.dispatch.service import Dispatch
from gateway.dispatch.terminals import TerminalBook
from gateway.dispatch.trust_desk import TrustDesk
from gateway.domain.areas import Gazetteer
from gateway.domain.receiver import Profile
from gateway.programmes.library import Library
from gateway.programmes.monitors import Monitors
from gateway.programmes.toolbox import Capability
from gateway.publishers.reference.outlines import CountyOutlines
from gateway.publishers.reference.regions import Regions
from gateway.settings import Settings
from gateway.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a handler may use; ``clock`` gives Unix seconds, ``monotonic`` seconds for time-outs."""

    settings: Settings
    store: Store
    dispatch: Dispatch
    books: Books
    quakes: Quakes
    expected: Expected
    hub: Hub
    terminals: TerminalBook
    daily: DailyBook
    monitors: Monitors
    papers: PaperBook
    library: Library
    capabilities: tuple[Capability, ...]
    gazetteer: Gazetteer
    outlines: CountyOutlines
    regions: Regions
    event_names: Mapping[str, str]
    profiles: Mapping[str, Profile]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    signatures_made: Callable[[], int]
    #: None where no root is trusted
    trust: TrustDesk | None = None
    clock_synchronised: Callable[[], bool | None] = lambda: None
