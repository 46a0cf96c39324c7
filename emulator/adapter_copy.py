"""The copy that an adapter sends of what it plays 回传音频: RTP to where the platform said in 0x22 (table A.38)."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from gateway.protocols import rtp
from gateway.protocols.mpeg_audio import header_at, silent_frame

#: mp3 frames in a packet.
_IN_PACKET: Final = 7


async def send_copy(frames: Sequence[bytes], to: tuple[str, int], going: Callable[[], bool], host: str = "") -> int:
    """Send ``frames`` (mp3) over and over, in their own time, while ``going``; returns how many packets left.

    Silence where there are no frames. ``host`` is the address that they come from.
    """
    sound = tuple(frames) or (silent_frame(),)
    number, stamp, ssrc = random.getrandbits(16), random.getrandbits(32), random.getrandbits(32)
    loop = asyncio.get_running_loop()
    sent, at, due = 0, 0, loop.time()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((host, 0))
        while going():
            chosen = [sound[(at + ahead) % len(sound)] for ahead in range(_IN_PACKET)]
            seconds = sum(header.seconds for frame in chosen if (header := header_at(frame)) is not None)
            packet = rtp.RtpPacket(rtp.MPEG_AUDIO, number, stamp, ssrc, b"".join(chosen), marker=sent == 0)
            with suppress(OSError):  # nobody hears it there any more: a real one does not notice either
                sock.sendto(rtp.build(packet), to)
            number, stamp = (number + 1) & 0xFFFF, (stamp + round(seconds * rtp.CLOCK)) & 0xFFFFFFFF
            sent, at, due = sent + 1, at + _IN_PACKET, due + seconds
            await asyncio.sleep(due - loop.time())
    return sent
