"""Keys 密钥 as the store keeps them: the rights of a holder as plain JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.domain.approval import Role
from gateway.domain.codes import AreaCode
from gateway.domain.hours import EVERY_DAY, Hours
from gateway.domain.warning import Severity, Status
from gateway.errors import InvalidValueError
from gateway.publishers.profile import Profile
from gateway.publishers.rights import KeyKind, Publisher, new_key
from gateway.publishers.wrappers import Wrapper
from gateway.store.rows import KeyRow


def rights_of(holder: Publisher) -> dict[str, Any]:
    """What the store keeps of a holder's rights beside name and kind."""
    return {
        "areas": [str(area) for area in holder.areas],
        "event_types": list(holder.event_types),
        "highest_severity": holder.highest_severity.name.lower(),
        "statuses": [status.value for status in holder.statuses],
        "approval_needed": holder.approval_needed,
        "profile": holder.profile.value,
        "earthquake": holder.earthquake,
        "role": holder.role.value,
        "hours": None if holder.hours is None else [list(span) for span in holder.hours.spans],
        "weekdays": None if holder.hours is None else list(holder.hours.weekdays),
        "wrappers": None if holder.wrappers is None else sorted(holder.wrappers),
    }


def issue_key(holder: Publisher, now: float) -> tuple[str, KeyRow]:
    """Make a key: (what its holder gets, shown once; the row to store). ``now`` in Unix seconds."""
    plain, hashed = new_key()
    return plain, KeyRow(holder.name, hashed, holder.kind.value, rights_of(holder), now)


def holder_of(row: KeyRow) -> Publisher:
    """The holder of a stored key; raise InvalidValueError naming what is wrong with its rights."""
    if not isinstance(row.rights, Mapping):
        raise InvalidValueError("rights", row.rights, "must be an object")
    rights: dict[str, Any] = dict(row.rights)
    try:
        return Publisher(
            name=row.name,
            kind=KeyKind(row.kind),
            areas=tuple(map(AreaCode, rights["areas"])),
            event_types=tuple(map(str, rights.get("event_types", ("*",)))),
            highest_severity=Severity[str(rights.get("highest_severity", "red")).upper()],
            statuses=tuple(map(Status, rights.get("statuses", ("Actual", "Exercise", "Test")))),
            approval_needed=rights.get("approval_needed", False) is True,
            profile=Profile(rights.get("profile", "strict")),
            earthquake=rights.get("earthquake", False) is True,
            role=Role(rights.get("role", "operator")),
            hours=_hours(rights),
            wrappers=None if rights.get("wrappers") is None else frozenset(map(Wrapper, rights["wrappers"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValueError(f"rights of {row.name}", str(error), "must be the rights of a key") from error


def _hours(rights: Mapping[str, Any]) -> Hours | None:
    if rights.get("hours") is None:
        return None
    spans = tuple((int(start), int(end)) for start, end in rights["hours"])
    return Hours(spans, tuple(map(int, rights.get("weekdays") or EVERY_DAY)))
