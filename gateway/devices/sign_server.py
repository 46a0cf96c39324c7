"""Hardware signers 签名服务器 / 密码机: who holds our private key outside this process, asked over a local socket.

One JSON object a line: ``{"id": 7, "op": "sign", "public_key": "<hex>", "message": "<hex>"}`` is answered by
``{"id": 7, "signature": "<128 hex>"}`` or ``{"id": 7, "error": "…"}``. Devices in the field speak protocols of their
makers; a small program beside the device turns this into its own. Each signature is verified before it is used.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final

from gateway.errors import LinkError, OverloadedError
from gateway.security.curve import USER_ID, KeyPair, check_public
from gateway.security.sm2 import Sm2Provider

#: Octets of an answer at most.
_LONGEST: Final = 4096
#: Seconds between two rounds while no device signs, and how long a signature is waited for in all.
_PAUSE: Final = 0.2
_PATIENCE: Final = 60.0
#: Seconds for which a device that failed is asked only after the others.
_REST: Final = 10.0
#: Seconds after which a publisher may try again.
_RETRY: Final = 5.0

#: address (empty: no device signs at all), whether it is so, why; called in the thread that signs.
DeviceAlarm = Callable[[str, bool, str], object]


class _Device:
    """One device: a connection that is kept while it serves."""

    def __init__(self, address: str, seconds: float) -> None:
        self.address, self._seconds = address, seconds
        self._socket: socket.socket | None = None
        self._count = 0
        self.rests_until = 0.0

    def ask(self, public_key: bytes, message: bytes) -> bytes:
        """Its signature. Errors: LinkError."""
        self._count += 1
        request = {"id": self._count, "op": "sign", "public_key": public_key.hex(), "message": message.hex()}
        try:
            if self._socket is None:
                self._socket = self._connect()
            self._socket.settimeout(self._seconds)
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(self._line(self._socket))
        except (OSError, ValueError) as error:
            self.close()
            raise LinkError(f"{self.address}: {error or type(error).__name__}") from error
        if not isinstance(answer, dict) or answer.get("id") != self._count or "signature" not in answer:
            self.close()
            said = str(answer.get("error", "no answer to this request") if isinstance(answer, dict) else answer)
            raise LinkError(f"{self.address}: {said[:200]}")
        try:
            return bytes.fromhex(str(answer["signature"]))
        except ValueError:
            raise LinkError(f"{self.address}: its signature is no hexadecimal text") from None

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        kind, _, where = self.address.partition(":")
        if kind == "unix":
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(self._seconds)
            try:
                made.connect(where)
            except OSError:
                made.close()
                raise
            return made
        host, _, port = where.rpartition(":")
        return socket.create_connection((host, int(port)), self._seconds)

    def _line(self, connection: socket.socket) -> bytes:
        held = b""
        while not held.endswith(b"\n"):
            piece = connection.recv(_LONGEST)
            if not piece:
                raise OSError("hung up")
            held += piece
            if len(held) > _LONGEST:
                raise ValueError("its answer is too long")
        return held


class SignServers:
    """An ``Sm2Provider`` that signs by devices, the first that works, and does all else by ``local``.

    ``seconds``: for one answer. While none signs, ``sign`` goes on asking for a minute and says so by ``alarm``.
    """

    def __init__(
        self,
        local: Sm2Provider,
        addresses: Sequence[str],
        *,
        seconds: float,
        alarm: DeviceAlarm,
        monotonic: Callable[[], float],
    ) -> None:
        self._local, self._alarm, self._monotonic = local, alarm, monotonic
        self._devices = [_Device(address, seconds) for address in addresses]
        self._failed: dict[str, bool] = {}
        self._closed = threading.Event()
        self.verify, self.generate, self.public_of = local.verify, local.generate, local.public_of

    @property
    def name(self) -> str:
        """Where it signs, and what verifies."""
        return f"{', '.join(device.address for device in self._devices)}; {self._local.name}"

    def sign(self, private_key: bytes, public_key: bytes, message: bytes, user_id: bytes = USER_ID) -> bytes:
        """r ‖ s by a device that holds the key of ``public_key``.

        Errors: OverloadedError where none signs in time, so that publishers hear 503 and dispatch tries again.
        """
        give_up, last = self._monotonic() + _PATIENCE, ""
        while not self._closed.is_set():
            now = self._monotonic()
            # Those that failed lately come last, and are asked all the same where nobody else signs.
            for device in sorted(self._devices, key=lambda one: one.rests_until > now):
                try:
                    value = device.ask(public_key, message)
                    if not self._local.verify(public_key, message, value, user_id):
                        raise LinkError(f"{device.address}: its signature does not verify with our public key")
                except LinkError as error:
                    last = str(error)
                    device.rests_until = now + _REST
                    self._tell(device.address, True, last)
                    continue
                device.rests_until = 0.0
                self._tell(device.address, False, "")
                self._tell("", False, "")
                return value
            self._tell("", True, last)
            if self._monotonic() >= give_up:
                break
            self._closed.wait(_PAUSE)
        raise OverloadedError(f"没有签名设备可用 no device signs: {last}", _RETRY)

    def close(self) -> None:
        """Wait for no device any more."""
        self._closed.set()
        for device in self._devices:
            device.close()

    def _tell(self, address: str, failed: bool, why: str) -> None:
        # At first also that all is well, for an alarm of the last run may be open.
        if self._failed.get(address) is not failed:
            self._failed[address] = failed
            self._alarm(address, failed, why)


class HardwarePair(KeyPair):
    """A pair of which only a device has the private half; what is here of it is empty."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Check the public half. Raise KeyMaterialError."""
        check_public(self.public)
