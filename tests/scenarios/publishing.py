"""A publisher and duty officer who does not give up: each call is repeated, the same, until it is answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.codes import AreaCode
from tests.scenarios.processes import Client, Gone, Refused
from tests.scenarios.town import COUNTY, TOWNS, Town, warning_body

_PAUSE = 0.03
_OVERLOADED = 503
_MOST_IN_FORCE = 4


@dataclass(slots=True)
class Issued:
    """A warning whose answer was heard, and what must have become of it."""

    identifier: str
    body: dict[str, Any]
    warning_id: str
    message_id: str
    #: terminals in its areas
    targets: set[str]
    state: str = "active"
    #: terminals that were ordered silent before its end
    silenced: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Publisher:
    """Does one thing after another, chosen by chance."""

    town: Town
    api: Client
    dice: random.Random
    issued: list[Issued] = field(default_factory=list)
    #: warning ids of cancels
    cancels: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    _number: int = 0

    @property
    def in_force(self) -> list[Issued]:
        return [issued for issued in self.issued if issued.state == "active"]

    async def act(self) -> None:
        """Alert, update, cancel or silence; returns when it was answered."""
        self._number += 1
        live = self.in_force
        choices: list[tuple[str, float]] = [("alert", 4 if len(live) < _MOST_IN_FORCE else 0)]
        if live:
            choices += [("update", 2), ("cancel", 1.5), ("revoke", 1.5), ("silence", 2)]
        what = self.dice.choices([name for name, _ in choices], [weight for _, weight in choices])[0]
        self.done.append(what)
        await getattr(self, f"_{what}")(self.dice.choice(live) if live else None)

    async def _alert(self, _: Issued | None) -> None:
        await self._issue("Alert", ())

    async def _update(self, old: Issued | None) -> None:
        assert old is not None
        await self._issue("Update", (old.identifier,))
        old.state = "superseded"

    async def _issue(self, kind: str, references: Sequence[str]) -> None:
        areas = self._areas()
        identifier = f"w{self._number}"
        body = warning_body(identifier, areas, kind, references)
        body["severity"] = self.dice.choice(("red", "orange", "yellow", "blue"))
        answer = await self._insist("/api/v1/warnings", body)
        targets = self.town.codes_in(*areas)
        self.issued.append(Issued(identifier, body, answer["warning_id"], answer["message_id"], targets))

    async def _cancel(self, old: Issued | None) -> None:
        """By a warning of kind Cancel."""
        assert old is not None
        identifier = f"c{self._number}"
        body = warning_body(identifier, [], "Cancel", (old.identifier,))
        answer = await self._insist("/api/v1/warnings", body)
        assert answer["message_id"] == old.message_id
        self.cancels[identifier] = answer["warning_id"]
        old.state = "cancelled"

    async def _revoke(self, old: Issued | None) -> None:
        """By an operator's call."""
        assert old is not None
        await self._insist(f"/api/v1/warnings/{old.warning_id}/cancel", {"reason": "test"})
        old.state = "cancelled"

    async def _silence(self, _: Issued | None) -> None:
        area = self.dice.choice(self._areas())
        answer = await self._insist("/api/v1/stop", {"areas": [area], "reason": "test"})
        concerned = {item["message_id"] for item in answer["messages"]}
        inside = self.town.codes_in(area)
        for issued in self.in_force:
            here = issued.targets & inside
            if here == issued.targets:
                # Silent everywhere is a cancel; one that was committed before a kill is not told again.
                issued.state = "cancelled"
            elif here:
                assert issued.message_id in concerned
            issued.silenced |= here

    def _areas(self) -> list[str]:
        villages = sorted({str(terminal.area) for terminal in self.town.terminals})
        forms: list[list[AreaCode] | list[str]] = [
            [COUNTY],
            [COUNTY],
            list(TOWNS[:2]),
            [self.dice.choice(TOWNS)],
            self.dice.sample(villages, 12),
        ]
        return [str(area) for area in self.dice.choice(forms)]

    async def _insist(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        while True:
            try:
                _, answer = await self.api.call("POST", path, body)
            except Gone:
                await asyncio.sleep(_PAUSE)
            except Refused as refusal:
                if refusal.status != _OVERLOADED:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                assert isinstance(answer, dict)
                return answer
