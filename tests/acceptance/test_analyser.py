"""The analyser can say no: what is altered, or signed by somebody else, does not pass for right."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.codes import CertificateSerial
from gateway.security.keys import SigningKey, load_key_file, new_key_file
from gateway.security.sm2 import default_provider
from tests.acceptance.analyser import Analyser, Passed, ip_cutter
from tests.acceptance.rogue import rogues, start_frame
from tests.gatewaykit import task_report, terminal


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    path, provider = tmp_path / "signing.json", default_provider()
    new_key_file(path, CertificateSerial("000000000100"), provider=provider, now=datetime.now(UTC))
    return load_key_file(path, provider=provider)


def seen(frame: bytes, public_key: bytes | None) -> Passed:
    analyser = Analyser()
    if public_key is not None:
        analyser.expect(public_key)
    analyser.take(frame)
    analyser.take(frame)
    (one,) = analyser.passed
    return one


def test_a_signature_counts_only_by_the_key_expected(key: SigningKey) -> None:
    _, frame = start_frame(key)
    assert seen(frame, key.pair.public).is_right
    assert seen(frame, key.pair.public).is_signed
    assert "签名有效 valid" in str(seen(frame, key.pair.public))
    assert not seen(frame, default_provider().generate().public).is_signed
    assert not seen(frame, None).is_signed


def test_what_nobody_should_obey_is_not_taken_for_signed(key: SigningKey) -> None:
    signed = {name: seen(frame, key.pair.public).is_signed for name, frame in rogues(key).items()}
    # Long ago the platform did sign the one that is only old.
    assert signed == {
        "unsigned": False,
        "forged": False,
        "unknown certificate": False,
        "old": True,
        "altered": False,
    }


def test_a_frame_with_a_wrong_byte_is_not_right(key: SigningKey) -> None:
    _, frame = start_frame(key)
    for at in (len(frame) // 2, len(frame) - 1):
        wrong = frame[:at] + bytes((frame[at] ^ 1,)) + frame[at + 1 :]
        assert not (seen(wrong, key.pair.public).is_right and seen(wrong, key.pair.public).is_signed)


def test_a_cutter_finds_frames_in_pieces_of_a_stream() -> None:
    frame = task_report(terminal("350524100001"), "335050000000001030101012026112600" + "01", 1, 1)
    cut = ip_cutter()
    assert [raw for at in range(0, len(frame), 7) for raw in cut(frame[at : at + 7])] == [frame]
