"""Transport stream tables of every kind, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial
from gateway.protocols import ts_configuration as c
from gateway.protocols import ts_daily as d
from gateway.protocols.ip_bodies import Auxiliary, CertificateAuthorisation
from gateway.protocols.parameters import ResourceCodeSetting
from gateway.protocols.signature import SignatureBlock, UnsignedForm
from gateway.protocols.ts_commands import Command
from gateway.protocols.ts_content import ContentTable, LanguageContent
from gateway.protocols.ts_descriptors import CableDelivery, Descriptor, Descriptors, TerrestrialDelivery
from gateway.protocols.ts_index import DetailsChannel, IndexEntry, IndexTable, Stream
from gateway.protocols.ts_section import Body, Section, TableId
from gateway.protocols.ts_time import MjdTime, WallClock
from tests.protocols.strategies import codes, ebm_ids, events, ipv4, latin, short, u8, u16, u32


def bits(width: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << width) - 1)


some_codes = st.lists(codes, max_size=3).map(tuple)
clocks = st.builds(WallClock, u16, u8, u8, u8, u8, u8)
times = st.binary(min_size=5, max_size=5).map(MjdTime)
cable = st.builds(CableDelivery, u32, bits(28), u8, bits(4), bits(4), bits(12))
terrestrial = st.builds(
    TerrestrialDelivery,
    u32,
    bits(4),
    bits(4),
    bits(4),
    bits(4),
    bits(4),
    bits(1),
    bits(1),
    bits(2),
    st.sampled_from([b"", b"\xff" * 4]),
)
descriptor = st.one_of(
    st.builds(Descriptor, st.just(0x44), cable),
    st.builds(Descriptor, st.just(0x5A), terrestrial),
    st.builds(Descriptor, u8.filter(lambda tag: tag not in (0x44, 0x5A)), short),
)
loops = st.builds(Descriptors, st.lists(descriptor, max_size=3).map(tuple), bits(4))
streams = st.builds(Stream, u8, bits(13), loops, bits(3))
details = st.builds(DetailsChannel, u16, u16, u16, bits(13), loops, st.lists(streams, max_size=2).map(tuple), bits(3))
entries = st.builds(
    IndexEntry, ebm_ids, u16, times, times, events, bits(4), bits(4), some_codes, st.none() | details, bits(7)
)
indices = st.builds(IndexTable, st.lists(entries, max_size=3).map(tuple))

letters = st.text(st.characters(max_codepoint=255), min_size=3, max_size=3)
aux = st.lists(st.builds(Auxiliary, u8, short), min_size=1, max_size=3).map(tuple)
languages = st.builds(
    LanguageContent, letters, bits(3), short, short, st.just(()) | aux, st.just(False), bits(5), bits(4)
)
contents = st.builds(ContentTable, ebm_ids, st.lists(languages, max_size=5).map(tuple), bits(4))

certificates = st.builds(
    CertificateAuthorisation, st.lists(short, max_size=3).map(tuple), st.lists(short, max_size=3).map(tuple)
)

returns = st.builds(c.ReturnTarget, st.sampled_from([1, 3, 4, 9]), latin, some_codes) | st.builds(
    c.ReturnTarget, st.just(2), st.builds("{}:{}".format, ipv4, u16), some_codes
)
CONFIGURATION_VALUES = {
    1: clocks,
    2: st.builds(ResourceCodeSetting, short, codes),
    3: st.builds(c.FrequencyLock, u32, u32, u8, some_codes),
    4: returns,
    5: st.builds(c.ReturnPeriod, u32, some_codes),
    6: st.builds(c.DefaultVolume, u8, some_codes),
    7: st.builds(c.StateQuery, st.lists(u8, max_size=5).map(tuple), some_codes),
    0x69: short,
}
DAILY_VALUES = {
    1: st.builds(
        d.PlayProgramme,
        ebm_ids,
        u16,
        u16,
        u16,
        bits(13),
        u8,
        bits(13),
        u8,
        u8,
        clocks,
        some_codes,
        bits(3),
        bits(3),
    ),
    2: st.builds(d.StopProgramme, ebm_ids, u16, u16, u16, bits(13), bits(13), some_codes, bits(3), bits(3)),
    3: st.builds(d.AmplifierSwitch, u8, some_codes),
    4: st.builds(d.BroadcastText, bits(4), bits(4), ebm_ids, some_codes, short),
    5: short,
}


def _commands(values: dict[int, st.SearchStrategy[object]]) -> st.SearchStrategy[tuple[Command, ...]]:
    one = st.one_of([st.builds(Command, st.just(tag), value) for tag, value in values.items()])
    return st.lists(one, max_size=4).map(tuple)


configurations = st.builds(c.ConfigurationTable, _commands(CONFIGURATION_VALUES))
dailies = st.builds(d.DailyTable, _commands(DAILY_VALUES))

BODIES: dict[TableId, st.SearchStrategy[Body]] = {
    TableId.INDEX: indices,
    TableId.CONTENT: contents,
    TableId.CERTIFICATES: certificates,
    TableId.CONFIGURATION: configurations,
    TableId.DAILY: dailies,
}
blocks = st.builds(
    SignatureBlock,
    u32,
    st.binary(min_size=6, max_size=6).map(lambda raw: CertificateSerial(raw.hex())),
    st.binary(min_size=64, max_size=64).filter(any),
)


@st.composite
def sections(draw: st.DrawFn) -> Section:
    table, body = draw(st.sampled_from(list(BODIES.items())))
    return Section(
        table_id=table,
        body=draw(body),
        table_id_extension=draw(u16),
        version=draw(bits(5)),
        current_next=draw(bits(1)),
        section_number=draw(u8),
        last_section_number=draw(u8),
        trailer=draw(st.sampled_from([UnsignedForm.ZERO_LENGTH, UnsignedForm.ZERO_BLOCK]) | blocks),
        private_indicator=draw(bits(1)),
        length_reserved=draw(bits(2)),
        version_reserved=draw(bits(2)),
    )
