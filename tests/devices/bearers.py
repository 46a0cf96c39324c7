"""What bearers of whole frames are tested with: errands with signed frames, ears that keep what dispatch would hear."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.fleet import Fleet
from emulator.settings import Bearer, FleetSettings, ReturnMode, TerminalSettings
from gateway.devices.bearer import Errand, LinkHealth, LinkState
from gateway.devices.events import Known, Origin
from gateway.dispatch.frames import FrameMaker
from gateway.domain.codes import AreaCode, EbmId, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.ladder import EvidenceKind
from gateway.domain.message import Command, EbmClass, Message, frame_priority
from gateway.domain.receiver import Profile, Route, Terminal
from gateway.domain.targets import TargetForm, target_codes
from gateway.domain.warning import Severity
from gateway.protocols import ip
from gateway.protocols.feedback import FeedbackPacket
from gateway.protocols.ip_bodies import ServiceType
from gateway.security.coverage import SignatureBlock
from gateway.security.sm2 import default_provider
from tests.devices.harness import Told
from tests.emulator.reference import CERTIFICATE, COUNTY, PLATFORM, ebm, keys, rows
from tests.ports import free_port

PROFILE = Profile("gdj089-2018")


def known_terminals(count: int, route: str, profile: Profile = PROFILE) -> list[Known]:
    """The terminals of ``reference.rows`` as the registry has them."""
    return [
        Known(n, Terminal(row.code, row.physical, row.name, row.code.area, routes=(Route.parse(route),)), profile)
        for n, row in enumerate(rows(count), start=1)
    ]


class Ears(Told):
    """Stands where dispatch stands."""

    def __init__(self, terminals: Iterable[Known]) -> None:
        super().__init__({known.source: known for known in terminals})
        self.health: list[LinkHealth] = []

    def carried(self, order: int, route: Route, terminals: Sequence[int]) -> None:
        self.log.append(("carried", order, str(route), tuple(terminals)))

    def claimed(
        self,
        kind: EvidenceKind,
        ebm_id: str,
        terminals: Sequence[Known],
        *,
        origin: Origin,
        code: int,
        protocol: str,
        service_type: int,
        raw: bytes,
        order: int | None = None,
    ) -> int:
        raise AssertionError("nobody speaks for others here")

    def link(self, route: Route, health: LinkHealth) -> None:
        self.health.append(health)

    def reported(self, known: Known, packet: FeedbackPacket, raw: bytes, origin: Origin) -> int:
        super().reported(known, packet, raw, origin)
        self.log.append(("report", known.id, packet, origin))
        return self.receipts

    def yes(self, order: int) -> set[int]:
        """Who answered an order with 0."""
        return {entry[1] for entry in self.of("answered") if entry[2] == order and entry[4] == 0}

    def said(self, service_type: ServiceType) -> set[int]:
        """Who sent a report of this type."""
        return {entry[1] for entry in self.of("reported") if entry[2] == service_type}

    def handed(self, order: int) -> set[int]:
        """For whom an order's bytes were handed over."""
        return {number for entry in self.of("carried") if entry[1] == order for number in entry[3]}

    @property
    def is_up(self) -> bool:
        return bool(self.health) and self.health[-1].state is LinkState.UP


def sign(part: bytes) -> SignatureBlock:
    now = int(time.time())
    value = default_provider().sign(keys().private, keys().public, part + now.to_bytes(4, "big"))
    return SignatureBlock(now, CERTIFICATE, value)


def message(number: int, seconds: float = 60.0, area: AreaCode = COUNTY) -> Message:
    now = datetime.now(UTC).replace(microsecond=0)
    return Message(
        ebm_id=ebm(number),
        warning_id=f"w{number}",
        ebm_class=EbmClass.EMERGENCY,
        severity=Severity.RED,
        event=EventType("11B01"),
        volume=80,
        start=now - timedelta(seconds=1),
        end=now + timedelta(seconds=seconds),
        programme_url="rtp://239.1.1.1:5004",
        areas=(area,),
        headline="",
        text="",
    )


