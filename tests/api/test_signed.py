"""A publisher that must sign, over HTTP: its certificate is pinned in the settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.signer import XMLSigner

from gateway.api.keys import issue_key
from gateway.daemon import Gateway
from gateway.domain.codes import AreaCode
from gateway.publishers.profile import Profile
from gateway.publishers.rights import Publisher
from tests.api.apikit import COUNTY, Api, cap
from tests.gatewaykit import settings_for

XML = {"Content-Type": "application/xml"}


async def test_only_what_the_pinned_certificate_signed_is_taken(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = made.sign(key, hashes.SHA256())
    (tmp_path / "weather.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    settings = settings_for(tmp_path, publishers={"sealed": {"certificates": [tmp_path / "weather.pem"]}})
    signer = XMLSigner(signature_algorithm=SignatureMethod.ECDSA_SHA256)
    async with Gateway(settings) as gateway, aiohttp.ClientSession() as client:
        api = Api(gateway, client)
        holder = Publisher("sealed", areas=(AreaCode(COUNTY),), profile=Profile.SIGNED, approval_needed=True)
        api.keys["sealed"], row = issue_key(holder, 0)
        await gateway.dispatch.state.store.write(row)
        alert = cap("S-1")
        signed = etree.tostring(signer.sign(etree.fromstring(alert), key=key, cert=[certificate]))
        forged = await api.post("/api/v1/warnings", "sealed", data=signed.replace(b"350524", b"350521"), headers=XML)
        assert (forged.status, forged.codes) == (422, ["signature_invalid"])
        bare = await api.post("/api/v1/warnings", "sealed", data=alert, headers=XML)
        assert (bare.status, bare.codes) == (422, ["signature_missing"])
        taken = await api.post("/api/v1/warnings", "sealed", data=signed, headers=XML)
        assert (taken.status, taken.json["notices"][0]["code"]) == (202, "signed")
        kept = await api.get(taken.json["links"]["self"], "sealed")
        assert kept.json["notices"] == taken.json["notices"]
