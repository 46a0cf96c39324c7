"""The line to an RDS encoder: a TCP connection or a serial port, written a piece at a time; what it says is read away.

The encoder answers nothing that GD/J 085-2018 knows. A line is *free* once the system took all that was written, so an
encoder that does not drain holds up one piece, and is noticed.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final, Protocol, cast

import serial

from gateway.settings.rds_link import RdsLink

#: Seconds for an encoder to take a connection.
_DIAL: Final = 5.0
_CHUNK: Final = 4096
#: Bytes that the system may hold of what an encoder has not taken: some ten seconds of the sub-carrier, not minutes.
_SEND_BUFFER: Final = 2048


class Owner(Protocol):
    """Who a line belongs to; both are called from the event loop."""

    def freed(self) -> None:
        """All that was written has been taken."""
        ...

    def lost(self, reason: str) -> None:
        """The line is gone."""
        ...


class Port(Protocol):
    """An open line."""

    @property
    def is_free(self) -> bool:
        """Whether all that was written has been taken."""
        ...

    def write(self, data: bytes) -> None:
        """Hand over one piece; only while the line is free."""
        ...

    def close(self) -> None:
        """Let go of it; ``Owner.lost`` is not called."""
        ...


async def open_port(link: RdsLink, owner: Owner) -> Port:
    """Open what the settings name. Errors: OSError (of which serial.SerialException is one)."""
    loop = asyncio.get_running_loop()
    if link.url.startswith("tcp://"):
        host, _, number = link.url.removeprefix("tcp://").rpartition(":")
        async with asyncio.timeout(_DIAL):
            _, remote = await loop.create_connection(lambda: RemotePort(owner), host.strip("[]"), int(number))
        return remote
    device = await loop.run_in_executor(None, _open_device, link)
    return DevicePort(device, owner)


def _open_device(link: RdsLink) -> serial.Serial:
    try:
        return serial.Serial(
            link.url, link.baud, parity=link.parity, stopbits=link.stop_bits, timeout=0, exclusive=True
        )
    except ValueError as error:
        raise OSError(f"{link.url}: {error}") from error


class RemotePort(asyncio.Protocol):
    """A TCP connection to an encoder or to a port server in front of it."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self.is_free = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._transport.set_write_buffer_limits(high=0)
        self.is_free = True

    def pause_writing(self) -> None:
        """The system takes no more."""
        self.is_free = False

    def resume_writing(self) -> None:
        """The system has taken all."""
        self.is_free = True
        self._owner.freed()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner, unless it closed."""
        if self._transport is not None:
            self._transport = None
            self._owner.lost(str(exc or "closed by the encoder"))

    def write(self, data: bytes) -> None:
        """Hand over one piece."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            transport, self._transport = self._transport, None
            transport.abort()


class DevicePort:
    """A serial port of this machine."""

    def __init__(self, device: serial.Serial, owner: Owner) -> None:
        self._device, self._owner = device, owner
        self._fd: int = device.fileno()
        self._unsent = b""
        self._loop = asyncio.get_running_loop()
        os.set_blocking(self._fd, False)
        self._loop.add_reader(self._fd, self._readable)

    @property
    def is_free(self) -> bool:
        """Whether the driver took all."""
        return not self._unsent

    def write(self, data: bytes) -> None:
        """Hand over one piece."""
        if self._fd < 0:
            return
        self._unsent += data
        self._push()
        if self._unsent and self._fd >= 0:
            self._loop.add_writer(self._fd, self._writable)

    def close(self) -> None:
        """Let go of the device."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._fd = -1
            self._device.close()

    def _push(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._fd, self._unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            self._end(str(error))

    def _writable(self) -> None:
        self._push()
        if not self._unsent and self._fd >= 0:
            self._loop.remove_writer(self._fd)
            self._owner.freed()

    def _readable(self) -> None:
        try:
            gone = not os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(str(error))
            return
        if gone:
            self._end("end of file: the device is gone")

    def _end(self, reason: str) -> None:
        self.close()
        self._owner.lost(reason)
