"""Ports 串口 of three kinds behind one face: a device of this machine, ``socket://`` and ``rfc2217://`` servers.

pyserial knows the settings of ports and RS-485; the event loop moves the bytes, so that both loops do (uvloop too). Its
RFC 2217 client is blocking code: it gets two threads of its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, cast

import serial
import serial.rfc2217
import serial.rs485

from gateway.settings.serial_link import SerialLink

_CHUNK: Final = 4096
#: Seconds for a port server to take a connection.
_DIAL: Final = 5.0
#: Seconds between two looks whether the thread of a port shall end.
_LOOK: Final = 0.25


class Owner(Protocol):
    """Who a port belongs to."""

    def received(self, data: bytes) -> None:
        """Take bytes."""
        ...

    def lost(self, reason: str) -> None:
        """The port is gone; nothing comes any more."""
        ...


class Port(Protocol):
    """An open port."""

    def write(self, data: bytes) -> None:
        """Hand bytes over; what cannot be taken now follows by itself."""
        ...

    def listen(self, *, on: bool) -> None:
        """Whether bytes are wanted as they come; while not, a port whose driver keeps them waits for ``look``."""
        ...

    def look(self) -> bool:
        """Hand over now what lies unread, where a driver keeps it; whether there was any."""
        ...

    def drive(self, *, on: bool) -> None:
        """Turn an RS-485 driver by RTS, where it is ours to turn."""
        ...

    def close(self) -> None:
        """Let go of it; ``Owner.lost`` is not called."""
        ...


async def open_port(link: SerialLink, owner: Owner) -> Port:
    """Open what the settings name. Errors: OSError (serial.SerialException is one), ValueError for a wrong URL."""
    loop = asyncio.get_running_loop()
    if link.url.startswith("socket://"):
        host, _, number = link.url.removeprefix("socket://").rpartition(":")
        async with asyncio.timeout(_DIAL):
            _, remote = await loop.create_connection(lambda: RemotePort(owner), host.strip("[]"), int(number))
        return remote
    if link.url.startswith("rfc2217://"):
        return await Rfc2217Port.open(link, owner)
    device = await loop.run_in_executor(None, _open_device, link)
    return DevicePort(device, link.direction == "rts", owner)


def _settings(link: SerialLink) -> dict[str, Any]:
    return {"baudrate": link.baud, "parity": link.parity, "stopbits": link.stop_bits}


def _open_device(link: SerialLink) -> serial.Serial:
    device = serial.Serial(timeout=0, exclusive=True, **_settings(link))
    if link.direction == "rts":
        # Before it opens: a driver that is on by mistake holds the whole bus.
        device.rts = False
    device.port = link.url
    device.open()
    if link.direction == "kernel":
        try:
            device.rs485_mode = serial.rs485.RS485Settings(rts_level_for_tx=True, rts_level_for_rx=False)
        except (OSError, ValueError) as error:
            device.close()
            raise OSError(f"the driver has no RS-485 mode: {error}") from error
    return device


class DevicePort:
    """A device of this machine."""

    def __init__(self, device: serial.Serial, by_rts: bool, owner: Owner) -> None:
        self._device, self._by_rts, self._owner = device, by_rts, owner
        self._fd: int = device.fileno()
        self._loop = asyncio.get_running_loop()
        self._unsent = b""
        self._listening = False
        self.listen(on=True)

    def write(self, data: bytes) -> None:
        """Hand bytes to the driver's buffer."""
        if self._fd < 0:
            return
        try:
            taken = 0 if self._unsent else os.write(self._fd, data)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            self._end(str(error))
            return
        if taken < len(data):
            if not self._unsent:
                self._loop.add_writer(self._fd, self._writable)
            self._unsent += data[taken:]

    def drive(self, *, on: bool) -> None:
        """Raise or drop RTS."""
        if self._by_rts and self._fd >= 0:
            try:
                self._device.rts = on
            except OSError as error:
                self._end(str(error))

    def close(self) -> None:
        """Let go of the device."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._fd = -1
            self._device.close()

    def listen(self, *, on: bool) -> None:
        """Have the loop wake us for bytes, or let the driver keep them."""
        if on is self._listening or self._fd < 0:
            return
        self._listening = on
        if on:
            self._loop.add_reader(self._fd, self._readable)
        else:
            self._loop.remove_reader(self._fd)

    def look(self) -> bool:
        """Read now what the driver holds; without data a read would look like the end of the device."""
        try:
            if self._fd < 0 or not self._device.in_waiting:
                return False
        except OSError as error:
            self._end(str(error))
            return False
        self._readable()
        return True

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(str(error))
            return
        if not data:
            self._end("end of file: the device is gone")
            return
        self._owner.received(data)

    def _writable(self) -> None:
        data, self._unsent = self._unsent, b""
        self._loop.remove_writer(self._fd)
        self.write(data)

    def _end(self, reason: str) -> None:
        self.close()
        self._owner.lost(reason)


class RemotePort(asyncio.Protocol):
    """A port server's raw TCP connection."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast(asyncio.Transport, transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        if self._transport is not None:
            self._owner.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner, unless it closed."""
        if self._transport is not None:
            self._transport = None
            self._owner.lost(str(exc or "closed by the port server"))

    def write(self, data: bytes) -> None:
        """Hand bytes over."""
        if self._transport is not None:
            self._transport.write(data)

    def drive(self, *, on: bool) -> None:
        """A raw connection has no lines to drive."""

    def listen(self, *, on: bool) -> None:
        """The loop reads as bytes come."""

    def look(self) -> bool:
        """What came is told already."""
        return False

    def close(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            transport, self._transport = self._transport, None
            transport.abort()


class Rfc2217Port:
    """A port server that also takes settings (RFC 2217)."""

    def __init__(self, port: serial.rfc2217.Serial, owner: Owner) -> None:
        self._port, self._owner = port, owner
        self._loop = asyncio.get_running_loop()
        self._open = True
        # One thread reads; the other keeps writes in their order.
        self._threads = ThreadPoolExecutor(1, "rfc2217-in"), ThreadPoolExecutor(1, "rfc2217-out")
        self._threads[0].submit(self._read)

    @classmethod
    async def open(cls, link: SerialLink, owner: Owner) -> Rfc2217Port:
        """Connect and set the far port."""

        def connect() -> serial.rfc2217.Serial:
            return serial.rfc2217.Serial(link.url, timeout=_LOOK, **_settings(link))

        port = await asyncio.get_running_loop().run_in_executor(None, connect)
        return cls(port, owner)

    def write(self, data: bytes) -> None:
        """Hand bytes to the writing thread."""
        self._do(self._port.write, data)

    def drive(self, *, on: bool) -> None:
        """The settings refuse it: over a network nobody can tell when the last bit has left the far port."""

    def listen(self, *, on: bool) -> None:
        """The thread reads as bytes come."""

    def look(self) -> bool:
        """What came is told already."""
        return False

    def close(self) -> None:
        """Let go of the connection; its threads end by themselves."""
        if self._open:
            self._open = False
            self._threads[1].submit(self._port.close)
            for threads in self._threads:
                threads.shutdown(wait=False)

    def _do(self, call: Callable[..., object], *arguments: object) -> None:
        if self._open:
            self._threads[1].submit(self._try, call, *arguments)

    def _try(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            call(*arguments)
        except (OSError, ValueError) as error:
            self._tell(self._end, str(error))

    def _read(self) -> None:
        while self._open:
            try:
                data = self._port.read(1)
                if data:
                    data += self._port.read(self._port.in_waiting)
            except (OSError, TypeError, AttributeError) as error:
                # pyserial's close takes its socket away under a reader that has not looked yet.
                self._tell(self._end, str(error))
                return
            if data:
                self._tell(self._received, data)

    def _tell(self, call: Callable[..., object], *arguments: object) -> None:
        if self._open and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _received(self, data: bytes) -> None:
        if self._open:
            self._owner.received(data)

    def _end(self, reason: str) -> None:
        if self._open:
            self.close()
            self._owner.lost(reason)
