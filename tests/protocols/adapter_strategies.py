"""Packets of every kind of GD/J 089-2018 appendix A, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.protocols import adapter
from gateway.protocols import adapter_answers as answers
from gateway.protocols import adapter_broadcast as broadcast
from gateway.protocols import adapter_channels as channels
from gateway.protocols import adapter_commands as commands
from gateway.protocols import adapter_reports as reports
from gateway.protocols import adapter_special as special
from gateway.protocols.adapter_address import AddressBlock, Reback
from gateway.protocols.adapter_types import TYPES, Body
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import Auxiliary, CertificateAuthorisation, UnknownBody
from gateway.protocols.signature import EMPTY_BLOCK, UnsignedForm
from tests.protocols.strategies import blocks, codes, ebm_ids, events, ipv4, mhz, short, u8, u16, u32

i32 = st.integers(-(1 << 31), (1 << 31) - 1)
national = codes.filter(lambda code: len(code.raw) == 12)


def tuples(one: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    return st.lists(one, max_size=most).map(tuple)


def of_size(size: int) -> st.SearchStrategy:
    return tuples(st.binary(min_size=size, max_size=size).map(WireCode))


addresses = st.sampled_from([12, 6, 9, 1]).flatmap(
    lambda size: st.builds(AddressBlock, st.sampled_from([1, 2, 3]) | u8, of_size(size), st.just(size))
)
rebacks = st.builds(Reback, u8, short)
auxiliaries = tuples(st.builds(Auxiliary, u8, short))
letters = st.text(st.characters(max_codepoint=255), min_size=3, max_size=3)
languages = tuples(st.builds(broadcast.LanguageContent, letters, u8, short, short, auxiliaries))
outputs = tuples(st.builds(reports.Output, u8, u8))
elementary = tuples(st.builds(channels.ElementaryStream, u8, u16))


def _fm(state: int) -> st.SearchStrategy[channels.FmChannel]:
    return st.builds(channels.FmChannel, mhz, st.just(state), ebm_ids if state == 2 else st.none())


def _ts(state: int) -> st.SearchStrategy[channels.TsChannel]:
    message = ebm_ids if state == 2 else st.none()
    return st.builds(channels.TsChannel, u16, u16, u16, u16, elementary, st.just(state), message)


states = st.sampled_from([1, 2, 3]) | u8
output = (
    st.builds(channels.OutputChannel, u8, st.just(1), tuples(states.flatmap(_fm)))
    | st.builds(channels.OutputChannel, u8, st.sampled_from([2, 3]), tuples(states.flatmap(_ts)))
    | st.builds(channels.OutputChannel, u8, st.integers(4, 255))
)


def _record(resource: int, empty: bool) -> st.SearchStrategy[reports.AdapterRecord]:
    telephone = short if resource in (3, 4) else st.just(b"" if empty else None)
    return st.builds(
        reports.AdapterRecord,
        ebm_ids, u8, st.just(resource), u8, u8, events, u32, u32, u8, u8, outputs, telephone, of_size(12),
    )  # fmt: skip


def _task(resource: int, empty: bool) -> st.SearchStrategy[reports.TaskStart]:
    telephone = short if resource in (3, 4) else st.just(b"" if empty else None)
    return st.builds(
        reports.TaskStart,
        national, ebm_ids, st.just(resource), u8, u8, events, u8, outputs, telephone, u8, of_size(12),
    )  # fmt: skip


resources = st.integers(0, 6) | u8


def records(empty: bool = False) -> st.SearchStrategy[reports.AdapterRecords]:
    return st.builds(reports.AdapterRecords, national, tuples(resources.flatmap(lambda n: _record(n, empty))))


def tasks(empty: bool = False) -> st.SearchStrategy[reports.TaskStart]:
    return resources.flatmap(lambda n: _task(n, empty))


entry = st.sampled_from([6, 12]).flatmap(
    lambda size: st.builds(commands.WhiteListEntry, u8, short, short, u8, of_size(size), st.just(size))
)
#: A content that begins as 锁定频率 is read as such, or refused.
tagged = st.builds(special.TsCommand, u8, short).filter(lambda body: body.tag != 0 or body.data[:1] != b"\x04")

BODIES: dict[type, st.SearchStrategy[Body]] = {
    special.TsCommand: tagged,
    special.FrequencyLock: st.builds(special.FrequencyLock, u32, u32, u8, addresses),
    special.RdsCommand: st.builds(special.RdsCommand, u8, u8, u8, u8, tuples(national), short),
    special.IpCommand: st.builds(special.IpCommand, u8, short),
    broadcast.BroadcastStart: st.builds(
        broadcast.BroadcastStart,
        ebm_ids,
        u8,
        events,
        u8,
        u32,
        u32,
        u8,
        addresses,
        languages,
        u8,
        tuples(u8),
        short,
    ),
    broadcast.BroadcastStop: st.builds(broadcast.BroadcastStop, ebm_ids, addresses),
    commands.CodeSetting: st.builds(
        commands.CodeSetting, tuples(st.builds(commands.CodeAssignment, short, short.map(WireCode)))
    ),
    commands.VolumeSetting: st.builds(commands.VolumeSetting, u8, addresses),
    commands.RebackSetting: st.builds(commands.RebackSetting, rebacks, addresses),
    commands.TerminalQuery: st.builds(commands.TerminalQuery, rebacks, addresses, tuples(u8, 20)),
    commands.ClockSetting: st.builds(commands.ClockSetting, u32),
    commands.NetworkSetting: st.builds(commands.NetworkSetting, ipv4, ipv4, ipv4, u8, short.map(WireCode)),
    commands.PeriodSetting: st.builds(commands.PeriodSetting, u32, addresses),
    commands.WhiteList: st.builds(commands.WhiteList, tuples(entry)),
    commands.AdapterReback: st.builds(commands.AdapterReback, rebacks, u32),
    commands.OutputChannelQuery: st.builds(commands.OutputChannelQuery, national, u8, u8),
    commands.InputChannelQuery: st.builds(commands.InputChannelQuery, national, u8, u8),
    commands.RecordQuery: st.builds(commands.RecordQuery, national, ebm_ids, u8, u32, u32),
    commands.FaultQuery: st.builds(commands.FaultQuery, national),
    commands.AmplifierSwitch: st.builds(commands.AmplifierSwitch, u8, addresses),
    CertificateAuthorisation: st.builds(CertificateAuthorisation, tuples(short), tuples(short)),
    commands.AdapterCertificates: st.builds(commands.AdapterCertificates, tuples(short), tuples(short)),
    answers.AdapterAnswer: st.builds(answers.AdapterAnswer, i32, short),
    answers.FaultDetail: st.builds(answers.FaultDetail, national, u8, short),
    answers.BroadcastAnswer: st.builds(answers.BroadcastAnswer, national, ebm_ids, u8, short, short),
    answers.PlatformAnswer: st.builds(answers.PlatformAnswer, i32, short),
    answers.TaskStartAnswer: st.builds(answers.TaskStartAnswer, u8, ipv4, u16),
    channels.OutputChannels: st.builds(channels.OutputChannels, national, tuples(output)),
    channels.InputChannels: st.builds(
        channels.InputChannels, national, tuples(st.builds(channels.InputChannel, u8, short, u8, u8))
    ),
    reports.AdapterRecords: records(),
    reports.TaskStart: tasks(),
    reports.TaskEnd: st.builds(reports.TaskEnd, national, ebm_ids),
    reports.AdapterHeartbeat: st.builds(reports.AdapterHeartbeat, short.map(WireCode), u8, u32),
}
trailers = st.sampled_from([UnsignedForm.ZERO_LENGTH, UnsignedForm.ZERO_BLOCK]) | blocks.filter(
    lambda block: block != EMPTY_BLOCK
)
unknown_types = u8.filter(lambda number: number not in {int(known) for known in TYPES.values()})


def packets_of(bodies: st.SearchStrategy[Body], protocol_type: int) -> st.SearchStrategy[adapter.AdapterPacket]:
    return st.builds(adapter.AdapterPacket, st.sampled_from([0x49, 0x50]), st.just(protocol_type), bodies, u8, trailers)


def adapter_packets() -> st.SearchStrategy[adapter.AdapterPacket]:
    known = [packets_of(bodies, TYPES[cls]) for cls, bodies in BODIES.items()]
    unknown = st.builds(
        adapter.AdapterPacket, st.sampled_from([0x49, 0x50]), unknown_types, st.builds(UnknownBody, short), u8, trailers
    )
    return st.one_of(*known, unknown)
