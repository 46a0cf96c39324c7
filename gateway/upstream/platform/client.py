"""The client 发送: posts a package to a peer and reads its receipt in the same connection (GD/J 083-2018 5.2, 5.4)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Final, TypeAlias

import aiohttp
import structlog

from gateway.devices.trust import Trust
from gateway.domain.peers import Peer
from gateway.errors import GatewayError
from gateway.protocols.platform import signing
from gateway.protocols.platform.conditions import EbdResponse, ResultCode
from gateway.protocols.platform.envelope import parse
from gateway.protocols.platform.ids import EbdId
from gateway.protocols.platform.package import package_name, read_package
from gateway.upstream.platform.sealing import Sealed

log = structlog.get_logger(__name__)

#: A peer's context, and the name in its certificate; empty: the host called.
Tls: TypeAlias = tuple[ssl.SSLContext, str]

TAR: Final = "application/x-tar"
#: A receipt is a small tar; what is larger is none.
_RECEIPT_BYTES: Final = 1 << 20
#: Seconds for which an address that did not answer is asked last.
_SHUN_SECONDS: Final = 60.0
#: Bytes for which ``answer_seconds`` is enough; larger packages get a second more for each further 64 KiB.
_SMALL: Final = 1 << 20
_BYTES_A_SECOND: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Receipted:
    """What became of one try. ``result``: ResultCode of the receipt, None where none came; ``words`` say why.

    ``answered``: whether somebody answered, though it be no receipt that proves anything.
    """

    result: int | None
    words: str
    url: str = ""
    answered: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the peer has it."""
        return self.result is not None and self.result in (ResultCode.NOT_TREATED, ResultCode.OK)

    @property
    def refused(self) -> bool:
        """Whether the same package would be refused again."""
        return self.result in (ResultCode.UNREADABLE, ResultCode.INCOMPLETE, ResultCode.SIGNATURE)


class _NoReceipt(Exception):
    """What came back is no receipt of this package; in words."""


class PeerClient:
    """Posts packages to peers. ``clock`` is monotonic.

    ``tls`` by name of peer, where its addresses are https.
    """

    def __init__(
        self,
        trust: Trust | None,
        clock: Callable[[], float],
        tls: Mapping[str, Tls] | None = None,
    ) -> None:
        self._trust = trust
        self._clock = clock
        self._tls = tls or {}
        self._session: aiohttp.ClientSession | None = None
        self._shunned: dict[str, float] = {}

    async def close(self) -> None:
        """Let go of the connections that are kept."""
        if self._session is not None:
            await self._session.close()

    async def post(self, peer: Peer, sealed: Sealed, *, signed: bool = True) -> Receipted:
        """Try the peer's addresses, the main one first, until one answers with a receipt. Never raises for the network.

        ``signed``: whether the receipt must be: that of a heartbeat need not (GD/J 083-2018 table 2).
        """
        last = Receipted(None, "对端无地址 the peer has no address")
        for url in self._order(peer):
            try:
                found = await self._ask(peer, url, sealed)
                response = await asyncio.to_thread(self._read, peer, sealed.ebd_id, found, signed)
            except (aiohttp.ClientError, OSError, TimeoutError, _NoReceipt) as error:
                reason = str(error) or type(error).__name__
                self._shunned[url] = self._clock() + _SHUN_SECONDS
                answered = last.answered or isinstance(error, _NoReceipt)
                last = Receipted(None, f"{url}: {reason}", url, answered)
                continue
            self._shunned.pop(url, None)
            return Receipted(response.result, response.description or "", url, answered=True)
        return last

    def _order(self, peer: Peer) -> list[str]:
        """Main and standby; an address that has just failed is asked last."""
        now = self._clock()
        return sorted(peer.urls, key=lambda url: self._shunned.get(url, 0.0) > now)

    async def _ask(self, peer: Peer, url: str, sealed: Sealed) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False, trust_env=False)
        # Written by hand: some receivers of the field read neither quoted-printable names nor filename*.
        boundary = f"ebd{sealed.ebd_id}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{package_name(sealed.ebd_id)}"\r\n'
            f"Content-Type: {TAR}\r\n\r\n"
        )
        body = b"".join((head.encode(), sealed.tar, f"\r\n--{boundary}--\r\n".encode()))
        more = max(0, len(body) - _SMALL) / _BYTES_A_SECOND
        longest = peer.connect_seconds + peer.answer_seconds + more
        timeout = aiohttp.ClientTimeout(total=longest, connect=peer.connect_seconds)
        context, name = self._tls.get(peer.name, (None, ""))
        async with self._session.post(
            url,
            data=body,
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
            timeout=timeout,
            ssl=context or True,
            server_hostname=name or None,
            allow_redirects=False,
        ) as answer:
            if answer.status != 200:
                raise _NoReceipt(f"HTTP {answer.status}")
            found = await answer.content.read(_RECEIPT_BYTES + 1)
            while len(found) <= _RECEIPT_BYTES and (part := await answer.content.read(_RECEIPT_BYTES)):
                found += part
        if len(found) > _RECEIPT_BYTES:
            raise _NoReceipt(f"回执超过 {_RECEIPT_BYTES} 字节 the receipt is too large")
        return found

    def _read(self, peer: Peer, about: EbdId, raw: bytes, signed: bool) -> EbdResponse:
        """Errors: _NoReceipt where this proves nothing of our package."""
        try:
            package = read_package(BytesIO(raw))
            business = package.document(package.business)
            ebd = parse(business)
            body, envelope = ebd.body, ebd.envelope
            if not isinstance(body, EbdResponse):
                raise _NoReceipt(f"应答不是接收回执 not a receipt but {envelope.ebd_type}")
            if envelope.related is not None and envelope.related != about:
                raise _NoReceipt(f"回执属于其他数据包 the receipt is about {envelope.related}")
            if envelope.source != peer.code:
                raise _NoReceipt(f"回执来源不符 the receipt is of {envelope.source}")
            if signed and not peer.bare_receipts:
                if package.signature is None:
                    raise _NoReceipt("回执未签名 the receipt is not signed")
                file = signing.parse(package.document(package.signature))
                if file.ebd_id is not None and file.ebd_id != envelope.ebd_id:
                    raise _NoReceipt("回执签名属于其他数据包 the signature is of another package")
                if self._trust is None:
                    raise _NoReceipt("未登记任何密钥 no key is known")
                self._trust.verify_file(peer.code, file.block, business, coverage_b=peer.coverage_b)
        except GatewayError as error:
            raise _NoReceipt(f"回执无效 no valid receipt: {error}") from error
        return body
