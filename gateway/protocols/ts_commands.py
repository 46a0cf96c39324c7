"""Commands as tag, 16-bit length and content, as tables 0xFB and 0xFA hold them (GD/J 086 table 8, 089 table C.2).

A command whose tag is unknown, or whose content does not fit its table, stays as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import construct

from gateway.errors import InvalidValueError
from gateway.protocols.fields import U8, U16, Layout, WireCode, adapt, counted, sized


class Addressed(Protocol):
    """A content that names the receivers it is meant for."""

    @property
    def codes(self) -> tuple[WireCode, ...]:
        """Codes of receivers or of groups."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command; ``value`` is of the type that its table gives to ``tag``, or bytes."""

    tag: int
    value: Any


def command(table: dict[int, Layout[Any]]) -> Layout[Command]:
    """Declare one command whose content follows ``table``."""

    def read(obj: Any) -> Command:
        layout = table.get(obj.tag)
        value = None if layout is None else layout.fits(obj.value)
        return Command(obj.tag, obj.value if value is None else value)

    def write(one: Command) -> dict[str, object]:
        value = one.value
        if not isinstance(value, bytes):
            if one.tag not in table:
                raise InvalidValueError("command", one.tag, "has no layout: its value must be bytes")
            value = table[one.tag].build(value)
        return {"tag": one.tag, "value": value}

    return Layout("Command", adapt(construct.Struct("tag" / U8, "value" / sized(U16)), read, write))


def commands(one: Layout[Command]) -> Any:
    """Declare a number of commands and the commands."""
    return counted(U8, one.con)
