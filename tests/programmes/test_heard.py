"""What a terminal hears of a warning, syllable by syllable: text → voice → mp3 → stream → player → wav → ear.

The right syllables are written here by hand: nothing of what is tested says what they are.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from emulator.faults import Faults
from emulator.fleet import Fleet
from emulator.journal import Event
from emulator.settings import Claims, FleetSettings, PlayerSettings, ReturnMode, TerminalSettings
from gateway.domain.warning import Severity
from gateway.programmes.addresses import RtpAddress
from gateway.programmes.broadcast import Broadcast, Outlet
from gateway.programmes.options import SoundOptions
from gateway.programmes.outlets import RtpOutlet, UnicastOutlet
from gateway.programmes.signals import Signal, packaged
from gateway.programmes.speech import Speaker
from gateway.programmes.studio import Studio
from gateway.programmes.toolbox import Toolbox
from gateway.programmes.voices import MANDARIN, Spoken, Stretch
from tests.emulator.reference import CERTIFICATE, Commands, Server, keys, rows, until
from tests.ports import free_port
from tests.programmes.soundkit import Timers
from tests.programmes.syllables import Ear, Sound, decoded, encoded, inventory, mandarin_ear, plain, spoken, times

TEXT = "泉州市安溪县发布暴雨红色预警：未来3小时阵风12 m/s，请拨打12379。"
PINYIN = (
    "quan2 zhou1 shi4 an1 xi1 xian4 fa1 bu4 bao4 yu3 hong2 se4 yu4 jing3 , wei4 lai2 san1 xiao3 shi2"
    " zhen4 feng1 shi2 er4 mi3 mei3 miao3 , qing3 bo1 da3 yao1 er4 san1 qi1 jiu3 ."
)
#: The same with one other word each: place, severity, hours, speed, number to call.
OTHERS = {
    "安海县": PINYIN.replace("xi1 xian4", "hai3 xian4"),
    "橙色": PINYIN.replace("hong2", "cheng2"),
    "4小时": PINYIN.replace("san1 xiao3", "si4 xiao3"),
    "11 m/s": PINYIN.replace("shi2 er4", "shi2 yi1"),
    "12329": PINYIN.replace("er4 san1 qi1 jiu3", "er4 san1 er4 jiu3"),
}


@pytest.fixture(scope="module")
def ear(toolbox: Toolbox) -> Ear:
    """Has learnt all of Mandarin's syllables."""
    return mandarin_ear()


def test_the_ear_hears_what_is_said_and_nothing_else(ear: Ear) -> None:
    assert len(inventory()) > 400
    sentences = {"as it is": PINYIN, **OTHERS}
    assert ear.hears(np.zeros(16_000)) == []
    for name, sentence in sentences.items():
        heard = ear.hears(encoded(spoken(sentence)))
        others = [other for other in sentences.values() if other is not sentence]
        assert times(heard, sentence, others) == 1, f"{name}: {' '.join(heard)}"
        assert [times(heard, other, [sentence]) for other in others] == [0] * len(OTHERS)


@pytest.mark.parametrize("place", [0.2, 0.4, 0.8])
def test_the_ear_misses_half_a_second_that_is_cut_out(ear: Ear, place: float) -> None:
    sound = encoded(spoken(PINYIN))
    sound[round(len(sound) * place) :][:8000] = 0
    assert times(ear.hears(sound), PINYIN) == 0


async def test_phonemes_of_the_text_are_those_of_its_syllables(speaker: Speaker) -> None:
    """With tones, which the ear does not hear: what the voice is given, against pinyin written by hand."""
    said = await speaker.phonemes(speaker.spoken(TEXT, "zh-CN"))
    assert said == await speaker.phonemes(Spoken((Stretch(MANDARIN, PINYIN),)))
    for other in OTHERS.values():
        assert said != await speaker.phonemes(Spoken((Stretch(MANDARIN, other),)))


class Room:
    """A terminal with a player that has just been told to play from ``url``."""

    def __init__(self, fleet: Fleet, server: Server, tape: Path) -> None:
        self.fleet, self._server, self._tape = fleet, server, tape
        self._commands = Commands(now=time.time())

    async def start(self, url: str) -> None:
        self._server.send(self._commands.start(1, url=url))
        await until(lambda: len(self._server.answers) == 1)

    async def stop(self) -> Sound:
        """What it heard."""
        self._server.send(self._commands.stop(1))
        journal = self.fleet.journal
        await until(lambda: any(entry.event is Event.TAPE for _, entry in journal.entries()), 60)
        (wav,) = self._tape.glob("*.wav")
        return decoded(wav.read_bytes())


async def perform(studio: Studio, outlet: Outlet, room: Room, url: str) -> Sound:
    """Broadcast siren and words at many times their speed, from before the start until after the stop; record them."""
    programme = studio.warning("w", Severity.RED, TEXT, "zh-CN")
    assert await programme.settled()
    timers = Timers()
    broadcast = Broadcast(programme, [outlet], timers)
    broadcast.start()
    await room.start(url)
    frames = len(packaged(Signal.SIREN)) * Signal.SIREN.turns + len(programme.body)
    for _ in range(frames // 7 + 1):
        timers.pass_by(0.168)
        await asyncio.sleep(0)  # the player takes what has come
    heard = await room.stop()
    broadcast.stop()
    return heard


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    server = Server()
    await server.start()
    fleet = Fleet(
        rows(1),
        FleetSettings(
            server.gateway,
            server.feedback,
            {CERTIFICATE: keys().public},
            terminal=TerminalSettings(player=Claims.HEARD),
            returns=ReturnMode.SHORT,
            player=PlayerSettings(tape=tmp_path / "tape"),
        ),
    )
    await fleet.start()
    await asyncio.wait_for(fleet.all_registered.wait(), 10)
    yield Room(fleet, server, tmp_path / "tape")
    await fleet.close()
    await server.close()


@pytest.mark.parametrize("form", ["rtp", "unicast"])
async def test_a_terminal_hears_every_syllable_of_a_warning(
    form: str, room: Room, ear: Ear, toolbox: Toolbox, options: SoundOptions, tmp_path: Path
) -> None:
    studio = Studio(options, tmp_path / "cache", toolbox=toolbox)
    port = free_port(socket.SOCK_DGRAM)
    outlet: RtpOutlet | UnicastOutlet
    if form == "rtp":
        address = RtpAddress(("127.0.0.1", port))
        outlet, url = RtpOutlet(address), str(address)
    else:
        outlet, url = UnicastOutlet(), f"udp://@{port}"
        outlet.add(("127.0.0.1", port))
    sound = await perform(studio, outlet, room, url)
    heard = await asyncio.to_thread(ear.hears, sound)
    assert times(heard, PINYIN, OTHERS.values()) == options.repeats, " ".join(heard)
    await studio.close()


async def test_what_is_lost_on_the_way_is_not_heard(
    room: Room, ear: Ear, toolbox: Toolbox, options: SoundOptions, tmp_path: Path
) -> None:
    room.fleet.set_faults(room.fleet.lines, lambda _: Faults(stream_loss=0.2))
    studio = Studio(options, tmp_path / "cache", toolbox=toolbox)
    address = RtpAddress(("127.0.0.1", free_port(socket.SOCK_DGRAM)))
    sound = await perform(studio, RtpOutlet(address), room, str(address))
    heard = await asyncio.to_thread(ear.hears, sound)
    assert len(heard) > len(plain(PINYIN))
    assert times(heard, PINYIN) == 0
    await studio.close()
