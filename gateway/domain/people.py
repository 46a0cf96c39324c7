"""People 人员 who work at the console: what each position may see and do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.approval import Role
from gateway.domain.codes import AreaCode
from gateway.errors import InvalidValueError


class Position(StrEnum):
    """A position 岗位 in the duty room."""

    VIEWER = "viewer"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    @property
    def role(self) -> Role | None:
        """What it may approve as; None for those who only look."""
        return Role(self.value) if self.value in set(Role) else None

    @property
    def may_act(self) -> bool:
        """Whether it may broadcast, cancel and silence."""
        return self.role is not None

    @property
    def may_read_audit(self) -> bool:
        """Whether it sees what others did."""
        return self in (Position.AUDITOR, Position.ADMINISTRATOR)

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {
    Position.VIEWER: "查看 viewer",
    Position.AUDITOR: "审计 auditor",
    Position.OPERATOR: "值班 operator",
    Position.APPROVER: "审核 approver",
    Position.ADMINISTRATOR: "管理 administrator",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One person; ``areas``: divisions for which he may act; ``totp``: the shared secret in base 32, or empty."""

    name: str
    position: Position
    areas: tuple[AreaCode, ...]
    password: str
    totp: str = ""
    disabled: bool = False

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > 64:
            raise InvalidValueError("name", self.name, "must be 1 to 64 characters")
        if not self.areas:
            raise InvalidValueError("areas", self.areas, "must name at least one division")
