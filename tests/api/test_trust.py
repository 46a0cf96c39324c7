"""Certificates over HTTP and by ``ebgw trust show``: of devices, publishers and TLS, with their alarms."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.daemon import Gateway
from gateway.domain.codes import CertificateSerial
from gateway.domain.zone import BEIJING
from gateway.protocols.certificates import CERTIFICATE
from gateway.security.keys import new_key_file
from gateway.security.sm2 import default_provider
from tests.api.apikit import Api
from tests.cli.running import ebgw
from tests.gatewaykit import settings_for, terminal, until
from tests.paperkit import Authority

OURS, LOST, OLD = (CertificateSerial(f"0000000000{n}") for n in ("A1", "A2", "A3"))
DEVICE = terminal("350524100001")


def publisher_certificate(file: Path, days: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name.from_rfc4514_string("CN=气象局"), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))


def town(folder: Path) -> dict[str, dict[str, object]]:
    """A trust file and a publisher: ours valid, one revoked, one expired, one that ends in 20 days."""
    root, provider = Authority(), default_provider()
    key = new_key_file(folder / "signing.key", OURS, provider=provider, now=datetime.now(UTC))
    last_month = datetime.now(BEIJING).replace(day=1) - timedelta(days=1)
    papers = {
        "ours": root.certificate(OURS, key.pair),
        "lost": root.certificate(LOST, provider.generate()),
        "old": root.certificate(OLD, provider.generate(), (last_month.year, last_month.month)),
    }
    lines = [root.trust()]
    lines += [
        f'[[certificate]]\nroot = "town"\nholder = "{holder}"\ncertificate = "{CERTIFICATE.build(paper).hex()}"\n'
        for holder, paper in papers.items()
    ]
    lines.append(f'[[revoked]]\nroot = "town"\nserial = "{LOST}"\nreason = "设备丢失"\n')
    public = provider.generate().public.hex()
    lines.append(f'[[device]]\ncode = "{DEVICE.code}"\nserial = "0000000000B1"\npublic_key = "{public}"\n')
    (folder / "trust.toml").write_text("\n".join(lines))
    publisher_certificate(folder / "weather.pem", 20)
    return {
        "signing": {"trust_file": folder / "trust.toml", "key_file": folder / "signing.key"},
        "publishers": {"weather": {"certificates": [folder / "weather.pem"]}},
    }


async def test_all_certificates_are_shown_and_two_of_them_alarm(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, **town(tmp_path))
    async with Gateway(settings) as gateway, aiohttp.ClientSession() as client:
        api = Api(gateway, client)
        await api.add_keys()
        assert (await api.get("/api/v1/trust")).status == 403
        shown = (await api.get("/api/v1/trust", "duty")).json
        by_holder = {item["holder"].partition(" ")[0]: item for item in shown["certificates"]}
        states = {holder: item["state"] for holder, item in by_holder.items()}
        bare = str(DEVICE.code)
        assert states == {
            "town": "valid", "ours": "valid", "lost": "revoked", "old": "expired", bare: "valid", "weather": "expiring",
        }  # fmt: skip
        assert by_holder["ours"]["uses"] == ["本平台签名 signs for us"] and by_holder["ours"]["number"] == OURS
        assert by_holder["lost"]["revoked"] == "设备丢失"
        assert by_holder[bare]["valid_to"] is None and bare in by_holder[bare]["uses"][0]
        assert by_holder["weather"]["days_left"] in (19, 20)
        assert datetime.fromisoformat(by_holder["old"]["valid_to"]).timestamp() <= time.time()

        def alarmed() -> set[str]:
            return {a.subject for a in gateway.state.alarms.open if a.kind == "certificate_expiry"}

        weather = f"publishers/{by_holder['weather']['number']}"
        await until(lambda: alarmed() == {f"town/{OLD}", weather})
        done = await asyncio.to_thread(ebgw, "trust", "show", "--url", api.base, "--key", api.keys["duty"])
        assert done.returncode == 0, done.stderr
        for words in ("设备丢失", "已到期", "即将到期", "本平台签名", "不过期", str(OURS), "气象局"):
            assert words in done.stdout.replace("\n", ""), done.stdout
