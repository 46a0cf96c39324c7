"""TLS for the ports that we open: one context from three files of the configuration."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

from gateway.errors import KeyMaterialError, SettingsError


def server_context(
    *, certificate: Path, key: Path, client_ca: Path | None = None, settings_key: str = "tls"
) -> ssl.SSLContext:
    """Context of a server port, TLS 1.2 or newer; with ``client_ca`` each client must show a certificate of that CA.

    Raise SettingsError naming the key of the configuration when a file is missing, KeyMaterialError naming the file
    when it cannot be used.
    """
    _present(settings_key, certificate=certificate, key=key, client_ca=client_ca)
    _private(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        # Without a password given, libssl would stop the daemon and ask at the terminal.
        context.load_cert_chain(certificate, key, password=_no_password)
    except _PasswordAskedError:
        raise KeyMaterialError(f"{key}: is encrypted; the gateway needs a key without a password, mode 0600") from None
    except ssl.SSLError as error:
        raise KeyMaterialError(f"{certificate} with key {key}: {_reason(error)}") from error
    except OSError as error:
        raise KeyMaterialError(f"{certificate} or {key}: cannot be read: {error.strerror}") from error
    if client_ca is not None:
        _trust_clients(context, client_ca)
    return context


class _PasswordAskedError(Exception):
    """The key file is encrypted."""


def _no_password() -> str:
    raise _PasswordAskedError


def _trust_clients(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(cafile=client_ca)
    except ssl.SSLError as error:
        raise KeyMaterialError(f"{client_ca}: holds no CA certificate in PEM: {_reason(error)}") from error
    except OSError as error:
        raise KeyMaterialError(f"{client_ca}: cannot be read: {error.strerror}") from error
    context.verify_mode = ssl.CERT_REQUIRED


def _present(settings_key: str, **paths: Path | None) -> None:
    problems = [
        (f"{settings_key}.{name}", f"{path} is no file or cannot be reached")
        for name, path in paths.items()
        if path is not None and not stat.S_ISREG(_mode(path))
    ]
    if problems:
        raise SettingsError(*problems)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _private(key: Path) -> None:
    """Refuse a key that everybody can read; a group is allowed, as Debian keeps such keys for ``ssl-cert``."""
    mode = _mode(key)
    if mode & stat.S_IRWXO:
        raise KeyMaterialError(f"{key}: mode is {stat.S_IMODE(mode):04o}, others may touch it; chmod 600")


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
