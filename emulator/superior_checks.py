"""What a strict superior finds wrong with a package: names, schemas of the standard, signature, numbers, receiver."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.errors import GatewayError
from gateway.protocols.platform import signing
from gateway.protocols.platform.envelope import Ebd, parse
from gateway.security.coverage import Coverage, signed_bytes
from gateway.security.sm2 import default_provider

SCHEMAS: Final = Path(__file__).parent / "schemas"
#: GD/J 083-2018 table 2: these may come unsigned.
_UNSIGNED: Final = frozenset({"ConnectionCheck"})
_NUMBER: Final = re.compile(r"(10|01)[0-9]{39}\Z")


@dataclass(frozen=True, slots=True)
class Came:
    """A package as it came, and every rule that it breaks, in words; none: it conforms."""

    ebd: Ebd | None
    faults: tuple[str, ...]
    #: whose breach ResultCode speaks of: 1 none, 2 unreadable, 3 fields, 4 signature, 5 other
    result: int
    files: Mapping[str, bytes] = field(default_factory=dict)
    business: bytes = b""
    at: float = 0.0
    #: the path that it was posted to
    path: str = ""

    @property
    def kind(self) -> str:
        """EBDType."""
        return "" if self.ebd is None else self.ebd.envelope.ebd_type

    @property
    def related(self) -> str | None:
        """RelatedEBD/EBDID."""
        return None if self.ebd is None else self.ebd.envelope.related


@cache
def schema(name: str) -> etree.XMLSchema:
    """A schema of the standard's text, or one made from its tables."""
    return etree.XMLSchema(etree.parse(str(SCHEMAS / f"{name}.xsd")))


class StrictChecks:
    """Checks packages of one subordinate. ``own``: our code; ``code`` and ``key`` are the subordinate's (64 bytes)."""

    def __init__(self, own: str, code: str, key: bytes) -> None:
        self._own = own
        self._code = code
        self._key = key
        self._highest = -1
        self._seen: dict[str, bytes] = {}

    def examine(self, tar: bytes, file_name: str) -> Came:
        """Check everything, and name each breach."""
        try:
            files = _files(tar)
        except (tarfile.TarError, OSError) as error:
            return Came(None, (f"tar: {error}",), 2)
        business = [name for name in files if re.fullmatch(r"EBDB_[0-9]+\.xml", name)]
        if len(business) != 1:
            return Came(None, (f"{len(business)} EBDB files",), 2, files)
        data = files[business[0]]
        try:
            ebd = parse(data)
        except GatewayError as error:
            return Came(None, (f"EBDB: {error}",), 2, files, data)
        faults = [*self._named(ebd, file_name, business[0], files), *_by_schema(ebd, data)]
        result = 3 if faults else 1
        others = [*self._addressed(ebd), *self._numbered(ebd, data)]
        if others:
            result = 5
        signature = self._signed(ebd, files, data)
        if signature:
            result = 4
        return Came(ebd, (*faults, *others, *signature), result, files, data)

    def _named(self, ebd: Ebd, file_name: str, business: str, files: Mapping[str, bytes]) -> list[str]:
        number, faults = ebd.envelope.ebd_id, []
        if file_name != f"EBDT_{number}.tar":
            faults.append(f"file name {file_name!r} is not EBDT_EBDID.tar")
        if business != f"EBDB_{number}.xml":
            faults.append(f"{business} is not named by its EBDID")
        allowed = re.compile(rf"EBDS_EBDB_{number}\.xml|EBDB_{number}\.xml|(EBDS_)?EBDI_[0-9]{{40}}\.xml|EBDR_[^/]+")
        faults += [f"{name}: no name of GD/J 083-2018 5.3.2" for name in files if not allowed.fullmatch(name)]
        for name, content in files.items():
            if name.startswith("EBDS_EBDI_"):
                faults += _breaks("gdj081-2018-annex-c", content)
        return faults

    def _addressed(self, ebd: Ebd) -> list[str]:
        envelope, faults = ebd.envelope, []
        if envelope.source != self._code:
            faults.append(f"SRC {envelope.source} is not {self._code}")
        if envelope.destination != self._own:
            faults.append(f"DEST {envelope.destination} is not {self._own}")
        return faults

    def _numbered(self, ebd: Ebd, data: bytes) -> list[str]:
        number = str(ebd.envelope.ebd_id)
        if not _NUMBER.match(number) or number[2:25] != self._code:
            return [f"EBDID {number} is not type, source and sequence"]
        sequence = int(number[25:])
        if ebd.envelope.ebd_type == "ConnectionCheck":
            return [] if number.startswith("01") and sequence == 0 else [f"EBDID {number} is not that of a heartbeat"]
        if not number.startswith("10"):
            return [f"EBDID {number} is that of a heartbeat"]
        if number in self._seen:
            return [] if self._seen[number] == data else [f"EBDID {number} came before with other bytes"]
        self._seen[number] = data
        self._highest = max(self._highest, sequence)
        return []

    def _signed(self, ebd: Ebd, files: Mapping[str, bytes], data: bytes) -> list[str]:
        kind = ebd.envelope.ebd_type
        file = files.get(f"EBDS_EBDB_{ebd.envelope.ebd_id}.xml")
        if file is None:
            return [] if kind in _UNSIGNED else ["there is no EBDS"]
        if broken := _breaks("gdj081-2018-annex-a", file):
            return broken
        try:
            found = signing.parse(file)
        except GatewayError as error:
            return [f"EBDS: {error}"]
        faults = [] if found.ebd_id == ebd.envelope.ebd_id else [f"EBDS is about {found.ebd_id}"]
        message = signed_bytes(data, found.block, Coverage.A)
        if not default_provider().verify(self._key, message, found.block.value):
            faults.append("the signature does not verify")
        return faults


def _by_schema(ebd: Ebd, data: bytes) -> list[str]:
    """What the schema says: annex E of 082 for messages, else the tables of 083."""
    name = "gdj082-2018-annex-e" if ebd.envelope.ebd_type == "EBM" else "gdj083-2018-tables"
    return _breaks(name, data)


def _breaks(name: str, data: bytes) -> list[str]:
    """The first breach of a schema, if there is one."""
    try:
        schema(name).assertValid(etree.fromstring(data))
    except (etree.DocumentInvalid, etree.XMLSyntaxError) as error:
        return [f"{name}: {error}"]
    return []


def _files(tar: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as package:
        for member in package:
            held = package.extractfile(member)
            if held is None or "/" in member.name:
                raise tarfile.TarError(f"{member.name} is no plain file")
            files[member.name] = held.read()
    return files
