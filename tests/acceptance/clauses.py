"""A clause of GD/J 089-2018 appendix F 条款: its number and letters, and what is to be seen, in our own words.

Letters that only say what to do stand in ``done``; the others are rows, each with a key ("F.3.1 c", with a word behind
it where one letter asks for several things). A row is shown by tests, or says why it is not run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What one letter wants seen; ``not_run`` says why nothing here can show it."""

    letter: str
    sees: str
    part: str = ""
    not_run: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One measurement; ``letters`` as the text has them, ``done`` those that only act."""

    number: str
    chinese: str
    english: str
    letters: str
    done: str
    rows: tuple[Row, ...]

    def key(self, row: Row) -> str:
        """How a row is named."""
        return f"{self.number} {row.letter} {row.part}".rstrip()


# Why rows are not run.
RADIO = "需中波、调频、DTMB、移动多媒体接收机 needs radio receivers"
EARS = "需监听音箱与人耳 needs a monitor loudspeaker and somebody who listens"
HARDWARE = "需话筒、DVD、USB 等本地输入设备 needs microphone, DVD or USB inputs"
TUNER = "需调频或有线电视调谐器 needs a tuner: nothing is modulated here"
PORT = "需真实终端的配置网口与终端配置系统 needs a real terminal's configuration port and its maker's program"
UPGRADE = "本网关不做终端在线升级 the gateway upgrades no firmware"
SOUND = "需真实功放与声级计 needs a real amplifier and a sound-level meter"
