"""What the superior manages here 运行管理, and what is kept of it: the white list 0x0C, certificates 0x41.

GD/J 089-2018 tables A.5 and A.11; authorisation lists and certificates are those of GD/J 081-2018 6.5.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.devices.trust import Trust
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.service import Dispatch
from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.errors import FrameError, KeyMaterialError
from gateway.protocols.adapter_commands import AdapterCertificates, WhiteList, WhiteListEntry
from gateway.protocols.certificates import AUTHORISATION_LIST, CERTIFICATE, AuthorisationList, Certificate
from gateway.store import queries
from gateway.store.rows import AuditRow, Json, StateRow
from gateway.upstream.front_end.broadcasts import ACTOR, Refusal

#: Under which the store keeps them.
_WHITE_LIST: Final = "front_end white list"
_CERTIFICATES: Final = "front_end certificates"
#: Telephones at most.
_TELEPHONES: Final = 10_000
_ADD, _CHANGE, _DELETE = 1, 2, 3
_PERMISSIONS: Final = (1, 2, 3)


class Managed:
    """``superior`` commands; ``own`` is the number of our own certificate, to which lists must be addressed."""

    def __init__(self, dispatch: Dispatch, trust: Trust, superior: ResourceCode, own: CertificateSerial) -> None:
        self._dispatch, self._trust = dispatch, trust
        self._superior, self._own = superior, own
        #: one change at a time, so that none is built on what another is about to replace
        self._changing = asyncio.Lock()
        self._papers: dict[CertificateSerial, Certificate] = {}
        #: telephones that may speak, by number
        self.telephones: dict[str, dict[str, Json]] = {}

    async def open(self) -> None:
        """Take up what was kept; a list whose root the operator trusts no more is dropped aloud. Errors: StoreError."""
        store = self._dispatch.state.store
        kept = await store.read(queries.state, _WHITE_LIST)
        if isinstance(kept, dict):
            self.telephones = {str(phone): dict(entry) for phone, entry in kept.items() if isinstance(entry, dict)}
        papers = await store.read(queries.state, _CERTIFICATES)
        if not isinstance(papers, dict):
            return
        made = [CERTIFICATE.parse(bytes.fromhex(text)) for text in papers["certificates"]]
        self._papers = {one.serial: one for one in made}
        paper = AUTHORISATION_LIST.parse(bytes.fromhex(papers["list"]))
        try:
            # Some may have expired meanwhile: the list stands, and they command no more.
            self._trust.authorise(self._superior, paper, tuple(one for one in made if self._trust.vouches(paper, one)))
        except KeyMaterialError as error:
            text = f"上级证书授权列表已不可信 the list of the superior is in force no more: {error}"
            self._dispatch.state.alarms.raise_("superior_certificates", "front_end", text, AlarmLevel.WARNING)

    async def white_list(self, body: WhiteList) -> str:
        """Take all changes or none; returns words for the answer. Errors: Refusal, StoreError, OverloadedError.

        No telephone is served yet, so nobody speaks whom the list does not name.
        """
        async with self._changing:
            changed = dict(self.telephones)
            for entry in body.entries:
                _change(changed, entry)
            if len(changed) > _TELEPHONES:
                raise Refusal(f"白名单过长 more than {_TELEPHONES} telephones")
            detail: dict[str, Json] = {"entries": len(body.entries), "telephones": len(changed)}
            await self._keep("white_list", _WHITE_LIST, changed, detail)
            self.telephones = changed
        return f"已保存 {len(changed)} 个号码，本机未接电话 telephones kept; none is served here"

    async def certificates(self, body: AdapterCertificates) -> str:
        """Let those command whom a list authorises that a trusted root signed for us; returns words for the answer.

        Errors: Refusal naming the rule, StoreError, OverloadedError. What is refused authorises nobody.
        """
        try:
            lists = [AUTHORISATION_LIST.parse(data) for data in body.lists]
            papers = tuple(CERTIFICATE.parse(data) for data in body.certificates)
        except FrameError as error:
            raise Refusal(f"证书格式错误 not as GD/J 081-2018 tables 1 and 6: {error}") from error
        ours = [paper for paper in lists if paper.receiver == self._own]
        if len(ours) != 1:
            raise Refusal(
                f"须有且仅有一份授权列表发给证书 {self._own}: one list must be addressed to it, found {len(ours)}"
            )
        async with self._changing:
            await self._authorise(ours[0], papers)
        return f"授权列表 list {ours[0].number}：{len(ours[0].serials)} 个证书 certificates may command"

    async def _authorise(self, paper: AuthorisationList, papers: tuple[Certificate, ...]) -> None:
        try:
            self._trust.check(self._superior, paper, papers)
        except KeyMaterialError as error:
            raise Refusal(f"证书未被接受 not accepted: {error}") from error
        before = {serial: one for serial, one in self._papers.items() if serial in paper.serials}
        known = {**before, **{one.serial: one for one in papers}}
        kept: dict[str, Json] = {
            "list": AUTHORISATION_LIST.build(paper).hex(),
            "certificates": [CERTIFICATE.build(one).hex() for one in known.values()],
        }
        await self._keep("certificates", _CERTIFICATES, kept, {"number": paper.number, **kept})
        self._papers = known
        self._trust.authorise(self._superior, paper, papers)

    async def _keep(self, action: str, name: str, value: Json, detail: dict[str, Json]) -> None:
        state = self._dispatch.state
        audit = AuditRow(state.clock(), ACTOR, action, "front_end", detail)
        await state.store.write(StateRow(name, value), audit)


def _change(telephones: dict[str, dict[str, Json]], entry: WhiteListEntry) -> None:
    try:
        phone, name = entry.phone.decode("ascii"), entry.name.decode()
    except UnicodeDecodeError as error:
        raise Refusal(f"白名单编码错误 phone or name: {error}") from error
    if not phone:
        raise Refusal("白名单 phone: 号码为空 must not be empty")
    if entry.operation not in (_ADD, _CHANGE, _DELETE):
        raise Refusal(f"白名单 operation: {entry.operation} 须为 must be 1, 2, 3 (table A.5)")
    if entry.operation != _ADD and phone not in telephones:
        raise Refusal(f"白名单 phone: {phone} 不在名单内 is not on the list")
    if entry.operation == _DELETE:
        del telephones[phone]
        return
    if entry.permission not in _PERMISSIONS:
        raise Refusal(f"白名单 permission: {entry.permission} 须为 must be 1, 2, 3 (table A.5)")
    areas = [area.raw.hex() for area in entry.areas]
    telephones[phone] = {"name": name, "permission": entry.permission, "areas": areas}
