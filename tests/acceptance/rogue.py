"""Commands of appendix A that nobody should obey 非法指令, and one that everybody should."""

from __future__ import annotations

from itertools import count

from gateway.domain.codes import CertificateSerial
from gateway.protocols import adapter
from gateway.protocols.adapter_broadcast import BroadcastStart, LanguageContent
from gateway.protocols.adapter_types import Body
from gateway.protocols.fields import WireEbmId
from gateway.protocols.signature import SignatureBlock
from gateway.security.coverage import Coverage, signed_bytes_at
from gateway.security.curve import KeyPair
from gateway.security.keys import SigningKey
from gateway.security.sm2 import default_provider
from tests.acceptance.bench import VOLUME, town_block
from tests.adapterkit import now
from tests.frontkit import CITY

_numbers = count(9000)
#: Longer ago than any window of freshness.
_LONG_AGO = 3600


def block_for(data: bytes, pair: KeyPair, certificate: CertificateSerial, sig_time: int) -> SignatureBlock:
    """A signature over data ‖ SigTime."""
    message = signed_bytes_at(data, sig_time, certificate, Coverage.A)
    return SignatureBlock(sig_time, certificate, default_provider().sign(pair.private, pair.public, message))


def start_frame(key: SigningKey, pair: KeyPair | None = None, age: int = 0, certificate: str = "") -> tuple[str, bytes]:
    """A start of the platform, as it signs it unless told otherwise; returns the EBM id and the frame."""
    ebm_id = f"{CITY}20261126{next(_numbers)}"
    text = LanguageContent.of("zho", "请注意防范。", "气象台", ())
    seconds = now()
    body = BroadcastStart(WireEbmId.of(ebm_id), 4, "11B03", 2, seconds, seconds + 60, VOLUME, town_block(), (text,))
    serial = CertificateSerial(certificate or key.certificate)
    packet = adapter.command(body)
    return ebm_id, adapter.build_signed(packet, lambda data: block_for(data, pair or key.pair, serial, seconds - age))


def unsigned(body: Body) -> bytes:
    """A command that nobody signed."""
    return adapter.build(adapter.command(body))


def rogues(key: SigningKey) -> dict[str, bytes]:
    """Starts without signature, by a stranger's key, under an unknown certificate, long ago, and altered on the way."""
    _, whole = start_frame(key)
    packet = adapter.parse(whole)
    stranger = default_provider().generate()
    altered = adapter.assemble(
        adapter.unsigned_part(adapter.command(_louder(packet.body))),
        packet.signature,  # type: ignore[arg-type]
    )
    return {
        "unsigned": unsigned(packet.body),  # type: ignore[arg-type]
        "forged": start_frame(key, stranger)[1],
        "unknown certificate": start_frame(key, stranger, certificate="000000000777")[1],
        "old": start_frame(key, age=_LONG_AGO)[1],
        "altered": altered,
    }


def _louder(body: object) -> BroadcastStart:
    assert isinstance(body, BroadcastStart)
    return BroadcastStart(
        body.ebm_id, body.ebm_class, body.event, 1, body.start, body.end, 100, body.address, body.languages
    )
