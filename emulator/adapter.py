"""An emulated adapter on the wire 适配器仿真: serves commands, reports tasks and heartbeats (GD/J 089-2018 A.2)."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from emulator.adapter_accept import Port
from emulator.adapter_copy import send_copy
from emulator.adapter_device import AdapterDevice
from emulator.adapter_faults import SOUND, AdapterFaults
from emulator.hearing import readings
from emulator.journal import Entry, Event, Journal
from gateway.domain.codes import CertificateSerial, EbmId, ResourceCode
from gateway.domain.receiver import TimeBase
from gateway.errors import FrameError, MalformedFrame
from gateway.protocols import adapter, feedback
from gateway.protocols.adapter import AdapterPacket, Head
from gateway.protocols.adapter_answers import AdapterAnswer, BroadcastAnswer, FaultDetail, TaskStartAnswer
from gateway.protocols.adapter_channels import InputChannels, OutputChannels
from gateway.protocols.adapter_commands import TerminalQuery
from gateway.protocols.adapter_reports import AdapterHeartbeat, AdapterRecords, TaskEnd, TaskStart
from gateway.protocols.adapter_results import ReturnCode
from gateway.protocols.adapter_types import Body
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.framing import Frame, Kind, StreamFramer
from gateway.protocols.parameters import VOLUME, Parameter
from gateway.protocols.signature import SignatureBlock
from gateway.protocols.time_base import to_wire
from gateway.security.coverage import Coverage, signed_bytes_at
from gateway.security.curve import KeyPair
from gateway.security.sm2 import Sm2Provider, default_provider

#: Most tries for one report, and the waits between them, seconds.
_REPORT_TRIES, _PAUSE_FIRST, _PAUSE_LONGEST = 50, 0.05, 2.0
#: Whose reports answer queries, and the number under which it signs, where nothing else is set.
_PLATFORM, _CERTIFICATE = ResourceCode("33505000000000103010101"), CertificateSerial("000000000099")
_OTHER_MESSAGE = WireEbmId.of("4" + "3" * 34)
_OTHER_ADAPTER = WireCode.of("4" + "3" * 22)


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """How an adapter stands. Addresses are (host, port), times in seconds.

    ``keys`` are the platform's public keys by certificate number; ``pair`` and ``certificate`` sign what it sends, None
    leaves the 74 bytes zero. ``heartbeat`` 0: none. ``platform`` None: nothing is reported. ``sound``: mp3 frames of
    which it sends a copy, silence where there are none.
    """

    code: ResourceCode
    keys: Mapping[CertificateSerial, bytes]
    platform: tuple[str, int] | None = None
    platform_code: ResourceCode = _PLATFORM
    host: str = "127.0.0.1"
    port: int = 0
    pair: KeyPair | None = None
    certificate: CertificateSerial = _CERTIFICATE
    base: TimeBase = TimeBase.UNIX
    heartbeat: float = 60.0
    patience: float = 5.0
    scale: float = 1.0
    sound: tuple[bytes, ...] = ()
    faults: AdapterFaults = SOUND

    def signing_as(self, certificate: CertificateSerial) -> AdapterSettings:
        """The same, signing under another certificate number."""
        return replace(self, certificate=certificate)


@dataclass(slots=True)
class Tally:
    """Plain counts of what was heard and said."""

    commands: int = 0
    refused: int = 0
    reports: int = 0
    confirmed: int = 0
    #: RTP packets of copies that are over
    copied: int = 0
    #: bytes of each command that was obeyed, in order
    heard: list[AdapterPacket] = field(default_factory=list)


class EmulatedAdapter:
    """One adapter with terminals behind it. Begin with ``start``, end with ``close``, both in a running loop."""

    def __init__(
        self,
        settings: AdapterSettings,
        terminals: Sequence[ResourceCode],
        journal: Journal | None = None,
        provider: Sm2Provider | None = None,
    ) -> None:
        self.settings = settings
        self.faults = settings.faults
        self.journal = journal or Journal()
        self.device = AdapterDevice(settings.code, terminals, settings.base, self._note, settings.scale)
        self.tally = Tally()
        self.port = 0
        self._provider = provider or default_provider()
        self._stranger = self._provider.generate()
        #: contents of the platform's last answers to its reports
        self.answers: deque[object] = deque(maxlen=100)
        self._port = Port(self._serve)
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._signed_at = 0

    async def start(self) -> None:
        """Listen, and begin to beat. Errors: EnvironmentLackingError."""
        self.port = self._port.open(self.settings.host, self.settings.port)
        self._spawn(self._work())
        if self.settings.heartbeat and self.settings.platform:
            self._spawn(self._beat())

    async def close(self) -> None:
        """End at once: what was not confirmed is lost."""
        await self._port.close()
        running = tuple(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def report(self, body: Body) -> bool:
        """Send a report until it is answered; False where it never was."""
        frame = self._signed(adapter.report(body))
        ebm_id = body.ebm_id.ebm_id if isinstance(body, TaskStart | TaskEnd) else None
        self.tally.reports += 1
        self._note(self.settings.code, Event.REPORTED, ebm_id, type(body).__name__)
        pause = _PAUSE_FIRST
        for _ in range(_REPORT_TRIES):
            answer = await self._delivered(frame)
            if answer is not None:
                self.answers.append(answer.body)
                self.tally.confirmed += 1
                self._note(self.settings.code, Event.REPORT_CONFIRMED, ebm_id, type(body).__name__)
                if isinstance(body, TaskStart) and isinstance(answer.body, TaskStartAnswer) and answer.body.port:
                    self._spawn(self._copy(body, answer.body))
                return True
            await asyncio.sleep(pause)
            pause = min(2 * pause, _PAUSE_LONGEST)
        self._note(self.settings.code, Event.REPORT_LOST, ebm_id, type(body).__name__)
        return False

    def beat(self, now: float | None = None) -> AdapterHeartbeat:
        """The heartbeat of this moment."""
        seconds = int(time.time() if now is None else now)
        return AdapterHeartbeat(self.device.front, self.device.state, to_wire(seconds, self.settings.base))

    def truth(self) -> dict[str, object]:
        """What is so at the adapter and behind it, and what was heard and said."""
        tally = self.tally
        counts = {"commands": tally.commands, "refused": tally.refused, "reports": tally.reports}
        return {**self.device.truth(), "counts": {**counts, "confirmed": tally.confirmed}}

    # -- commands

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = StreamFramer(max_large=1 << 20, adapters=True)
        while data := await reader.read(65536):
            for item in framer.feed(data):
                if isinstance(item, Frame) and item.kind is Kind.ADAPTER:
                    answer = self._heard(item.raw)
                    if self.faults.half_open:
                        await asyncio.sleep(3600)
                    if self.faults.silent:
                        return
                    cut = self.faults.cut_after
                    writer.write(answer[:cut])
                    await writer.drain()
                    if cut is not None:
                        return

    def _heard(self, raw: bytes) -> bytes:
        """Verify, obey and answer one command; returns the signed answer."""
        self.tally.commands += 1
        try:
            packet = adapter.parse(raw)
            if packet.head != Head.PLATFORM:
                raise MalformedFrame("head: not that of a platform (table A.1)")
        except FrameError:
            return self._signed(adapter.report(AdapterAnswer(ReturnCode.LENGTH_ERROR)))
        if not self._verified(packet, raw):
            self.tally.refused += 1
            self._note(self.settings.code, Event.REFUSED, None, "signature")
            return self._signed(adapter.report(AdapterAnswer(ReturnCode.SIGNATURE_REFUSED)))
        self.device.refuses = self.faults.refuse
        body = self.device.obey(packet, time.time())
        self.tally.heard.append(packet)
        self._changed.set()
        if isinstance(packet.body, TerminalQuery) and not self.faults.silent:
            self._spawn(self._answer_query(packet.body))
        return self._signed(adapter.answer_to(packet, self._bent(body)))

    def _bent(self, body: Body) -> Body:
        """The answer, for another message or from another adapter where that is the fault."""
        if not self.faults.other_message:
            return body
        if isinstance(body, BroadcastAnswer):
            return replace(body, ebm_id=_OTHER_MESSAGE)
        if isinstance(body, OutputChannels | InputChannels | AdapterRecords | FaultDetail):
            return replace(body, front_code=_OTHER_ADAPTER)
        return body

    def _verified(self, packet: AdapterPacket, raw: bytes) -> bool:
        block = packet.signature
        key = None if block is None else self.settings.keys.get(block.certificate)
        if block is None or key is None:
            return False
        return any(self._provider.verify(key, data, block.value) for data in readings(adapter.signed_data(raw), block))

    async def _answer_query(self, query: TerminalQuery) -> None:
        """The terminals' own answers, E 0x11, on a connection each (table A.16)."""
        host, _, port = query.reback.text.rpartition(":")
        for one in self.device.addressed(query.address):
            values = (Parameter(VOLUME, int(str(one.settings.get("VolumeSetting", 50)))),)
            shown = tuple(value for value in values if value.tag in query.tags)
            packet = feedback.report(1, one.code, self.settings.platform_code, QueryAnswer(0, b"", shown))
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except OSError:
                continue
            writer.write(feedback.build(packet))
            writer.close()

    # -- reports

    async def _work(self) -> None:
        """Begin and end tasks when they are due."""
        while True:
            self._changed.clear()
            for body in self.device.advance(time.time()):
                if self.settings.platform and not self.faults.silent:
                    self._spawn(self._reported(body))
            due = self.device.due
            wait = None if due == inf else max(0.0, due - time.time()) + 0.002
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _beat(self) -> None:
        while True:
            await self.report(self.beat())
            await asyncio.sleep(self.settings.heartbeat)

    async def _reported(self, body: Body) -> None:
        await self.report(body)

    async def _copy(self, task: TaskStart, wanted: TaskStartAnswer) -> None:
        """Send the platform what is played, until the task is over."""
        going = lambda: self.device.is_on_air(task.ebm_id.text)  # noqa: E731
        self.tally.copied += await send_copy(self.settings.sound, (wanted.ip, wanted.port), going)

    async def _delivered(self, frame: bytes) -> AdapterPacket | None:
        """The platform's answer, None where none came in time."""
        assert self.settings.platform is not None
        try:
            async with asyncio.timeout(self.settings.patience):
                reader, writer = await asyncio.open_connection(*self.settings.platform)
                try:
                    writer.write(frame)
                    framer = StreamFramer(adapters=True)
                    while data := await reader.read(65536):
                        for item in framer.feed(data):
                            if isinstance(item, Frame) and item.kind is Kind.ADAPTER:
                                return adapter.parse(item.raw)
                finally:
                    writer.transport.abort()
        except (OSError, TimeoutError, FrameError):
            return None
        return None

    # -- signing and notes

    def _signed(self, packet: AdapterPacket) -> bytes:
        pair = self._stranger if self.faults.wrong_key else self.settings.pair
        if pair is None or self.faults.zero_signature:
            frame = adapter.build(packet)
        else:
            frame = adapter.build_signed(packet, lambda data: self._block(pair, data))
        if self.faults.corrupt:
            frame = frame[:-1] + bytes((frame[-1] ^ 0xFF,))
        return frame

    def _block(self, pair: KeyPair, data: bytes) -> SignatureBlock:
        # Each frame is another one for a receiver that remembers what it saw.
        self._signed_at = seconds = max(int(time.time()), self._signed_at + 1)
        certificate = self.settings.certificate
        message = signed_bytes_at(data, seconds, certificate, Coverage.A)
        return SignatureBlock(seconds, certificate, self._provider.sign(pair.private, pair.public, message))

    def _note(self, terminal: str, event: Event, ebm_id: EbmId | None, reason: str) -> None:
        self.journal.add(Entry(time.time(), terminal, event, ebm_id, None, reason))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="emulated adapter")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
