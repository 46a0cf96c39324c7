"""The RDS vectors as bytes, and packets of every kind for properties."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gateway.protocols import rds
from gateway.protocols import rds_bodies as b
from gateway.protocols.certificates import AuthorisationList
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import UnknownBody
from gateway.protocols.parameters import FrequencyPoint
from gateway.protocols.signature import EMPTY_BLOCK
from tests.protocols.golden import BY_ID, VECTORS
from tests.protocols.strategies import blocks, events, mhz, u8, u16, u32

PACKETS = [vector["id"] for vector in VECTORS if vector["protocol"] == "rds"]
FRAMES = [vector["id"] for vector in VECTORS if vector["protocol"] == "rds-frames"]
GROUPS = [vector["id"] for vector in VECTORS if vector["protocol"] == "rds-group"]
KEY = bytes.fromhex(BY_ID["C20"]["public_key"])


def bytes_of(name: str) -> bytes:
    """The bytes of an RDS vector: a packet, all its frames, or the four blocks of a group packed without gaps."""
    vector: dict[str, Any] = BY_ID[name]
    if vector["protocol"] == "rds-group":
        bits = 0
        for block in vector["hex"]:
            bits = bits << 26 | int(block, 16)
        return bits.to_bytes(13, "big")
    return bytes.fromhex("".join(vector["hex"]))


def frames_of(name: str) -> list[bytes]:
    """The frames of a vector of frames."""
    return [bytes.fromhex(one) for one in BY_ID[name]["hex"]]


u2, u4, short = st.integers(0, 3), st.integers(0, 15), st.binary(max_size=40)
codes = st.from_regex(r"[0-9]{23}", fullmatch=True).map(WireCode.of)
loose_codes = codes | st.binary(min_size=12, max_size=12).map(WireCode)
ebm_ids = st.from_regex(r"[0-9A-F]{35}", fullmatch=True).map(WireEbmId.of)
serials = st.from_regex(r"[0-9A-F]{12}", fullmatch=True)
lists = st.builds(
    AuthorisationList,
    serials,
    u8,
    st.lists(serials, max_size=5).map(tuple),
    serials,
    st.binary(min_size=64, max_size=64),
)
BODIES: dict[int, st.SearchStrategy[Any]] = {
    0: st.builds(b.ScanList, st.lists(st.builds(FrequencyPoint, u8, u8, mhz), max_size=9).map(tuple)),
    1: st.builds(b.DeviceCode, short, codes),
    2: st.builds(b.MaintainMode, u8, u16),
    3: st.builds(b.Clock, u16, u8, u8, u8, u8, u8),
    4: st.builds(b.ReturnRoute, u8, short),
    5: st.builds(b.ReturnPeriod, u32),
    6: st.builds(b.AuthorisationUpdate, lists),
    7: st.builds(b.CertificateUpdate, st.lists(short, max_size=4).map(tuple)),
    8: st.builds(b.StateQuery, st.lists(u8, max_size=20).map(tuple)),
    9: st.builds(UnknownBody, short),
    11: st.builds(b.EmergencyCommand, u2, u2, u4, events, ebm_ids, mhz),
    12: st.builds(b.Reset, u2, u2, mhz, u4),
    13: st.builds(b.FactoryReset, u2, st.integers(0, 63)),
    14: st.builds(b.DrillCommand, u4, u4, ebm_ids),
    15: st.builds(b.TextTransfer, u4, u4, ebm_ids, st.binary(max_size=255)),
    20: st.builds(UnknownBody, short),
    21: st.builds(b.Maintain, u8, u8),
    22: st.builds(b.DailyCommand, u2, u2, ebm_ids, mhz, u8),
    23: st.builds(b.DailyVolume, u8, u8),
    24: st.builds(b.AmplifierSwitch, u8),
    30: st.builds(UnknownBody, short),
}


@st.composite
def rds_packets(draw: st.DrawFn, kinds: tuple[int, ...] = tuple(BODIES)) -> rds.RdsPacket:
    """A packet of one of these types."""
    kind = draw(st.sampled_from(kinds))
    targets = draw(st.lists(loose_codes, max_size=3).map(tuple))
    return rds.RdsPacket(kind, targets, draw(BODIES[kind]), draw(blocks | st.just(EMPTY_BLOCK)))
