"""An ear where a programme goes, and where a start frame says that it goes."""

from __future__ import annotations

import socket

from gateway.protocols import rtp
from gateway.protocols.ip_bodies import StartBroadcast
from gateway.protocols.mpeg_audio import split
from tests.gatewaykit import BareTerminal


class Ear:
    """A datagram socket that listens where a programme goes."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.socket.setblocking(False)
        self.packets: list[bytes] = []

    def listen(self) -> int:
        """Take what has come; how many packets there are now."""
        while True:
            try:
                self.packets.append(self.socket.recv(2048))
            except BlockingIOError:
                return len(self.packets)

    def frames(self) -> list[bytes]:
        """Frames of RTP packets, in order."""
        self.listen()
        return [frame for packet in self.packets for frame in split(rtp.parse(packet).payload)]

    def close(self) -> None:
        self.socket.close()


def address(line: BareTerminal, number: int = -1) -> str:
    """The programme's address in a start frame."""
    body = line.starts[number].body
    assert isinstance(body, StartBroadcast)
    return body.aux[0].data.decode()
