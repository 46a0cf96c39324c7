"""Publishing authorisation lists 发布证书授权列表 over every route, and what each device is then known to hold.

D 0x17 over connections and buses, 0x40 for what is behind an adapter and 0x41 for the adapter itself, RDS packets of
types 7 and 6, table 0xFC of a transport stream. A terminal's own yes is proof, an adapter's is its word, and a one-way
link proves nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import structlog

from gateway.devices.adapter_answers import AdapterRefusal
from gateway.dispatch.authority import Authority, Held, digest_of
from gateway.dispatch.errands import ErrandDesk
from gateway.dispatch.requests import Ask, DeviceReport, DeviceStatus, Requests
from gateway.dispatch.state import State
from gateway.dispatch.topology import Device
from gateway.domain.ladder import Standing
from gateway.errors import GatewayError, StateConflictError
from gateway.protocols.certificates import AUTHORISATION_LIST, CERTIFICATE, AuthorisationList
from gateway.protocols.ip_bodies import CertificateAuthorisation

log = structlog.get_logger(__name__)

#: Octets of lists, certificates and codes in one frame: terminals in the field read 4 KB.
_ROOM: Final = 3_400
#: An RDS output holds 32 commands at a time.
_LISTS_AT_ONCE: Final = 16
_CODE: Final = 12
#: Frames under way at a time.
_AT_ONCE: Final = 4
_KEPT_EVERY: Final = 32
#: Seconds that SigTime may lead the clock before the next frame waits: a warning must find it near the clock.
_LEAD: Final = 4.0
_KNOWN: Final = {DeviceStatus.DONE, DeviceStatus.SENT}


class Holding(StrEnum):
    """How a device stands to the list in force."""

    #: it said so itself
    PROVEN = "proven"
    #: an adapter said so for it
    CLAIMED = "claimed"
    #: it was sent on a link that nobody answers on
    SENT = "sent"
    #: it holds an older one, as far as is known
    OUTDATED = "outdated"
    #: it is not known to hold any
    NONE = "none"
    #: there is no list for it
    NO_LIST = "no_list"


_HOLDING: Final = {Standing.PROVEN: Holding.PROVEN, Standing.CLAIMED: Holding.CLAIMED, Standing.SENT: Holding.SENT}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the last publication at one device; ``code`` is what it refused with."""

    status: DeviceStatus
    route: str = ""
    code: int = 0
    detail: str = ""


@dataclass(slots=True)
class _Load:
    """What goes in one frame: lists of one root, the certificates that they name, and for whom."""

    devices: list[tuple[Device, AuthorisationList]] = field(default_factory=list)
    lists: dict[AuthorisationList, None] = field(default_factory=dict)
    certificates: dict[bytes, None] = field(default_factory=dict)

    @property
    def body(self) -> CertificateAuthorisation:
        """As table D.11 has it."""
        return CertificateAuthorisation(tuple(map(AUTHORISATION_LIST.build, self.lists)), tuple(self.certificates))

    def size(self) -> int:
        """Octets of the content, with the codes of all devices."""
        lists = sum(len(AUTHORISATION_LIST.build(paper)) + 2 for paper in self.lists)
        return lists + sum(len(raw) + 1 for raw in self.certificates) + _CODE * len(self.devices)


