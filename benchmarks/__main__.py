"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from benchmarks.audio import audio
from benchmarks.broadcasts import accept_to_wire, fanout, sign_count
from benchmarks.consoles import console, console_pages
from benchmarks.datagrams import udp
from benchmarks.harness import Result
from benchmarks.ingest import ingest_cap, ingest_json
from benchmarks.memory import session_memory
from benchmarks.publishes import mqtt
from benchmarks.serial_bus import serial_bus
from benchmarks.urgent import earthquake, ebd_to_wire

BENCHMARKS: dict[str, Callable[[], Awaitable[Result]]] = {
    "fanout": fanout,
    "accept_to_wire": accept_to_wire,
    "sign_count": sign_count,
    "session_memory": session_memory,
    "serial_bus": serial_bus,
    "udp": udp,
    "mqtt": mqtt,
    "audio": audio,
    "earthquake": earthquake,
    "ebd_to_wire": ebd_to_wire,
    "ingest_cap": ingest_cap,
    "ingest_json": ingest_json,
    "console": console,
    "console_pages": console_pages,
}


async def _run(names: list[str], as_json: bool) -> bool:
    good = True
    for name in names:
        result = await BENCHMARKS[name]()
        good = good and result.ratio <= result.goal
        if as_json:
            print(result.line(), flush=True)
        else:
            mark = "✓" if result.ratio <= result.goal else "✗"
            cpu = "" if result.cpu_ratio is None else f"cpu ×{result.cpu_ratio:.2f} "
            print(
                f"{mark} {result.name}: ×{result.ratio:.2f} (goal ≤ {result.goal:g}; {result.spread[0]:.2f}–"
                f"{result.spread[1]:.2f}) {cpu}n={result.n} against {result.baseline_name}",
                flush=True,
            )
    return good


def main() -> int:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--json", action="store_true", help="JSON Lines")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(unknown)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return 0 if uvloop.run(_run(args.names or list(BENCHMARKS), args.json)) else 1


if __name__ == "__main__":
    sys.exit(main())
