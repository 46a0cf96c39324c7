"""What an adapter's frame is worth 应答核对: whose signature it bears, and whether it answers what was asked."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.devices.trust import Trust
from gateway.domain.codes import ResourceCode
from gateway.domain.ladder import Authenticity
from gateway.errors import AnswerMismatch, GatewayError, SignatureMissing, UnknownCertificate
from gateway.protocols import adapter
from gateway.protocols.adapter import AdapterPacket, Head
from gateway.protocols.adapter_answers import AdapterAnswer
from gateway.protocols.adapter_results import ReturnCode, describe
from gateway.protocols.adapter_types import ANSWERS, TYPES, Body
from gateway.protocols.fields import WireCode, WireEbmId


class AdapterRefusal(GatewayError):
    """An adapter answered a request with a return code other than 0 (GD/J 089-2018 table A.27)."""

    code = "adapter_refused"

    def __init__(self, result: int, words: str) -> None:
        self.result = result
        super().__init__(f"{result} {describe(result)} {words}".strip())


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was checked: its content, its bytes, and what binds it to the adapter."""

    body: Body
    raw: bytes
    authenticity: Authenticity


@dataclass(frozen=True, slots=True)
class Peer:
    """An adapter as its frames are held against it. ``reads_unsigned``: the policy for frames without a signature.

    Such frames are evidence by their address alone. Nothing that starts sound comes from an adapter, so the policy
    cannot let any through.
    """

    code: ResourceCode
    trust: Trust | None
    reads_unsigned: bool

    def authenticate(self, packet: AdapterPacket, raw: bytes) -> Authenticity:
        """Say what binds a frame to this adapter.

        Errors: SignatureMissing (policy), UnknownCertificate (policy), SignatureInvalid, ReplayDetected.
        """
        block = packet.signature
        if block is None:
            if not self.reads_unsigned:
                raise SignatureMissing(f"{packet.form} signature where the adapter must sign (zero_signatures)")
            return Authenticity.ADDRESS
        try:
            if self.trust is None:
                raise UnknownCertificate(f"certificate {block.certificate}: no trust file names any key")
            self.trust.verify(self.code, block, raw)
        except UnknownCertificate:
            # A certificate that nobody registered makes nothing worse than no signature at all.
            if not self.reads_unsigned:
                raise
            return Authenticity.ADDRESS
        return Authenticity.SIGNATURE

    def answer(self, asked: Body, raw: bytes) -> Answer:
        """Read the answer to ``asked``.

        Errors: AdapterRefusal, AnswerMismatch, and those of ``adapter.parse`` and ``authenticate``.
        """
        packet = adapter.parse(raw)
        if packet.head != Head.ADAPTER:
            raise AnswerMismatch(f"head: 0x{packet.head:02X} is not that of an adapter (table A.1)")
        authenticity = self.authenticate(packet, raw)
        body, wanted = packet.body, ANSWERS[TYPES[type(asked)]]
        if isinstance(body, AdapterAnswer) and body.code != ReturnCode.OK:
            raise AdapterRefusal(body.code, body.text)
        if packet.protocol_type != wanted:
            raise AnswerMismatch(
                f"protocol_type: 0x{packet.protocol_type:02X} does not answer 0x{TYPES[type(asked)]:02X} "
                f"(0x{wanted:02X}, table A.4)",
                offset=3,
            )
        self._require_same(asked, body)
        return Answer(body, raw, authenticity)  # type: ignore[arg-type]  # a type that has an answer has a layout

    def _require_same(self, asked: Body, body: object) -> None:
        front = getattr(body, "front_code", None)
        if isinstance(front, WireCode) and front.code != self.code:
            raise AnswerMismatch(f"front_code: {front.text} answers for another adapter than {self.code}")
        mine, theirs = getattr(asked, "ebm_id", None), getattr(body, "ebm_id", None)
        if isinstance(theirs, WireEbmId) and isinstance(mine, WireEbmId) and theirs.text != mine.text:
            raise AnswerMismatch(f"EBM_id: {theirs.text} is another message than {mine.text}")
