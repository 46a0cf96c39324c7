"""Hardware signers by their software double: the second serves where the first fails, and silence is told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulator.sign_device import SignDevice
from gateway.devices.sign_server import SignServers
from gateway.dispatch.requests import Ask, DeviceStatus
from gateway.domain.codes import CertificateSerial
from gateway.errors import OverloadedError
from gateway.protocols import ip
from gateway.security.coverage import Coverage, signed_bytes
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider
from tests.cli.running import clean
from tests.gatewaykit import BareTerminal, Gateway, alarms_of, keep_reference, settings_for, terminal, until

PAIR = default_provider().generate()
SERIAL = CertificateSerial("000000000ABC")


@contextmanager
def device(address: str = "tcp:127.0.0.1:0", pair: KeyPair = PAIR) -> Iterator[SignDevice]:
    made = SignDevice(address, pair)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


class Signing:
    """Two devices asked by ``SignServers``; ``now`` is its clock."""

    def __init__(self, *addresses: str) -> None:
        self.now, self.told = 0.0, list[tuple[str, bool]]()
        self.servers = SignServers(
            default_provider(),
            addresses,
            seconds=0.15,
            alarm=lambda address, failed, _why: self.told.append((address, failed)),
            monotonic=self.tick,
        )

    def tick(self) -> float:
        self.now += 1.0
        return self.now

    def sign(self, message: bytes = b"start") -> None:
        value = self.servers.sign(b"", PAIR.public, message)
        assert default_provider().verify(PAIR.public, message, value)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_device_signs_over_one_connection(tmp_path: Path, kind: str) -> None:
    with device("tcp:127.0.0.1:0" if kind == "tcp" else f"unix:{tmp_path}/s") as one:
        signing = Signing(one.address)
        for number in range(3):
            signing.sign(b"%d" % number)
        assert one.signed == 3 and signing.told == [(one.address, False), ("", False)]
        signing.servers.close()


@pytest.mark.parametrize("fault", ["slow", "refuses", "lies", "other_key", "away"])
def test_the_second_serves_where_the_first_fails_and_the_first_is_told(fault: str) -> None:
    first_pair = default_provider().generate() if fault == "other_key" else PAIR
    with device(pair=first_pair) as first, device() as second:
        first.delay, first.refuses, first.lies = 0.19 * (fault == "slow"), fault == "refuses", fault == "lies"
        address = "tcp:127.0.0.1:1" if fault == "away" else first.address
        signing = Signing(address, second.address)
        signing.sign()
        assert signing.told[0] == (address, True) and (second.address, False) in signing.told
        # While it rests it is not asked first, so that the next start pays nothing for it.
        signing.told.clear()
        signing.sign()
        assert second.signed == 2 and signing.told == []
        if fault == "refuses":
            first.refuses, signing.now = False, signing.now + 20
            signing.sign()
            assert first.signed == 1 and signing.told == [(address, False)]
        signing.servers.close()


def test_where_none_signs_it_is_told_and_given_up_in_the_end() -> None:
    with device() as one:
        one.refuses = True
        signing = Signing(one.address)
        signing.tick = lambda: 0.0  # type: ignore[method-assign]
        signing.servers._monotonic = iter([0.0, 0.0, 100.0]).__next__
        with pytest.raises(OverloadedError, match="no device signs"):
            signing.sign()
        assert signing.told == [(one.address, True), ("", True)]
        signing.servers.close()


def test_an_end_waits_for_no_device() -> None:
    signing = Signing("tcp:127.0.0.1:1")
    signing.servers.close()
    with pytest.raises(OverloadedError):
        signing.sign()


async def test_a_gateway_signs_by_hardware_and_says_when_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_reference(monkeypatch)
    with device() as first, device() as second:
        keys = {"public_key": PAIR.public.hex(), "certificate": SERIAL, "server_seconds": 0.5}
        signing = {"servers": [first.address, second.address], **keys}
        settings = settings_for(tmp_path, signing=signing, dispatch={"answer_seconds": 0.2})
        box = terminal("350524100001")
        async with Gateway(settings) as gate:
            await gate.terminals.put([box], "test")
            line = await BareTerminal.connect(gate.ports.terminals, box)
            known = gate.dispatch.find(str(box.code))
            assert known is not None
            try:
                first.refuses = True
                done = await gate.dispatch.requests.ask([known], Ask(tags=(6,)))
                assert done.devices[0].status is not DeviceStatus.UNREACHABLE
                block = line.heard[0].signature
                assert block is not None and block.certificate == SERIAL
                data = signed_bytes(ip.signed_data(line.raw[0]), block, Coverage.A)
                assert default_provider().verify(PAIR.public, data, block.value)
                await until(lambda: "sign_server" in alarms_of(gate))
                second.refuses = True
                asking = asyncio.create_task(gate.dispatch.requests.ask([known], Ask(tags=(6,))))
                await until(lambda: "signing_stopped" in alarms_of(gate))
                assert not asking.done()
                first.refuses = second.refuses = False
                await asking
                await until(lambda: "signing_stopped" not in alarms_of(gate))
            finally:
                await line.close()
        assert not list((tmp_path / "keys").glob("signing.json"))


def test_the_double_is_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(PAIR.private.hex())
    command = [sys.executable, "-m", "emulator.sign_device", "tcp:127.0.0.1:0", str(tmp_path / "key")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean())
    try:
        assert process.stdout is not None
        signing = Signing(process.stdout.readline().strip())
        signing.servers._monotonic = time.monotonic
        signing.sign()
        signing.servers.close()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]
