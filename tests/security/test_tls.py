"""Contexts from real files, proven by a handshake in memory. Keys under ``tls/`` are throw-away."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import pytest

from gateway.errors import KeyMaterialError, SettingsError
from gateway.security.tls import server_context

SOURCE = Path(__file__).parent / "tls"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for source in SOURCE.iterdir():
        target = tmp_path / source.name
        shutil.copyfile(source, target)
        target.chmod(0o600)
    return tmp_path


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> str | None:
    """Run both ends over memory; return the protocol version, or raise what the first end raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    ends[0].write(b"x")
    assert ends[1].read(1) == b"x"
    return ends[1].version()


def client_context(files: Path, *, with_certificate: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files / "ca.pem"))
    if with_certificate:
        context.load_cert_chain(files / "client.pem", files / "client.key")
    return context


def test_a_client_reaches_the_port(files: Path) -> None:
    server = server_context(certificate=files / "server.pem", key=files / "server.key")
    assert handshake(server, client_context(files)) == "TLSv1.3"
    old = client_context(files)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(server, old) == "TLSv1.2"
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2


def test_mutual_tls_asks_for_a_certificate_of_that_ca(files: Path) -> None:
    server = server_context(
        certificate=files / "server.pem", key=files / "server.key", client_ca=files / "ca.pem", settings_key="t"
    )
    assert handshake(server, client_context(files, with_certificate=True)) == "TLSv1.3"
    with pytest.raises(ssl.SSLError, match="peer did not return a certificate"):
        handshake(server, client_context(files))


def test_missing_files_are_named_by_key(files: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        server_context(
            certificate=files / "none.pem",
            key=files,
            client_ca=files / "server.pem" / "x",
            settings_key="terminals.tls",
        )
    assert [key for key, _ in caught.value.problems] == [
        "terminals.tls.certificate",
        "terminals.tls.key",
        "terminals.tls.client_ca",
    ]


@pytest.mark.parametrize(
    ("certificate", "key", "rule"),
    [
        ("server.pem", "client.key", "server.pem with key .*client.key"),
        ("server.key", "server.key", "server.key"),
        ("server.pem", "encrypted.key", "encrypted.key: is encrypted"),
        ("server.pem", "noise.key", "noise.key"),
    ],
)
def test_files_that_do_not_fit_are_named(files: Path, certificate: str, key: str, rule: str) -> None:
    (files / "noise.key").write_bytes(b"\x00noise")
    (files / "noise.key").chmod(0o600)
    with pytest.raises(KeyMaterialError, match=rule):
        server_context(certificate=files / certificate, key=files / key)


def test_a_key_for_all_to_read_is_refused(files: Path) -> None:
    (files / "server.key").chmod(0o644)
    with pytest.raises(KeyMaterialError, match="mode is 0644"):
        server_context(certificate=files / "server.pem", key=files / "server.key")


def test_a_ca_file_without_certificate_is_named(files: Path) -> None:
    (files / "empty.pem").write_text("nothing here\n")
    with pytest.raises(KeyMaterialError, match=r"empty\.pem"):
        server_context(certificate=files / "server.pem", key=files / "server.key", client_ca=files / "empty.pem")
