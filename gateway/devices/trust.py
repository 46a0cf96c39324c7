"""Whose signature a device's frame carries 设备签名: keys by certificate number, coverage variants, replay.

Terminals need not sign: what they say is bound to them by their connection. A frame that does carry a signature must be
right. The trust file is TOML::

    [[root]]                        # 081 root: its certificates may sign for the devices named below
    name = "quanzhou"
    certificate = "<286 hex digits>"

    [[device]]                      # a device that signs
    code = "63505240010010314010401"
    root = "quanzhou"               # with a certificate of that root ...
    certificate = "<286 hex digits>"

    [[device]]
    code = "63505240010020314010401"
    serial = "000000000042"         # ... or with a bare key, registered by hand
    public_key = "<128 hex digits>"

    [[peer]]                        # a platform of the platform interface: 23 digits, or 18 of the draft; keys as above
    code = "23500000000000101010101"
    root = "quanzhou"
    certificate = "<286 hex digits>"

    [[certificate]]                 # any other of a root: our own, a peer's, an issuer's below the root
    root = "quanzhou"
    certificate = "<286 hex digits>"
    holder = "泉州市平台"
    issues = false

    [[receiver]]                    # to which number the lists of a device, or of all in a division, are addressed
    area = "350524000000"
    root = "quanzhou"
    serial = "0000000A0001"
    also = ["000000000900"]         # who may command them beside us

    [[revoked]]                     # taken back, and with it all that it issued
    root = "quanzhou"
    serial = "000000000043"
    reason = "设备丢失"
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.devices.events import LinkCounters
from gateway.devices.receivers import Receiver, Receivers
from gateway.devices.toml_file import read_toml
from gateway.domain.codes import AreaCode, CertificateSerial, ResourceCode
from gateway.domain.zone import BEIJING
from gateway.errors import FrameError, KeyMaterialError, SignatureInvalid, UnknownCertificate
from gateway.protocols import ip
from gateway.protocols.certificates import CERTIFICATE, AuthorisationList, Certificate
from gateway.protocols.signature import SignatureBlock
from gateway.security.certificates import DEFAULT_ROOT, CertificateStore
from gateway.security.coverage import VERIFY_ORDER, Coverage, signed_bytes
from gateway.security.papers import Paper, end_of
from gateway.security.replay import ReplayGuard, ReplayMode, ReplayState
from gateway.security.sm2 import Sm2Provider

_Certificate = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{286}$")]
_Serial = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{12}$")]
#: Certificate number and root by which a device signs.
_Identity = tuple[CertificateSerial, str]
#: Numbers of lists are one octet and rise; what is less than half a round ahead is newer (GD/J 081-2018 table 6).
_ROUND, _NEWER = 256, 128


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Root(_Entry):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    certificate: _Certificate


class _Keyed(_Entry):
    root: str | None = None
    certificate: _Certificate | None = None
    serial: _Serial | None = None
    public_key: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{128}$")] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        certified, bare = (self.root, self.certificate), (self.serial, self.public_key)
        if all(certified) == all(bare) or any(certified) == any(bare):
            raise ValueError("give root and certificate, or serial and public_key")
        return self


class _Device(_Keyed):
    code: Annotated[str, Field(pattern=r"^[0-9]{23}$")]


class _Peer(_Keyed):
    code: Annotated[str, Field(pattern=r"^([0-9]{18}|[0-9]{23})$")]


class _Other(_Entry):
    root: Annotated[str, Field(min_length=1, max_length=64)]
    certificate: _Certificate
    holder: Annotated[str, Field(max_length=80)] = ""
    issues: bool = False


class _Revoked(_Entry):
    root: Annotated[str, Field(min_length=1, max_length=64)]
    serial: _Serial
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class _Receiver(_Entry):
    code: Annotated[str, Field(pattern=r"^[0-9]{23}$")] | None = None
    area: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    root: Annotated[str, Field(min_length=1, max_length=64)]
    serial: _Serial
    also: list[_Serial] = []

    @model_validator(mode="after")
    def _one_way(self) -> _Receiver:
        if (self.code is None) is (self.area is None):
            raise ValueError("give code or area, and one of them")
        return self


class _File(_Entry):
    root: list[_Root] = []
    certificate: list[_Other] = []
    device: list[_Device] = []
    peer: list[_Peer] = []
    receiver: list[_Receiver] = []
    revoked: list[_Revoked] = []


class Trust:
    """Verifies signed frames of devices. Used by the loop's thread."""

    def __init__(
        self,
        provider: Sm2Provider,
        clock: Callable[[], float],
        *,
        window: float = 300.0,
        coverage_b: bool = False,
        today: Callable[[], date] | None = None,
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._coverage_b = coverage_b
        self._store = CertificateStore(provider, today=today or self._beijing_date)
        self._replay = ReplayGuard(window=window)
        self._devices: dict[str, _Identity] = {}
        #: by which a platform signs its packages: several while they change
        self._peers: dict[str, set[_Identity]] = {}
        #: lists in force by who is commanded for: root, list
        self._lists: dict[str, tuple[str, AuthorisationList]] = {}
        #: who holds a certificate of the trust file, by root and number
        self._holders: dict[_Identity, str] = {}
        #: to whom lists are addressed
        self.receivers = Receivers()

    def load(self, path: Path) -> None:
        """Read a trust file. Errors: SettingsError naming key and rule, KeyMaterialError for a bad certificate.

        One that has expired is no bad one: it stands for nobody, and the gateway must start on the day after.
        """
        content = read_toml(path, _File)
        for root in content.root:
            self._store.add_root(_certificate(root.certificate), root=root.name, aged=True)
        for other in content.certificate:
            certificate = _certificate(other.certificate)
            self._store.add(certificate, root=other.root, issues=other.issues, aged=True)
            self._holders[certificate.serial, other.root] = other.holder
        for device in content.device:
            self._add(device)
        for peer in content.peer:
            self._peers.setdefault(peer.code, set()).add(self._keep(peer))
        for each in content.receiver:
            also = tuple(CertificateSerial(serial.upper()) for serial in each.also)
            receiver = Receiver(each.root, CertificateSerial(each.serial.upper()), also)
            if each.code is not None:
                self.receivers.add(ResourceCode(each.code), receiver)
            elif each.area is not None:
                self.receivers.add_area(AreaCode(each.area), receiver)
        # Last, so that what stands in the file and is taken back is shown as such instead of being refused.
        for gone in content.revoked:
            self._store.revoke(CertificateSerial(gone.serial.upper()), gone.reason, root=gone.root)

    def papers(self, own: Callable[[bytes], bool] = lambda _key: False) -> Iterator[Paper]:
        """All certificates and bare keys, with what each is used for; ``own`` knows our own public keys."""
        for root, serial, certificate, issues in self._store.listed():
            uses = ["签发 issues"] if issues else []
            if certificate is not None and own(certificate.public_key):
                uses.append("本平台签名 signs for us")
            codes = [code for code, identity in self._devices.items() if identity == (serial, root)]
            uses += [f"设备签名 signs for {code}" for code in codes]
            peers = [code for code, identities in self._peers.items() if (serial, root) in identities]
            uses += [f"平台签名 signs for platform {code}" for code in peers]
            codes += peers
            uses += [
                f"授权列表 commands for {source}, list {paper.number}"
                for source, (of, paper) in self._lists.items()
                if of == root and serial in paper.serials
            ]
            yield Paper(
                number=str(serial),
                holder=self._holders.get((serial, root), "") or ", ".join(codes) or (root if issues else ""),
                root=root,
                issuer="" if certificate is None else str(certificate.issuer),
                form="key" if certificate is None else "gdj081",
                uses=tuple(uses),
                ends=None if certificate is None else end_of(certificate),
                revoked=self._store.revoked(serial, root=root),
            )

    def _beijing_date(self) -> date:
        return datetime.fromtimestamp(self._clock(), BEIJING).date()

    def _add(self, device: _Device) -> None:
        self._devices[device.code] = serial, root = self._keep(device)
        if device.certificate is not None:
            self.receivers.add(ResourceCode(device.code), Receiver(root, serial))

    def _keep(self, keyed: _Keyed) -> _Identity:
        if keyed.certificate is not None and keyed.root is not None:
            certificate = _certificate(keyed.certificate)
            self._store.add(certificate, root=keyed.root, aged=True)
            return certificate.serial, keyed.root
        assert keyed.serial is not None and keyed.public_key is not None
        serial = CertificateSerial(keyed.serial.upper())
        self._store.register_key(serial, bytes.fromhex(keyed.public_key), root=DEFAULT_ROOT)
        return serial, DEFAULT_ROOT

    def check(self, source: ResourceCode, paper: AuthorisationList, certificates: tuple[Certificate, ...]) -> None:
        """Whether a list may come into force: signed, newer, of some use. Errors: KeyMaterialError naming the rule."""
        root = self._store.signer_of(paper, paper.signer)
        for certificate in certificates:
            self._store.check(certificate, root=root)
        given = {certificate.serial for certificate in certificates}
        if not any(serial in given or self._store.has_key(serial, root=root) for serial in paper.serials):
            raise KeyMaterialError(f"list {paper.number}: no certificate that it names is known")
        present = self._lists.get(source)
        if present is not None and paper != present[1]:
            ahead = (paper.number - present[1].number) % _ROUND
            if not 0 < ahead < _NEWER:
                raise KeyMaterialError(f"list {paper.number} is not newer than {present[1].number}, which is in force")

    def root_of(self, paper: AuthorisationList) -> str:
        """Which root signed a list. Errors: TrustRefused."""
        return self._store.signer_of(paper, paper.signer)

    def roots_of(self, certificate: Certificate) -> tuple[str, ...]:
        """Roots that vouch for a certificate now. Errors: KeyMaterialError of the last, where none does."""
        fault, found = KeyMaterialError("no root is trusted 没有受信任的根"), []
        for root in self._store.roots:
            try:
                self._store.check(certificate, root=root)
            except KeyMaterialError as error:
                fault = error
            else:
                found.append(root)
        if not found:
            raise fault
        return tuple(found)

    def learn(self, certificate: Certificate, root: str) -> None:
        """Keep a certificate that came with a list. Errors: KeyMaterialError."""
        self._store.add(certificate, root=root)

    def named(self, serial: CertificateSerial, root: str) -> Certificate:
        """The certificate of a number, in force now. Errors: UnknownCertificate naming what is wrong."""
        self._store.public_key_for(serial, root=root)
        found = self._store.certificate(serial, root=root)
        if not isinstance(found, Certificate):
            raise UnknownCertificate(f"number {serial} under root {root} has a bare key and no certificate")
        return found

    def vouches(self, paper: AuthorisationList, certificate: Certificate) -> bool:
        """Whether the root that signed the list issued this certificate, and it has not expired."""
        try:
            self._store.check(certificate, root=self._store.signer_of(paper, paper.signer))
        except KeyMaterialError:
            return False
        return True

    def authorise(self, source: ResourceCode, paper: AuthorisationList, certificates: tuple[Certificate, ...]) -> None:
        """From now on those whom the list names may sign for ``source`` (GD/J 081-2018 6.5), as its root vouches.

        Of the root's other certificates none does any more, the one of the trust file included; a bare key that was
        registered by hand does, until the operator takes it away. Errors: KeyMaterialError.
        """
        root = self._store.signer_of(paper, paper.signer)
        for certificate in certificates:
            self._store.add(certificate, root=root)
        self._lists[source] = (root, paper)

    def _root_of(self, source: ResourceCode, serial: CertificateSerial) -> str:
        listed, registered = self._lists.get(source), self._devices.get(source)
        if listed is not None and serial in listed[1].serials:
            return listed[0]
        if registered is not None and registered[0] == serial and (listed is None or registered[1] != listed[0]):
            return registered[1]
        raise UnknownCertificate(f"certificate {serial} is not registered for {source}")

    def verify(self, source: ResourceCode, block: SignatureBlock, raw: bytes) -> None:
        """Check the signature of a whole frame against the key of its source, then that it is new.

        Errors: UnknownCertificate, SignatureInvalid, ReplayDetected (all answered 52).
        """
        serial = block.certificate
        root = self._root_of(source, serial)
        try:
            key = self._store.public_key_for(serial, root=root)
        except KeyMaterialError as error:
            raise UnknownCertificate(str(error)) from error
        covered = self._coverage(key, block, ip.signed_data(raw))
        if covered is None:
            raise SignatureInvalid(f"no coverage verifies with certificate {serial}")
        if covered is not Coverage.B:
            # Under B nobody vouches for the time, so nothing can be said about replay.
            now, digest = self._clock(), hashlib.sha256(raw).digest()
            self._replay.admit(serial, block.sig_time, digest, now, root=root)

    def verify_file(self, source: str, block: SignatureBlock, data: bytes, *, coverage_b: bool = False) -> Coverage:
        """Check the signature of a file of a platform against its keys; returns what the signature covers.

        No replay check: the same package again is the same package, and is answered as before.
        Errors: UnknownCertificate, SignatureInvalid (ResultCode 4 of GD/J 083-2018 table 35).
        """
        serial = block.certificate
        roots = [root for known, root in self._peers.get(source, ()) if known == serial]
        fault = f"certificate {serial} is not registered for platform {source}"
        keys = []
        for root in roots:
            try:
                keys.append(self._store.public_key_for(serial, root=root))
            except KeyMaterialError as error:
                fault = str(error)
        if not keys:
            raise UnknownCertificate(fault)
        for coverage in (Coverage.A, Coverage.B) if coverage_b else (Coverage.A,):
            if any(self._provider.verify(key, signed_bytes(data, block, coverage), block.value) for key in keys):
                return coverage
        raise SignatureInvalid(f"no coverage verifies with certificate {serial}")

    def replay_state(self) -> list[list[str | int]]:
        """What must outlive a restart so that nothing old is taken for new, as plain values of JSON."""
        return [[state.root, str(state.serial), state.mode.value, state.last] for state in self._replay.export()]

    def restore(self, rows: object) -> None:
        """Take over what ``replay_state`` gave; rows that are none are left out."""
        states = []
        for row in rows if isinstance(rows, list) else ():
            match row:
                case [str(root), str(serial), str(mode), int(last)]:
                    states.append(ReplayState(root, CertificateSerial(serial), ReplayMode(mode), last))
        self._replay.restore(states)

    def _coverage(self, key: bytes, block: SignatureBlock, data: bytes) -> Coverage | None:
        for coverage in VERIFY_ORDER:
            if coverage is Coverage.B and not self._coverage_b:
                continue
            if self._provider.verify(key, signed_bytes(data, block, coverage), block.value):
                return coverage
        return None


def holds(trust: Trust | None, packet: ip.IpPacket, raw: bytes, counters: LinkCounters) -> bool:
    """Whether a frame carries a signature of its source's own key; False where there is none to hold it against.

    An unsigned frame would be taken too, so a certificate that nobody registered makes nothing worse: it is counted
    and the frame stands as if unsigned. Errors: SignatureInvalid, ReplayDetected (both answered 52).
    """
    block, source = packet.signature, packet.source.code
    if block is None or source is None or trust is None:
        return False
    try:
        trust.verify(source, block, raw)
    except UnknownCertificate as error:
        counters.fault(error.code)
        return False
    return True


def _certificate(text: str) -> Certificate:
    try:
        return CERTIFICATE.parse(bytes.fromhex(text))
    except FrameError as error:
        raise KeyMaterialError(f"certificate: {error}") from error
