"""The plan 播发方案: which terminals a message addresses, grouped so that one frame serves all it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.dispatch.registry import Entry
from gateway.domain.codes import AreaCode, ResourceCode
from gateway.domain.receiver import Profile
from gateway.domain.targets import addresses, target_codes

#: Codes listed in one frame where terminals must be named one by one: 256 codes are 3 kB.
NAMED_IN_ONE_FRAME = 256
#: Target codes of areas in one frame: 1,000 are 12 kB, well inside the 65,535 bytes of table D.2.
CODES_IN_ONE_FRAME = 1000


#: Digits that the prefix of a division may have.
_PREFIXES = (0, 2, 4, 6, 9, 12)
#: What a terminal is taken for whose device profile is gone: one missing file must not keep a broadcast from the rest.
STANDARD = Profile("gdj089-2018")


def profile_of(profiles: Mapping[str, Profile], name: str) -> Profile:
    """The profile with this name, the standard's where there is none."""
    return profiles.get(name, STANDARD)


@dataclass(frozen=True, slots=True)
class Group:
    """Terminals that share every byte of a frame: one profile, one list of target codes."""

    profile: str
    targets: tuple[ResourceCode, ...]
    terminals: tuple[int, ...]


def group(
    entries: Sequence[Entry], areas: Sequence[AreaCode], profiles: Mapping[str, Profile], *, named: bool = False
) -> list[Group]:
    """Group terminals by profile.

    Those that the areas' group codes address share them; the others, and all when ``named``, are listed by code, so
    that nobody outside ``entries`` feels the frame.
    """
    by_profile: dict[str, list[Entry]] = {}
    for entry in entries:
        by_profile.setdefault(entry.terminal.profile, []).append(entry)
    groups: list[Group] = []
    for name, members in by_profile.items():
        form = profile_of(profiles, name).target_form
        area_codes = [code for area in areas for code in target_codes(area, form)]
        rest = members
        if not named:
            parts = [area_codes[i : i + CODES_IN_ONE_FRAME] for i in range(0, len(area_codes), CODES_IN_ONE_FRAME)]
            for part in parts:
                inside, rest = _split(rest, part, whole=len(parts) == 1)
                if inside:
                    groups.append(Group(name, tuple(part), tuple(e.id for e in inside)))
        for start in range(0, len(rest), NAMED_IN_ONE_FRAME):
            chunk = rest[start : start + NAMED_IN_ONE_FRAME]
            groups.append(Group(name, tuple(e.terminal.code for e in chunk), tuple(e.id for e in chunk)))
    return groups


def _split(
    entries: Sequence[Entry], targets: Sequence[ResourceCode], *, whole: bool
) -> tuple[list[Entry], list[Entry]]:
    """Those that one of the targets addresses, and the rest.

    When ``targets`` name all the areas that ``entries`` were chosen by, only what the codes say beside the area is left
    to decide, and that has few values: one look for each instead of one for each terminal.
    """
    # By division: a thousand areas times thousands of terminals would hold the loop for seconds.
    by_prefix: dict[str, list[ResourceCode]] = {}
    for target in targets:
        by_prefix.setdefault(target.area.prefix, []).append(target)
    seen: dict[str, bool] = {}
    inside: list[Entry] = []
    outside: list[Entry] = []
    for entry in entries:
        code = entry.terminal.code
        # A code that names another division than the registry does is looked at by itself.
        key = code[0] + code[13:] if whole and code[1:13] == entry.terminal.area else code
        hit = seen.get(key)
        if hit is None:
            near = (by_prefix.get(code[1 : 1 + used], ()) for used in _PREFIXES)
            hit = seen[key] = any(addresses(target, code) for targets_here in near for target in targets_here)
        (inside if hit else outside).append(entry)
    return inside, outside
