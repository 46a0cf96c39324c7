"""Folders that warnings are dropped into 文件投递: looked at again and again, each file answered beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.api.keys import holder_of
from gateway.api.problems import problem_of
from gateway.api.services import Services
from gateway.api.warnings import acceptance_body
from gateway.dispatch.admission import Sheaf, Weigh, Weighed, admit
from gateway.domain.rules import broken
from gateway.errors import GatewayError, NotFoundError, WarningInvalid, WarningUnparseable
from gateway.publishers.drop_folder import DONE, REFUSED, DropFolder, Dropped
from gateway.publishers.drop_name import check_name
from gateway.publishers.parse import guess_media_type
from gateway.publishers.rights import Publisher
from gateway.settings.drop import DropSection
from gateway.store import queries

log = structlog.get_logger(__name__)

_ALARM: Final = "drop_folder"
_REFUSED_ALARM: Final = "drop_refused"
#: From here on an answer is about us, not about the file: it stays where it is, and is tried again.
_OURS: Final = 500


class Drop:
    """One folder and the publisher whose rights hold for what is in it."""

    def __init__(self, name: str, section: DropSection, services: Services, weigh: Weigh) -> None:
        self._name = name
        self._section = section
        self._services = services
        self._weigh = weigh
        most = services.settings.http.max_body_bytes
        self._folder = DropFolder(section.folder, section.settle_seconds, most)

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look again and again, until cancelled. What hinders is told as an alarm, and tried again."""
        alarms = self._services.dispatch.state.alarms
        while True:
            try:
                await self.look()
                alarms.clear(_ALARM, self._name)
            except (GatewayError, OSError) as error:
                alarms.raise_(_ALARM, self._name, f"文件投递目录不可用 drop folder not read: {error}")
            await pause(self._section.every_seconds)

    async def look(self) -> int:
        """Answer every whole file; returns how many. Errors: OSError, NotFoundError (no such publisher), StoreError."""
        names = await asyncio.to_thread(self._folder.whole, self._services.monotonic())
        who = await self._holder() if names else None
        count = 0
        hindered: OSError | None = None
        for name in names:
            assert who is not None
            try:
                count += await self._file(name, who)
            except OSError as error:
                # One file that cannot be read or moved does not hold up the others.
                hindered = error
        if hindered is not None:
            raise hindered
        return count

    async def _file(self, name: str, who: Publisher) -> bool:
        """Answer one file and put it away; False where it has to wait. Errors: OSError."""
        dropped = await asyncio.to_thread(self._folder.take, name)
        answer = await self._answer(dropped, who)
        if any(item["status"] >= _OURS for item in answer["items"]):
            log.warning("dropped file waits", folder=self._name, file=name)
            return False
        where = DONE if answer["accepted"] else REFUSED
        self._told(await asyncio.to_thread(self._folder.put_away, dropped, where, answer), answer)
        return True

    async def _holder(self) -> Publisher:
        wanted = self._section.publisher
        for row in await self._services.store.read(queries.keys):
            if row.name == wanted:
                return holder_of(row)
        raise NotFoundError(f"没有名为 {wanted!r} 的密钥 / no key of that name ([drop.{self._name}] publisher)")

    async def _answer(self, dropped: Dropped, who: Publisher) -> dict[str, Any]:
        since = self._services.monotonic()
        try:
            sheaf = await asyncio.to_thread(self._weighed, dropped, who)
        except Exception as error:
            items = [_refusal("", "", error)]
        else:
            items = [await self._one(who, item, since) for item in sheaf.items]
        return {
            "file": dropped.name,
            "sha256": dropped.digest,
            "at": datetime.fromtimestamp(self._services.clock(), UTC).isoformat(timespec="seconds"),
            "publisher": who.name,
            "accepted": all(item["status"] < 300 for item in items),
            "items": items,
        }

    def _weighed(self, dropped: Dropped, who: Publisher) -> Sheaf:
        """Read and weigh; runs in a thread."""
        if dropped.body is None:
            raise WarningUnparseable(broken("file", "too_large", "文件过大", "the file exceeds [http] max_body_bytes"))
        sheaf = self._weigh(dropped.body, guess_media_type(dropped.body), who)
        if self._section.names == "12379":
            warnings = [item.warning for item in sheaf.items if item.warning is not None]
            if sheaf.wrapper is None and (wrong := check_name(dropped.name, warnings[0])):
                raise WarningInvalid(*wrong)
        return sheaf

    async def _one(self, who: Publisher, item: Weighed, since: float) -> dict[str, Any]:
        try:
            taken = await admit(self._services.dispatch, who, item, guess_media_type(item.body or b"<"), since=since)
        except Exception as error:
            return _refusal(item.path, item.identifier, error)
        return {
            "path": item.path,
            "identifier": item.identifier,
            "status": 202 if taken.created else 200,
            "acceptance": acceptance_body(taken).model_dump(mode="json"),
        }

    def _told(self, place: Path, answer: dict[str, Any]) -> None:
        log.info("dropped file", folder=self._name, file=place.name, accepted=answer["accepted"])
        if not answer["accepted"]:
            said = next(item["problem"]["detail"] for item in answer["items"] if "problem" in item)
            text = f"投递文件被拒 a dropped file was refused: {place.name}: {said}"
            self._services.dispatch.state.alarms.raise_(_REFUSED_ALARM, self._name, text)


def _refusal(path: str, identifier: str, error: Exception) -> dict[str, Any]:
    problem = problem_of(error)
    return {
        "path": path,
        "identifier": identifier,
        "status": problem.status,
        "problem": problem.model_dump(mode="json"),
    }
