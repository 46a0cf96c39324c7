"""Authorisation lists over every route: applied for, signed by a root, taken, published, and told per device."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain.codes import CertificateSerial
from gateway.protocols.adapter_commands import AdapterCertificates
from gateway.protocols.authorisation_files import parse_application, parse_lists
from gateway.protocols.certificates import AUTHORISATION_LIST, CERTIFICATE
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.rds_bodies import AuthorisationUpdate, CertificateUpdate
from tests.adapterkit import FRONT
from tests.cli.running import ebgw
from tests.gatewaykit import BareTerminal, keep_reference
from tests.listkit import (
    ADAPTER,
    BEHIND,
    ITS_OWN,
    ON_IP,
    ON_RDS,
    ON_TS,
    OURS,
    SHARED,
    ListTown,
    application,
    holdings,
    publish,
    take,
)

ALL = (ON_IP, BEHIND, ON_RDS, ON_TS)


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


def held(items: dict[str, dict[str, object]]) -> dict[str, object]:
    return {code: item["holding"] for code, item in items.items()}


async def test_one_command_brings_the_lists_over_every_route_and_tells_what_is_proven(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town:
        async with town.gateway(*ALL) as api:
            asked = parse_application(await application(api))
            assert {(p.code, p.above, p.serial) for p in asked.places} >= {
                (FRONT, api.gateway.settings.gateway.code, ADAPTER),
                (BEHIND.code, FRONT, SHARED),
                (ON_IP.code, api.gateway.settings.gateway.code, ITS_OWN),
            }
            wishes = {wish.receiver: (wish.number, wish.serials) for wish in asked.wishes}
            # Whoever shares a number shares its list, so that the adapter commands what is behind it.
            assert wishes == {ITS_OWN: (1, (OURS,)), ADAPTER: (1, (OURS,)), SHARED: (1, (OURS, ADAPTER))}
            assert (await holdings(api))[ON_IP.code]["holding"] == "no_list"

            taken = await take(api, town.root.answer(await application(api)))
            assert (taken.status, taken.json) == (200, {"new": 3, "same": 0, "certificates": 0})
            line = await BareTerminal.connect(api.gateway.ports.terminals, ON_IP)
            items = await publish(api)
            assert held(items) == {
                ON_IP.code: "proven",
                FRONT: "proven",
                BEHIND.code: "claimed",
                ON_RDS.code: "sent",
                ON_TS.code: "sent",
            }
            assert {item["number"] for item in items.values()} == {1}
            _heard_by_all(town, line)
        # Kept over a restart: lists, certificates, and who holds what.
        async with town.gateway() as api:
            again = await holdings(api)
            assert held(again) == held(items)
            assert (await api.get("/api/v1/trust/application", "duty")).status == 409


def _heard_by_all(town: ListTown, line: BareTerminal) -> None:
    (body,) = [packet.body for packet in line.heard if isinstance(packet.body, CertificateAuthorisation)]
    lists = {paper.receiver: paper for paper in map(AUTHORISATION_LIST.parse, body.lists)}
    mine = lists[ITS_OWN]
    assert (mine.number, mine.serials, mine.signer) == (1, (OURS,), town.root.serial)
    assert town.root.provider.verify(town.root.pair.public, mine.signed_part(), mine.signature)
    assert {CERTIFICATE.parse(raw).serial for raw in body.certificates} >= {OURS}
    # 0x40 for those behind the adapter, 0x41 for itself.
    assert town.adapter is not None
    bodies = [packet.body for packet in town.adapter.tally.heard]
    (behind,) = [one for one in bodies if type(one) is CertificateAuthorisation]
    assert SHARED in {AUTHORISATION_LIST.parse(raw).receiver for raw in behind.lists}
    (itself,) = [one for one in bodies if isinstance(one, AdapterCertificates)]
    assert [AUTHORISATION_LIST.parse(raw).receiver for raw in itself.lists] == [ADAPTER]
    # RDS: certificates before the list that names them.
    rds = [type(body) for body in town.encoder.bodies(object)]
    assert rds.index(CertificateUpdate) < rds.index(AuthorisationUpdate)
    receivers = {body.content.receiver for body in town.encoder.bodies(AuthorisationUpdate)}
    assert receivers >= {SHARED}
    section = town.mux.last(CertificateAuthorisation)
    assert section is not None and isinstance(section.body, CertificateAuthorisation)
    assert SHARED in {AUTHORISATION_LIST.parse(raw).receiver for raw in section.body.lists}


async def test_what_refuses_is_silent_or_away_holds_nothing_and_the_rest_does(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town, town.gateway(*ALL) as api:
        await take(api, town.root.answer(await application(api)))
        assert town.adapter is not None
        await town.adapter.close()
        town.encoder.cut()
        town.encoder.server.close()  # type: ignore[union-attr]
        line = await BareTerminal.connect(api.gateway.ports.terminals, ON_IP, answer_with=52)
        items = await publish(api)
        assert held(items) == {
            ON_IP.code: "none", FRONT: "none", BEHIND.code: "none", ON_RDS.code: "none", ON_TS.code: "sent"
        }  # fmt: skip
        assert (items[ON_IP.code]["status"], items[ON_IP.code]["result"]) == ("refused", 52)
        assert (items[FRONT]["status"], items[BEHIND.code]["status"]) == ("unreachable", "unreachable")
        # Only those who do not hold theirs are asked again.
        line.answer_with = 0
        assert (await publish(api))[ON_IP.code]["holding"] == "proven"
        line.heard.clear()
        await publish(api)
        assert not [p for p in line.heard if isinstance(p.body, CertificateAuthorisation)]
        await publish(api, again=True, devices=[str(ON_IP.code)])
        assert [p for p in line.heard if isinstance(p.body, CertificateAuthorisation)]


async def test_a_newer_list_makes_what_was_held_outdated(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town, town.gateway(ON_IP) as api:
        await take(api, town.root.answer(await application(api)))
        await BareTerminal.connect(api.gateway.ports.terminals, ON_IP)
        assert (await publish(api))[ON_IP.code]["holding"] == "proven"
        again = await application(api, "?whole=true")
        assert {wish.number for wish in parse_application(again).wishes} == {2}
        assert (await take(api, town.root.answer(again))).json["new"] == 2
        item = (await holdings(api))[ON_IP.code]
        assert (item["holding"], item["number"], item["held_number"]) == ("outdated", 2, 1)
        assert (await publish(api))[ON_IP.code]["holding"] == "proven"


async def test_numbers_rise_round_one_octet_and_never_fall(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town, town.gateway(ON_IP) as api:

        async def offer(number: int) -> str:
            raw = AUTHORISATION_LIST.build(town.root.authorise(ITS_OWN, number, (OURS,)))
            answer = await take(api, raw, kind="application/octet-stream")
            return "taken" if answer.status == 200 else answer.codes[0]

        assert await offer(200) == "taken"
        assert [await offer(number) for number in (199, 72)] == ["list_not_newer"] * 2
        assert await offer(200) == "taken", "the very same list again is no fault"
        assert [await offer(number) for number in (255, 3)] == ["taken"] * 2
        assert await offer(255) == "list_not_newer"


async def test_every_broken_rule_has_a_name_and_nothing_of_the_file_is_taken(tmp_path: Path) -> None:
    town = ListTown(tmp_path)
    lost, old = CertificateSerial("000000000400"), CertificateSerial("000000000401")
    town.more_trust = f'[[revoked]]\nroot = "town"\nserial = "{lost}"\nreason = "丢失"\n'
    stranger = ListTown(tmp_path)
    async with town.around(), town.gateway(ON_IP) as api:
        root, sign = town.root, town.root.authorise
        good = sign(ITS_OWN, 1, (OURS,))
        forged = AUTHORISATION_LIST.build(sign(ITS_OWN, 2, (OURS,)))[:-1] + b"\x00"
        faults = {
            "list_signature": AUTHORISATION_LIST.build(stranger.root.authorise(ITS_OWN, 1, (OURS,))),
            "list_signer_unknown": AUTHORISATION_LIST.build(
                stranger.root.__class__(CertificateSerial("000000000009"), root.pair, root.provider).authorise(
                    ITS_OWN, 1, (OURS,)
                )
            ),
            "list_receiver_unknown": AUTHORISATION_LIST.build(sign(CertificateSerial("000000000999"), 1, (OURS,))),
            "list_names_nobody": AUTHORISATION_LIST.build(sign(ITS_OWN, 1, ())),
            "list_certificate_unusable": AUTHORISATION_LIST.build(sign(ITS_OWN, 1, (OURS, old))),
            "list_without_us": AUTHORISATION_LIST.build(sign(ITS_OWN, 1, (ADAPTER,))),
        }
        for code, raw in faults.items():
            answer = await take(api, AUTHORISATION_LIST.build(good) + raw, kind="application/octet-stream")
            assert (answer.status, answer.codes[:1]) == (422, [code]), answer.raw
        assert (await take(api, forged, kind="application/octet-stream")).codes == ["list_signature"]
        two = AUTHORISATION_LIST.build(good) + AUTHORISATION_LIST.build(sign(ITS_OWN, 2, (OURS,)))
        assert (await take(api, two, kind="application/octet-stream")).codes == ["list_twice"]
        assert (await holdings(api))[ON_IP.code]["number"] is None
        # Certificates that come beside: of a stranger, expired, revoked.
        wanted = await application(api)
        for paper in (
            stranger.issue(old),
            town.issue(old, until_month=(2020, 1)),
            town.issue(lost),
        ):
            answer = await take(api, root.answer(wanted, (paper,)))
            assert (answer.status, answer.codes) == (422, ["certificate_refused"]), answer.raw
        assert (await holdings(api))[ON_IP.code]["number"] is None
        without = faults["list_without_us"]
        assert (await take(api, without, "?without_us=true", "application/octet-stream")).status == 200
        assert (await take(api, b"<a/>")).status == 400 and (await take(api, b"{}", kind="text/plain")).status == 415


async def test_a_file_cut_at_any_byte_is_refused_and_takes_nothing(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town, town.gateway(ON_IP) as api:
        raw = AUTHORISATION_LIST.build(town.root.authorise(ITS_OWN, 1, (OURS, ADAPTER)))
        for end in range(len(raw)):
            answer = await take(api, raw[:end], kind="application/octet-stream")
            assert answer.status == 400, (end, answer.raw)
        whole = town.root.answer(await application(api))
        for end in range(0, len(whole) - 2, 41):
            assert (await take(api, whole[:end])).status == 400, end
        assert (await holdings(api))[ON_IP.code]["number"] is None
        assert (await take(api, raw, kind="application/octet-stream")).status == 200


async def test_lists_of_a_root_that_is_trusted_no_more_are_dropped_aloud(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town:
        async with town.gateway(ON_IP) as api:
            await take(api, town.root.answer(await application(api)))
        town.more_trust = f'[[revoked]]\nroot = "town"\nserial = "{town.root.serial}"\nreason = "根密钥泄露"\n'
        async with town.gateway() as api:
            assert (await holdings(api))[ON_IP.code]["holding"] == "no_list"
            (alarm,) = [a for a in api.gateway.state.alarms.open if a.kind == "authorisation_lists"]
            assert "根密钥泄露" in alarm.text or "revoked" in alarm.text


async def test_by_the_command_line(tmp_path: Path) -> None:
    async with ListTown(tmp_path).around() as town, town.gateway(ON_IP, ON_TS) as api:

        async def run(*arguments: object) -> tuple[int, str]:
            where = ("--url", api.base, "--key", api.keys["duty"])
            done = await asyncio.to_thread(ebgw, "trust", *arguments, *where)
            return done.returncode, done.stdout + done.stderr

        wish, answer = tmp_path / "apply.xml", tmp_path / "lists.xml"
        assert (await run("apply", "--out", wish))[0] == 0
        answer.write_bytes(town.root.answer(wish.read_bytes()))
        assert len(parse_lists(answer.read_bytes()).lists) == 3
        code, said = await run("import", answer)
        assert code == 0 and "新列表 new 3" in said, said
        code, said = await run("publish")
        assert code == 1 and "未持有 none" in said and "已发 sent 1" in said, said
        await BareTerminal.connect(api.gateway.ports.terminals, ON_IP)
        code, said = await run("publish")
        assert code == 0 and "自证 proven 1" in said, said
        assert (await run("lists"))[1].count("自证 proven 1") == 2
        (tmp_path / "cut").write_bytes(answer.read_bytes()[:-40])
        code, said = await run("import", tmp_path / "cut")
        assert code == 1 and "file_malformed" in said, said
