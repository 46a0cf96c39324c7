"""What the table of acceptance is made of 验收条款: chapters, their clauses by number, and rows of what is to be seen.

In our own words. Letters of the text that only say what to do stand in ``does``; the others are rows, each with a name
("c", with a word behind it where one letter asks for several things). A row is shown by tests, or says why it is not
run. Beside the letters of the text each clause has a control 反证: what must not happen, so that its tests can fail.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Name of the row that holds what must not happen.
CONTROL = "反证 control"


@dataclass(frozen=True, slots=True)
class Row:
    """What one letter wants seen; ``not_run`` says why nothing here can show it."""

    letter: str
    sees: str
    part: str = ""
    not_run: str = ""

    @property
    def name(self) -> str:
        """How a row is named within its clause."""
        return f"{self.letter} {self.part}".strip()


def control(sees: str) -> Row:
    """What must not happen."""
    return Row("", sees, CONTROL)


@dataclass(frozen=True, slots=True)
class Clause:
    """One measurement; ``letters`` are those of the text, ``acts`` those of them that only act: what ``does`` tells."""

    number: str
    chinese: str
    english: str
    letters: str
    acts: str
    does: str
    rows: tuple[Row, ...]

    def key(self, row: Row) -> str:
        """How a row is named in the table: "F.3.1 c"."""
        return f"{self.number} {row.name}"


@dataclass(frozen=True, slots=True)
class Chapter:
    """Clauses of one text; their numbers are unique over all chapters."""

    source: str
    chinese: str
    english: str
    clauses: tuple[Clause, ...]


# Why rows are not run.
RADIO = "需中波、调频、DTMB、移动多媒体接收机 needs radio receivers"
EARS = "需监听音箱与人耳 needs a monitor loudspeaker and somebody who listens"
HARDWARE = "需话筒、DVD 或 USB 等本地输入设备 needs a microphone, a DVD player or USB inputs"
TUNER = "需调频或有线电视调谐器，此处不调制 needs a tuner: nothing is modulated here"
PORT = "需真实终端的配置网口与厂家配置系统 needs a real terminal's configuration port and its maker's program"
UPGRADE = "本网关不做终端在线升级 the gateway upgrades no firmware"
SOUND = "需真实功放与声级计 needs a real amplifier and a sound-level meter"
