"""Authorisation lists in force 证书授权列表: taken in whole or not at all, kept over a restart, and who holds which.

The gateway is the 证书安全代理 of its devices (GD/J 081-2018 3.6, 5.5): a root signs the lists, and we carry them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.devices.trust import Trust
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.state import State
from gateway.dispatch.topology import Device, Topology
from gateway.domain.codes import CertificateSerial
from gateway.domain.ladder import Standing
from gateway.errors import FrameError, KeyMaterialError, TrustRefused, UnknownCertificate, Violation
from gateway.protocols.certificates import AUTHORISATION_LIST, CERTIFICATE, AuthorisationList, Certificate
from gateway.store import queries
from gateway.store.rows import AuditRow, Json, StateRow

_LISTS: Final = "trust lists"
_HELD: Final = "trust held"
_ALARM: Final = "authorisation_lists"
#: Numbers are one octet and rise; what is less than half a round ahead is newer (GD/J 081-2018 table 6).
_ROUND: Final = 256
_NEWER: Final = 128
#: Broken rules that are told at once.
_TOLD: Final = 50
#: A list is addressed to a number under a root.
Address = tuple[str, CertificateSerial]


class ListsRefused(TrustRefused):
    """A file of lists of which nothing was taken; ``violations`` name each broken rule."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations[:_TOLD])
        super().__init__("lists_refused", "; ".join(f"{v.path}: {v.code}: {v.message}" for v in self.violations))


