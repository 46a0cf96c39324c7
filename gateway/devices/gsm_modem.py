"""A GSM modem 短信猫 on a serial port: AT commands in PDU mode (3GPP TS 27.005), one at a time, each within a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gateway.devices.serial_port import Port, open_port
from gateway.errors import LinkError
from gateway.protocols.sms import build_submit
from gateway.settings.serial_link import SerialLink

#: Seconds for an answer; the network takes its time to send.
_ANSWER: Final = 5.0
_SEND: Final = 60.0
_END_OF_TEXT: Final = b"\x1a"
_GIVE_UP: Final = b"\x1b"
#: A line longer than this is noise; a PDU is 352 digits.
_LONGEST: Final = 1024
_LISTED: Final = re.compile(r"\+CMGL: *(\d+),")


@dataclass(frozen=True, slots=True)
class Stored:
    """A message in the modem's store: its place, and its PDU as it was given."""

    index: int
    pdu: bytes


class Modem:
    """An open modem. Errors of every call: LinkError, after which it is to be opened anew."""

    def __init__(self) -> None:
        self._port: Port | None = None
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._rest = b""
        self._turn = asyncio.Lock()
        self._reference = 0
        #: set when the modem says that something came
        self.came = asyncio.Event()

    # -- the port's owner

    def received(self, data: bytes) -> None:
        """Bytes came: whole lines are passed on, and the prompt, which is none."""
        self._rest += data
        while b"\n" in self._rest or b"\r" in self._rest:
            line, self._rest = re.split(rb"[\r\n]", self._rest, maxsplit=1)
            self._line(line.decode("ascii", "replace").strip())
        if self._rest.startswith(b"> "):
            self._rest = self._rest[2:]
            self._line(">")
        if len(self._rest) > _LONGEST:
            self._rest = b""

    def lost(self, reason: str) -> None:
        """The port is gone."""
        self._port = None
        self._lines.put_nowait(None)
        self.came.set()

    def _line(self, line: str) -> None:
        if line.startswith(("+CMTI:", "+CDSI:", "RING")):
            self.came.set()
        elif line:
            self._lines.put_nowait(line)

    # -- commands

    async def begin(self, url: str, baud: int) -> None:
        """Open the port and bring the modem to PDU mode, with word of what comes. Errors: LinkError."""
        link = SerialLink(kind="serial", url=url, baud=baud, mode="rs232")
        try:
            self._port = await open_port(link, self)
        except (OSError, ValueError) as error:
            raise LinkError(f"{url}: {error}") from error
        # A dialogue that was broken off may be waiting for the end of a text.
        self._port.write(_GIVE_UP)
        for command in ("AT", "ATE0", "AT+CMGF=0", "AT+CNMI=2,1,0,0,0"):
            await self._ask(command)

    def close(self) -> None:
        """Let go of the port."""
        if self._port is not None:
            self._port.close()
            self._port = None

    async def stored(self) -> list[Stored]:
        """Everything in the store, read or not. What is no hexadecimal is passed over."""
        lines = await self._ask("AT+CMGL=4")
        found = []
        for head, body in pairwise(lines):
            place = _LISTED.match(head)
            if place is None:
                continue
            try:
                found.append(Stored(int(place[1]), bytes.fromhex(body)))
            except ValueError:
                found.append(Stored(int(place[1]), b""))
        return found

    async def delete(self, index: int) -> None:
        """Remove one from the store."""
        await self._ask(f"AT+CMGD={index}")

    async def send(self, number: str, text: str) -> None:
        """Send a text, in as many parts as it takes. Errors: LinkError, MalformedFrame for what cannot be sent."""
        self._reference = (self._reference + 1) % 256
        for pdu in build_submit(number, text, self._reference):
            async with self._turn:
                # The length leaves the service centre's address out (TS 27.005 §4.3).
                self._write(f"AT+CMGS={len(pdu) - 1}\r".encode())
                await self._until(">", _ANSWER)
                self._write(pdu.hex().upper().encode() + _END_OF_TEXT)
                await self._until("OK", _SEND)

    async def _ask(self, command: str) -> list[str]:
        async with self._turn:
            while not self._lines.empty():
                self._lines.get_nowait()
            self._write(f"{command}\r".encode())
            lines = await self._until("OK", _ANSWER)
            return [line for line in lines if line != command]

    def _write(self, data: bytes) -> None:
        if self._port is None:
            raise LinkError("the modem is gone")
        self._port.write(data)

    async def _until(self, last: str, seconds: float) -> list[str]:
        """Lines up to ``last``; LinkError for a refusal, silence or the loss of the port."""
        lines: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    line = await self._lines.get()
                    if line is None:
                        raise LinkError("the modem is gone")
                    if line == last:
                        return lines
                    if line == "ERROR" or line.startswith(("+CMS ERROR", "+CME ERROR")):
                        raise LinkError(f"the modem refuses: {line}")
                    lines.append(line)
        except TimeoutError:
            raise LinkError(f"the modem said nothing for {seconds:g} s") from None


@asynccontextmanager
async def open_modem(url: str, baud: int) -> AsyncIterator[Modem]:
    """A modem that is ready. Errors: LinkError."""
    modem = Modem()
    try:
        await modem.begin(url, baud)
        yield modem
    finally:
        modem.close()
