from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import FrameError
from gateway.protocols import fastpath, feedback, ip
from gateway.protocols.fastpath import FastAnswer, FastHeartbeat, FastResult, FastTask
from gateway.protocols.feedback_bodies import BroadcastResult, TaskSwitch
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import GeneralAnswer, Heartbeat
from gateway.protocols.signature import UnsignedForm
from tests.protocols.golden import OURS, changed, frame
from tests.protocols.strategies import (
    codes,
    ebm_ids,
    feedback_packets,
    heartbeats,
    ip_packets,
    mutated,
    short,
    sources,
    u8,
    u16,
    u32,
)

Fast = FastAnswer | FastHeartbeat | FastTask | FastResult | None


def declared_ip(data: bytes) -> tuple[FastAnswer | None, FastHeartbeat | None]:
    """What the declared layouts say, in the words of the fast path."""
    try:
        packet = ip.parse(data)
    except FrameError:
        return None, None
    if packet.sign_flag or packet.signature or len(packet.targets) != 1:
        return None, None
    body, source = packet.body, packet.source.raw
    if type(body) is GeneralAnswer:
        return FastAnswer(packet.session, packet.service_type, source, body.result), None
    if isinstance(body, Heartbeat):
        target = packet.targets[0].raw
        return None, FastHeartbeat(packet.session, source, target, body.state, body.first, body.physical)
    return None, None


def declared_feedback(data: bytes) -> tuple[FastHeartbeat | None, FastTask | None, FastResult | None]:
    try:
        packet = feedback.parse(data)
    except FrameError:
        return None, None, None
    if len(packet.targets) != 1:
        return None, None, None
    body, session, source = packet.body, packet.session, packet.source.raw
    if isinstance(body, Heartbeat):
        target = packet.targets[0].raw
        return FastHeartbeat(session, source, target, body.state, body.first, body.physical), None, None
    if isinstance(body, TaskSwitch):
        return None, FastTask(session, source, body.switch, body.task_type, body.ebm_id.raw, body.time), None
    if isinstance(body, BroadcastResult):
        told = (body.result, body.description, body.start, body.end, body.times, body.report_time)
        return None, None, FastResult(session, source, body.ebm_id.raw, *told)
    return None, None, None


def hold_equal(data: bytes) -> None:
    assert (fastpath.answer(data), fastpath.heartbeat(data)) == declared_ip(data)
    fast = (fastpath.feedback_heartbeat(data), fastpath.task(data), fastpath.result(data))
    assert fast == declared_feedback(data)


one_target = codes.map(lambda code: (code,))
forms = st.sampled_from(UnsignedForm)
ip_frames = st.one_of(
    st.builds(
        ip.IpPacket, u32, sources, one_target, u8, st.builds(GeneralAnswer, u8, short), st.just(2), st.just(0), forms
    ),
    st.builds(ip.IpPacket, u32, sources, one_target, st.just(0x10), heartbeats, u8, st.just(0), forms),
    ip_packets(),
).filter(lambda packet: not (packet.packet_type == 2 and isinstance(packet.body, Heartbeat)))
feedback_frames = st.one_of(
    st.builds(feedback.FeedbackPacket, u32, sources, one_target, st.just(0x10), heartbeats, u8, u16),
    st.builds(
        feedback.FeedbackPacket, u32, sources, one_target, st.just(0x14), st.builds(TaskSwitch, u8, u8, ebm_ids, u32)
    ),
    st.builds(
        feedback.FeedbackPacket,
        u32,
        sources,
        one_target,
        st.just(0x15),
        st.builds(BroadcastResult, ebm_ids, u8, short, u32, u32, u8, u32),
    ),
    feedback_packets(),
)
frames = ip_frames.map(ip.build) | feedback_frames.map(feedback.build)


@given(frames)
def test_equal_to_the_declared_layouts(data: bytes) -> None:
    hold_equal(data)


@given(mutated(frames))
def test_equal_on_mutated_frames(data: bytes) -> None:
    hold_equal(data)


@pytest.mark.parametrize("vector", OURS, ids=lambda vector: vector["id"])
def test_equal_on_every_vector_whole_cut_and_changed(vector: dict[str, str]) -> None:
    data = bytes.fromhex(vector["hex"])
    hold_equal(data)
    for at in range(len(data) - 4):
        hold_equal(data[:at])
        hold_equal(changed(data, at, 1))


@pytest.mark.parametrize(
    ("read", "name", "expected"),
    [
        (fastpath.answer, "C40", FastAnswer(33, 1, frame("C40")[12:24], 13)),
        (
            fastpath.heartbeat,
            "C4",
            FastHeartbeat(7, frame("C4")[12:24], bytes(12), 1, 1, bytes.fromhex("112233445566")),
        ),
        (fastpath.heartbeat, "R2", FastHeartbeat(0xAC, frame("R2")[12:24], bytes(12), 1, 2, frame("R2")[44:50])),
        (
            fastpath.feedback_heartbeat,
            "C11",
            FastHeartbeat(9, frame("C11")[11:23], frame("C11")[25:37], 2, 2, bytes.fromhex("112233445566")),
        ),
        (fastpath.task, "C14", FastTask(11, frame("C14")[11:23], 1, 1, frame("C14")[42:60], 1717228800)),
        (
            fastpath.result,
            "C50",
            FastResult(
                51,
                frame("C50")[11:23],
                frame("C50")[40:58],
                0,
                "功放无输出".encode(),
                1717228800,
                1717229400,
                1,
                1717229402,
            ),
        ),
    ],
)
def test_the_case_it_is_made_for(read: Callable[[bytes], Fast], name: str, expected: Fast) -> None:
    assert read(frame(name)) == expected


@given(u32, u8, codes, codes, u8, short, forms)
def test_an_answer_is_written_as_by_the_layouts(
    session: int, service_type: int, source: WireCode, target: WireCode, code: int, text: bytes, form: UnsignedForm
) -> None:
    packet = ip.IpPacket(
        session, source, (target,), service_type, GeneralAnswer(code, text), packet_type=2, trailer=form
    )
    assert fastpath.build_answer(session, service_type, source.raw, target.raw, code, text, form) == ip.build(packet)
