"""A new signing key: announced, held by all, and only then it signs; the old one is good until a list leaves it out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.dispatch.requests import Ask
from gateway.domain.codes import CertificateSerial
from gateway.errors import KeyMaterialError
from gateway.protocols.authorisation_files import parse_application
from gateway.security.keyring import KeyRing, next_file
from gateway.security.keys import SigningKey, load_key_file, new_key_file
from gateway.security.sm2 import default_provider
from tests.api.apikit import Api
from tests.cli.running import ebgw
from tests.gatewaykit import BareTerminal, keep_reference
from tests.listkit import ON_IP, ON_RDS, OURS, ListTown, application, publish, take

NEXT = CertificateSerial("000000000111")
ROTATION = "/api/v1/trust/rotation"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


def make_next(town: ListTown) -> SigningKey:
    path = next_file(town.folder / "signing.key")
    return new_key_file(path, NEXT, provider=default_provider(), now=datetime.now(UTC))


async def signed_by(api: Api, line: BareTerminal) -> tuple[CertificateSerial, int]:
    """Number and time of the signature on a frame that is sent now."""
    line.heard.clear()
    known = api.gateway.dispatch.find(str(ON_IP.code))
    assert known is not None
    await api.gateway.dispatch.requests.ask([known], Ask(tags=(6,)))
    block = line.heard[0].signature
    assert block is not None
    return block.certificate, block.sig_time


async def test_the_next_key_signs_once_all_are_proven_to_hold_it_and_not_before(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town:
        async with town.gateway(ON_IP) as api:
            await take(api, town.root.answer(await application(api)))
            line = await BareTerminal.connect(api.gateway.ports.terminals, ON_IP)
            await publish(api)
            assert (await api.post(ROTATION, "duty")).status == 409
            following = make_next(town)
            wanted = parse_application(await application(api))
            assert {wish.serials[:2] for wish in wanted.wishes} == {(OURS, NEXT)}
            # The root issues the certificate with the lists; without it no receiver could use them.
            bare = await take(api, town.root.answer(await application(api)))
            assert set(bare.codes) == {"list_certificate_unusable"}
            papers = (town.issue(NEXT, following.pair),)
            assert (await take(api, town.root.answer(await application(api), papers))).status == 200
            refused = await api.post(ROTATION, "duty")
            assert (refused.status, refused.codes) == (409, ["state_conflict"])
            assert str(ON_IP.code) in refused.json["errors"][0]["message"]
            before = await signed_by(api, line)
            assert before[0] == OURS
            await publish(api)
            state = (await api.get(ROTATION, "duty")).json
            assert (state["current"], state["next"], state["ready"], state["missing"]) == (OURS, NEXT, 2, [])
            assert (await api.post(ROTATION, "duty")).json["current"] == NEXT
            after = await signed_by(api, line)
            assert after[0] == NEXT and after[1] > before[1]
            # The old one goes by the next lists alone.
            assert {NEXT} == {wish.serials[0] for wish in parse_application(await application(api)).wishes}
        async with town.gateway() as api:
            assert (await api.get(ROTATION, "duty")).json["current"] == NEXT
        assert load_key_file(tmp_path / f"signing.key.{OURS}", provider=default_provider()).certificate == OURS


async def test_one_way_devices_never_prove_it_so_a_person_must_say_why(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town, town.gateway(ON_RDS) as api:
        papers = (town.issue(NEXT, make_next(town).pair),)
        await take(api, town.root.answer(await application(api), papers))
        assert (await publish(api))[ON_RDS.code]["holding"] == "sent"
        assert (await api.post(ROTATION, "duty")).status == 409
        assert (await api.post(ROTATION, "duty", json={"force": True})).status == 422
        where = ("--url", api.base, "--key", api.keys["duty"])
        shown = await asyncio.to_thread(ebgw, "trust", "rotate", *where)
        assert shown.returncode == 0 and str(ON_RDS.code) in shown.stdout and "1/2" in shown.stdout, shown.stdout
        forced = ("--now", "--force", "--reason", "RDS 终端无回传")
        done = await asyncio.to_thread(ebgw, "trust", "rotate", *forced, *where)
        assert done.returncode == 0 and f"signs    {NEXT}" in done.stdout, done.stderr


def test_a_next_key_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    provider, path, switched = default_provider(), tmp_path / "key", list[SigningKey]()
    key = new_key_file(path, OURS, provider=provider, now=datetime.now(UTC))
    ring = KeyRing(path, key, provider, switched.append)
    with pytest.raises(KeyMaterialError, match="no next key"):
        ring.advance()
    new_key_file(next_file(path), OURS, provider=provider, now=datetime.now(UTC))
    with pytest.raises(KeyMaterialError, match="is the one in use"):
        ring.look()
    next_file(path).write_text("spoilt")
    with pytest.raises(KeyMaterialError, match="not TOML"):
        ring.look()
    assert (ring.serials, switched, load_key_file(path, provider=provider)) == ((OURS,), [], key)
