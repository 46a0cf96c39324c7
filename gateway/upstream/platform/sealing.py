"""Packages of ours: numbered, enveloped, signed and packed in the form of their receiver (GD/J 083-2018 5.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.peers import Peer
from gateway.domain.zone import BEIJING
from gateway.protocols.platform import ebi, signing
from gateway.protocols.platform.envelope import Body, Ebd, Envelope, build, name_of
from gateway.protocols.platform.ids import EbdId, Form, PlatformCode
from gateway.protocols.platform.package import build_package, business_name, signature_name
from gateway.security.coverage import SignatureBlock
from gateway.upstream.platform.numbers import PackageNumbers

#: Items of a report beyond which it is written in another thread.
_MANY: Final = 50

Sign = Callable[[bytes], Awaitable[SignatureBlock]]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A package of ours, ready to be sent."""

    ebd_id: EbdId
    tar: bytes


class Sealer:
    """Makes packages. ``code``: ours, where a peer knows us by no other; ``url``: where peers reach us, or empty."""

    def __init__(
        self, code: PlatformCode, url: str, numbers: PackageNumbers, sign: Sign, clock: Callable[[], float]
    ) -> None:
        self._code = code
        self._url = url
        self._numbers = numbers
        self._sign = sign
        self._clock = clock

    def code_for(self, peer: Peer | None) -> PlatformCode:
        """Our code in the books of a peer."""
        return PlatformCode(peer.own_code) if peer is not None and peer.own_code else self._code

    async def seal(
        self,
        peer: Peer | None,
        body: Body,
        *,
        related: EbdId | None = None,
        signed: bool = True,
        ebd_id: EbdId | None = None,
        files: Sequence[tuple[str, bytes]] = (),
    ) -> Sealed:
        """Pack a content for a peer, None where it is not known; ``files`` go beside it. Errors: StoreError.

        ``related``: the package that it answers; ``ebd_id``: its number, where it must not be a new one.
        """
        source = self.code_for(peer)
        number = ebd_id or await self._numbers.take(source)
        now = self._clock()
        envelope = Envelope(
            ebd_id=number,
            ebd_type=name_of(body),
            source=source,
            source_url=self._url or None,
            destination=None if peer is None else PlatformCode(peer.code),
            time=datetime.fromtimestamp(now, BEIJING),
            related=related,
        )
        # A report of thousands of terminals takes a tenth of a second to write.
        whole = Ebd(envelope, body)
        many = len(getattr(body, "items", ())) > _MANY
        business = await asyncio.to_thread(build, whole) if many else build(whole)
        inside = [(business_name(number), business)]
        if signed:
            block = await self._sign(business)
            file = signing.build(source.form, block, ebd_id=number)
            inside.append((signature_name(business_name(number)), file))
        return Sealed(number, build_package([*inside, *files], int(now)))

    async def information(self, body: ebi.Ebi) -> list[tuple[str, bytes]]:
        """An information body and its signature, as files of a package (082 clause 7). Errors: InvalidValueError."""
        content = ebi.build(body)
        name = ebi.file_name(body.main.info_id)
        block = await self._sign(content)
        return [
            (name, content),
            (signature_name(name), signing.build(Form.GDJ_2018, block, information=(body.main.info_id,))),
        ]
