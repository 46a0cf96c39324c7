"""Changing our signing key without a gap 密钥更替: the next signs once every receiver holds a list that names it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.dispatch.authority import Authority
from gateway.dispatch.publication import Holding, Publisher
from gateway.domain.codes import CertificateSerial
from gateway.errors import StateConflictError
from gateway.security.keyring import KeyRing


@dataclass(frozen=True, slots=True)
class RotationState:
    """Which key signs, which follows, and the devices that are not proven to hold a list that names the next."""

    current: CertificateSerial
    next: CertificateSerial | None
    devices: int
    ready: int
    missing: tuple[str, ...]


class Rotation:
    """Old and new are both valid from the first list that names both until a list leaves the old one out."""

    def __init__(self, ring: KeyRing, authority: Authority, publisher: Publisher) -> None:
        self._ring, self._authority, self._publisher = ring, authority, publisher

    def look(self) -> RotationState:
        """How it stands now. Errors: KeyMaterialError (the file of the next key cannot be used)."""
        self._ring.look()
        follows = None if self._ring.next is None else self._ring.next.certificate
        devices, missing = self._authority.topology.devices(), []
        for device in devices:
            paper = self._authority.list_for(device)
            holds = self._publisher.holding(device) is Holding.PROVEN
            if paper is None or follows is None or follows not in paper.serials or not holds:
                missing.append(str(device.code))
        return RotationState(
            self._ring.key.certificate, follows, len(devices), len(devices) - len(missing), tuple(missing)
        )

    def advance(self, *, force: bool = False) -> RotationState:
        """Sign with the next key. ``force``: though some are not proven to hold it, as one-way links never are.

        Errors: StateConflictError (no next key, or receivers would refuse it), KeyMaterialError.
        """
        state = self.look()
        if state.next is None:
            raise StateConflictError("没有下一密钥，先执行 ebgw keys next / there is no next key")
        if not force and (state.missing or not state.devices):
            first = ", ".join(state.missing[:5]) or "-"
            raise StateConflictError(
                f"{len(state.missing)}/{state.devices} 台设备未自证持有含 {state.next} 的列表 "
                f"are not proven to hold a list that names it: {first}"
            )
        self._ring.advance()
        return self.look()
