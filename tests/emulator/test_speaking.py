"""The hand-made frames against the declared layouts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator import speaking
from gateway.protocols import feedback, ip
from gateway.protocols.feedback_bodies import BroadcastResult, TaskSwitch
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import GeneralAnswer, Heartbeat, PacketType, ServiceType
from tests.emulator.reference import PLATFORM, device, ebm

OWN = device().wire
THEIRS = WireCode.of(PLATFORM).raw
U32 = st.integers(0, 0xFFFFFFFF)
U8 = st.integers(0, 255)
TEXT = st.text(max_size=40)


@given(U32, U8, U8, TEXT)
def test_answer(session: int, service: int, result: int, text: str) -> None:
    frame = speaking.answer(session, OWN, THEIRS, service, result, text)
    expected = ip.IpPacket(
        session, WireCode(OWN), (WireCode(THEIRS),), service, GeneralAnswer(result, text.encode()), PacketType.ANSWER
    )
    assert ip.build(expected) == frame


@given(U32, st.sampled_from([1, 2, 3]), st.sampled_from([1, 2]), st.binary(min_size=1, max_size=12))
def test_heartbeat(session: int, state: int, first: int, physical: bytes) -> None:
    packet = ip.parse(speaking.heartbeat(session, OWN, THEIRS, state, first, physical))
    assert (packet.session, packet.service_type) == (session, ServiceType.HEARTBEAT)
    assert packet.body == Heartbeat(state, first, physical)
    assert packet.targets == (WireCode(THEIRS),)


@given(U32, st.booleans(), st.booleans(), U32)
def test_task_switch(session: int, begins: bool, daily: bool, at: int) -> None:
    wire = WireEbmId.of(ebm(1))
    content = speaking.task_switch(begins=begins, daily=daily, ebm=wire.raw, at=at)
    packet = feedback.parse(speaking.report(session, OWN, THEIRS, ServiceType.TASK, content))
    assert packet.session == session
    assert packet.body == TaskSwitch(1 if begins else 2, 2 if daily else 1, wire, at)


@given(st.booleans(), TEXT, U32, U32, U32)
def test_result(success: bool, text: str, start: int, end: int, at: int) -> None:
    wire = WireEbmId.of(ebm(1))
    content = speaking.result(ebm=wire.raw, success=success, text=text, start=start, end=end, at=at)
    packet = feedback.parse(speaking.report(1, OWN, THEIRS, ServiceType.RESULT, content))
    assert packet.body == BroadcastResult(wire, int(success), text.encode(), start, end, int(success), at)
    assert packet.packet_type == PacketType.REQUEST
