"""session_memory: what one idle session costs the daemon in resident memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.broadcasts import TERMINALS
from benchmarks.harness import Generator, Result
from benchmarks.loadgen import terminals
from gateway.dispatch.terminals import row_of
from gateway.store import Store, StoreSettings

#: Goal of the issue, in KB for each session.
_GOAL_KB = 6.0


def _rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError(f"no VmRSS for {pid}")


async def session_memory() -> Result:
    """(RSS with 4,021 idle sessions − RSS with none) ÷ 4,021, of a daemon in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(StoreSettings(f"sqlite:///{folder}/ebgw.db"))
        await store.write(*map(row_of, terminals(TERMINALS)))
        await store.close()
        config = Path(folder) / "gateway.toml"
        config.write_text(
            f'[gateway]\ndata_dir = "{folder}"\n[http]\nport = 0\n[terminals]\nport = 0\nmissed_heartbeats = 100\n'
            "[feedback]\nport = 0\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.cli",
            "run",
            "-c",
            str(config),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "EBGW_LOG__LEVEL": "ERROR"},
        )
        try:
            assert process.stdout is not None
            ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
            await asyncio.sleep(1)
            before = _rss_kb(process.pid)
            generator = await Generator.start(int(ready["terminals"].rpartition(":")[2]), TERMINALS)
            await asyncio.sleep(2)
            after = _rss_kb(process.pid)
            await generator.close()
        finally:
            process.terminate()
            await process.wait()
    each = (after - before) / TERMINALS
    return Result(
        name="session_memory",
        ratio=each / _GOAL_KB,
        cpu_ratio=None,
        ours=[each],
        baseline=[_GOAL_KB],
        baseline_name="6 KB for each session",
        unit="KB",
        n=TERMINALS,
        spread=[each / _GOAL_KB, each / _GOAL_KB],
        goal=1.0,
    )
