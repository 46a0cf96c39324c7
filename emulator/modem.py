"""A GSM modem 短信猫 on a pseudo terminal (3GPP TS 27.005, PDU mode); ``python -m emulator.modem``.

Commands on standard input: ``deliver PDUHEX`` puts a message into its store; ``fault NAME`` has its next command end
badly (``error``, ``silence``, ``garbage``, ``vanish``). Each line that it was sent as a message is printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tty
from collections.abc import Callable

_SUBMIT = re.compile(rb"AT\+CMGS=(\d+)")


class EmulatedModem:
    """One modem: its store, what was sent through it, and the faults that are due. ``path`` is its device."""

    def __init__(self) -> None:
        self.store: dict[int, str] = {}
        self.sent: list[str] = []
        self.commands: list[str] = []
        self.faults: list[str] = []
        self.told: Callable[[str], None] = lambda _: None
        self._input = b""
        self._text = False
        self._master = self._slave = -1
        self.path = ""

    def open(self) -> str:
        """Make the pseudo terminal; returns the path of its device."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        return self.path

    def close(self) -> None:
        """Let it vanish, as when somebody pulls the plug."""
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1

    def deliver(self, pdu: str) -> int:
        """A message comes: it is stored, and told."""
        index = next(n for n in range(1, 256) if n not in self.store)
        self.store[index] = pdu
        self._write(f'\r\n+CMTI: "SM",{index}\r\n')
        return index

    def _readable(self) -> None:
        try:
            self._input += os.read(self._master, 4096)
        except OSError:
            return
        while True:
            end = b"\x1a" if self._text else b"\r"
            # ESC ends a text that is not to be sent.
            self._input = self._input.rpartition(b"\x1b")[2]
            if end not in self._input:
                return
            line, _, self._input = self._input.partition(end)
            if self._text:
                self._text = False
                self._submitted(line.decode("ascii", "replace").strip())
            else:
                self._command(line.strip())

    def _submitted(self, pdu: str) -> None:
        if self._fault():
            return
        self.sent.append(pdu)
        self.told(pdu)
        self._write(f"\r\n+CMGS: {len(self.sent)}\r\n\r\nOK\r\n")

    def _command(self, line: bytes) -> None:
        text = line.decode("ascii", "replace")
        self.commands.append(text)
        if self._fault():
            return
        if _SUBMIT.match(line):
            self._text = True
            self._write("\r\n> ")
            return
        if text.startswith("AT+CMGL="):
            for index, pdu in sorted(self.store.items()):
                self._write(f"\r\n+CMGL: {index},0,,{len(pdu) // 2}\r\n{pdu}\r\n")
        elif text.startswith("AT+CMGD="):
            self.store.pop(int(text.partition("=")[2]), None)
        elif not text.startswith("AT"):
            self._write("\r\nERROR\r\n")
            return
        self._write("\r\nOK\r\n")

    def _fault(self) -> bool:
        if not self.faults:
            return False
        name = self.faults.pop(0)
        if name == "error":
            self._write("\r\n+CMS ERROR: 500\r\n")
        elif name == "garbage":
            self._write("\x00\xff\r\n+CMGL: x\r\n" + "z" * 3000 + "\r\n+CMS ERROR: 302\r\n")
        elif name == "vanish":
            self.close()
        return True

    def _write(self, text: str) -> None:
        if self._master >= 0:
            os.write(self._master, text.encode("latin-1"))


async def _main() -> None:
    modem = EmulatedModem()
    modem.told = lambda pdu: print(json.dumps({"event": "sent", "pdu": pdu}), flush=True)
    print(json.dumps({"event": "ready", "port": modem.open()}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word, _, rest = line.strip().partition(" ")
        if word == "deliver":
            modem.deliver(rest)
        elif word == "fault":
            modem.faults.append(rest)
    modem.close()


if __name__ == "__main__":
    asyncio.run(_main())
