"""Whom a command of a superior concerns 指令对象: its address block against our registry (GD/J 089-2018 table A.12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.devices.adapter_words import reached
from gateway.devices.events import Known
from gateway.dispatch.service import Dispatch
from gateway.domain.codes import AreaCode, ResourceCode
from gateway.protocols.adapter_address import AddressBlock, AddressKind


@dataclass(frozen=True, slots=True)
class Addressed:
    """Terminals in service that a block means; ``areas`` where whole divisions say exactly the same."""

    terminals: tuple[Known, ...]
    areas: tuple[AreaCode, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        """Their numbers."""
        return tuple(known.id for known in self.terminals)


def in_service(dispatch: Dispatch) -> list[Known]:
    """Every terminal of the registry that is in service."""
    entries = (entry for entry in dispatch.state.registry if entry.terminal.in_service)
    found = (dispatch.find(entry.terminal.code) for entry in entries)
    return [known for known in found if known is not None]


def addressed(dispatch: Dispatch, block: AddressBlock) -> Addressed:
    """Resolve a block; codes that mean nobody here are passed over, for they may mean another adapter's terminals."""
    if block.kind == AddressKind.PHYSICAL:
        return Addressed(by_physical(dispatch, (code.raw for code in block.codes)))
    codes = [code.code for code in block.codes if code.code is not None]
    terminals = tuple(reached(codes, in_service(dispatch)))
    # Division codes stand in a frame for thousands; they may only where they reach nobody else.
    areas = tuple(dict.fromkeys(code.area for code in codes if _is_group(code)))
    inside = {entry.id for entry in dispatch.state.registry.in_areas(areas)}
    return Addressed(terminals, areas if inside == {known.id for known in terminals} else ())


def by_physical(dispatch: Dispatch, addresses: Iterable[bytes]) -> tuple[Known, ...]:
    """Terminals with these physical addresses 物理码."""
    wanted = {raw.hex().upper() for raw in addresses}
    return tuple(known for known in in_service(dispatch) if known.terminal.physical_address in wanted)


def _is_group(code: ResourceCode) -> bool:
    """Whether a code means all terminals of its division (GD/J 080-2018 table B.1, and the forms of the field)."""
    kind, system, subtype, number = code[13:17], code[17:19], code[19:21], code[21:23]
    return kind in ("0000", "0314") and system in ("00", "01") and subtype in ("00", "04") and number == "00"
