"""TLS for the ports that we open and for the servers that we call: one context from files of the configuration."""

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
    _show(context, certificate, key)
    if client_ca is not None:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    *, ca: Path | None = None, certificate: Path | None = None, key: Path | None = None, settings_key: str = "tls"
) -> ssl.SSLContext:
    """Context of a client, TLS 1.2 or newer; the server must show a certificate of ``ca`` (None: the system's roots).

    ``certificate`` and ``key`` are ours, where the server asks. Errors as of ``server_context``.
    """
    _present(settings_key, ca=ca, certificate=certificate, key=key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is None:
        context.load_default_certs()
    else:
        _trust(context, ca)
    if certificate is not None and key is not None:
        _private(key)
        _show(context, certificate, key)
    return context


class _PasswordAskedError(Exception):
    """The key file is encrypted."""


def _no_password() -> str:
    raise _PasswordAskedError


def _show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Have a certificate shown to the other side."""
    try:
        # Without a password given, libssl would stop the daemon and ask at the terminal.
        context.load_cert_chain(certificate, key, password=_no_password)
    except _PasswordAskedError:
        raise KeyMaterialError(f"{key}: is encrypted; the gateway needs a key without a password, mode 0600") from None
    except ssl.SSLError as error:
        raise KeyMaterialError(f"{certificate} with key {key}: {_reason(error)}") from error
    except OSError as error:
        raise KeyMaterialError(f"{certificate} or {key}: cannot be read: {error.strerror}") from error


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    """Hold the other side's certificate against a root."""
    try:
        context.load_verify_locations(cafile=ca)
    except ssl.SSLError as error:
        raise KeyMaterialError(f"{ca}: holds no CA certificate in PEM: {_reason(error)}") from error
    except OSError as error:
        raise KeyMaterialError(f"{ca}: cannot be read: {error.strerror}") from error


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
