"""The application for lists 证书授权列表申请文件, from certificates and topology (GD/J 081-2018 5.5, 088-2018 B.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from gateway.devices.trust import Trust
from gateway.dispatch.authority import Authority
from gateway.dispatch.topology import Device
from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.errors import InvalidValueError, StateConflictError, UnknownCertificate
from gateway.protocols.authorisation_files import Application, Place, Wish
from gateway.protocols.certificates import CERTIFICATE

#: CertsCount is one octet (GD/J 081-2018 table 6).
_MOST = 255


def make_application(
    authority: Authority, trust: Trust, applicant: ResourceCode, now: float, *, root: str = "", whole: bool = False
) -> Application:
    """Apply for lists under ``root`` (empty: the only one) that say what the topology asks for now.

    ``whole``: also for those whose list in force says it already. Errors: InvalidValueError (no such root, or several
    and none named; more numbers than a list holds), StateConflictError (nothing is to be applied for).
    """
    devices = authority.topology.devices()
    roots = list(dict.fromkeys(device.receiver.root for device in devices))
    chosen = root or (roots[0] if len(roots) == 1 else "")
    if chosen not in roots:
        named = ", ".join(roots) or "无 none ([[receiver]] or [[device]] in the trust file)"
        raise InvalidValueError("root", root, f"须为下列之一 must be one of: {named}")
    members = [device for device in devices if device.receiver.root == chosen]
    wishes = tuple(_wishes(authority, members, whole=whole))
    if not wishes:
        raise StateConflictError("现行授权列表均与拓扑一致，无需申请 the lists in force say all of this already")
    kept = {device.receiver.serial for device in members} | {one for wish in wishes for one in wish.serials}
    return Application(
        applicant=applicant,
        serial=authority.topology.own[0],
        root=chosen,
        at=datetime.fromtimestamp(now, UTC),
        places=tuple(Place(device.code, device.above, device.receiver.serial) for device in members),
        certificates=tuple(_known(trust, sorted(kept), chosen)),
        wishes=wishes,
    )


def _wishes(authority: Authority, members: list[Device], *, whole: bool) -> Iterator[Wish]:
    """One for each receiver: devices that share a number share its list."""
    shared: dict[CertificateSerial, list[Device]] = {}
    for device in members:
        shared.setdefault(device.receiver.serial, []).append(device)
    for receiver, devices in shared.items():
        serials = tuple(dict.fromkeys(serial for device in devices for serial in device.authorised))
        if len(serials) > _MOST:
            raise InvalidValueError(f"receiver {receiver}", len(serials), f"列表至多 {_MOST} 个证书 at most, table 6")
        present = authority.list_for(devices[0])
        if whole or present is None or set(present.serials) != set(serials):
            yield Wish(receiver, authority.next_number(devices[0]), serials)


def _known(trust: Trust, serials: list[CertificateSerial], root: str) -> Iterator[bytes]:
    for serial in serials:
        try:
            yield CERTIFICATE.build(trust.named(serial, root))
        except UnknownCertificate:
            continue
