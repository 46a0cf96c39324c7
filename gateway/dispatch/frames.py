"""Frames for orders: built by the protocol, signed once, the same bytes object for all connections of a group."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.message import Message
from gateway.protocols import ip
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import (
    Auxiliary,
    CertificateAuthorisation,
    ParameterSetting,
    StartBroadcast,
    StatusQuery,
    StopBroadcast,
)
from gateway.protocols.parameters import Parameter
from gateway.security.coverage import SignatureBlock

Sign = Callable[[bytes], SignatureBlock]


@dataclass(frozen=True, slots=True)
class SignedFrame:
    """A whole frame of GD/J 089-2018 appendix D, ready for the wire."""

    raw: bytes
    sig_time: int

    @property
    def digest(self) -> bytes:
        """SHA-256 of the frame, kept with the order."""
        return hashlib.sha256(self.raw).digest()


class FrameMaker:
    """Makes the platform's requests; every one is signed (GD/J 088-2018 5.1.5)."""

    def __init__(self, source: ResourceCode, sign: Sign) -> None:
        self._source = source
        self._sign = sign
        #: the newest SigTime 签名时间 handed out in this run, Unix seconds; each signature takes a second of its own
        self.newest = 0

    def sign(self, data: bytes) -> SignatureBlock:
        """Sign what is not a frame of appendix D."""
        block = self._sign(data)
        self.newest = block.sig_time
        return block

    def start(self, session: int, targets: tuple[ResourceCode, ...], message: Message) -> SignedFrame:
        """开始播发 0x01 (table D.5): one auxiliary of type 61 names where the sound comes from."""
        body = StartBroadcast(
            ebm_id=WireEbmId.of(message.ebm_id),
            ebm_class=int(message.ebm_class),
            severity=int(message.severity.on_device),
            event=str(message.event),
            volume=message.volume,
            start=int(message.start.timestamp()),
            end=int(message.end.timestamp()),
            aux=(Auxiliary.stream(message.programme_url),),
        )
        return self._signed(session, targets, body)

    def stop(self, session: int, targets: tuple[ResourceCode, ...], ebm_id: EbmId) -> SignedFrame:
        """停止播发 0x02 (table D.6)."""
        return self._signed(session, targets, StopBroadcast(WireEbmId.of(ebm_id)))

    def query(self, session: int, targets: tuple[ResourceCode, ...], tags: tuple[int, ...]) -> SignedFrame:
        """终端状态查询 0x11 (table D.8)."""
        return self._signed(session, targets, StatusQuery(tags))

    def settings(
        self, session: int, targets: tuple[ResourceCode, ...], parameters: tuple[Parameter, ...]
    ) -> SignedFrame:
        """终端参数设置 0x12 (table D.9)."""
        return self._signed(session, targets, ParameterSetting(parameters))

    def certificates(
        self, session: int, targets: tuple[ResourceCode, ...], content: CertificateAuthorisation
    ) -> SignedFrame:
        """应急广播证书授权协议 0x17 (table D.11)."""
        return self._signed(session, targets, content)

    def _signed(self, session: int, targets: tuple[ResourceCode, ...], body: ip.Body) -> SignedFrame:
        made: list[SignatureBlock] = []

        def sign(data: bytes) -> SignatureBlock:
            made.append(self.sign(data))
            return made[-1]

        raw = ip.build_signed(ip.request(session, self._source, targets, body), sign)
        return SignedFrame(raw, made[-1].sig_time)