@dataclass(frozen=True, slots=True)
class Held:
    """What a device said, or was only sent: the list by number and digest, its standing, when (Unix seconds), where."""

    number: int
    digest: str
    standing: Standing
    at: float
    route: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: lists that are new, lists that were there already, certificates that came with them."""

    new: int
    same: int
    certificates: int


def digest_of(paper: AuthorisationList) -> str:
    """By which a list is told from another of the same number."""
    return hashlib.sha256(AUTHORISATION_LIST.build(paper)).hexdigest()[:16]


class Authority:
    """The lists of all receivers. Used by the loop's thread; ``open`` first."""

    def __init__(self, state: State, trust: Trust, topology: Topology) -> None:
        self._state, self._trust, self.topology = state, trust, topology
        self._lists: dict[Address, AuthorisationList] = {}
        self._certificates: dict[Address, Certificate] = {}
        self._held: dict[str, Held] = {}
        self._changing = asyncio.Lock()

    async def open(self) -> None:
        """Take up what was kept; a list whose root vouches no more is dropped aloud. Errors: StoreError."""
        kept = await self._state.store.read(queries.state, _LISTS)
        held = await self._state.store.read(queries.state, _HELD)
        if isinstance(held, dict):
            self._held = {code: _held(value) for code, value in held.items() if isinstance(value, dict)}
        if not isinstance(kept, dict):
            return
        lost = []
        for raw in kept["certificates"]:
            paper = CERTIFICATE.parse(bytes.fromhex(raw))
            try:
                self._learn(paper)
            except KeyMaterialError as error:
                lost.append(str(error))
        for raw in kept["lists"]:
            listed = AUTHORISATION_LIST.parse(bytes.fromhex(raw))
            try:
                self._lists[self._trust.root_of(listed), listed.receiver] = listed
            except KeyMaterialError as error:
                lost.append(f"{listed.receiver}: {error}")
        if lost:
            text = (
                f"{len(lost)} 份已保存的授权列表或证书不再有效 kept lists or certificates are good no more: {lost[0]}"
            )
            self._state.alarms.raise_(_ALARM, "kept", text, AlarmLevel.WARNING)
        else:
            self._state.alarms.clear(_ALARM, "kept")

    def list_for(self, device: Device) -> AuthorisationList | None:
        """The list in force that is addressed to a device."""
        return self._lists.get((device.receiver.root, device.receiver.serial))

    def next_number(self, device: Device) -> int:
        """The number that its next list must have."""
        present = self.list_for(device)
        return 1 if present is None else (present.number + 1) % _ROUND

    def held_by(self, device: Device) -> Held | None:
        """What a device was last known to hold, of any number."""
        return self._held.get(device.code)

    def is_held(self, device: Device) -> Standing | None:
        """How surely a device holds the list in force; None where it holds none or an older one."""
        held, paper = self._held.get(device.code), self.list_for(device)
        if held is None or paper is None or (held.number, held.digest) != (paper.number, digest_of(paper)):
            return None
        return held.standing

    def certificates_for(self, paper: AuthorisationList, root: str) -> tuple[Certificate, ...]:
        """The certificates that a list names and that are in force; a list outlives some of them."""
        found = []
        for serial in paper.serials:
            try:
                found.append(self._trust.named(serial, root))
            except UnknownCertificate:
                continue
        return tuple(found)

    async def take(
        self, lists: Sequence[bytes], certificates: Sequence[bytes], *, actor: str, without_us: bool = False
    ) -> Taken:
        """Check a file of signed lists against roots, topology and what is in force, keep it, and put it in force.

        ``without_us``: also lists that do not name the certificate by which we sign. Errors: ListsRefused with every
        broken rule (nothing is taken then), StoreError, OverloadedError.
        """
        async with self._changing:
            faults: list[Violation] = []
            papers = self._read_certificates(certificates, faults)
            wanted = self._read_lists(lists, papers, faults, without_us=without_us)
            if not lists and not certificates:
                faults.append(Violation("lists", "lists_empty", "没有授权列表或证书 neither list nor certificate"))
            if faults:
                raise ListsRefused(faults)
            new = {at: paper for at, paper in wanted.items() if not _alike(self._lists.get(at), paper)}
            kept = {**self._certificates, **papers}
            await self._keep({**self._lists, **new}, kept, actor, len(new))
            for (root, _), paper in papers.items():
                self._trust.learn(paper, root)
            self._lists.update(new)
            self._certificates = kept
            return Taken(len(new), len(wanted) - len(new), len(papers))

    async def note(self, holding: dict[str, Held]) -> None:
        """Keep what devices are known to hold. Errors: StoreError, OverloadedError."""
        self._held.update(holding)
        value: dict[str, Json] = {
            code: {"number": h.number, "digest": h.digest, "standing": int(h.standing), "at": h.at, "route": h.route}
            for code, h in self._held.items()
        }
        await self._state.store.write(StateRow(_HELD, value))

    # -- inside

    def _learn(self, paper: Certificate) -> None:
        for root in self._trust.roots_of(paper):
            self._trust.learn(paper, root)
            self._certificates[root, paper.serial] = paper

    def _read_certificates(self, raws: Sequence[bytes], faults: list[Violation]) -> dict[Address, Certificate]:
        found: dict[Address, Certificate] = {}
        for position, raw in enumerate(raws):
            path = f"certificates/{position}"
            try:
                paper = CERTIFICATE.parse(raw)
                found.update({(root, paper.serial): paper for root in self._trust.roots_of(paper)})
            except FrameError as error:
                faults.append(Violation(path, "certificate_malformed", f"不是证书 no certificate (table 1): {error}"))
            except KeyMaterialError as error:
                faults.append(Violation(path, "certificate_refused", f"证书未被接受 not accepted: {error}"))
        return found

    def _read_lists(
        self,
        raws: Sequence[bytes],
        papers: dict[Address, Certificate],
        faults: list[Violation],
        *,
        without_us: bool,
    ) -> dict[Address, AuthorisationList]:
        ours = {(d.receiver.root, d.receiver.serial) for d in self.topology.devices()} if raws else set()
        found: dict[Address, AuthorisationList] = {}
        for position, raw in enumerate(raws):
            try:
                paper = AUTHORISATION_LIST.parse(raw)
                root = self._trust.root_of(paper)
                self._weigh(paper, root, ours, papers, without_us=without_us)
                if not _alike(found.setdefault((root, paper.receiver), paper), paper):
                    raise TrustRefused("list_twice", f"接收端 {paper.receiver} 有两份列表 two lists for one receiver")
            except FrameError as error:
                said = f"不是授权列表 no authorisation list (table 6): {error}"
                faults.append(Violation(f"lists/{position}", "list_malformed", said))
            except TrustRefused as error:
                faults.append(Violation(f"lists/{position}", error.code, str(error)))
        return found

    def _weigh(
        self,
        paper: AuthorisationList,
        root: str,
        ours: Iterable[Address],
        papers: dict[Address, Certificate],
        *,
        without_us: bool,
    ) -> None:
        """Whether a list that a root has signed is for us, newer, and usable. Errors: TrustRefused."""
        if (root, paper.receiver) not in ours:
            said = f"接收端 {paper.receiver} 不属于本平台 no device of ours is this receiver under root {root}"
            raise TrustRefused("list_receiver_unknown", said)
        present = self._lists.get((root, paper.receiver))
        if present is not None and not _alike(present, paper):
            ahead = (paper.number - present.number) % _ROUND
            if not 0 < ahead < _NEWER:
                said = f"序列号 {paper.number} 不大于现行 {present.number} is not newer than the one in force"
                raise TrustRefused("list_not_newer", said)
        if not paper.serials:
            raise TrustRefused("list_names_nobody", "列表未授权任何证书 it names no certificate")
        for serial in paper.serials:
            if (root, serial) in papers:
                continue
            try:
                self._trust.named(serial, root)
            except UnknownCertificate as error:
                raise TrustRefused("list_certificate_unusable", f"所列证书不可用 cannot be used: {error}") from error
        if not without_us and self.topology.own and self.topology.own[0] not in paper.serials:
            said = f"列表未含本平台证书 {self.topology.own[0]}，接收端将拒绝本平台 it does not name our own certificate"
            raise TrustRefused("list_without_us", said)

    async def _keep(
        self,
        lists: dict[Address, AuthorisationList],
        certificates: dict[Address, Certificate],
        actor: str,
        new: int,
    ) -> None:
        value: dict[str, Json] = {
            "lists": [AUTHORISATION_LIST.build(paper).hex() for paper in lists.values()],
            "certificates": [raw.hex() for raw in dict.fromkeys(map(CERTIFICATE.build, certificates.values()))],
        }
        audit = AuditRow(self._state.clock(), actor, "authorisation_lists", "trust", {"new": new, "all": len(lists)})
        await self._state.store.write(StateRow(_LISTS, value), audit, urgent=True)


def _alike(one: AuthorisationList | None, other: AuthorisationList) -> bool:
    """Whether two lists say the same; SM2 signs the same bytes otherwise each time."""
    return one is not None and one.signed_part() == other.signed_part()


def _held(value: dict[str, object]) -> Held:
    return Held(
        int(str(value["number"])),
        str(value["digest"]),
        Standing(int(str(value["standing"]))),
        float(str(value["at"])),
        str(value["route"]),
    )
