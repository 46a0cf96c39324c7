"""Sound as RTP, as datagrams and over HTTP: the real daemon, real players; multicast in a network of its own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.devices.netns import said_in_there
from tests.ports import free_port
from tests.scenarios.sound_forms import FORMS, GROUP, carry


@pytest.mark.parametrize("form", FORMS)
async def test_players_hear_it_from_the_start_and_it_outlives_the_stop(form: str, tmp_path: Path) -> None:
    heard = await carry(tmp_path, free_port(socket.SOCK_DGRAM), **FORMS[form])
    for row in heard.values():
        assert row["source"].startswith({"rtp": "rtp://127.0.0.1:", "unicast": "udp://@", "pull": "http://"}[form])
        assert row["first"] is not None
        assert row["lost"] == 0
        assert row["after"] > 0


async def test_players_join_a_group() -> None:
    said = (await said_in_there("tests.scenarios.sound_forms")).splitlines()
    assert said == [f"rtp://{GROUP}:5004 0 lost, True, True"] * 3
