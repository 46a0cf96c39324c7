"""Packets of every kind, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial
from gateway.protocols import feedback, ip
from gateway.protocols import parameters as p
from gateway.protocols.feedback_bodies import (
    BroadcastRecord,
    BroadcastResult,
    FaultReport,
    QueryAnswer,
    RecordReport,
    TaskSwitch,
)
from gateway.protocols.fields import NO_CODE, WireCode, WireEbmId
from gateway.protocols.ip_bodies import (
    Auxiliary,
    CertificateAuthorisation,
    GeneralAnswer,
    Heartbeat,
    ParameterSetting,
    StartBroadcast,
    StatusQuery,
    StopBroadcast,
    UnknownBody,
)
from gateway.protocols.signature import SignatureBlock, UnsignedForm
from tests.protocols.golden import resealed

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
short = st.binary(max_size=20)
codes = st.binary(min_size=12, max_size=12).map(WireCode) | st.from_regex(r"[0-9]{23}", fullmatch=True).map(WireCode.of)
ebm_ids = st.binary(min_size=18, max_size=18).map(WireEbmId)
events = st.text(st.characters(max_codepoint=255), min_size=5, max_size=5)
ipv4 = st.tuples(u8, u8, u8, u8).map(lambda parts: ".".join(map(str, parts)))
latin = st.text(st.characters(max_codepoint=255), max_size=20)
mhz = st.integers(0, 999999).map(lambda n: f"{n // 100}.{n % 100:02d}")

addresses = (
    st.builds(p.ReturnAddress, st.just(1), ipv4, u16)
    | st.builds(p.ReturnAddress, st.just(2), latin, u16)
    | st.builds(p.ReturnAddress, st.just(3), latin)
)
local = st.builds(p.LocalAddress, ipv4, ipv4, ipv4)
signals = st.builds(p.Signal, u8, u8)


def _parameter(tag: int, values: st.SearchStrategy[p.Value]) -> st.SearchStrategy[p.Parameter]:
    return st.builds(p.Parameter, st.just(tag), values)


settable = st.one_of(
    _parameter(p.VOLUME, u8),
    _parameter(p.LOCAL_ADDRESS, local),
    _parameter(p.RETURN_ADDRESS, addresses),
    _parameter(p.RESOURCE_CODE, st.builds(p.ResourceCodeSetting, short, codes)),
    _parameter(p.RESOURCE_CODE, codes),
    _parameter(p.SET_AMPLIFIER, u8),
    _parameter(p.SET_CLOCK, u32),
    _parameter(p.SET_RETURN_PERIOD, u32),
    st.builds(p.Parameter, st.integers(8, 255), short),
)
reported = st.one_of(
    _parameter(p.VOLUME, u8),
    _parameter(p.LOCAL_ADDRESS, local),
    _parameter(p.RETURN_ADDRESS, addresses),
    _parameter(p.RESOURCE_CODE, codes),
    _parameter(p.PHYSICAL_ADDRESS, st.builds(p.PhysicalValue, short, st.booleans())),
    _parameter(p.WORK_STATE, u8),
    _parameter(p.FAULT_CODE, u8),
    st.builds(p.Parameter, st.sampled_from(p.VENDOR_TAGS), short),
    st.builds(p.Parameter, st.sampled_from([p.FM_SIGNAL, p.CABLE_SIGNAL, p.TERRESTRIAL_SIGNAL]), signals),
    _parameter(p.CABLE_FREQUENCY, st.builds(p.Channel, u32, u32, u8)),
    _parameter(p.TERRESTRIAL_FREQUENCY, u32),
    _parameter(p.FM_SCAN_LIST, st.lists(st.builds(p.FrequencyPoint, u8, u8, mhz), max_size=4).map(tuple)),
    _parameter(p.FM_CURRENT, st.builds(p.CurrentFrequency, mhz, mhz)),
    _parameter(p.FM_COMMAND_MODE, st.builds(p.CommandMode, u8, u16)),
    st.builds(p.Parameter, st.integers(19, 255), short),
)
#: Values that need not fit the layout of their tag.
careless = st.builds(p.Parameter, u8, short)


def several(one: st.SearchStrategy[p.Parameter]) -> st.SearchStrategy[tuple[p.Parameter, ...]]:
    return st.lists(one, max_size=6).map(tuple)


auxiliaries = st.lists(st.builds(Auxiliary, u8, short), max_size=3).map(tuple)
starts = st.builds(StartBroadcast, ebm_ids, u8, u8, events, u8, u32, u32, auxiliaries)
heartbeats = st.builds(Heartbeat, u8, u8, short)
answers = st.builds(GeneralAnswer, u8, short)
query_answers = st.builds(QueryAnswer, u8, short, several(reported))

REQUEST_BODIES: list[tuple[int, st.SearchStrategy[ip.Body]]] = [
    (0x01, starts),
    (0x02, st.builds(StopBroadcast, ebm_ids)),
    (0x10, heartbeats),
    (0x11, st.builds(StatusQuery, st.lists(u8, max_size=20).map(tuple))),
    (0x12, st.builds(ParameterSetting, several(settable))),
    (0x17, st.builds(CertificateAuthorisation, st.lists(short).map(tuple), st.lists(short).map(tuple))),
    (0x30, st.builds(UnknownBody, short)),
    (0xA1, st.builds(UnknownBody, short)),
]
REPORT_BODIES: list[tuple[int, st.SearchStrategy[feedback.Body]]] = [
    (0x10, heartbeats),
    (0x11, query_answers),
    (0x13, st.builds(FaultReport, u8, u8, st.binary(min_size=255, max_size=255) | st.just(b""), u32)),
    (0x14, st.builds(TaskSwitch, u8, u8, ebm_ids, u32)),
    (0x15, st.builds(BroadcastResult, ebm_ids, u8, short, u32, u32, u8, u32)),
    (0x99, st.builds(UnknownBody, short)),
]
blocks = st.builds(
    SignatureBlock,
    u32,
    st.binary(min_size=6, max_size=6).map(lambda raw: CertificateSerial(raw.hex())),
    st.binary(min_size=64, max_size=64),
)
sources = codes | st.just(NO_CODE)
targets = st.lists(sources, max_size=3).map(tuple) | codes.map(lambda code: (code,))


@st.composite
def records(draw: st.DrawFn) -> RecordReport:
    size = draw(st.sampled_from([12, 9]))
    covered = st.lists(st.binary(min_size=size, max_size=size).map(WireCode), max_size=3).map(tuple)

    def one(task: int) -> st.SearchStrategy[BroadcastRecord]:
        telephone = short if task in (3, 4) else st.none()
        fixed = st.tuples(u16, u8, ebm_ids, st.just(task), u8, u8, events, u32, u32)
        return st.builds(
            lambda head, *rest: BroadcastRecord(*head, *rest), fixed, telephone, u8, covered, st.just(size)
        )

    found = draw(st.lists(st.integers(0, 9).flatmap(one), max_size=3))
    return RecordReport(WireCode(draw(short)), tuple(found))


@st.composite
def ip_packets(draw: st.DrawFn) -> ip.IpPacket:
    answer = draw(st.booleans())
    service_type, bodies = draw(st.sampled_from(REQUEST_BODIES))
    form = draw(st.sampled_from(UnsignedForm) | blocks)
    return ip.IpPacket(
        version=draw(st.just(0x0100) | u16),
        session=draw(u32),
        packet_type=2 if answer else draw(st.sampled_from([1, 0, 3, 255])),
        sign_flag=draw(u8) if isinstance(form, SignatureBlock) else 0,
        source=draw(sources),
        targets=draw(targets),
        service_type=service_type,
        body=draw(answers) if answer else draw(bodies),
        trailer=form,
    )


@st.composite
def feedback_packets(draw: st.DrawFn) -> feedback.FeedbackPacket:
    service_type, bodies = draw(st.sampled_from([*REPORT_BODIES, (0x16, records())]))
    return feedback.FeedbackPacket(
        version=draw(st.just(0x0100) | u16),
        session=draw(u32),
        packet_type=draw(u8),
        source=draw(sources),
        targets=draw(targets),
        service_type=service_type,
        body=draw(bodies),
    )


@st.composite
def mutated(draw: st.DrawFn, frames: st.SearchStrategy[bytes]) -> bytes:
    """A frame with some bytes changed, taken out or put in; mostly with the CRC and length put right again."""
    data = bytearray(draw(frames))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(["set", "set", "cut", "put"]))
        if kind == "set":
            data[at] = draw(u8)
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 3))]
        else:
            data[at:at] = draw(st.binary(min_size=1, max_size=3))
        if not data:
            return b""
    if draw(st.booleans()) and len(data) > 16:
        length_at = draw(st.sampled_from([9, 10]))
        data[length_at : length_at + 2] = (len(data) & 0xFFFF).to_bytes(2, "big")
    return resealed(bytes(data)) if draw(st.booleans()) or draw(st.booleans()) else bytes(data)
