"""A real gateway for tests, and bare terminals that speak bytes to it: no part of the gateway is replaced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

import pytest

from gateway.daemon import Gateway
from gateway.daemon import gateway as daemon
from gateway.dispatch.submission import Facts, Submission
from gateway.domain.codes import AreaCode, PhysicalAddress, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass
from gateway.domain.receiver import Terminal
from gateway.domain.warning import Reference, Severity, Status, Warning, WarningIdentity, WarningKind, WarningText
from gateway.protocols import fastpath, feedback, ip
from gateway.protocols.feedback_bodies import BroadcastResult, TaskSwitch
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.framing import Frame, Kind, StreamFramer
from gateway.protocols.ip_bodies import Heartbeat, PacketType, StartBroadcast, StopBroadcast
from gateway.settings import Settings, load_settings

PLATFORM = ResourceCode("33505000000000103010101")
#: 凤城镇 of 安溪县 and its first villages.
TOWN = AreaCode("350524100000")


def settings_for(folder: Path, **sections: dict[str, Any]) -> Settings:
    """Settings of a gateway on free loopback ports with its data in ``folder``."""
    base: dict[str, dict[str, Any]] = {
        "gateway": {"data_dir": folder},
        "http": {"port": 0},
        "terminals": {"port": 0},
        "feedback": {"port": 0},
    }
    for name, keys in sections.items():
        base[name] = {**base.get(name, {}), **keys}
    return load_settings(None, **base)


@cache
def _kept(load: Callable[..., Any], *arguments: Any) -> Any:
    return load(*arguments)


def keep_reference(patch: pytest.MonkeyPatch) -> None:
    """Read the packaged tables once for all gateways of a run: they are the same files each time."""
    for name in ("load_gazetteer", "load_outlines", "load_event_names"):
        patch.setattr(f"gateway.daemon.gateway.{name}", partial(_kept, getattr(daemon, name)))


def terminal(area: str, number: int = 1) -> Terminal:
    """A terminal of the registry in a village."""
    code = ResourceCode.build(6, AreaCode(area), number=number)
    return Terminal(code, PhysicalAddress(f"{area}{number:02d}"[-12:]), f"终端{area}-{number}", AreaCode(area))


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something is true; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("did not come true in time")
        await asyncio.sleep(0.005)


_open: list[BareTerminal] = []


async def hang_up() -> None:
    """Close every bare terminal that is still connected."""
    for line in tuple(_open):
        await line.close()


@dataclass(eq=False)
class BareTerminal:
    """One terminal: connects, registers, answers what it is told to answer, keeps what it heard."""

    terminal: Terminal
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    answer_with: int | None = 0
    heard: list[ip.IpPacket] = field(default_factory=list)
    answers: list[ip.IpPacket] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    _task: asyncio.Task[None] | None = None
    _session: int = 100

    @classmethod
    async def connect(
        cls,
        port: int,
        terminal: Terminal,
        *,
        first: bool = True,
        register: bool = True,
        answer_with: int | None = 0,
        **how: Any,
    ) -> Self:
        """Open a connection and, unless told otherwise, register on it; ``how`` goes to the socket (TLS, address)."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, **how)
        made = cls(terminal, reader, writer, answer_with)
        made._task = asyncio.create_task(made._listen())
        _open.append(made)
        if register:
            made.beat(first=first)
            await until(lambda: made.answers)
        return made

    @property
    def source(self) -> bytes:
        return WireCode.of(self.terminal.code).raw

    @property
    def starts(self) -> list[ip.IpPacket]:
        return [p for p in self.heard if isinstance(p.body, StartBroadcast)]

    @property
    def stops(self) -> list[ip.IpPacket]:
        return [p for p in self.heard if isinstance(p.body, StopBroadcast)]

    def beat(self, *, first: bool = False, state: int = 1, code: ResourceCode | None = None) -> None:
        """Send a heartbeat."""
        self._session += 1
        body = Heartbeat(state, 1 if first else 2, bytes.fromhex(self.terminal.physical_address))
        packet = ip.request(self._session, code or self.terminal.code, (PLATFORM,), body)
        self.writer.write(ip.build(packet))

    def answer(self, packet: ip.IpPacket, result: int) -> None:
        """Send a general answer."""
        self.writer.write(
            fastpath.build_answer(packet.session, packet.service_type, self.source, WireCode.of(PLATFORM).raw, result)
        )

    async def _listen(self) -> None:
        framer = StreamFramer(65535)
        while data := await self.reader.read(65536):
            for item in framer.feed(data):
                assert isinstance(item, Frame) and item.kind is Kind.IP
                packet = ip.parse(item.raw)
                if packet.packet_type == PacketType.ANSWER:
                    self.answers.append(packet)
                    continue
                self.raw.append(item.raw)
                self.heard.append(packet)
                if self.answer_with is not None:
                    self.answer(packet, self.answer_with)

    async def close(self) -> None:
        """Close the connection; again is no error."""
        assert self._task is not None
        if self in _open:
            _open.remove(self)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


def alarms_of(gate: Gateway) -> list[str]:
    """Kinds of the open alarms, sorted; without that of this machine's clock."""
    return sorted(alarm.kind for alarm in gate.state.alarms.open if alarm.kind != "clock_unsynchronised")


def task_report(terminal: Terminal, ebm_id: str, switch: int, at: int) -> bytes:
    """E 0x14."""
    body = TaskSwitch(switch, 1, WireEbmId.of(ebm_id), at)
    return feedback.build(feedback.report(1, terminal.code, PLATFORM, body))


def result_report(terminal: Terminal, ebm_id: str, result: int, at: int) -> bytes:
    """E 0x15: 1 success, 0 failure."""
    body = BroadcastResult(WireEbmId.of(ebm_id), result, b"", at, at + 1, 1, at + 1)
    return feedback.build(feedback.report(2, terminal.code, PLATFORM, body))


async def report(port: int, *frames: bytes, **how: Any) -> None:
    """Send frames of appendix E on a short connection and wait until the gateway has closed it in order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **how)
    for frame in frames:
        writer.write(frame)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


def warning(identifier: str, kind: WarningKind = WarningKind.ALERT, references: tuple[str, ...] = ()) -> Warning:
    """A warning as a publisher would send it."""
    return Warning(
        identity=WarningIdentity("安溪县气象台", identifier, datetime(2026, 11, 23, 6, 15, tzinfo=UTC)),
        status=Status.ACTUAL,
        kind=kind,
        scope="Public",
        event=EventType("11B03"),
        event_text="暴雨",
        severity=Severity.ORANGE,
        texts=(WarningText("zh-CN", "暴雨橙色预警", "请注意防范。"),),
        references=tuple(Reference(r) for r in references),
    )


def submission(warned: Warning, **more: Any) -> Submission:
    """The same with what it came in."""
    return Submission(warned, b"<alert/>", "application/xml", "weather", **more)


def facts(*areas: str, seconds: float = 60, start_in: float = 0) -> Facts:
    """What is to be broadcast."""
    now = datetime.now(UTC)
    return Facts(
        areas=tuple(map(AreaCode, areas)),
        ebm_class=EbmClass.EMERGENCY,
        severity=Severity.ORANGE,
        event=EventType("11B03"),
        start=now + timedelta(seconds=start_in),
        end=now + timedelta(seconds=start_in + seconds),
        headline="暴雨橙色预警",
        text="请注意防范。",
    )


__all__ = ["BareTerminal", "Gateway", "facts", "report", "settings_for", "submission", "terminal", "until", "warning"]
