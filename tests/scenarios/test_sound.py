"""Two warnings at once, from HTTP to what terminals in two towns hear, word by word; who is deaf is not counted."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.programmes.soundkit import sound_programs
from tests.programmes.syllables import Ear, decoded, mandarin_ear, times
from tests.scenarios.processes import until
from tests.scenarios.sound_forms import shown, sounds
from tests.scenarios.town import TOWNS, Scene, Stage, make_town, warning_body

#: Text, and what must be heard, written by hand.
FOG = "泉州市大雾黄色预警，能见度小于200米，请减速慢行。"
FOG_PINYIN = (
    "quan2 zhou1 shi4 da4 wu4 huang2 se4 yu4 jing3 neng2 jian4 du4 xiao3 yu2 er4 bai3 mi3 qing3 jian3 su4 man4 xing2"
)
RAIN = "泉州市暴雨蓝色预警，未来6小时降雨50毫米，请拨打12379。"
RAIN_PINYIN = (
    "quan2 zhou1 shi4 bao4 yu3 lan2 se4 yu4 jing3 wei4 lai2 liu4 xiao3 shi2 jiang4 yu3 wu3 shi2 hao2 mi3"
    " qing3 bo1 da3 yao1 er4 san1 qi1 jiu3"
)
#: The headline of the first is "大雾黄色预警".
OVER_PINYIN = "da4 wu4 huang2 se4 yu4 jing3 xian4 yi3 jie3 chu2"
#: Seconds of sound that hold the words at least once, wherever it begins: signal, words, signal, words.
_ENOUGH = 17.0
#: Two warnings and an all-clear, while the address of what ended is still held by its tail.
_PROGRAMMES = 4


@pytest.fixture(scope="module")
def ear() -> Ear:
    """Has learnt all of Mandarin's syllables."""
    sound_programs()
    return mandarin_ear()


def sound_ports() -> int:
    """The first of as many free datagram ports as there are programmes, two apart."""
    while True:
        port = free_port(socket.SOCK_DGRAM)
        if all(_is_free(port + 2 * number) for number in range(1, _PROGRAMMES)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def warn(scene: Scene, name: str, area: str, text: str, severity: str, headline: str) -> dict[str, Any]:
    body = {**warning_body(name, [area]), "text": text, "severity": severity, "headline": headline}
    accepted: dict[str, Any] = await scene.api.post("/api/v1/warnings", body)
    return accepted


async def wav(scene: Scene, tapes: Path, terminal: str, ebm_id: str) -> bytes:
    """What a terminal heard of a message that is over."""
    path = tapes / f"{terminal}-{ebm_id}.wav"
    await until(lambda: any(line["reason"] == str(path) for line in scene.town.journal()), 30, f"{path.name}")
    return await asyncio.to_thread(path.read_bytes)


@pytest.mark.timeout(240)
async def test_terminals_hear_the_words_of_their_warning_and_its_end(ear: Ear, tmp_path: Path) -> None:
    tapes = tmp_path / "tapes"
    sound = {
        "enabled": True, "host": "127.0.0.1", "first_port": sound_ports(), "programmes": _PROGRAMMES, "repeats": 1,
        "gap_seconds": 0.5, "tail_seconds": 1.0, "all_clear_seconds": 12,
    }  # fmt: skip
    town = await make_town(tmp_path, 6, sound=sound)
    one, other = sorted(town.codes_in(TOWNS[0])), sorted(town.codes_in(TOWNS[1]))
    async with Stage(town, {"tape": tapes, "tapes": 6, "patience": 1.0, "linger": 2.0}) as scene:
        await scene.control.put("/faults", {"terminals": one[1:], "deaf": True})
        fog = await warn(scene, "fog", TOWNS[0], FOG, "yellow", "大雾黄色预警")
        rain = await warn(scene, "rain", TOWNS[1], RAIN, "blue", "暴雨蓝色预警")
        await sounds(scene, fog["message_id"], one[:1], _ENOUGH)
        await sounds(scene, rain["message_id"], other, _ENOUGH)
        on_air = await scene.api.get("/api/v1/sound")
        assert {row["message_id"] for row in on_air["items"]} == {fog["message_id"], rain["message_id"]}
        # Play is proven where something was heard, and nowhere else.
        await shown(scene, fog, one[0], "playing", "proven", "open")
        await shown(scene, fog, one[1], "acknowledged", None, "open")
        for code in other:
            await shown(scene, rain, code, "playing", "proven", "open")

        await scene.api.post("/api/v1/warnings", warning_body("over", [TOWNS[0]], "Cancel", ["fog"]))
        words = ear.hears(decoded(await wav(scene, tapes, one[0], fog["message_id"])))
        assert times(words, FOG_PINYIN) >= 1, " ".join(words)
        assert times(words, RAIN_PINYIN) == times(words, OVER_PINYIN) == 0
        await shown(scene, fog, one[0], "played", "proven", "done")
        await shown(scene, fog, one[1], "acknowledged", None, "failed")

        def ended() -> list[str]:
            return [line["ebm_id"] for line in town.journal() if line["event"] == "sound_after"]

        # The stream outlived its stop, and the other programme went on.
        await until(lambda: fog["message_id"] in ended(), 20)
        assert rain["message_id"] not in ended()

        async def over() -> str | None:
            known = {fog["message_id"], rain["message_id"]}
            told = await scene.control.get("/sound")
            return next((row["ebm_id"] for row in told if row["ebm_id"] not in known), None)

        all_clear = await until(over, 30, "the all-clear is on the air")
        words = ear.hears(decoded(await wav(scene, tapes, one[0], all_clear)))
        assert times(words, OVER_PINYIN) >= 1, " ".join(words)

        await scene.api.post("/api/v1/warnings", warning_body("dry", [TOWNS[1]], "Cancel", ["rain"]))
        for code in other:
            words = ear.hears(decoded(await wav(scene, tapes, code, rain["message_id"])))
            assert times(words, RAIN_PINYIN) >= 1, " ".join(words)
            assert times(words, FOG_PINYIN) == 0
