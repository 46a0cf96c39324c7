"""Topology 拓扑: which devices take our commands, over whom, and who may command each (GD/J 081-2018 5.5 b)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from gateway.devices.adapter_control import AdapterControl
from gateway.devices.events import Known
from gateway.devices.receivers import Receiver
from gateway.devices.trust import Trust
from gateway.dispatch.state import State
from gateway.domain.codes import CertificateSerial, ResourceCode


@dataclass(frozen=True, slots=True)
class Device:
    """A terminal (``known``) or an adapter; ``above`` is who speaks to it, ``authorised`` who may command it."""

    code: ResourceCode
    name: str
    receiver: Receiver
    above: ResourceCode
    authorised: tuple[CertificateSerial, ...]
    known: Known | None = None
    adapter: AdapterControl | None = None


class Topology:
    """Devices of the registry and of the links; ``own`` gives the numbers of our own certificates, in force first."""

    def __init__(
        self,
        state: State,
        trust: Trust,
        find: Callable[[str], Known | None],
        own: Callable[[], Collection[CertificateSerial]],
    ) -> None:
        self._state, self._trust, self._find, self._own = state, trust, find, own

    @property
    def own(self) -> tuple[CertificateSerial, ...]:
        """Numbers by which we sign or are about to."""
        return tuple(self._own())

    def devices(self) -> list[Device]:
        """Every device in service to which lists are addressed, adapters first, by code."""
        adapters = self._adapters()
        found = [
            self._device(one.code, f"{route}", receiver, None, adapter=one)
            for route, one in adapters.items()
            if (receiver := self._trust.receivers.of(one.code, one.code.area)) is not None
        ]
        terminals = []
        for entry in self._state.registry:
            terminal = entry.terminal
            receiver = self._trust.receivers.of(terminal.code, terminal.area)
            known = self._find(terminal.code) if terminal.in_service and receiver is not None else None
            if known is None or receiver is None:
                continue
            over = next((adapters[route] for route in terminal.routes if route in adapters), None)
            terminals.append(self._device(terminal.code, terminal.name, receiver, over, known=known))
        return sorted(found, key=lambda one: one.code) + sorted(terminals, key=lambda one: one.code)

    def _adapters(self) -> dict[object, AdapterControl]:
        return {route: one for route, one in self._state.bearers.items() if isinstance(one, AdapterControl)}

    def _device(
        self,
        code: ResourceCode,
        name: str,
        receiver: Receiver,
        over: AdapterControl | None,
        *,
        known: Known | None = None,
        adapter: AdapterControl | None = None,
    ) -> Device:
        above = self._state.policy.own_code if over is None else over.code
        wanted = [*self._own(), *receiver.also]
        if over is not None:
            # An adapter that signs for itself commands what is behind it.
            speaker = self._trust.receivers.of(over.code, over.code.area)
            if speaker is not None and speaker.root == receiver.root:
                wanted.append(speaker.serial)
        authorised = tuple(dict.fromkeys(wanted))
        return Device(code, name, receiver, ResourceCode(above), authorised, known, adapter)
