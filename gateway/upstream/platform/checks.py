"""Checks of a package, in the order of platform.md 4.4: who calls, tar, EBDB, who it is of, signature, fields, files.

Nothing of a content is believed before its signature: what is wrong with the fields of a stranger's package is answered
4, and not 3, so that nobody learns from us what we know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import structlog

from gateway.devices.trust import Trust
from gateway.domain.peers import BareSound, Peer
from gateway.errors import PackageIncomplete, PackageRefused, PackageUnproven, PackageUnreadable, SignatureError
from gateway.protocols.platform import ebi, signing
from gateway.protocols.platform.conditions import ConnectionCheck, EbdResponse
from gateway.protocols.platform.ebm import STREAM, Ebm
from gateway.protocols.platform.envelope import TYPES, Body, Document, Ebd, Envelope
from gateway.protocols.platform.package import Package, missing_resource, read_package

log = structlog.get_logger(__name__)

#: Types that may come unsigned (GD/J 083-2018 table 2).
_UNSIGNED: Final[tuple[type[Body], ...]] = (ConnectionCheck,)


@dataclass(slots=True)
class Examined:
    """What is known of a package so far; whoever refuses it half-way answers by what stands here."""

    envelope: Envelope | None = None
    peer: Peer | None = None
    ebd: Ebd | None = None
    package: Package | None = None
    business: bytes = b""
    signature: bytes | None = None
    #: whether the signature proved who it is of
    proven: bool = field(default=False)


class Checks:
    """Holds packages against the peers of the settings. ``own``: our codes in the books of each."""

    def __init__(self, peers: Iterable[Peer], own: Mapping[str, str], trust: Trust | None) -> None:
        self._peers = {peer.code: peer for peer in peers}
        self._own = own
        self._trust = trust

    def host(self, host: str) -> None:
        """Whether anybody may call from this address. Errors: PackageRefused."""
        if not any(peer.enabled and peer.calls_from(host) for peer in self._peers.values()):
            raise PackageRefused("address", "来源地址未登记", "no peer calls from this address")

    def examine(self, file: BinaryIO, host: str, found: Examined) -> None:
        """Check a package, and fill ``found`` as far as one comes. May run in any thread.

        Errors: PackageUnreadable (2), PackageIncomplete (3), PackageUnproven (4), PackageRefused (5).
        """
        found.package = package = read_package(file)
        found.business = package.document(package.business)
        try:
            document = Document(found.business)
        except PackageIncomplete as error:
            # Without an envelope nobody knows whose it is, so nothing of it was understood (接收解析失败).
            raise PackageUnreadable(error.code, error.chinese, error.english) from error
        found.envelope = envelope = document.envelope
        found.peer = peer = self._sender(envelope, host)
        if package.signature is not None:
            found.signature = package.document(package.signature)
        self._prove(peer, envelope, found)
        body = document.body()
        found.ebd = Ebd(envelope, body)
        if isinstance(body, EbdResponse):
            # Receipts come in the answer to what they are about, and nowhere else (5.2).
            raise PackageRefused("receipt", "接收回执不应单独发送", "a receipt is no request")
        if isinstance(body, Ebm):
            _check_sounds(peer, body, package)

    def _sender(self, envelope: Envelope, host: str) -> Peer:
        peer = self._peers.get(envelope.source)
        if peer is None or not peer.enabled:
            raise PackageRefused("stranger", f"来源 {envelope.source} 未登记或已停用", "SRC/EBRID is no peer of ours")
        if not peer.calls_from(host):
            raise PackageRefused("address", "来源地址与平台不符", "this peer does not call from this address")
        own = self._own[peer.code]
        if envelope.destination is not None and envelope.destination != own:
            raise PackageRefused(
                "destination", f"目的平台 {envelope.destination} 不是本平台 {own}", "DEST/EBRID is not ours"
            )
        return peer

    def _prove(self, peer: Peer, envelope: Envelope, found: Examined) -> None:
        if found.signature is None:
            if TYPES[envelope.ebd_type] in _UNSIGNED:
                return
            raise PackageUnproven("unsigned", "缺少签名文件 EBDS", "there is no EBDS")
        try:
            self._signed(peer, found.signature, found.business, envelope.ebd_id)
            self._information(peer, found)
        except SignatureError as error:
            raise PackageUnproven(error.code, "签名验证失败", str(error)) from error
        found.proven = True

    def _signed(self, peer: Peer, signature: bytes, data: bytes, about: str | None) -> None:
        file = signing.parse(signature)
        if about is not None and file.ebd_id is not None and file.ebd_id != about:
            raise PackageUnproven(
                "signature_of_another", "签名文件属于其他数据包", f"EBDS is about {file.ebd_id[:64]}, EBDB is {about}"
            )
        if self._trust is None:
            raise PackageUnproven("no_trust", "未登记任何密钥", "[signing] trust_file names no key")
        coverage = self._trust.verify_file(peer.code, file.block, data, coverage_b=peer.coverage_b)
        log.debug("package proven", peer=peer.name, coverage=coverage.value)

    def _information(self, peer: Peer, found: Examined) -> None:
        """The information body is nobody's but the sender's either; without a signature of its own it is not read."""
        package = found.package
        assert package is not None
        if package.information is not None and package.information_signature is not None:
            data = package.document(package.information)
            self._signed(peer, package.document(package.information_signature), data, None)
            ebi.parse(data)


def _check_sounds(peer: Peer, ebm: Ebm, package: Package) -> None:
    """Programme files that the message names: there, of their size, of their digest (082 table 4)."""
    for number, content in enumerate(ebm.contents, 1):
        for auxiliary in content.auxiliaries:
            if auxiliary.type == STREAM:
                continue
            path = f"EBM/MsgContent[{number}]/Auxiliary"
            member = package.resource(auxiliary.description)
            if member is None:
                raise missing_resource(auxiliary.description)
            if auxiliary.size is not None and auxiliary.size != member.size:
                raise PackageIncomplete(
                    "size", "节目资源文件大小不符", f"{path}/Size is {auxiliary.size}, the file has {member.size} bytes"
                )
            if auxiliary.digest:
                if auxiliary.digest.strip().lower() != package.digest(member).hex():
                    raise PackageIncomplete("digest", "节目资源文件摘要不符", f"{path}/Digest is not SM3 of the file")
            elif peer.bare_sound is BareSound.REFUSE:
                raise PackageIncomplete("digest_missing", "节目资源文件缺少摘要", f"{path}/Digest must stand here")