class Publisher:
    """Brings lists to their devices, one publication at a time."""

    def __init__(self, state: State, authority: Authority, requests: Requests, errands: ErrandDesk) -> None:
        self._state, self._authority, self._requests, self._errands = state, authority, requests, errands
        self._task: asyncio.Task[None] | None = None
        self._outcomes: dict[str, Outcome] = {}

    @property
    def is_running(self) -> bool:
        """Whether a publication is under way."""
        return self._task is not None and not self._task.done()

    def start(self, devices: Sequence[Device]) -> None:
        """Begin to publish to these devices; those without a list are left out. Errors: StateConflictError."""
        if self.is_running:
            raise StateConflictError("授权列表正在发布 lists are being published already")
        self._outcomes = {}
        self._task = asyncio.get_running_loop().create_task(self._run(devices), name="publish authorisation lists")

    async def _run(self, devices: Sequence[Device]) -> None:
        try:
            await self.publish(devices)
        except GatewayError as error:
            log.error("what devices hold could not be kept", reason=str(error))

    async def close(self) -> None:
        """End a publication that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def holding(self, device: Device) -> Holding:
        """How a device stands to the list in force."""
        if self._authority.list_for(device) is None:
            return Holding.NO_LIST
        standing = self._authority.is_held(device)
        if standing is not None:
            return _HOLDING[standing]
        return Holding.NONE if self._authority.held_by(device) is None else Holding.OUTDATED

    def outcome(self, device: Device) -> Outcome | None:
        """What came of the last publication at a device; None where it was not in it, or is still to come."""
        return self._outcomes.get(device.code)

    async def publish(self, devices: Sequence[Device]) -> None:
        """Publish, and keep what is known then; what fails at one device is its outcome. Errors: StoreError."""
        gate, holding = asyncio.Semaphore(_AT_ONCE), dict[str, Held]()

        async def one(load: _Load) -> None:
            async with gate:
                await self._errands.in_step(_LEAD)
                await self._bring(load, holding)
            if len(holding) >= _KEPT_EVERY:
                await self._note(holding)

        async def at_adapter(device: Device) -> None:
            async with gate:
                await self._errands.in_step(_LEAD)
                await self._to_adapter(device, holding)

        terminals = [one(load) for load in self._loads(devices)]
        adapters = [at_adapter(device) for device in devices if device.adapter is not None]
        try:
            await asyncio.gather(*adapters, *terminals)
        finally:
            await self._note(holding)

    async def _note(self, holding: dict[str, Held]) -> None:
        known = dict(holding)
        holding.clear()
        if known:
            await self._authority.note(known)

    def _loads(self, devices: Iterable[Device]) -> Iterator[_Load]:
        """Terminals in loads that a frame can hold, each of one root, those who share a list together."""
        load, root = _Load(), ""
        wanted = [device for device in devices if device.known is not None]
        for device in sorted(wanted, key=lambda one: (one.receiver.root, one.receiver.serial)):
            paper = self._authority.list_for(device)
            if paper is None:
                continue
            if load.devices and (device.receiver.root != root or not self._fits(load, paper, root)):
                yield load
                load = _Load()
            root = device.receiver.root
            self._put(load, device, paper)
        if load.devices:
            yield load

    def _put(self, load: _Load, device: Device, paper: AuthorisationList) -> None:
        load.devices.append((device, paper))
        load.lists[paper] = None
        for certificate in self._authority.certificates_for(paper, device.receiver.root):
            load.certificates[CERTIFICATE.build(certificate)] = None

    def _fits(self, load: _Load, paper: AuthorisationList, root: str) -> bool:
        more = _CODE
        if paper not in load.lists:
            more += len(AUTHORISATION_LIST.build(paper)) + 2
            raws = map(CERTIFICATE.build, self._authority.certificates_for(paper, root))
            more += sum(len(raw) + 1 for raw in raws if raw not in load.certificates)
        return load.size() + more <= _ROOM and len(load.lists | {paper: None}) <= _LISTS_AT_ONCE

    async def _bring(self, load: _Load, holding: dict[str, Held]) -> None:
        known = [device.known for device, _ in load.devices if device.known is not None]
        try:
            report = await self._requests.ask(known, Ask(certificates=load.body))
        except GatewayError as error:
            log.error("authorisation lists not sent", reason=str(error), devices=len(known))
            failed = Outcome(DeviceStatus.UNREACHABLE, detail=f"{error.code}: {error}")
            self._outcomes.update((device.code, failed) for device, _ in load.devices)
            return
        for (device, paper), said in zip(load.devices, report.devices, strict=True):
            self._outcomes[device.code] = _outcome(said)
            if said.status in _KNOWN:
                self._hold(device, paper, said.standing, str(said.route), holding)

    async def _to_adapter(self, device: Device, holding: dict[str, Held]) -> None:
        paper = self._authority.list_for(device)
        if paper is None or device.adapter is None:
            return
        papers = tuple(map(CERTIFICATE.build, self._authority.certificates_for(paper, device.receiver.root)))
        try:
            await device.adapter.certificates((AUTHORISATION_LIST.build(paper),), papers)
        except AdapterRefusal as refusal:
            self._outcomes[device.code] = Outcome(
                DeviceStatus.REFUSED, device.name, refusal.result, f"适配器拒绝 refused: {refusal}"
            )
        except GatewayError as error:
            self._outcomes[device.code] = Outcome(DeviceStatus.UNREACHABLE, device.name, 0, f"{error.code}: {error}")
        else:
            self._outcomes[device.code] = Outcome(DeviceStatus.DONE, device.name)
            self._hold(device, paper, Standing.PROVEN, device.name, holding)

    def _hold(
        self, device: Device, paper: AuthorisationList, standing: Standing, route: str, holding: dict[str, Held]
    ) -> None:
        """Note which list a device holds: the one that was sent, though a newer may have come meanwhile."""
        before, digest = self._authority.held_by(device), digest_of(paper)
        # What was proven once is not made less by being sent again on a link that nobody answers on.
        if before is None or before.digest != digest or standing >= before.standing:
            holding[device.code] = Held(paper.number, digest, standing, self._state.clock(), route)


def _outcome(said: DeviceReport) -> Outcome:
    route = "" if said.route is None else str(said.route)
    return Outcome(said.status, route, said.code, said.detail)


def counts(publisher: Publisher, devices: Iterable[Device]) -> dict[str, int]:
    """How many devices stand how."""
    found = Counter(publisher.holding(device).value for device in devices)
    return {each.value: found.get(each.value, 0) for each in Holding}
