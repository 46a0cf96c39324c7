"""Receivers 接收端: to which number the authorisation list of a device is addressed (GD/J 081-2018 table 6)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.codes import AreaCode, CertificateSerial, ResourceCode


@dataclass(frozen=True, slots=True)
class Receiver:
    """ReceiverSN under its root, and who may command it beside us. Several devices may share one number."""

    root: str
    serial: CertificateSerial
    also: tuple[CertificateSerial, ...] = ()


class Receivers:
    """Receivers by device and by division; a device's own entry goes first, then the narrowest division."""

    def __init__(self) -> None:
        self._by_code: dict[ResourceCode, Receiver] = {}
        self._by_area: dict[AreaCode, Receiver] = {}

    def add(self, code: ResourceCode, receiver: Receiver) -> None:
        """One device; what is said later counts."""
        self._by_code[code] = receiver

    def add_area(self, area: AreaCode, receiver: Receiver) -> None:
        """All devices in a division that have no entry of their own."""
        self._by_area[area] = receiver

    def of(self, code: ResourceCode, area: AreaCode) -> Receiver | None:
        """The receiver of a device that stands in ``area``; None where nobody named one."""
        own = self._by_code.get(code)
        if own is not None:
            return own
        around = [each for each in self._by_area if each.covers(area)]
        return self._by_area[max(around, key=lambda each: each.level)] if around else None
