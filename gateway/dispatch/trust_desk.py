"""What the layers above need of certificates and lists, in one place."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from gateway.devices.trust import Trust
from gateway.dispatch.authority import Authority
from gateway.dispatch.publication import Publisher
from gateway.dispatch.service import Dispatch
from gateway.dispatch.topology import Topology
from gateway.domain.codes import CertificateSerial


@dataclass(frozen=True, slots=True)
class TrustDesk:
    """The proxy of the certificate system 证书安全代理 (GD/J 081-2018 3.6)."""

    trust: Trust
    authority: Authority
    publisher: Publisher


async def open_trust_desk(
    dispatch: Dispatch, trust: Trust, own: Callable[[], Collection[CertificateSerial]]
) -> TrustDesk:
    """Take up the lists that were kept; ``own`` gives the numbers of our own certificates. Errors: StoreError."""
    authority = Authority(dispatch.state, trust, Topology(dispatch.state, trust, dispatch.find, own))
    await authority.open()
    return TrustDesk(trust, authority, Publisher(dispatch.state, authority, dispatch.requests, dispatch.errands))
