from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from emulator.broadcast import Broadcast
from emulator.settings import TerminalSettings
from gateway.domain.codes import EBM_ID_ALL, ResourceCode
from gateway.domain.message import EbmClass, frame_priority
from gateway.domain.warning import Severity
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import StartBroadcast
from tests.emulator.reference import NOON, PLATFORM, device, ebm


def start(ebm_class: int, level: int, severity: int, begin: int, sequence: int) -> StartBroadcast:
    issuer = ResourceCode(f"{level}{PLATFORM[1:]}")
    return StartBroadcast(
        WireEbmId.of(ebm(sequence, issuer)), ebm_class, severity, "11B06", 255, begin, int(NOON) + 600
    )


def frame(service: int, content: bytes) -> tuple[int, bytes]:
    return 1, content


MESSAGE = st.tuples(
    st.sampled_from(EbmClass), st.integers(1, 6), st.integers(1, 4), st.integers(int(NOON) - 5, int(NOON))
)


@given(st.lists(MESSAGE, min_size=2, max_size=6, unique=True))
def test_the_air_goes_to_what_the_gateway_would_send_first(messages: list[tuple[EbmClass, int, int, int]]) -> None:
    air = Broadcast(device(), TerminalSettings())
    ids = {}
    for number, (kind, level, severity, begin) in enumerate(messages, 1):
        body = start(kind, level, severity, begin, number)
        ids[body.ebm_id.ebm_id] = frame_priority(kind, level, Severity(severity), datetime.fromtimestamp(begin, UTC))
        air.start(body, body.ebm_id.ebm_id, NOON, frame)
    order = []
    while air.on_air is not None:
        order.append(ids[air.on_air])
        air.stop(air.on_air, NOON, frame)
    assert len(order) == len(messages)
    assert all(earlier <= later for earlier, later in pairwise(order))


def test_volume_of_the_message_holds_unless_it_says_keep() -> None:
    own = device()
    air = Broadcast(own, TerminalSettings())
    own.volume = 42
    body = start(4, 4, 1, int(NOON), 1)
    air.start(body, ebm(1), NOON, frame)
    assert own.volume == 42
    loud = StartBroadcast(body.ebm_id, 4, 1, "11B06", 100, int(NOON) - 9, int(NOON) + 60)
    air.start(loud, ebm(2, ResourceCode(f"1{PLATFORM[1:]}")), NOON, frame)
    assert own.volume == 100


def test_zero_id_stops_all_and_cannot_be_started() -> None:
    air = Broadcast(device(), TerminalSettings())
    for number in (1, 2):
        air.start(start(4, 4, 1, int(NOON), number), ebm(number), NOON, frame)
    assert len(air.live) == 2
    air.stop(EBM_ID_ALL, NOON, frame)
    assert not air.live
    assert air.start(start(4, 4, 1, int(NOON), 3), EBM_ID_ALL, NOON, frame)[:2] == (54, "EBM id")
    assert air.start(start(4, 4, 1, int(NOON), 3), None, NOON, frame)[:2] == (54, "EBM id")
