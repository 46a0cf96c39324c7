"""Signed frames of devices: right ones prove more, wrong ones and old ones are refused by the standard's code."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from gateway.devices.trust import Trust
from gateway.domain.codes import CertificateSerial
from gateway.domain.orders import Receipt
from gateway.errors import ReplayDetected, SettingsError, SignatureInvalid, UnknownCertificate
from gateway.protocols import ip
from gateway.protocols.certificates import CERTIFICATE
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import GeneralAnswer, Heartbeat, PacketType, ServiceType
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes_at
from gateway.security.sm2 import KeyPair, default_provider
from tests.gatewaykit import (
    PLATFORM,
    BareTerminal,
    Gateway,
    facts,
    settings_for,
    submission,
    terminal,
    until,
    warning,
)
from tests.paperkit import Authority

SERIAL = CertificateSerial("0000000000AB")
TERMINAL = terminal("350524100001")


def block_over(pair: KeyPair, data: bytes, at: int, coverage: Coverage = Coverage.A) -> SignatureBlock:
    message = signed_bytes_at(data, at, SERIAL, coverage)
    return SignatureBlock(at, SERIAL, default_provider().sign(pair.private, pair.public, message))


def heartbeat(pair: KeyPair, at: int, coverage: Coverage = Coverage.A, session: int = 7) -> bytes:
    beat = Heartbeat(1, 2, bytes.fromhex(TERMINAL.physical_address))
    packet = ip.request(session, TERMINAL.code, (PLATFORM,), beat)
    return ip.build_signed(packet, lambda data: block_over(pair, data, at, coverage))


def trust_file(folder: Path, pair: KeyPair) -> Path:
    path = folder / "trust.toml"
    path.write_text(f'[[device]]\ncode = "{TERMINAL.code}"\nserial = "{SERIAL}"\npublic_key = "{pair.public.hex()}"\n')
    return path


def trust_of(folder: Path, pair: KeyPair, now: float = 1_800_000_000.0, **more: bool) -> Trust:
    trust = Trust(default_provider(), lambda: now, today=lambda: date(2026, 11, 24), **more)
    trust.load(trust_file(folder, pair))
    return trust


def verify(trust: Trust, raw: bytes) -> None:
    packet = ip.parse(raw)
    assert packet.signature is not None and packet.source.code is not None
    trust.verify(packet.source.code, packet.signature, raw)


def test_coverages_a_c_and_d_verify_and_b_only_where_allowed(tmp_path: Path) -> None:
    pair = default_provider().generate()
    trust = trust_of(tmp_path, pair)
    for coverage in (Coverage.A, Coverage.C, Coverage.D):
        verify(trust, heartbeat(pair, 1_800_000_000, coverage))
    with pytest.raises(SignatureInvalid):
        verify(trust, heartbeat(pair, 1_800_000_000, Coverage.B))
    verify(trust_of(tmp_path, pair, coverage_b=True), heartbeat(pair, 1_800_000_000, Coverage.B))


def test_the_same_frame_again_is_a_replay_also_after_a_restart(tmp_path: Path) -> None:
    pair = default_provider().generate()
    trust, raw = trust_of(tmp_path, pair), heartbeat(pair, 1_800_000_000)
    verify(trust, raw)
    with pytest.raises(ReplayDetected):
        verify(trust, raw)
    again = trust_of(tmp_path, pair)
    again.restore(trust.replay_state())
    with pytest.raises(ReplayDetected):
        verify(again, raw)
    with pytest.raises(ReplayDetected):
        verify(again, heartbeat(pair, 1_800_000_000 - 301))


def test_another_devices_certificate_proves_nothing(tmp_path: Path) -> None:
    pair = default_provider().generate()
    trust, raw = trust_of(tmp_path, pair), heartbeat(pair, 1_800_000_000)
    packet = ip.parse(raw)
    assert packet.signature is not None
    with pytest.raises(UnknownCertificate):
        trust.verify(terminal("350524100002").code, packet.signature, raw)


def test_a_list_of_the_root_takes_the_place_of_a_certificate_of_the_trust_file(tmp_path: Path) -> None:
    root, old, new = Authority(), default_provider().generate(), default_provider().generate()
    certificate = CERTIFICATE.build(root.certificate(SERIAL, old)).hex()
    path = tmp_path / "trust.toml"
    device = f'[[device]]\ncode = "{TERMINAL.code}"\nroot = "town"\ncertificate = "{certificate}"\n'
    path.write_text(root.trust() + device)
    trust = Trust(default_provider(), lambda: 1_800_000_000.0, today=lambda: date(2026, 11, 24))
    trust.load(path)
    verify(trust, heartbeat(old, 1_800_000_000))
    other = CertificateSerial("0000000000AC")
    trust.authorise(TERMINAL.code, root.authorise(other, 1, other), (root.certificate(other, new),))
    with pytest.raises(UnknownCertificate):
        verify(trust, heartbeat(old, 1_800_000_001))
    # Back again by a newer list: the certificate itself was never taken away.
    trust.authorise(TERMINAL.code, root.authorise(other, 2, SERIAL), ())
    verify(trust, heartbeat(old, 1_800_000_002))


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("[[device]]\ncode = '1'\nserial = '0000000000AB'\npublic_key = 'aa'", "device.0.code"),
        (f"[[device]]\ncode = '{TERMINAL.code}'", "serial and public_key"),
        ("[[devices]]\n", "devices"),
        ("[[", "cannot be read"),
    ],
)
def test_a_wrong_trust_file_is_refused_by_key_and_rule(tmp_path: Path, content: str, names: str) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=names):
        Trust(default_provider(), time.time).load(path)


async def test_on_the_wire_a_wrong_signature_hears_52_and_a_right_answer_proves_by_signature(tmp_path: Path) -> None:
    pair, stranger = default_provider().generate(), default_provider().generate()
    settings = settings_for(tmp_path / "data", signing={"trust_file": trust_file(tmp_path, pair)})
    async with Gateway(settings) as gateway:
        await gateway.terminals.put([TERMINAL], "test")
        link = await BareTerminal.connect(gateway.ports.terminals, TERMINAL, register=False)
        link.answer_with = None
        link.writer.write(heartbeat(stranger, int(time.time())))
        await until(lambda: link.answers)
        assert link.answers[-1].body == GeneralAnswer(52)
        assert not gateway.hub.current
        link.writer.write(heartbeat(pair, int(time.time()), session=8))
        await until(lambda: gateway.hub.current)
        assert link.answers[-1].body == GeneralAnswer(0)
        accepted = await gateway.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        await until(lambda: link.starts)
        start = link.starts[0]
        answer = ip.IpPacket(
            start.session,
            WireCode.of(TERMINAL.code),
            (WireCode.of(PLATFORM),),
            ServiceType.START,
            GeneralAnswer(0),
            PacketType.ANSWER,
        )
        link.writer.write(ip.build_signed(answer, lambda data: block_over(pair, data, int(time.time()))))
        live = gateway.state.messages[str(accepted.message_id)]
        await until(lambda: any(isinstance(e, Receipt) for e in live.log))
        (receipt,) = [e for e in live.log if isinstance(e, Receipt)]
        assert (receipt.kind, receipt.authenticity) == ("acknowledged", "signature")
        await link.close()
