"""Hardware that signs, by the settings, with its alarms."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from gateway.devices.sign_server import SignServers
from gateway.dispatch.alarms import AlarmLevel, Alarms
from gateway.security.sm2 import Sm2Provider
from gateway.settings import SigningSection


def signs_by(signing: SigningSection, local: Sm2Provider, alarms: Alarms, stack: AsyncExitStack) -> Sm2Provider:
    """The devices, closed with ``stack``, or ``local`` where none is set.

    A device that fails raises ``sign_server``, and ``signing_stopped`` (critical) says that none signs.
    """
    if not signing.servers:
        return local
    loop = asyncio.get_running_loop()

    def alarm(address: str, failed: bool, why: str) -> None:
        # Called in the signing thread.
        kind, subject = ("sign_server", address) if address else ("signing_stopped", "signer")
        if not failed:
            loop.call_soon_threadsafe(alarms.clear, kind, subject)
            return
        words = "签名设备故障，改用其他设备 this device does not sign, another does"
        level = AlarmLevel.WARNING
        if not address:
            words, level = "所有签名设备均不可用，指令暂停发出 no device signs, orders wait", AlarmLevel.CRITICAL
        loop.call_soon_threadsafe(alarms.raise_, kind, subject, f"{words}: {why}", level)

    servers = SignServers(local, signing.servers, seconds=signing.server_seconds, alarm=alarm, monotonic=time.monotonic)
    # Before the signing thread is waited for, which may be waiting for a device.
    stack.callback(servers.close)
    return servers
