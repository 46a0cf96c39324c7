"""Packages of the platform interface and their files, shown by the contract of ``decode``: a tar, an EBDB, an EBDS."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime
from typing import Any, Final

from gateway.errors import FrameError, GatewayError, PackageError, SignatureInvalid
from gateway.protocols.decode_contract import UndecodableInput, Verifier, result
from gateway.protocols.platform import ebi, envelope, signing
from gateway.protocols.platform.elements import Extras
from gateway.protocols.platform.package import Package, read_package

PROTOCOL: Final = "ebd"
_MAGIC: Final = slice(257, 262)


def knows(frame: bytes) -> bool:
    """Whether these bytes begin as a tar, or as XML of a package."""
    if frame[_MAGIC] == b"ustar" or frame[:5] in (b"EBDB_", b"EBDS_", b"EBDI_", b"EBDR_"):
        return True
    head = frame.removeprefix(b"\xef\xbb\xbf").lstrip()[:2]
    return head in (b"<?", b"<E", b"<S")


def read(frame: bytes, verifier: Verifier) -> dict[str, Any]:
    """Show a package, business data, a signature file or an information body; raise FrameError where it is none."""
    try:
        if not frame.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            return _package(read_package(io.BytesIO(frame)), verifier)
        return _document(frame)
    except PackageError as refused:
        raise UndecodableInput(refused.code, str(refused)) from None


def _document(data: bytes) -> dict[str, Any]:
    if b"<Signature" in data[:400]:
        file = signing.parse(data)
        signature = Verifier().show(b"", file.block)
        fields = {"ebd_id": file.ebd_id, "information": list(file.information)}
        return result(protocol=PROTOCOL, kind="Signature", fields=fields, signature=signature)
    if b"<EBI" in data[:400]:
        return result(protocol=PROTOCOL, kind="EBI", fields=_plain(ebi.parse(data)))
    fields, kind, error = _business(data)
    return result(protocol=PROTOCOL, kind=kind, fields=fields, error=error)


def _package(package: Package, verifier: Verifier) -> dict[str, Any]:
    data = package.document(package.business)
    fields, kind, error = _business(data)
    fields["files"] = [
        {"name": m.name, "size": m.size, "sm3": package.digest(m).hex()}
        for m in (
            package.business,
            package.signature,
            package.information,
            package.information_signature,
            *package.others,
        )
        if m is not None
    ]
    if package.information is not None:
        try:
            fields["information"] = _plain(ebi.parse(package.document(package.information)))
        except PackageError as refused:
            error = error or UndecodableInput(refused.code, str(refused))
    signature = verifier.show(b"", None)
    if package.signature is not None:
        try:
            file = signing.parse(package.document(package.signature))
        except SignatureInvalid as broken:
            error = error or broken
        else:
            signature = verifier.show(data, file.block)
            if signature["valid"] is False:
                error = error or SignatureInvalid("no coverage verifies with this key")
            if file.ebd_id != fields.get("ebd_id"):
                error = error or SignatureInvalid("the signature names another package (GD/J 081-2018 table 4)")
    return result(protocol=PROTOCOL, kind=kind, fields=fields, signature=signature, error=error)


def _business(data: bytes) -> tuple[dict[str, Any], str | None, FrameError | None]:
    """Fields as far as they can be read, the type, and what is wrong."""
    document = envelope.Document(data)
    head = document.envelope
    fields: dict[str, Any] = {"form": head.source.form.value, **_plain(head)}
    del fields["ebd_type"]
    try:
        fields["body"] = _plain(document.body())
    except GatewayError as refused:
        return fields, head.ebd_type, UndecodableInput(getattr(refused, "code", "content"), str(refused))
    return fields, head.ebd_type, None


def _plain(value: Any) -> Any:
    """Values of JSON: times in RFC 3339 UTC; what does not stand is left out."""
    if isinstance(value, Extras):
        return dict(value.items)
    if dataclasses.is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: _plain(found) for name, found in pairs if found not in (None, ())}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
