"""Programme files of messages: held against size and digest, played in place of speech, or replaced by the text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon import Gateway
from gateway.domain.message import Manner
from gateway.protocols.platform.ebm import Auxiliary
from gateway.security.sm3 import sm3
from tests.gatewaykit import keep_reference
from tests.peerkit import Neighbour, county, ebm
from tests.programmes.soundkit import sound_programs, tone

NAME = "EBDR_350524_1.wav"
SOUND = tone(1.0)


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    sound_programs()
    keep_reference(monkeypatch)


@pytest.fixture
def city() -> Neighbour:
    return Neighbour()


@pytest.fixture
async def gate(tmp_path: Path, city: Neighbour, request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    peer: dict[str, Any] = getattr(request, "param", {})
    async with Gateway(county(tmp_path, city, n0=peer)) as gateway:
        city.port = gateway.ports.platform
        yield gateway


def auxiliary(**how: Any) -> Auxiliary:
    given: dict[str, Any] = {"type": 2, "description": NAME, "size": len(SOUND), "digest": sm3(SOUND).hex(), **how}
    return Auxiliary(**given)


async def test_the_file_of_the_package_is_what_sounds(gate: Gateway, city: Neighbour) -> None:
    answer = await city.send(ebm(1, auxiliaries=(auxiliary(),)), files=[(NAME, SOUND)])
    assert answer.result == 1, answer.words
    (live,) = gate.state.messages.values()
    assert live.message.manner is Manner.RECORDING
    assert gate.services.library.path(live.message.recording).read_bytes() == SOUND
    again = await city.send(ebm(2, auxiliaries=(auxiliary(),)), files=[(NAME, SOUND)])
    assert again.result == 1 and len(gate.services.library.names()) == 1


@pytest.mark.parametrize(("how", "rule"), [({"size": 5}, "Size"), ({"digest": "00" * 32}, "Digest")])
async def test_another_size_or_digest_is_content_that_is_missing(
    gate: Gateway, city: Neighbour, how: dict[str, Any], rule: str
) -> None:
    answer = await city.send(ebm(1, auxiliaries=(auxiliary(**how),)), files=[(NAME, SOUND)])
    assert answer.result == 3 and rule in answer.words and not gate.state.messages


async def test_what_cannot_be_played_gives_way_to_the_text(gate: Gateway, city: Neighbour) -> None:
    noise = b"no sound at all" * 100
    named = auxiliary(size=len(noise), digest=sm3(noise).hex())
    answer = await city.send(ebm(1, auxiliaries=(named,)), files=[(NAME, noise)])
    assert answer.result == 1 and "改播文字" in answer.words
    (live,) = gate.state.messages.values()
    assert live.message.manner is Manner.WARNING and live.message.text
    mute = await city.send(ebm(2, text=None, auxiliaries=(named,)), files=[(NAME, noise)])
    assert mute.result == 3 and "不可用" in mute.words


@pytest.mark.parametrize(
    ("gate", "result", "manner"),
    [
        ({"bare_sound": "accept"}, 1, Manner.RECORDING),
        ({"bare_sound": "speak"}, 1, Manner.WARNING),
        ({"bare_sound": "refuse"}, 3, None),
    ],
    indirect=["gate"],
)
async def test_a_file_that_no_digest_protects(
    gate: Gateway, city: Neighbour, result: int, manner: Manner | None
) -> None:
    answer = await city.send(ebm(1, auxiliaries=(auxiliary(digest=None),)), files=[(NAME, SOUND)])
    assert answer.result == result
    assert [live.message.manner for live in gate.state.messages.values()] == ([] if manner is None else [manner])


async def test_a_stream_is_what_terminals_are_sent_to(gate: Gateway, city: Neighbour) -> None:
    answer = await city.send(ebm(1, auxiliaries=(Auxiliary(type=61, description="rtp://239.9.9.9:5004"),)))
    assert answer.result == 1
    (live,) = gate.state.messages.values()
    assert live.message.manner is Manner.STREAM and live.message.programme_url == "rtp://239.9.9.9:5004"
