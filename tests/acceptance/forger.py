"""Frames that terminals must not obey 伪造指令: made from what the adapter really puts out, with another message id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.protocols import ip, rds, ts_section
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import StartBroadcast
from gateway.protocols.rds_bodies import EmergencyCommand
from gateway.protocols.signature import SignatureBlock, UnsignedForm
from gateway.protocols.ts_index import IndexTable
from gateway.security.keys import SigningKey
from gateway.security.sm2 import default_provider
from tests.acceptance.media import Kind
from tests.acceptance.rogue import block_for
from tests.adapterkit import now
from tests.frontkit import CITY

Sign = Callable[[bytes], SignatureBlock] | None

_numbers = count(8000)
_LONG_AGO = 3600
STRANGE = CertificateSerial("000000000777")


def signing(key: SigningKey, *, forged: bool = False, certificate: str = "", age: int = 0) -> Sign:
    """How a frame is signed: by ``key`` itself, or by a key that nobody knows under its number."""
    pair = default_provider().generate() if forged else key.pair
    return lambda data: block_for(data, pair, CertificateSerial(certificate or key.certificate), now() - age)


def start_like(raw: bytes, kind: Kind, sign: Sign, *targets: ResourceCode) -> bytes:
    """The same start under a new id, to ``targets`` where they are named; unsigned where ``sign`` is None."""
    ebm_id, session = WireEbmId.of(f"{CITY}20261126{next(_numbers)}"), next(_numbers)
    codes = tuple(map(WireCode.of, targets))
    if kind is Kind.IP:
        packet = ip.parse(raw)
        assert isinstance(packet.body, StartBroadcast)
        body = replace(packet.body, ebm_id=ebm_id)
        made = replace(packet, session=session, body=body, targets=codes or packet.targets)
        plain = replace(made, sign_flag=0, trailer=UnsignedForm.ZERO_LENGTH)
        return ip.build(plain) if sign is None else ip.build_signed(made, sign)
    if kind is Kind.RDS:
        said = rds.parse(raw)
        assert isinstance(said.body, EmergencyCommand)
        command = replace(said, body=replace(said.body, ebm_id=ebm_id), codes=codes or said.codes)
        plain_command = rds.RdsPacket(command.packet_type, command.codes, command.body)
        return rds.build(plain_command) if sign is None else rds.build_signed(command, sign)
    section = ts_section.parse(raw)
    assert isinstance(section.body, IndexTable)
    (entry, *_) = section.body.messages
    table = IndexTable((replace(entry, ebm_id=ebm_id, codes=codes or entry.codes),))
    index = replace(section, body=table, version=(section.version + 9) % 32)
    if sign is None:
        return ts_section.build(replace(index, trailer=UnsignedForm.ZERO_LENGTH))
    return ts_section.build_signed(index, sign)


def setting_like(raw: bytes, kind: Kind, sign: Sign) -> bytes:
    """The same setting anew, unsigned where ``sign`` is None."""
    if kind is Kind.IP:
        made = replace(ip.parse(raw), session=next(_numbers))
        plain = replace(made, sign_flag=0, trailer=UnsignedForm.ZERO_LENGTH)
        return ip.build(plain) if sign is None else ip.build_signed(made, sign)
    if kind is Kind.RDS:
        said = rds.parse(raw)
        bare = rds.RdsPacket(said.packet_type, said.codes, said.body)
        return rds.build(bare) if sign is None else rds.build_signed(said, sign)
    section = ts_section.parse(raw)
    table = replace(section, version=(section.version + 9) % 32)
    if sign is None:
        return ts_section.build(replace(table, trailer=UnsignedForm.ZERO_LENGTH))
    return ts_section.build_signed(table, sign)


def settings_forged(raw: bytes, kind: Kind, key: SigningKey) -> Iterator[tuple[str, bytes]]:
    """Settings that no terminal may take."""
    yield "unsigned", setting_like(raw, kind, None)
    yield "forged", setting_like(raw, kind, signing(key, forged=True))


def forgeries(raw: bytes, kind: Kind, key: SigningKey) -> Iterator[tuple[str, bytes]]:
    """Starts that no terminal may obey whatever bears them, by what is wrong with each."""
    yield "unsigned", start_like(raw, kind, None)
    yield "forged", start_like(raw, kind, signing(key, forged=True))
    yield "unknown certificate", start_like(raw, kind, signing(key, certificate=STRANGE))
