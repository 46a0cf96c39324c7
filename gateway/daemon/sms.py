"""Warnings by short message 短信: from numbers that the settings know, through the modem of the duty room.

A message stays in the modem until what became of it is on disk, so that none is lost; the same message read again is
the same warning.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import structlog

from gateway.api.keys import holder_of
from gateway.api.problems import problem_of
from gateway.api.services import Services
from gateway.devices.gsm_modem import Modem, Stored, open_modem
from gateway.dispatch.admission import Weigh, admit
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.submission import Acceptance
from gateway.domain.message import MessageState
from gateway.domain.rules import broken
from gateway.errors import GatewayError, LinkError, MalformedFrame, WarningInvalid
from gateway.protocols.sms import Delivered, parse_deliver
from gateway.publishers.rights import Publisher
from gateway.publishers.sms_form import Said, read_sms
from gateway.store import queries
from gateway.store.rows import AuditRow, WarningRow

log = structlog.get_logger(__name__)

_MODEM: Final = "sms_modem"
_REFUSED: Final = "sms_refused"
_WAITS: Final = "sms_waits"
_STRANGER: Final = "sms_stranger"
_PARTS: Final = "sms_parts"
_JSON: Final = "application/json"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
#: From here on an answer is about us, not about the message: it stays in the modem, and is tried again.
_OURS: Final = 500
_HOUR: Final = 3600.0


@dataclass(slots=True)
class _Gathered:
    """Parts of one text, by their number, and where they lie in the modem."""

    since: float
    parts: dict[int, tuple[int, Delivered]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole text, and the places of the modem that it fills."""

    said: Delivered
    indexes: tuple[int, ...]


