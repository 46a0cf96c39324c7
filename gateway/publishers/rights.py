"""What a key may do 权限: who sends, where, about what, how urgent, and whether a person must approve.

Keys are 256 random bits, so one SHA-256 keeps them safe at rest: a slow hash protects passwords, which can be guessed;
2^256 keys cannot, and every request pays for the hash.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.approval import Role
from gateway.domain.codes import AreaCode
from gateway.domain.hours import Hours
from gateway.domain.warning import MatchedArea, Severity, Status, Warning, WarningKind
from gateway.errors import InvalidValueError, RightsError
from gateway.publishers.event_words import event_of_words
from gateway.publishers.profile import Profile
from gateway.publishers.wrappers import Wrapper, default_wrappers

KEY_PREFIX = "ebgw_"


class KeyKind(StrEnum):
    """Who holds a key."""

    PUBLISHER = "publisher"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Publisher:
    """The holder of a key and its rights.

    ``event_types``: codes, prefixes that end in ``*`` (11B*), or ``*`` for all. ``highest_severity``: the most urgent
    that it may send. ``approval_needed``: its warnings wait for an operator. ``wrappers``: what it may send several
    warnings in; None goes by the profile.
    """

    name: str
    kind: KeyKind = KeyKind.PUBLISHER
    areas: tuple[AreaCode, ...] = ()
    event_types: tuple[str, ...] = ("*",)
    highest_severity: Severity = Severity.RED
    statuses: tuple[Status, ...] = (Status.ACTUAL, Status.EXERCISE, Status.TEST)
    approval_needed: bool = False
    profile: Profile = Profile.STRICT
    wrappers: frozenset[Wrapper] | None = None
    #: whether it may send earthquake warnings, which wait for nobody
    earthquake: bool = False
    role: Role = Role.OPERATOR
    #: when it may publish; None: always
    hours: Hours | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InvalidValueError("publisher name", self.name, "must not be empty")
        if not self.areas:
            raise InvalidValueError("publisher areas", self.areas, "must name at least one division")

    @property
    def may_wrap_in(self) -> frozenset[Wrapper]:
        """What it may send several warnings in."""
        return default_wrappers(self.profile) if self.wrappers is None else self.wrappers

    def may_send_event(self, event: str) -> bool:
        """Whether the event type is among its rights."""
        return any(
            right == "*" or right == event or (right.endswith("*") and event.startswith(right[:-1]))
            for right in self.event_types
        )

    def may_address(self, area: AreaCode) -> bool:
        """Whether ``area`` lies inside one of its areas."""
        return any(own.covers(area) for own in self.areas)


def check_rights(publisher: Publisher, warning: Warning, areas: Iterable[MatchedArea]) -> None:
    """Raise RightsError naming the first right that ``warning`` exceeds: ``status``, ``severity``, ``event``, ``area``.

    A Cancel is held to its status here, and to the areas of the message that it names by the caller.
    """
    if warning.status not in publisher.statuses:
        raise RightsError(
            "status", f"{publisher.name} 无权发送 {warning.status} / may not send status {warning.status}"
        )
    if warning.kind is WarningKind.ALERT or warning.kind is WarningKind.UPDATE:
        if warning.severity.rank < publisher.highest_severity.rank:
            most = publisher.highest_severity.label
            raise RightsError("severity", f"{publisher.name} 最高级别为 / may send at most {most}")
        event = warning.event or event_of_words(warning.event_text) or ""
        if not publisher.may_send_event(event):
            raise RightsError(
                "event", f"{publisher.name} 无权发布事件 / may not send event {event or warning.event_text!r}"
            )
    check_areas(publisher, (area.code for area in areas))


def check_hours(publisher: Publisher, now: datetime) -> None:
    """Raise RightsError of right ``hours`` outside the hours of a key."""
    if publisher.hours is not None and now not in publisher.hours:
        words = f"{publisher.name} 只在 {publisher.hours} 可发布 / may publish only then"
        raise RightsError("hours", words)


def check_areas(publisher: Publisher, areas: Iterable[AreaCode]) -> None:
    """Raise RightsError of right ``area`` when one of ``areas`` lies outside the key's."""
    beyond = [str(area) for area in areas if not publisher.may_address(area)]
    if beyond:
        raise RightsError("area", f"{publisher.name} 无权向以下区域发布 / may not address {', '.join(beyond[:10])}")


def new_key() -> tuple[str, str]:
    """A fresh key: (what its holder gets and we never store, what we store)."""
    plain = KEY_PREFIX + secrets.token_urlsafe(32)
    return plain, hash_key(plain)


def hash_key(plain: str) -> str:
    """What is stored of a key, 64 hexadecimal digits."""
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


class KeyRing:
    """Keys by hash. Looking one up takes the same time whichever matches, or none does."""

    def __init__(self, keys: Iterable[tuple[str, Publisher]]) -> None:
        self._keys = tuple((hashed.lower(), publisher) for hashed, publisher in keys)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, plain: str) -> Publisher | None:
        """The holder of ``plain``, or None."""
        given = hash_key(plain)
        found = None
        for hashed, publisher in self._keys:
            if hmac.compare_digest(hashed, given):
                found = publisher
        return found
