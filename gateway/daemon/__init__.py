"""The daemon 守护进程: ``Gateway`` builds all rooms from the settings, starts and stops them."""

from gateway.daemon.gateway import Gateway, Ports
from gateway.daemon.keys import FIRST_CERTIFICATE, client_tls, signing_key, sm2_provider, tls_of
from gateway.daemon.machine import clock_synchronised, raise_file_limit
from gateway.daemon.sound import library_sources

__all__ = [
    "FIRST_CERTIFICATE",
    "Gateway",
    "Ports",
    "client_tls",
    "clock_synchronised",
    "library_sources",
    "raise_file_limit",
    "signing_key",
    "sm2_provider",
    "tls_of",
]
