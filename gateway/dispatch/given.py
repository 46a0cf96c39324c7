"""What a superior platform 上级平台 has decided about a message that it hands down."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.dispatch.registry import Registry
from gateway.domain.codes import AreaCode, EbmId


@dataclass(frozen=True, slots=True)
class Given:
    """A message of a superior platform 上级平台: nobody is asked, and its EBM id stays on device frames.

    ``ebm_id``: None where the superior's number has another form than frames carry, so that it gets one of ours.
    ``terminals``: numbers of those whom it names one by one; then ``Facts.areas`` is empty, and frames name them too.
    """

    ebm_id: EbmId | None
    terminals: tuple[int, ...] = ()


def concerned(registry: Registry, areas: Iterable[AreaCode], given: Given | None) -> array[int]:
    """Numbers of the terminals that a message is for: those in its areas, or those that a superior names."""
    if given is not None and given.terminals:
        return array("I", given.terminals)
    return array("I", (entry.id for entry in registry.in_areas(areas)))
