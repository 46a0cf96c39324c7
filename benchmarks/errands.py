"""What benchmarks of bearers stand above them: errands with signed frames, and ears that count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from benchmarks.loadgen import PLATFORM, terminals
from gateway.devices.bearer import Errand, LinkHealth, LinkState
from gateway.devices.events import Known, Origin
from gateway.domain.codes import AreaCode, CertificateSerial, EbmId
from gateway.domain.events import EventType
from gateway.domain.message import Command, EbmClass, Message
from gateway.domain.receiver import Profile, Route
from gateway.domain.targets import TargetForm, target_codes
from gateway.domain.warning import Severity
from gateway.protocols import ip
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import Auxiliary, StartBroadcast
from gateway.security.coverage import SignatureBlock
from gateway.security.sm2 import default_provider

CITY = AreaCode("350500000000")


@dataclass
class Above:
    """Stands where dispatch stands: knows ``count`` terminals, keeps nothing of what it hears, and counts."""

    count: int
    route: Route
    answers: int = 0
    known: list[Known] = field(init=False)
    up: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        profile = Profile("gdj089-2018")
        fleet = (replace(terminal, routes=(self.route,)) for terminal in terminals(self.count))
        self.known = [Known(n, terminal, profile) for n, terminal in enumerate(fleet, 1)]
        self._by_code = {known.source: known for known in self.known}
        self._pair = default_provider().generate()

    def errand(self, session: int) -> Errand:
        """A signed start to the whole city for all of them."""
        now = datetime.now(UTC).replace(microsecond=0)
        at = int(now.timestamp())
        message = Message(
            ebm_id=EbmId.build(PLATFORM, date(2026, 1, 1), session % 10_000),
            warning_id=f"bench-{session}",
            ebm_class=EbmClass.REAL_DRILL,
            severity=Severity.RED,
            event=EventType("11B01"),
            volume=80,
            start=now,
            end=now + timedelta(hours=1),
            programme_url="rtp://239.1.1.1:5004",
            areas=(CITY,),
            headline="",
            text="",
        )
        body = StartBroadcast(
            WireEbmId.of(message.ebm_id), 3, 1, "11B01", 80, at, at + 3600, (Auxiliary.stream(message.programme_url),)
        )  # fmt: skip
        targets = target_codes(CITY, TargetForm.STD)

        def sign(part: bytes) -> SignatureBlock:
            value = default_provider().sign(self._pair.private, self._pair.public, part + at.to_bytes(4, "big"))
            return SignatureBlock(at, CertificateSerial("000000000042"), value)

        frame = ip.build_signed(ip.request(session, PLATFORM, targets, body), sign)
        return Errand(
            session, Command.START, tuple(self.known), targets, message, frame, until=message.end.timestamp()
        )  # fmt: skip

    @staticmethod
    def verified(packet: ip.IpPacket, raw: bytes) -> bool:
        """No terminal of the generator signs."""
        return False

    # -- what a bearer calls

    def find(self, code: str) -> Known | None:
        return self._by_code.get(code)

    def answered(self, known: Known, session: int, service_type: int, result: int, raw: bytes, origin: Origin) -> int:
        self.answers += 1
        return 0

    def registered(self, known: Known, *, first: bool) -> int:
        return 0

    def committed(self) -> int:
        return int(time.time())

    def carried(self, order: int, route: object, terminals: Sequence[int]) -> None:
        pass

    def link(self, route: object, health: LinkHealth) -> None:
        if health.state is LinkState.UP:
            self.up.set()
