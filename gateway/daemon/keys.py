"""Keys and certificates 密钥与证书 as the settings name them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import structlog

from gateway.devices.sign_server import HardwarePair
from gateway.domain.codes import CertificateSerial
from gateway.errors import EnvironmentLackingError
from gateway.security.gmssl import GmsslProvider
from gateway.security.keys import SigningKey, load_key_file, new_key_file
from gateway.security.libcrypto import LibcryptoProvider
from gateway.security.sm2 import Sm2Provider, default_provider
from gateway.security.tls import client_context, server_context
from gateway.settings import Settings
from gateway.settings.base import ClientTls, Tls

log = structlog.get_logger(__name__)

#: Certificate number of a key that the gateway makes for itself at its first start.
FIRST_CERTIFICATE = CertificateSerial("000000000100")


def sm2_provider(name: str) -> Sm2Provider:
    """The SM2 implementation that the settings name."""
    if name == "libcrypto":
        return LibcryptoProvider()
    return GmsslProvider() if name == "gmssl" else default_provider()


def signing_key(settings: Settings, provider: Sm2Provider) -> SigningKey:
    """The gateway's key; made at the first start when no file was named."""
    path = settings.key_file
    if settings.signing.servers:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        pair = HardwarePair(b"", bytes.fromhex(settings.signing.public_key))
        return SigningKey(pair, CertificateSerial(settings.signing.certificate.upper()), datetime.now(UTC))
    if not path.exists() and settings.signing.key_file is None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        log.warning("signing key made, its certificate must reach the terminals", file=str(path))
        return new_key_file(path, FIRST_CERTIFICATE, provider=provider, now=datetime.now(UTC))
    return load_key_file(path, provider=provider)


def tls_of(tls: Tls, name: str) -> ssl.SSLContext | None:
    """TLS of one port, None for plain."""
    if tls.certificate is None and tls.key is None:
        return None
    if tls.certificate is None or tls.key is None:
        raise EnvironmentLackingError(f"{name}.tls: certificate and key go together")
    return server_context(certificate=tls.certificate, key=tls.key, client_ca=tls.client_ca, settings_key=f"{name}.tls")


def client_tls(tls: ClientTls, name: str) -> ssl.SSLContext | None:
    """TLS of a peer that we call, None for plain."""
    if not tls.enabled:
        return None
    return client_context(ca=tls.ca, certificate=tls.certificate, key=tls.key, settings_key=name)