@dataclass
class Desk:
    """Makes errands, and serves as the bearer's workshop."""

    session: int = 100
    frames: FrameMaker = field(default_factory=lambda: FrameMaker(PLATFORM, sign))
    unicasts: list[tuple[int, int]] = field(default_factory=list)

    def start(
        self, message_: Message, terminals: Sequence[Known], targets: tuple[ResourceCode, ...] | None = None
    ) -> Errand:
        return self._errand(Command.START, message_, terminals, targets)

    def stop(
        self, message_: Message, terminals: Sequence[Known], targets: tuple[ResourceCode, ...] | None = None
    ) -> Errand:
        return self._errand(Command.STOP, message_, terminals, targets)

    def query(self, terminals: Sequence[Known], tags: tuple[int, ...]) -> Errand:
        self.session += 1
        targets = tuple(known.terminal.code for known in terminals)
        frame = self.frames.query(self.session, targets, tags).raw
        return Errand(self.session, Command.QUERY, tuple(terminals), targets, frame=frame, tags=tags)

    async def sign(self, data: bytes) -> SignatureBlock:
        return sign(data)

    async def unicast(self, errand: Errand, terminal: Known) -> Errand:
        assert errand.message is not None
        single = self._errand(errand.command, errand.message, (terminal,), (terminal.terminal.code,))
        self.unicasts.append((single.order, terminal.id))
        return single

    def _errand(
        self,
        command: Command,
        message_: Message,
        terminals: Sequence[Known],
        targets: tuple[ResourceCode, ...] | None,
    ) -> Errand:
        self.session += 1
        if targets is None:
            targets = tuple(code for area in message_.areas for code in target_codes(area, TargetForm.STD))
        if command is Command.START:
            frame = self.frames.start(self.session, targets, message_).raw
        else:
            frame = self.frames.stop(self.session, targets, EbmId(message_.ebm_id)).raw
        priority = frame_priority(message_.ebm_class, 4, message_.severity, message_.start)
        until = message_.end.timestamp() if command is Command.START else float("inf")
        return Errand(
            self.session, command, tuple(terminals), targets, message_, frame, priority=priority, until=until
        )  # fmt: skip


def fleet_of(count: int, bearer: Bearer, address: tuple[str, int], **changes: Any) -> Fleet:
    """Emulated terminals on a bearer, quick in all they do."""
    terminal = changes.pop("terminal", TerminalSettings(heartbeat=1.0, registration_retry=0.1, repeating=True))
    settings: dict[str, Any] = {
        "gateway": address,
        "feedback": ("127.0.0.1", 1),
        "keys": {CERTIFICATE: keys().public},
        "terminal": terminal,
        "bearer": bearer,
        "returns": ReturnMode.SAME,
        "backoff": 0.02,
        "backoff_cap": 0.1,
    }
    return Fleet(rows(count), FleetSettings(**{**settings, **changes}))


def unverified(packet: ip.IpPacket, raw: bytes) -> bool:
    """No terminal of these tests signs."""
    return False


class Mosquitto:
    """A real broker on a free loopback port, with a configuration of its own."""

    def __init__(self, folder: Path, *lines: str, port: int = 0) -> None:
        self.program = mosquitto_program()
        self.port = port or free_port()
        self.file = folder / "mosquitto.conf"
        self.log = folder / "mosquitto.log"
        text = lines or ("allow_anonymous true",)
        self.file.write_text(
            "\n".join((f"listener {self.port} 127.0.0.1", "persistence false", "user root", *text)) + "\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([self.program, "-c", str(self.file)], stdout=log, stderr=log)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        self.kill()
        pytest.fail(f"mosquitto did not start: {self.log.read_text()[-500:]}")

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


def mosquitto_program() -> str:
    """Path of mosquitto; without it the test is skipped, or fails where EBGW_TEST_MOSQUITTO=required."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is not None:
        return program
    text = "mosquitto is not installed (Debian package mosquitto)"
    if os.environ.get("EBGW_TEST_MOSQUITTO") == "required":
        pytest.fail(text)
    pytest.skip(text)
