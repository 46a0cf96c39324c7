"""A warning whose sound travels in one of three forms, to the players of a town; also run in a network of its own."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.devices.netns import leave_the_network
from tests.scenarios.processes import until
from tests.scenarios.town import TOWNS, Scene, Stage, make_town, warning_body

GROUP = "239.192.10.9"
_PULL = "http://town.invalid"
#: The signal alone: what form it travels in does not depend on words.
_NO_WORDS = "/nonexistent/espeak-ng"


async def heard_of(scene: Scene, ebm_id: str) -> dict[str, dict[str, Any]]:
    """What players heard of a message, by terminal."""
    told = await scene.control.get("/sound")
    return {row["terminal"]: row for row in told if row["ebm_id"] == ebm_id}


async def shown(scene: Scene, message: dict[str, Any], terminal: str, *wanted: str | None) -> None:
    """Wait until rung, class of evidence and outcome of a delivery are so."""
    found: tuple[str | None, ...] = ()

    async def is_so() -> bool:
        nonlocal found
        row = (await scene.api.deliveries(message["warning_id"]))[terminal]
        found = row["rung"], row["reached"], row["outcome"]
        return found == wanted

    try:
        await until(is_so, 20)
    except AssertionError:
        raise AssertionError(f"{terminal} is shown as {found}, not {wanted}") from None


async def sounds(scene: Scene, ebm_id: str, terminals: list[str], seconds: float) -> None:
    """Wait until these have heard so much of a message."""

    async def enough() -> bool:
        rows = await heard_of(scene, ebm_id)
        return all(code in rows and rows[code]["seconds"] > seconds for code in terminals)

    await until(enough, 60, f"{terminals} hear {seconds} s of {ebm_id}")


async def carry(folder: Path, port: int, **sound: Any) -> dict[str, dict[str, Any]]:
    """Warn a town of three players, let them hear two seconds, end it; what each heard of it in the end."""
    keys = {"enabled": True, "first_port": port, "programmes": 2, "espeak": _NO_WORDS, "tail_seconds": 1.0, **sound}
    town = await make_town(folder, 6, sound={**keys, "all_clear": False})
    settings = town.settings.read_text()
    town.settings.write_text(settings.replace(_PULL, f"http://127.0.0.1:{town.http}"))
    here = sorted(town.codes_in(TOWNS[0]))
    players = {"tape": folder / "tapes", "tapes": 0, "patience": 10.0, "linger": 2.0, "interface": "127.0.0.1"}
    async with Stage(town, players) as scene:
        message = await scene.api.post("/api/v1/warnings", warning_body("w", [TOWNS[0]]))
        await sounds(scene, message["message_id"], here, 2.0)
        for terminal in here:
            await shown(scene, message, terminal, "playing", "proven", "open")
        assert sorted(await heard_of(scene, message["message_id"])) == here
        await scene.api.post("/api/v1/warnings", warning_body("over", [TOWNS[0]], "Cancel", ["w"]))
        for terminal in here:
            await shown(scene, message, terminal, "played", "proven", "done")
        await until(lambda: [line["event"] for line in town.journal()].count("sound_after") == len(here))
        assert not any(line["event"] == "silence" for line in town.journal())
        return await heard_of(scene, message["message_id"])


FORMS: dict[str, dict[str, Any]] = {
    "rtp": {"form": "rtp", "host": "127.0.0.1"},
    "unicast": {"form": "unicast"},
    "pull": {"form": "pull", "pull_base": _PULL},
}
MULTICAST = {"form": "rtp", "host": GROUP, "multicast_interface": "127.0.0.1"}


if __name__ == "__main__":
    leave_the_network()
    with tempfile.TemporaryDirectory() as made:
        heard = asyncio.run(carry(Path(made), 5004, **MULTICAST))
    for row in heard.values():
        sys.stdout.write(f"{row['source']} {row['lost']} lost, {row['seconds'] > 2}, {row['after'] > 0}\n")
