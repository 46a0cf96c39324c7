"""What has no time to lose: an earthquake warning, and a superior's package, from whole request to last frame."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from benchmarks.broadcasts import CITY, TERMINALS, Rig, posted, rig
from benchmarks.harness import Result, Sample, compare
from gateway.api.keys import issue_key
from gateway.domain.codes import CertificateSerial
from gateway.domain.zone import BEIJING
from gateway.protocols.ip_bodies import ServiceType
from gateway.protocols.platform import signing
from gateway.protocols.platform.ebm import Ebm, MsgBasicInfo, MsgContent
from gateway.protocols.platform.envelope import Ebd, Envelope, build
from gateway.protocols.platform.ids import EbdId, MessageId, PlatformCode
from gateway.protocols.platform.package import build_package, business_name, package_name, signature_name
from gateway.publishers.rights import Publisher
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes_at
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider

_PROVINCE = PlatformCode("23500000000000101010101")
_SERIAL = "0000000C1001"
_numbers = count(1)


async def _compared(name: str, both: Rig, port: int, request: Callable[[int], bytes], goal: float, n: int) -> Result:
    """Requests in turn with the bare fan-out; the first pair warms both sides up."""
    both.gateway.state.counters.accept_to_wire.clear()
    pairs: list[tuple[Sample, Sample]] = []
    for number in range(1, n + 2):
        ours = await posted(both, port, request(number))
        await both.bare_generator.arm(number, ServiceType.START)
        base, _ = both.bare.fan_out(bytes(180))
        if number > 1:
            pairs.append((ours, base))
    return compare(name, pairs, baseline_name="bare fan-out", n=TERMINALS, goal=goal)


async def earthquake(broadcasts: int = 100) -> Result:
    """An earthquake report to the whole city; each is an event of its own."""
    async with rig(TERMINALS, earthquake={"least_intensity": 1.0}) as both:
        office = Publisher("bench", areas=(CITY,), earthquake=True)
        key, row = issue_key(office, time.time())
        await both.gateway.state.store.write(row)

        def request(number: int) -> bytes:
            now = datetime.now(UTC)
            body = json.dumps(
                {
                    "event_id": f"bench-{number}",
                    "report": 1,
                    "sent": now.isoformat(),
                    "origin": (now - timedelta(seconds=3)).isoformat(),
                    "lat": 25.0,
                    "lon": 118.3,
                    "magnitude": 7.0,
                    "where": "福建安溪",
                },
                ensure_ascii=False,
            ).encode()
            head = (
                f"POST /api/v1/earthquakes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            return head.encode() + body

        return await _compared("earthquake", both, both.gateway.ports.http, request, 1.2, broadcasts)


def _package(pair: KeyPair, to: PlatformCode) -> bytes:
    """An EBM for the whole city, as the body of a request."""
    now, sequence = datetime.now(BEIJING).replace(microsecond=0), next(_numbers)
    number = EbdId.build(_PROVINCE, sequence)
    body = Ebm(
        ebm_id=MessageId(f"{_PROVINCE}{now:%Y%m%d}{sequence:04d}"),
        basic=MsgBasicInfo(
            msg_type=1,
            sender_name="福建省气象台",
            sender_code="35000041600000",
            send_time=now,
            event_type="11B01",
            severity=1,
            start=now,
            end=now + timedelta(minutes=30),
        ),
        contents=(MsgContent(language="zho", title="台风红色预警", text="请立即转移。", areas=(str(CITY),)),),
    )
    envelope = Envelope(
        ebd_id=number, ebd_type="EBM", source=_PROVINCE, source_url=None, destination=to, time=now, related=None
    )
    business = build(Ebd(envelope, body))
    at, serial = int(now.timestamp()), CertificateSerial(_SERIAL)
    message = signed_bytes_at(business, at, serial, Coverage.A)
    block = SignatureBlock(at, serial, default_provider().sign(pair.private, pair.public, message))
    name = business_name(number)
    signature = signing.build(_PROVINCE.form, block, ebd_id=number)
    tar = build_package([(name, business), (signature_name(name), signature)], at)
    part = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{package_name(number)}"\r\n'
        "Content-Type: application/x-tar\r\n\r\n"
    )
    whole = part.encode() + tar + b"\r\n--b--\r\n"
    head = (
        "POST /ebd HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {len(whole)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + whole


async def ebd_to_wire(broadcasts: int = 25) -> Result:
    """A superior's signed EBM, from the whole tar to the last frame handed to a link.

    Frame and receipt take a second of SigTime each, and receipts wait once it leads by a minute: no more in one run.
    """
    pair = default_provider().generate()
    with tempfile.TemporaryDirectory() as folder:
        trust = Path(folder) / "trust.toml"
        public = pair.public.hex().upper()
        trust.write_text(f'[[peer]]\ncode = "{_PROVINCE}"\nserial = "{_SERIAL}"\npublic_key = "{public}"\n')
        async with rig(
            TERMINALS,
            platform={"enabled": True, "port": 0},
            peers={"province": {"role": "superior", "code": _PROVINCE}},
            signing={"trust_file": trust},
        ) as both:
            to = PlatformCode(both.gateway.settings.gateway.code)
            return await _compared(
                "ebd_to_wire", both, both.gateway.ports.platform, lambda _: _package(pair, to), 2.0, broadcasts
            )
