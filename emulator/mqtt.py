"""Terminals on MQTT 消息代理终端: each a client of its own with its own last will, all on the one loop.

The library's own loop is a thread for each client; here its sockets hang on the fleet's loop, so that thousands fit.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from emulator.settings import MqttSettings
from gateway.domain.codes import AreaCode, AreaLevel, ResourceCode

if TYPE_CHECKING:
    from emulator.line import Line

_ONLINE, _OFFLINE = b"online", b"offline"
#: Seconds between looks at keep-alives, and for which a broker of MQTT 5 keeps a session.
_LOOK, _SESSION = 1.0, 3600


class MqttDialler:
    """Gives each line a client of the broker; a line that comes back gets the same one, with what it had not said."""

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._clients: dict[Line, _Client] = {}
        self._timer = self._loop.call_later(_LOOK, self._look)

    def want(self, line: Line, address: tuple[str, int]) -> None:
        """Connect ``line`` to the broker at ``address``; the TCP connection is made before this returns."""
        client = self._clients.get(line)
        if client is None:
            client = self._clients[line] = _Client(self._loop, line, self._settings)
        client.dial(address)

    async def close(self) -> None:
        """Look no more; the lines cut themselves."""
        self._timer.cancel()

    def _look(self) -> None:
        self._timer = self._loop.call_later(_LOOK, self._look)
        for client in self._clients.values():
            client.look()


class _Client:
    """One terminal at the broker."""

    __slots__ = ("_line", "_loop", "_mqtt", "_state", "_topics", "_transport", "up")

    def __init__(self, loop: asyncio.AbstractEventLoop, line: Line, settings: MqttSettings) -> None:
        self._loop, self._line = loop, line
        self._transport: MqttTransport | None = None
        own = f"{settings.prefix}/terminal/{line.code}"
        self._state, self.up = f"{own}/state", f"{own}/up"
        areas = [f"{settings.prefix}/{settings.profile}/area/{area}/down/#" for area in _above(line.code)]
        self._topics = [(topic, 1) for topic in (f"{own}/down", *areas)]
        self._mqtt = mqtt = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"ebgw-terminal-{line.code}",
            # What is said while the terminal is away waits for it.
            clean_session=None if settings.five else False,
            protocol=paho.MQTTv5 if settings.five else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        mqtt.keepalive = settings.keepalive
        if line.code in settings.passwords:
            mqtt.username_pw_set(line.code, settings.passwords[line.code])
        mqtt.will_set(self._state, _OFFLINE, qos=1, retain=True)
        mqtt.on_connect, mqtt.on_message, mqtt.on_disconnect = self._connected, self._heard, self._lost
        mqtt.on_socket_open, mqtt.on_socket_close = self._read, self._read_no_more
        mqtt.on_socket_register_write, mqtt.on_socket_unregister_write = self._write, self._write_no_more

    def dial(self, address: tuple[str, int]) -> None:
        """Connect, with the session that the broker may still have."""
        properties, clean = None, paho.MQTT_CLEAN_START_FIRST_ONLY
        if self._mqtt.protocol == paho.MQTTv5:
            clean = False
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _SESSION
        try:
            self._mqtt.connect(*address, keepalive=self._mqtt.keepalive, clean_start=clean, properties=properties)
        except OSError as error:
            self._loop.call_soon(self._line.dial_failed, str(error))
            return
        sock = self._mqtt.socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def look(self) -> None:
        """Keep the connection alive, or find it dead."""
        self._mqtt.loop_misc()

    def say(self, data: bytes) -> None:
        """Publish a frame of this terminal."""
        self._mqtt.publish(self.up, data, qos=1)

    def cut(self) -> None:
        """End the connection without a word: the broker says the last will."""
        sock = self._mqtt.socket()
        if isinstance(sock, socket.socket):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
            self._mqtt.loop_read()

    def _connected(self, mqtt: paho.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._loop.call_soon(self._line.dial_failed, str(reason))
        else:
            # What is retained may come before the word that we subscribed, so the line stands from now on.
            mqtt.subscribe(self._topics)
            mqtt.publish(self._state, _ONLINE, qos=1, retain=True)
            self._transport = MqttTransport(self)
            self._line.connection_made(self._transport)

    def _heard(self, mqtt: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        # An empty payload only clears what was retained.
        if message.payload and self._transport is not None:
            self._line.message_received(bytes(message.payload))

    def _lost(self, mqtt: paho.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.ended = True
            self._loop.call_soon(self._line.connection_lost, None)

    def _read(self, mqtt: paho.Client, data: Any, sock: Any) -> None:
        self._loop.add_reader(sock, mqtt.loop_read)

    def _read_no_more(self, mqtt: paho.Client, data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock)

    def _write(self, mqtt: paho.Client, data: Any, sock: Any) -> None:
        self._loop.add_writer(sock, mqtt.loop_write)

    def _write_no_more(self, mqtt: paho.Client, data: Any, sock: Any) -> None:
        self._loop.remove_writer(sock)


class MqttTransport(asyncio.Transport):
    """What a line writes to."""

    def __init__(self, client: _Client) -> None:
        super().__init__()
        self._client = client
        self.ended = False

    def write(self, data: object) -> None:
        """Publish one frame."""
        if not self.ended and isinstance(data, bytes):
            self._client.say(data)

    def is_closing(self) -> bool:
        """Whether the client has lost its broker."""
        return self.ended

    def abort(self) -> None:
        """Leave the broker without a word."""
        if not self.ended:
            self._client.cut()

    close = abort


def _above(code: ResourceCode) -> list[AreaCode]:
    """The terminal's own division and all above it."""
    areas = [code.area]
    while areas[-1].level is not AreaLevel.NATION:
        areas.append(areas[-1].parent)
    return areas
