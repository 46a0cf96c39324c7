"""Live sound over RTP: a telephone gateway or a microphone, heard from the hosts of the settings alone.

Payload types 14 (MPEG audio), 0 and 8 (G.711) of RFC 3551; which one, its first packet says. The port is always open:
people see whether the source is there before they cut in.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from gateway.errors import EnvironmentLackingError, SoundError
from gateway.programmes.live_encoder import LiveEncoder
from gateway.programmes.live_forms import BY_PAYLOAD, LiveForm
from gateway.programmes.live_options import RtpSource
from gateway.programmes.live_queue import LiveQueue
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox
from gateway.protocols.rtp import RtpPacket
from gateway.protocols.rtp_reception import SOURCE_SECONDS, Reception

#: Datagrams read in one turn of the loop, of at most this size; bytes of the kernel's buffer.
_AT_ONCE, _LARGEST, _BUFFER = 64, 65_535, 1 << 20
#: Bytes that wait for ffmpeg to come up: 4 s of telephone.
_EARLY: Final = 32_768
#: Longest gap of lost telephone sound that is filled with silence, in seconds.
_FILLED: Final = 1.0
#: Seconds before an encoder that failed is started anew, first and longest.
_AGAIN, _AGAIN_LONGEST = 0.2, 5.0


class RtpInput:
    """One RTP source. ``open`` and ``close`` its port; ``attach`` and ``detach`` a message's queue.

    ``on_problem`` is told why its sound cannot be encoded, and None when it can again.
    """

    def __init__(
        self,
        source: RtpSource,
        toolbox: Toolbox,
        options: SoundOptions,
        monotonic: Callable[[], float],
        on_problem: Callable[[SoundError | None], None],
    ) -> None:
        self.source = source
        self.port = 0
        #: packets of hosts and forms that are not heard, of all receptions
        self.foreign = 0
        self._toolbox = toolbox
        self._options = options
        self._monotonic = monotonic
        self._on_problem = on_problem
        self._socket: socket.socket | None = None
        self._payload: int | None = None
        self._reception: Reception | None = None
        self._expected: int | None = None
        self._queue: LiveQueue | None = None
        self._encoder: LiveEncoder | None = None
        self._early = bytearray()
        self._task: asyncio.Task[None] | None = None

    @property
    def form(self) -> LiveForm | None:
        """What it sends; None before the first packet."""
        return None if self._payload is None else BY_PAYLOAD[self._payload]

    @property
    def reception(self) -> Reception | None:
        """What was counted of what it sends."""
        return self._reception

    @property
    def silent_for(self) -> float | None:
        """Seconds since its last packet; None before the first."""
        heard = None if self._reception is None else self._reception.heard_at
        return None if heard is None else self._monotonic() - heard

    def open(self) -> None:
        """Open its port. Errors: OSError. Again is no harm."""
        if self._socket is not None:
            return
        sock = socket.socket(socket.AF_INET6 if ":" in self.source.host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        try:
            sock.bind((self.source.host, self.source.port))
        except OSError:
            sock.close()
            raise
        self._socket, self.port = sock, sock.getsockname()[1]
        asyncio.get_running_loop().add_reader(sock, self._read, sock)

    async def close(self) -> None:
        """Close its port."""
        if self._queue is not None:
            await self.detach(self._queue)
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def attach(self, queue: LiveQueue) -> None:
        """What comes from now on goes to this queue, and to no other."""
        self._queue = queue
        self._early.clear()
        self._encode(queue)

    async def detach(self, queue: LiveQueue) -> None:
        """Nothing more goes to this queue."""
        if self._queue is not queue:
            return
        self._queue = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def look(self) -> None:
        """What is to be done twice a second: let packets go that waited for one that is lost."""
        if self._reception is not None:
            self._hear(self._reception.due(self._monotonic()))

    def _read(self, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, peer = sock.recvfrom(_LARGEST)
            except OSError:
                return
            self._take(data, peer[0])

    def _take(self, data: bytes, host: str) -> None:
        now = self._monotonic()
        payload = data[1] & 0x7F if len(data) > 1 else None
        if host not in self.source.hosts or payload not in BY_PAYLOAD:
            self.foreign += 1
            return
        if payload != self._payload and self._may_change():
            self._turn_to(payload)
        assert self._reception is not None
        self._hear(self._reception.take(data, host, now))

    def _may_change(self) -> bool:
        """Another form is heard once the one before has been silent for as long as another SSRC must wait."""
        silent = self.silent_for
        return silent is None or silent >= SOURCE_SECONDS

    def _turn_to(self, payload: int) -> None:
        self._payload, self._expected = payload, None
        self._reception = Reception(payload, BY_PAYLOAD[payload].rate, self.source.hosts)
        self._early.clear()
        if self._queue is not None:
            self._encode(self._queue)

    def _encode(self, queue: LiveQueue) -> None:
        """Begin with an encoder of the present form, in the place of the one that runs."""
        before = self._task
        if before is not None:
            before.cancel()
        self._task = asyncio.get_running_loop().create_task(self._run(queue, before), name="live rtp")

    def _hear(self, packets: list[RtpPacket]) -> None:
        form = self.form
        assert form is not None
        for packet in packets:
            data = self._filled(packet, form) + packet.payload
            if self._encoder is not None:
                self._encoder.feed(data)
            elif self._queue is not None and len(self._early) + len(data) <= _EARLY:
                self._early += data

    def _filled(self, packet: RtpPacket, form: LiveForm) -> bytes:
        """Silence for what was lost before a packet of telephone sound, one byte a sample."""
        if not form.silence:
            return b""
        gap = 0 if self._expected is None else (packet.timestamp - self._expected) & 0xFFFFFFFF
        self._expected = (packet.timestamp + len(packet.payload)) & 0xFFFFFFFF
        return form.silence * gap if gap <= _FILLED * form.rate else b""

    async def _run(self, queue: LiveQueue, before: asyncio.Task[None] | None) -> None:
        """Keep an encoder for as long as a message listens."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        pause = _AGAIN
        while True:
            form = self.form
            if form is None:
                # Until its first packet there is nothing to encode; ``_turn_to`` begins this anew.
                return
            encoder: LiveEncoder | None = None

            def came(frames: list[bytes]) -> None:
                self._on_problem(None)
                queue.push_live(frames)

            try:
                encoder = await LiveEncoder.open(self._toolbox, form, self._options, came)
                if self._early:
                    encoder.feed(bytes(self._early))
                    self._early.clear()
                self._encoder = encoder
                await encoder.ended()
            except EnvironmentLackingError as error:
                self._on_problem(SoundError(str(error)))
                return
            except SoundError as error:
                self._on_problem(error)
            finally:
                self._encoder = None
                if encoder is not None:
                    await encoder.close()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _AGAIN_LONGEST)