class SmsDesk:
    """Reads the modem, again and again."""

    def __init__(self, services: Services, weigh: Weigh) -> None:
        self._services, self._weigh = services, weigh
        self._section = services.settings.sms
        self._alarms = services.dispatch.state.alarms
        self._modem: Modem | None = None
        self._since: dict[tuple[str, int], float] = {}
        self._lately: dict[str, deque[float]] = {}

    async def send(self, number: str, text: str) -> None:
        """Send a text through the modem, as it is open now. Errors: LinkError, MalformedFrame."""
        if self._modem is None:
            raise LinkError("短信猫不可用 the modem cannot be used")
        await self._modem.send(number, text)

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Read what comes, until cancelled; a modem that is gone is an alarm, and opened anew."""
        while True:
            try:
                async with open_modem(self._section.port, self._section.baud) as modem:
                    self._alarms.clear(_MODEM, self._section.port)
                    self._modem = modem
                    await self._serve(modem)
            except LinkError as error:
                text = f"短信猫不可用 the modem cannot be used: {error}"
                self._alarms.raise_(_MODEM, self._section.port, text, AlarmLevel.CRITICAL)
            except GatewayError as error:
                log.error("messages wait in the modem", error=str(error))
            finally:
                self._modem = None
            await pause(self._section.every_seconds)

    async def _serve(self, modem: Modem) -> None:
        while True:
            modem.came.clear()
            await self.look(modem)
            try:
                async with asyncio.timeout(self._section.every_seconds):
                    await modem.came.wait()
            except TimeoutError:
                continue

    async def look(self, modem: Modem) -> int:
        """Deal with every whole message of the modem; returns how many. Errors: LinkError, StoreError."""
        done = 0
        for whole in self._wholes(await modem.stored()):
            if await self._one(modem, whole):
                done += 1
                for index in whole.indexes:
                    await modem.delete(index)
        return done

    # -- parts

    def _wholes(self, stored: list[Stored]) -> list[_Whole]:
        """Whole texts in the order in which they were sent. What cannot be read is told, and given up."""
        now = self._services.monotonic()
        found: list[_Whole] = []
        gathered: dict[tuple[str, int], _Gathered] = {}
        for one in stored:
            try:
                said = parse_deliver(one.pdu)
            except MalformedFrame as error:
                # Status reports and pictures are no warnings: they make room for what is.
                log.warning("no text message", index=one.index, error=str(error), pdu=one.pdu.hex()[:80])
                said = None
            if said is None:
                found.append(_Whole(Delivered("", _EPOCH, ""), (one.index,)))
            elif said.part is None:
                found.append(_Whole(said, (one.index,)))
            else:
                key = (said.sender, said.part.reference)
                since = self._since.setdefault(key, now)
                gathered.setdefault(key, _Gathered(since)).parts[said.part.number] = (one.index, said)
        for key, known in gathered.items():
            first = next(iter(known.parts.values()))[1]
            assert first.part is not None
            if len(known.parts) == first.part.count:
                ordered = [known.parts[number] for number in sorted(known.parts)]
                text = "".join(part.text for _, part in ordered)
                said = Delivered(key[0], min(part.sent for _, part in ordered), text)
                found.append(_Whole(said, tuple(index for index, _ in ordered)))
                del self._since[key]
            elif now - known.since > self._section.parts_seconds:
                words = f"{key[0]}: {first.part.count} 段中只到 {len(known.parts)} 段 only so many of its parts came"
                self._alarms.raise_(_PARTS, key[0], words)
        for gone in self._since.keys() - gathered.keys():
            del self._since[gone]
        return sorted(found, key=lambda whole: whole.said.sent)

    # -- one message

    async def _one(self, modem: Modem, whole: _Whole) -> bool:
        """Deal with one; False where it must wait in the modem."""
        said, services = whole.said, self._services
        if not said.sender:
            return True
        name = self._section.numbers.get(said.sender)
        if name is None:
            await self._stranger(said)
            return True
        if not self._has_room(said.sender):
            return False
        who = await self._holder(name)
        if who is None:
            words = (
                f"[sms] numbers: 没有名为 {name!r} 的密钥，短信留在猫中 no key of that name: messages wait in the modem"
            )
            self._alarms.raise_(_WAITS, said.sender, words, AlarmLevel.CRITICAL)
            return False
        try:
            taken = await self._admit(said, who)
        except Exception as error:
            problem = problem_of(error)
            if problem.status >= _OURS:
                words = f"{said.sender} 的短信暂不能受理，留在猫中 waits in the modem: {problem.detail}"
                self._alarms.raise_(_WAITS, said.sender, words, AlarmLevel.CRITICAL)
                return False
            self._handled(said.sender)
            text = f"{said.sender} 的短信被拒 a short message was refused: {problem.detail}"
            self._alarms.raise_(_REFUSED, said.sender, text)
            detail = {"text": said.text[:200], "problem": problem.detail[:300]}
            await services.store.write(AuditRow(services.clock(), name, "sms_refused", said.sender, detail))
            await self._answer(modem, said.sender, f"未受理：{problem.detail}"[:130])
            return True
        self._handled(said.sender)
        log.info("short message taken", sender=said.sender, message_id=taken.message_id)
        if taken.created:
            await self._answer(modem, said.sender, _words(taken))
        return True

    async def _admit(self, said: Delivered, who: Publisher) -> Acceptance:
        services = self._services
        form = read_sms(said.sender, said.sent, said.text)
        if form.cancels:
            form = await self._cancelling(form, who)
        (item,) = self._weigh(form.body, _JSON, who).items
        return await admit(services.dispatch, who, item, _JSON, since=services.monotonic())

    async def _holder(self, name: str) -> Publisher | None:
        for row in await self._services.store.read(queries.keys):
            if row.name == name:
                holder = holder_of(row)
                asks = holder.approval_needed or self._section.approval
                return replace(holder, approval_needed=asks)
        return None

    async def _cancelling(self, form: Said, who: Publisher) -> Said:
        """The cancel of the publisher's own message with these last digits that is not over."""
        services = self._services
        for live in services.dispatch.state.messages.values():
            if live.state.is_over or not live.ebm_id.endswith(form.cancels):
                continue
            row: WarningRow | None = await services.store.read(queries.warning_by_id, live.message.warning_id)
            if row is not None and row.publisher == who.name:
                reference = {"sender": row.sender, "identifier": row.identifier, "sent": row.sent}
                return Said({**form.form, "references": [reference]}, "")
        rule = f"没有编号 {form.cancels} 的在办消息"
        raise WarningInvalid(broken("编号", "unknown_reference", rule, "no such message of this sender is in hand"))

    async def _stranger(self, said: Delivered) -> None:
        """Somebody unknown: kept and told, not answered, and what it says is not read."""
        words = f"未登记号码的短信 a short message of a number that nobody knows: {said.sender}"
        self._alarms.raise_(_STRANGER, said.sender, words)
        now = self._services.clock()
        await self._services.store.write(AuditRow(now, said.sender, "sms_stranger", said.sender, said.text[:200]))

    def _has_room(self, number: str) -> bool:
        """Whether this number may be read again within the hour."""
        now = self._services.monotonic()
        lately = self._lately.setdefault(number, deque())
        while lately and now - lately[0] > _HOUR:
            lately.popleft()
        if len(lately) >= self._section.most_in_an_hour:
            words = f"{number} 一小时内短信过多，其余留在猫中 too many within the hour, the rest waits in the modem"
            self._alarms.raise_("sms_flood", number, words)
            return False
        self._alarms.clear("sms_flood", number)
        return True

    def _handled(self, number: str) -> None:
        self._lately[number].append(self._services.monotonic())
        self._alarms.clear(_WAITS, number)

    async def _answer(self, modem: Modem, number: str, text: str) -> None:
        """Tell the sender. Where that fails the message is taken all the same."""
        if not self._section.answer:
            return
        try:
            await modem.send(number, text)
        except (LinkError, MalformedFrame) as error:
            log.warning("short message not answered", number=number, error=str(error))


def _words(taken: Acceptance) -> str:
    """What became of it, in one message."""
    number = "" if taken.message_id is None else str(taken.message_id)[-4:]
    state = {
        MessageState.AWAITING_APPROVAL: "待审核",
        MessageState.ACCEPTED: "待播",
        MessageState.ACTIVE: "已播出",
        MessageState.CANCELLED: "已取消",
    }.get(taken.state or MessageState.ENDED, "已结束")
    targets = taken.targets
    return f"已受理，编号{number}，{state}，{targets.terminals}终端，{targets.population}人"
