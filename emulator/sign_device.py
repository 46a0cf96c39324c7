"""A software double of a hardware signer 签名设备: keys in memory, one JSON object a line, faults on demand.

``python -m emulator.sign_device ADDRESS PRIVATE_KEY_FILE`` serves ``unix:/path`` or ``tcp:host:port``; the file holds
the private key in hexadecimal.
"""

from __future__ import annotations

import json
import socketserver
import sys
import time
from pathlib import Path
from typing import Any

from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider


class SignDevice:
    """Holds one key. ``delay``: seconds before an answer; ``refuses``: an error instead; ``lies``: signs wrongly."""

    def __init__(self, address: str, pair: KeyPair) -> None:
        self.pair, self.delay, self.refuses, self.lies, self.signed = pair, 0.0, False, False, 0
        self._provider = default_provider()
        device = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    self.wfile.write(device.answer(line))

        class Threads(socketserver.ThreadingMixIn):
            daemon_threads = True
            block_on_close = False

        class Tcp(Threads, socketserver.TCPServer):
            allow_reuse_address = True

        class Unix(Threads, socketserver.UnixStreamServer):
            pass

        kind, _, where = address.partition(":")
        if kind == "unix":
            self.server: Any = Unix(where, Handler)
            self.address = address
        else:
            host, _, port = where.rpartition(":")
            self.server = Tcp((host, int(port)), Handler)
            self.address = f"tcp:{host}:{self.server.server_address[1]}"

    def answer(self, line: bytes) -> bytes:
        """The answer to one request."""
        asked = json.loads(line)
        if self.delay:
            time.sleep(self.delay)
        answer: dict[str, Any] = {"id": asked["id"]}
        if self.refuses or bytes.fromhex(asked["public_key"]) != self.pair.public:
            answer["error"] = "refused" if self.refuses else "no such key"
        else:
            message = bytes.fromhex(asked["message"]) + (b"!" if self.lies else b"")
            answer["signature"] = self._provider.sign(self.pair.private, self.pair.public, message).hex()
            self.signed += 1
        return json.dumps(answer).encode() + b"\n"


def main() -> None:
    """Serve until ended."""
    address, file = sys.argv[1:3]
    private = bytes.fromhex(Path(file).read_text("ascii").strip())
    device = SignDevice(address, KeyPair(private, default_provider().public_of(private)))
    print(device.address, flush=True)
    device.server.serve_forever()


if __name__ == "__main__":
    main()
