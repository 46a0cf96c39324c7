"""Which certificates this gateway relies on, by its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from gateway.devices.trust import Trust
from gateway.dispatch.alarms import Alarms
from gateway.dispatch.papers import PaperBook
from gateway.publishers.signature import load_seal
from gateway.security.papers import Paper, pem_papers
from gateway.settings import Settings


def make_paper_book(
    settings: Settings, trust: Trust | None, own: Callable[[bytes], bool], alarms: Alarms, clock: Callable[[], float]
) -> PaperBook:
    """The book of all: the trust file, publishers' certificates, TLS; ``own`` knows our own public keys.

    Errors: KeyMaterialError naming a file that is no certificate.
    """
    seals = {name: load_seal(section.certificates) for name, section in settings.publishers.items()}
    fixed = (*(p for name, seal in seals.items() for p in seal.papers(name)), *_tls(settings))

    def of_devices() -> Iterable[Paper]:
        return () if trust is None else trust.papers(own)

    return PaperBook(alarms, clock, (of_devices, lambda: fixed), settings.trust.expiry_warning_days)


def _tls(settings: Settings) -> Iterator[Paper]:
    """Our own certificates of each port, and towards the superior."""
    ports: dict[str, Path | None] = {
        "http.tls": settings.http.tls.certificate,
        "terminals.tls": settings.terminals.tls.certificate,
        "feedback.tls": settings.feedback.tls.certificate,
        "adapters.tls": settings.adapters.tls.certificate,
        "front_end.tls": settings.front_end.tls.certificate,
        "front_end.platform_tls": settings.front_end.platform_tls.certificate,
    }
    for name, file in ports.items():
        if file is not None:
            yield from pem_papers(file, name, "TLS")
