"""Tables that are larger than a section: split between messages, commands, languages and codes, never inside them.

Every part keeps the EBM id of the whole, and every section is a table of its own kind with its own signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from gateway.errors import InvalidValueError
from gateway.protocols.fields import U8, U16, Layout, sized
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.ts_commands import Command
from gateway.protocols.ts_configuration import CONFIGURATION_COMMAND, ConfigurationTable
from gateway.protocols.ts_content import LANGUAGE, MAX_LANGUAGES, ContentTable
from gateway.protocols.ts_daily import DAILY_COMMAND, DailyTable
from gateway.protocols.ts_fields import CODE_SIZE, MAX_COUNT
from gateway.protocols.ts_index import ENTRY, IndexEntry, IndexTable
from gateway.protocols.ts_section import MAX_BODY, Body, Section, section_of

#: Sections that section_number can count.
MAX_SECTIONS = 256
#: EBM_number, configure_cmd_number or daily_cmd_number.
_COUNT_SIZE = 1
#: EBM id and multilingual_content_number.
_CONTENT_HEAD = 19


def sections_of(body: Body, version: int = 0) -> tuple[Section, ...]:
    """Make the sections that carry ``body``, each small enough to be signed; usually one.

    Raises InvalidValueError naming what cannot be split any further.
    """
    bodies = list(_bodies(body))
    if len(bodies) > MAX_SECTIONS:
        raise InvalidValueError("last_section_number", len(bodies) - 1, "must not exceed 255 (GD/J 086-2018 table 1)")
    return tuple(
        replace(section_of(part, version), section_number=number, last_section_number=len(bodies) - 1)
        for number, part in enumerate(bodies)
    )


def _bodies(body: Body) -> Iterator[Body]:
    if isinstance(body, IndexTable):
        entries = [part for entry in body.messages for part in _entry_parts(entry)]
        return (IndexTable(tuple(some)) for some in _packed(entries, ENTRY.build, MAX_BODY - _COUNT_SIZE, MAX_COUNT))
    if isinstance(body, ContentTable):
        room = MAX_BODY - _CONTENT_HEAD
        for language in body.languages:
            _require(LANGUAGE.build(language), room, f"languages.{language.language}")
        return (
            replace(body, languages=tuple(some))
            for some in _packed(body.languages, LANGUAGE.build, room, MAX_LANGUAGES)
        )
    if isinstance(body, ConfigurationTable):
        return (ConfigurationTable(tuple(some)) for some in _commands(body.commands, CONFIGURATION_COMMAND))
    if isinstance(body, DailyTable):
        return (DailyTable(tuple(some)) for some in _commands(body.commands, DAILY_COMMAND))
    if isinstance(body, CertificateAuthorisation):
        return _certificates(body)
    return iter((body,))


def _packed(items: Sequence[Any], write: Callable[[Any], bytes], room: int, most: int) -> Iterator[list[Any]]:
    """Put items into groups of at most ``room`` bytes and ``most`` items, in order; one empty group for no items."""
    group: list[Any] = []
    used = 0
    for item in items:
        size = len(write(item))
        if group and (used + size > room or len(group) == most):
            yield group
            group, used = [], 0
        group.append(item)
        used += size
    yield group


def _require(raw: bytes, room: int, name: str) -> None:
    if len(raw) > room:
        raise InvalidValueError(name, f"{len(raw)} bytes", f"must not exceed {room} bytes to fit a section (086 6.2)")


def _code_groups(codes: Sequence[Any], fixed: int, room: int, name: str) -> list[tuple[Any, ...]]:
    """Split ``codes`` so that each group fits beside ``fixed`` other bytes."""
    most = min(MAX_COUNT, (room - fixed) // CODE_SIZE)
    if fixed > room or (codes and most < 1):
        raise InvalidValueError(name, f"{fixed} bytes", f"leaves no room for a code in a section of {room} bytes")
    return [tuple(codes[at : at + most]) for at in range(0, len(codes), most)] if codes else [()]


def _entry_parts(entry: IndexEntry) -> list[IndexEntry]:
    fixed = len(ENTRY.build(replace(entry, codes=())))
    groups = _code_groups(entry.codes, fixed, MAX_BODY - _COUNT_SIZE, f"messages.{entry.ebm_id.text}")
    return [replace(entry, codes=group) for group in groups]


def _commands(commands: Sequence[Command], layout: Layout[Command]) -> Iterator[list[Command]]:
    parts = [part for command in commands for part in _command_parts(command, layout)]
    return _packed(parts, layout.build, MAX_BODY - _COUNT_SIZE, MAX_COUNT)


def _command_parts(command: Command, layout: Layout[Command]) -> list[Command]:
    room, name = MAX_BODY - _COUNT_SIZE, f"commands.{command.tag}"
    codes = getattr(command.value, "codes", None)
    if codes is None:
        _require(layout.build(command), room, name)
        return [command]
    fixed = len(layout.build(replace(command, value=replace(command.value, codes=()))))
    groups = _code_groups(codes, fixed, room, name)
    return [replace(command, value=replace(command.value, codes=group)) for group in groups]


_LIST: Layout[bytes] = Layout("lists", sized(U16))
_CERTIFICATE: Layout[bytes] = Layout("certificates", sized(U8))


def _certificates(body: CertificateAuthorisation) -> Iterator[CertificateAuthorisation]:
    """Lists first, then certificates; a section has a count for each."""
    room = MAX_BODY - 2 * _COUNT_SIZE
    items = [(_LIST, raw) for raw in body.lists] + [(_CERTIFICATE, raw) for raw in body.certificates]
    for layout, raw in items:
        _require(layout.build(raw), room, layout.name)
    for group in _packed(items, lambda item: item[0].build(item[1]), room, MAX_COUNT):
        yield CertificateAuthorisation(
            tuple(raw for layout, raw in group if layout is _LIST),
            tuple(raw for layout, raw in group if layout is _CERTIFICATE),
        )
