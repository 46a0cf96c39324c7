"""The project's own traffic on loopback: what the gateway sends and hears on every bearer, as tshark reads it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gateway.dispatch.live import LiveMessage
from gateway.domain.orders import Receipt
from gateway.protocols.adapter_broadcast import BroadcastStart
from gateway.protocols.decode import decode
from gateway.protocols.framing import Frame, StreamFramer
from gateway.protocols.rds_frames import FRAME_SIZE, Assembled, FrameAssembler
from gateway.protocols.ts_sections import Found, SectionFinder
from tests.gatewaykit import keep_reference, report, result_report, task_report, until
from tests.wireshark import tshark
from tests.wireshark.county import CONNECTED, County, Ports, county
from tests.wireshark.expected import difference
from tests.wireshark.live import Flow, captured, payloads
from tests.wireshark.tshark import Shown


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


def said(live: LiveMessage, kind: str) -> set[int | None]:
    """The terminals about which this was reported; they are numbered from 1."""
    return {entry.terminal_id for entry in live.log if isinstance(entry, Receipt) and entry.kind == kind}


async def a_broadcast_from_start_to_stop(here: County) -> LiveMessage:
    """One warning on all bearers, played, reported, and stopped by a cancel."""
    live = await here.broadcast()
    await until(lambda: here.connected.starts)
    now = int(time.time())
    await report(here.ports.feedback, task_report(CONNECTED, live.ebm_id, 1, now))
    await until(lambda: said(live, "playing") == {1, 2, 3, 4}, 30)
    await here.gate.dispatch.cancel(live.ebm_id, "test", "all clear")
    await until(lambda: here.connected.stops)
    await report(here.ports.feedback, task_report(CONNECTED, live.ebm_id, 2, now))
    await report(here.ports.feedback, result_report(CONNECTED, live.ebm_id, 1, now))
    await until(lambda: said(live, "task_ended") == {1, 2, 3, 4}, 30)
    return live


def stream_frames(pieces: Sequence[bytes]) -> list[bytes]:
    """Frames of appendices A, D and E by the project's own framer."""
    framer = StreamFramer(65535, adapters=True)
    return [item.raw for piece in pieces for item in framer.feed(piece) if isinstance(item, Frame)]


def rds_packets(pieces: Sequence[bytes]) -> list[bytes]:
    """RDS packets out of frames, by the project's own assembler; a new one for each, for it keeps repetitions back."""
    data, assembler, found = b"".join(pieces), FrameAssembler(), list[bytes]()
    for at in range(0, len(data), FRAME_SIZE):
        one = assembler.take(data[at : at + FRAME_SIZE])
        if isinstance(one, Assembled):
            found.append(one.raw)
            assembler = FrameAssembler()
    return found


def sections(pieces: Sequence[bytes]) -> list[bytes]:
    """Sections of a transport stream, by the project's own finder."""
    finder = SectionFinder()
    return [one.raw for piece in pieces for one in finder.feed(piece) if isinstance(one, Found)]


def agree(frames: list[bytes], read: list[Shown]) -> None:
    """Fail unless what tshark read is these frames, in this order, with nothing to be said against them."""
    assert len(read) == len(frames)
    for frame, one in zip(frames, read, strict=True):
        assert (difference(decode(frame), one), one.problems) == ({}, []), frame.hex()


async def test_all_that_passes_is_read_as_the_gateway_sent_it(tmp_path: Path) -> None:
    pcap, ports = tmp_path / "traffic.pcapng", Ports()
    async with captured(pcap, ports.all), county(tmp_path, ports) as here:
        live = await a_broadcast_from_start_to_stop(here)
    sent, read = payloads(pcap), tshark.flows(pcap, *ports.preferences)
    own: dict[int, Callable[[Sequence[bytes]], list[bytes]]] = {ports.encoder: rds_packets, ports.multiplexer: sections}
    assert set(read) >= set(sent)
    for flow, pieces in sent.items():
        frames = next((take for port, take in own.items() if port in flow), stream_frames)(pieces)
        agree(frames, [one for one in read[flow] if one.all("protocol") != ["rds-frames"]])
    told(live, here, read)


def told(live: LiveMessage, here: County, read: dict[Flow, list[Shown]]) -> None:
    """Fail unless both ends say the same: what was heard there is what was read here."""
    ports = here.ports

    def shown(port: int, name: str, value: str, *, to: bool) -> list[Shown]:
        flows = [frames for (source, target), frames in read.items() if (target if to else source) == port]
        return [one for frames in flows for one in frames if one.all(name) == [value]]

    commands = shown(ports.terminals, "packet_type", "1", to=False)
    assert [one.one("session") for one in commands] == [str(packet.session) for packet in here.connected.heard]
    assert [one.one("service_type") for one in commands] == ["0x01", "0x02"]
    assert [one.all("ebm_id") for one in commands] == [[live.ebm_id]] * 2
    obeyed = Counter(packet.protocol_type for packet in here.adapter.tally.heard)
    assert Counter(int(one.one("protocol_type"), 0) for one in shown(ports.adapter, "head", "0x49", to=True)) >= obeyed
    assert BroadcastStart in {type(packet.body) for packet in here.adapter.tally.heard}
    for switch in ("1", "2"):
        assert shown(ports.adapter, "switch", switch, to=True)
        assert shown(ports.feedback, "switch", switch, to=True)
        assert shown(ports.encoder, "switch", switch, to=True)
    messages = [one.all("ebm_id") for one in shown(ports.multiplexer, "table_id", "0xfd", to=True)]
    assert [live.ebm_id] in messages
    assert messages[0] == messages[-1] == []
    assert shown(ports.multiplexer, "table_id", "0xfe", to=True)
