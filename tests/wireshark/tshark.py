"""tshark with the dissector loaded, and what it reads of a capture."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.wireshark import capture

FOLDER = Path(__file__).parents[2] / "docs" / "wireshark"
SCRIPT = FOLDER / "ebgw" / "init.lua"
_LOADED = ("-X", f"lua_script:{SCRIPT}")
_PORTS = ("-o", f"ebgw.rds_ports:{capture.RDS}", "-o", f"ebgw.ts_ports:{capture.TS}")
#: Seconds that one start of tshark may take; a start costs about one.
_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame as tshark shows it: every field with its value, in the order of the bytes; and the notes of experts."""

    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Values of ``ebgw.NAME``, in order."""
        return [value for key, value in self.fields if key == f"ebgw.{name}"]

    def one(self, name: str) -> str:
        """The only value of ``ebgw.NAME``."""
        (value,) = self.all(name)
        return value

    @property
    def notes(self) -> list[str]:
        """What the experts say, in words."""
        return [value for key, value in self.fields if key == "_ws.expert.message"]

    @property
    def problems(self) -> list[str]:
        """Notes of experts, as their filters: ``malformed``, ``crc.bad`` …"""
        return [key.removeprefix("ebgw.") for key, _ in self.fields if key.removeprefix("ebgw.") in _EXPERTS]


#: How tshark tells of a fault in a script, in its output or beside it.
_FAULTS = re.compile(rb"lua error|lua script|stack traceback|dissector error|dissector bug", re.IGNORECASE)
_EXPERTS = ("malformed", "truncated", "crc.bad", "outside", "unknown", "zero_signature")


def program(name: str = "tshark") -> str:
    """Path of a program of Wireshark; without it the test is skipped, or fails where EBGW_TEST_WIRESHARK=required."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is not None:
        return found
    text = f"{name} is not installed (Debian package tshark)"
    if os.environ.get("EBGW_TEST_WIRESHARK") == "required":
        pytest.fail(text)
    pytest.skip(text)


def run(*arguments: str, loaded: bool = True, home: Path | None = None) -> str:
    """What tshark prints; no error of Lua, whatever it was given."""
    home = home or Path("/nonexistent")  # nobody's own plugins and preferences
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    done = subprocess.run(
        [program(), *arguments, *(_LOADED if loaded else ())],
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
        env=environment,
    )
    errors = done.stderr.decode("utf-8", "replace")
    assert done.returncode == 0, errors
    for told in (done.stderr, done.stdout):
        found = _FAULTS.search(told)
        assert found is None, told[max(found.start() - 200, 0) : found.end() + 500].decode("utf-8", "replace")
    return done.stdout.decode("utf-8", "replace")


def read(pcap: Path, *more: str) -> list[list[Shown]]:
    """The frames of each packet of a capture."""
    packets = _packets(pcap, "ebgw", *more)
    return [[Shown(tuple(_leaves(tree))) for tree in _frames(packet)] for packet in packets]


def flows(pcap: Path, *more: str) -> dict[tuple[int, int], list[Shown]]:
    """The frames of a capture, in order, by the ports of the packets where they end: from, to."""
    found: dict[tuple[int, int], list[Shown]] = defaultdict(list)
    for packet in _packets(pcap, "ebgw tcp udp", *more):
        ends = dict(leaf for leaf in _leaves(packet) if leaf[0].endswith((".srcport", ".dstport")))
        source, target = (int(ends[name]) for end in ("srcport", "dstport") for name in ends if name.endswith(end))
        found[source, target] += [Shown(tuple(_leaves(tree))) for tree in _frames(packet)]
    return found


def _packets(pcap: Path, layers: str, *more: str) -> list[_Pairs]:
    out = run("-r", str(pcap), "-T", "json", "-J", layers, *_PORTS, *more)
    return list(json.loads(out, object_pairs_hook=_pairs))


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON with a key as often as tshark writes it."""


def _pairs(items: list[tuple[str, Any]]) -> _Pairs:
    return _Pairs(items)


def _frames(tree: Any) -> Iterator[_Pairs]:
    """Every subtree of a protocol of ours, at any depth."""
    if isinstance(tree, _Pairs):
        for key, value in tree:
            if key == "ebgw" and isinstance(value, _Pairs):
                yield value
            elif key == "ebgw" and isinstance(value, list):
                yield from (one for one in value if isinstance(one, _Pairs))
            else:
                yield from _frames(value)


def _leaves(tree: _Pairs) -> Iterator[tuple[str, str]]:
    for key, value in tree:
        if isinstance(value, _Pairs):
            yield from _leaves(value)
        elif isinstance(value, list):
            yield from ((key, one) for one in value)
        else:
            yield key, value


def time(shown: str) -> str | None:
    """A time of tshark as decode writes it; the form depends on the version."""
    for form in ("%b %d, %Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
        try:
            read_ = datetime.strptime(" ".join(shown.split(".")[0].split()), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return read_.strftime("%Y-%m-%dT%H:%M:%SZ")
    return None
