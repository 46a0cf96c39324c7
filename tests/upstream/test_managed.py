"""What a superior manages at its county's adapter: the white list and who may command; kept, and refused whole."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path

import pytest

from gateway.devices.adapter_answers import AdapterRefusal
from gateway.domain.codes import CertificateSerial
from gateway.protocols import adapter
from gateway.protocols.adapter_answers import AdapterAnswer
from gateway.protocols.adapter_commands import AdapterCertificates, FaultQuery, WhiteList, WhiteListEntry
from gateway.protocols.adapter_types import Body
from gateway.protocols.certificates import AuthorisationList, Certificate
from gateway.protocols.fields import WireCode
from gateway.protocols.signature import SignatureBlock
from gateway.security.coverage import Coverage, signed_bytes_at
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider
from gateway.store import queries
from tests.adapterkit import FRONT, now, say
from tests.frontkit import Chain, chain
from tests.gatewaykit import alarms_of
from tests.paperkit import Authority, carried, packed

OWN, CITY_NEW, CITY_NEXT, STRANGER = (CertificateSerial(f"000000000{n}") for n in ("200", "301", "302", "909"))
PHONE = b"13800138000"
#: Seconds ahead, rising: after a restart nothing of the same second is new.
_later = count(1)


def entry(operation: int, phone: bytes = PHONE, name: str = "张三", permission: int = 3) -> WhiteListEntry:
    return WhiteListEntry(operation, phone, name.encode(), permission, ())


async def obeyed(ends: Chain, serial: CertificateSerial, pair: KeyPair, body: Body | None = None) -> int:
    """The answer to a command that somebody signed: 0 or a content where it was obeyed, 4 where it was not."""
    unsigned = adapter.unsigned_part(adapter.command(body or FaultQuery(WireCode.of(FRONT))))
    at = now() + next(_later)
    message = signed_bytes_at(unsigned, at, serial, Coverage.A)
    block = SignatureBlock(at, serial, default_provider().sign(pair.private, pair.public, message))
    (answer,) = await say(ends.county.ports.front_end, adapter.assemble(unsigned, block))
    return answer.body.code if isinstance(answer.body, AdapterAnswer) else 0


async def test_the_white_list_is_changed_and_outlives_a_restart(tmp_path: Path) -> None:
    async with chain(tmp_path) as ends:
        assert ends.county.front_end is not None
        kept = ends.county.front_end.managed
        await ends.link.update_white_list([entry(1), entry(1, b"13900139000", "李四", 1)])
        await ends.link.update_white_list([entry(2, name="张三丰", permission=2), entry(3, b"13900139000")])
        assert kept.telephones == {"13800138000": {"name": "张三丰", "permission": 2, "areas": []}}
    async with chain(tmp_path) as ends:
        assert ends.county.front_end is not None
        assert ends.county.front_end.managed.telephones["13800138000"]["name"] == "张三丰"


async def test_changes_that_come_together_are_all_kept(tmp_path: Path) -> None:
    async with chain(tmp_path) as ends:
        phones = [b"1380013800%d" % number for number in range(8)]
        await asyncio.gather(*(ends.link.update_white_list([entry(1, phone)]) for phone in phones))
        assert ends.county.front_end is not None
        assert sorted(ends.county.front_end.managed.telephones) == [phone.decode() for phone in phones]
        stored = await ends.county.state.store.read(queries.state, "front_end white list")
        assert isinstance(stored, dict) and len(stored) == 8


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (entry(4), "operation"),
        (entry(2, b"110"), "phone"),
        (entry(3, b"110"), "phone"),
        (entry(1, b""), "phone"),
        (entry(1, b"\xff"), "phone"),
        (entry(1, b"110", permission=4), "permission"),
    ],
)
async def test_a_wrong_entry_changes_nothing_at_all(tmp_path: Path, wrong: WhiteListEntry, names: str) -> None:
    async with chain(tmp_path) as ends:
        with pytest.raises(AdapterRefusal, match=names):
            await ends.link.ask(WhiteList((entry(1), wrong)))
        assert ends.county.front_end is not None
        assert ends.county.front_end.managed.telephones == {}


async def test_whom_a_list_of_a_trusted_root_authorises_commands(tmp_path: Path) -> None:
    root, new, after = Authority(), default_provider().generate(), default_provider().generate()
    async with chain(tmp_path, trusted=root.trust()) as ends:
        assert await obeyed(ends, CITY_NEW, new) == 4
        await ends.link.certificates(
            packed(root.authorise(OWN, 255, CITY_NEW)), carried(root.certificate(CITY_NEW, new))
        )
        assert await obeyed(ends, CITY_NEW, new) == 0
        assert await obeyed(ends, CITY_NEXT, after) == 4
        # The number is one octet, and goes on at 0; the new superior renews itself.
        renewal = AdapterCertificates(
            packed(root.authorise(OWN, 0, CITY_NEXT)), carried(root.certificate(CITY_NEXT, after))
        )
        assert await obeyed(ends, CITY_NEW, new, renewal) == 0
        assert (await obeyed(ends, CITY_NEW, new), await obeyed(ends, CITY_NEXT, after)) == (4, 0)
        # The key that the operator registered by hand is the operator's to take away.
        assert (await ends.link.fault()).fault_type == 0
    async with chain(tmp_path, trusted=root.trust()) as ends:
        assert (await obeyed(ends, CITY_NEW, new), await obeyed(ends, CITY_NEXT, after)) == (4, 0)
        assert "superior_certificates" not in alarms_of(ends.county)
    # Without the root nobody vouches for the list.
    async with chain(tmp_path) as ends:
        assert await obeyed(ends, CITY_NEXT, after) == 4
        assert "superior_certificates" in alarms_of(ends.county)


ROOT, FALSE_ROOT = Authority(), Authority()
PAIR = default_provider().generate()
PAPER = ROOT.certificate(CITY_NEW, PAIR)
LIST = ROOT.authorise(OWN, 2, CITY_NEW)


@pytest.mark.parametrize(
    ("lists", "certificates", "names"),
    [
        ((), (PAPER,), "found 0"),
        ((ROOT.authorise(STRANGER, 2, CITY_NEW),), (PAPER,), "found 0"),
        ((LIST, ROOT.authorise(OWN, 3, CITY_NEW)), (PAPER,), "found 2"),
        ((FALSE_ROOT.authorise(OWN, 2, CITY_NEW),), (PAPER,), "no trusted root"),
        ((LIST,), (FALSE_ROOT.certificate(CITY_NEW, PAIR),), "issuer's signature is wrong"),
        ((LIST,), (ROOT.certificate(CITY_NEW, PAIR, (2020, 1)),), "expired"),
        ((LIST,), (), "no certificate that it names is known"),
        ((LIST,), (ROOT.certificate(CITY_NEXT, PAIR),), "no certificate that it names is known"),
        ((ROOT.authorise(OWN, 1, CITY_NEW),), (PAPER,), "not newer than 1"),
        ((ROOT.authorise(OWN, 200, CITY_NEW),), (PAPER,), "not newer than 1"),
    ],
    ids=[
        "no list", "another receiver", "two lists", "false root", "false certificate", "expired", "no certificate",
        "another certificate", "same number", "older",
    ],
)  # fmt: skip
async def test_what_no_trusted_root_vouches_for_authorises_nobody(
    tmp_path: Path, lists: tuple[AuthorisationList, ...], certificates: tuple[Certificate, ...], names: str
) -> None:
    first = default_provider().generate()
    async with chain(tmp_path, trusted=ROOT.trust()) as ends:
        await ends.link.certificates(
            packed(ROOT.authorise(OWN, 1, CITY_NEXT)), carried(ROOT.certificate(CITY_NEXT, first))
        )
        with pytest.raises(AdapterRefusal, match=names):
            await ends.link.certificates(packed(*lists), carried(*certificates))
        assert (await obeyed(ends, CITY_NEW, PAIR), await obeyed(ends, CITY_NEXT, first)) == (4, 0)


async def test_broken_papers_are_refused(tmp_path: Path) -> None:
    (listed,), (paper,) = packed(LIST), carried(PAPER)
    async with chain(tmp_path, trusted=ROOT.trust()) as ends:
        for lists, papers in (((listed[:-1],), (paper,)), ((listed,), (paper[:-1],)), ((listed,), (b"c",))):
            with pytest.raises(AdapterRefusal, match="GD/J 081-2018"):
                await ends.link.certificates(lists, papers)
        assert await obeyed(ends, CITY_NEW, PAIR) == 4
