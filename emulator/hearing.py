"""What a frame says 听: read, checked and verified once, for all who get the same bytes.

Four thousand terminals receive one frame. Structure and signature do not depend on who listens, so they are found out
once and kept by the frame itself; what depends on the terminal (replay, area, priority) is decided there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from gateway.domain.codes import CertificateSerial, EbmId, ResourceCode
from gateway.domain.targets import addresses
from gateway.errors import FrameError, SignatureInvalid, SignatureMissing, UnknownCertificate
from gateway.protocols import ip
from gateway.protocols.ip_bodies import StartBroadcast, StopBroadcast
from gateway.protocols.signature import SignatureBlock
from gateway.security.sm2 import Sm2Provider

#: Frames kept; a broadcast needs one or two, so this spans many.
CACHE_SIZE: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """One frame of appendix D as understood; equal only to itself, so that identity is the test for a repeat."""

    raw: bytes
    digest: bytes
    packet: ip.IpPacket | None
    #: what is wrong with structure or signature; ``result`` of it is the answer.
    error: FrameError | None
    #: id of the message that is started or stopped.
    ebm_id: EbmId | None
    exact: frozenset[str] = field(repr=False)
    groups: tuple[str, ...] = field(repr=False)

    def addresses(self, code: str) -> bool:
        """Whether a target of the frame is this terminal, by code or by group (GD/J 080-2018 table B.1)."""
        if code in self.exact:
            return True
        return any(addresses(target, ResourceCode(code)) for target in self.groups)


class Ears:
    """Reads frames for a whole fleet. ``keys``: public key (64 bytes) by certificate number (GD/J 081-2018)."""

    def __init__(self, keys: Mapping[CertificateSerial, bytes], provider: Sm2Provider) -> None:
        self._keys = dict(keys)
        self._provider = provider
        self._heard: OrderedDict[bytes, Heard] = OrderedDict()
        #: signatures verified so far: one for each different frame.
        self.verified = 0

    def known(self, raw: bytes) -> Heard | None:
        """What was found out about exactly these bytes before, or None."""
        return self._heard.get(raw)

    def listen(self, raw: bytes) -> Heard:
        """Read a whole frame of appendix D; errors are part of the result, never raised."""
        heard = self._heard.get(raw)
        if heard is None:
            heard = self._understand(raw)
            self._heard[raw] = heard
            if len(self._heard) > CACHE_SIZE:
                self._heard.popitem(last=False)
        return heard

    def _understand(self, raw: bytes) -> Heard:
        digest = sha256(raw).digest()
        try:
            packet = ip.parse(raw)
        except FrameError as error:
            return Heard(raw, digest, None, error, None, frozenset(), ())
        body = packet.body
        ebm_id = body.ebm_id.ebm_id if isinstance(body, (StartBroadcast, StopBroadcast)) else None
        targets = [target.digits for target in packet.targets]
        exact = frozenset(digits for digits in targets if digits)
        groups = tuple(digits for digits in exact if _is_group(digits))
        return Heard(raw, digest, packet, self._verify(packet, raw), ebm_id, exact, groups)

    def _verify(self, packet: ip.IpPacket, raw: bytes) -> FrameError | None:
        """Return what is wrong with the signature, or None. Every request must be signed (GD/J 089-2018 F.3.5)."""
        return self.verify(ip.signed_data(raw), packet.signature)

    def verify(self, data: bytes, block: SignatureBlock | None) -> FrameError | None:
        """Return what is wrong with the signature over ``data``, or None."""
        if block is None:
            return SignatureMissing("request is not signed")
        key = self._keys.get(block.certificate)
        if key is None:
            return UnknownCertificate(f"no key is known for certificate {block.certificate}")
        self.verified += 1
        if any(self._provider.verify(key, message, block.value) for message in readings(data, block)):
            return None
        return SignatureInvalid("signature does not verify")


def readings(data: bytes, block: SignatureBlock) -> tuple[bytes, ...]:
    """Bytes that may have been signed: A data ‖ time, D time ‖ data, C data ‖ time ‖ number.

    B, data alone, is refused: its time is not authenticated, so any old frame could be sent again.
    """
    time = block.sig_time.to_bytes(4, "big")
    return data + time, time + data, data + time + bytes.fromhex(block.certificate)


def _is_group(digits: str) -> bool:
    """Whether a field of the code is all zeros, so that it may address many."""
    if len(digits) != ResourceCode.length or not digits.isdecimal():
        return False
    fields = (digits[0], digits[10:13], digits[13:17], digits[17:19], digits[19:21], digits[21:23])
    return any(not part.strip("0") for part in fields)
