"""What the layers above need of certificates and lists, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.devices.trust import Trust
from gateway.dispatch.authority import Authority
from gateway.dispatch.publication import Publisher
from gateway.dispatch.rotation import Rotation
from gateway.dispatch.service import Dispatch
from gateway.dispatch.topology import Topology
from gateway.security.keyring import KeyRing


@dataclass(frozen=True, slots=True)
class TrustDesk:
    """The proxy of the certificate system 证书安全代理 (GD/J 081-2018 3.6)."""

    trust: Trust
    authority: Authority
    publisher: Publisher
    rotation: Rotation


async def open_trust_desk(dispatch: Dispatch, trust: Trust, ring: KeyRing) -> TrustDesk:
    """Take up the lists that were kept; ``ring`` holds our own keys. Errors: StoreError."""
    authority = Authority(dispatch.state, trust, Topology(dispatch.state, trust, dispatch.find, lambda: ring.serials))
    await authority.open()
    publisher = Publisher(dispatch.state, authority, dispatch.requests, dispatch.errands)
    return TrustDesk(trust, authority, publisher, Rotation(ring, authority, publisher))
