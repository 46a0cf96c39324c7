"""The front desk 登录: who is at a browser; sessions over a restart, names locked after wrong passwords."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, cast

from gateway.domain.codes import AreaCode
from gateway.domain.people import Person, Position
from gateway.errors import RightsError
from gateway.security.passwords import matching_step, verify_password
from gateway.settings.console import ConsoleSection
from gateway.store import Store
from gateway.store.people_queries import open_sessions, people
from gateway.store.rows import AuditRow, PersonRow, SessionRow

#: Seconds for which people are taken as they were read: a change by ``ebgw people`` is noticed so soon.
_FRESH: Final = 2.0
#: Seconds between two notes of the same session in the store that it is in use.
_NOTED: Final = 60.0
#: Passwords tried at once: each takes memory and a processor.
_AT_ONCE: Final = 2
#: One address may fail so many times as often as one name before it is locked too.
_PEER_FACTOR: Final = 4
#: Names and addresses whose failures are remembered.
_REMEMBERED: Final = 10_000


class LockedError(RightsError):
    """Too many wrong passwords; ``seconds`` until the next may be tried."""

    def __init__(self, seconds: float) -> None:
        minutes = max(1, round(seconds / 60))
        super().__init__(
            "login", f"失败次数过多，请 {minutes} 分钟后再试 / too many failures: try again in {minutes} min"
        )
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Session:
    """A person at a browser; ``csrf`` must come with whatever changes anything."""

    person: Person
    token: str
    csrf: str


class _Failures:
    """Failures by name, or by address, that lock it for a while."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._known: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def locked(self, key: str, now: float) -> float:
        """Seconds for which it is locked yet; 0: not at all."""
        count, last = self._known.get(key, (0, 0.0))
        return max(0.0, last + self._seconds - now) if count >= self._most else 0.0

    def add(self, key: str, now: float) -> None:
        count, last = self._known.pop(key, (0, 0.0))
        self._known[key] = (count + 1 if now - last < self._seconds else 1, now)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, key: str) -> None:
        self._known.pop(key, None)


class Desk:
    """Lets people in and knows them again."""

    def __init__(self, store: Store, section: ConsoleSection, clock: Callable[[], float]) -> None:
        self._store, self._section, self._clock = store, section, clock
        self._people: dict[str, Person] = {}
        self._read_at = float("-inf")
        self._sessions: dict[str, SessionRow] | None = None
        self._by_name = _Failures(section.lock_after, section.lock_minutes * 60)
        self._by_peer = _Failures(section.lock_after * _PEER_FACTOR, section.lock_minutes * 60)
        self._steps: dict[str, int] = {}
        self._trying = asyncio.Semaphore(_AT_ONCE)

    async def anybody(self) -> bool:
        """Whether there is anybody who could log in."""
        await self._read()
        return any(not person.disabled for person in self._people.values())

    async def people(self) -> tuple[Person, ...]:
        """Everybody, by name."""
        await self._read()
        return tuple(self._people.values())

    async def log_in(self, name: str, password: str, code: str, peer: str) -> tuple[str, Session]:
        """Let somebody in; returns what the browser is to keep. Errors: LockedError, RightsError."""
        now = self._clock()
        if wait := max(self._by_name.locked(name, now), self._by_peer.locked(peer, now)):
            raise LockedError(wait)
        await self._read(now=True)
        person = self._people.get(name)
        async with self._trying:
            right = await asyncio.to_thread(verify_password, person.password if person else None, password)
        if person is None or not right or person.disabled or not self._code_fits(person, code):
            self._by_name.add(name, self._clock())
            self._by_peer.add(peer, self._clock())
            detail: dict[str, str | bool] = {"peer": peer, "locked": self._by_name.locked(name, self._clock()) > 0}
            await self._store.write(AuditRow(self._clock(), name[:64], "login_failed", name[:64], detail))
            raise RightsError("login", "用户名、口令或动态口令有误 / the name, the password or the code is wrong")
        self._by_name.forget(name)
        token = secrets.token_urlsafe(32)
        row = SessionRow(_hash(token), name, peer, now, now)
        await self._store.write(row, AuditRow(now, name, "login", name, {"peer": peer}))
        (await self._open())[row.token] = row
        return token, Session(person, row.token, _csrf(token))

    async def who(self, token: str, *, acts: bool) -> Session | None:
        """Whose browser holds this token; ``acts``: somebody did something, which keeps the session alive."""
        sessions = await self._open()
        row = sessions.get(_hash(token))
        if row is None:
            return None
        await self._read()
        person, now = self._people.get(row.person), self._clock()
        section = self._section
        idle = person is not None and person.position.may_act and now - row.seen_at > section.idle_minutes * 60
        if person is None or person.disabled or idle or now - row.begun_at > section.session_hours * 3600:
            await self._end(row)
            return None
        if acts:
            noted = sessions[row.token] = replace(row, seen_at=now)
            if now - row.seen_at > _NOTED:
                await self._store.write(noted)
        return Session(person, row.token, _csrf(token))

    async def log_out(self, session: Session) -> None:
        """End a session."""
        row = (await self._open()).get(session.token)
        if row is not None:
            await self._end(row, AuditRow(self._clock(), row.person, "logout", row.person))

    async def _end(self, row: SessionRow, *more: AuditRow) -> None:
        (await self._open()).pop(row.token, None)
        await self._store.write(replace(row, ended_at=self._clock()), *more)

    async def _open(self) -> dict[str, SessionRow]:
        if self._sessions is None:
            read = {row.token: row for row in await self._store.read(open_sessions)}
            # Whoever logged in meanwhile is there already.
            self._sessions = read if self._sessions is None else {**read, **self._sessions}
        return self._sessions

    async def _read(self, *, now: bool = False) -> None:
        if now or self._clock() - self._read_at > _FRESH:
            self._people = {row.name: person_of(row) for row in await self._store.read(people)}
            self._read_at = self._clock()

    def _code_fits(self, person: Person, code: str) -> bool:
        if not person.totp:
            return True
        step = matching_step(person.totp, code, self._clock())
        if step is None or step <= self._steps.get(person.name, -1):
            return False
        self._steps[person.name] = step
        return True


def csrf_fits(session: Session, given: str) -> bool:
    """Whether a form came from a page of ours."""
    return hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "replace"))


def person_of(row: PersonRow) -> Person:
    """A person as the store keeps one."""
    areas = tuple(map(AreaCode, cast("list[str]", row.areas)))
    return Person(row.name, Position(row.position), areas, row.password, row.totp, row.disabled)


def row_of(person: Person, now: float) -> PersonRow:
    """What the store keeps of a person."""
    areas = [str(area) for area in person.areas]
    return PersonRow(person.name, person.position.value, areas, person.password, person.totp, person.disabled, now)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _csrf(token: str) -> str:
    return hmac.new(token.encode("utf-8", "replace"), b"csrf", "sha256").hexdigest()
