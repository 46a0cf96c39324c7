"""Whose seconds an adapter counts 时间基准: a wrong guess ends a broadcast eight hours off, so starts wait.

An adapter that reads our end as long past drops the start without a word (binary.md 0.3).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocols.time_base import ClockVerdict, TimeBase, check_clock


@dataclass(slots=True)
class ClockWatch:
    """What the heartbeats of one adapter say about its ``time_base``; ``doubt`` is empty while starts may go."""

    base: TimeBase
    #: whether a doubt holds starts back; False is the settings' or an operator's word that the base is right
    holds: bool = True
    doubt: str = ""
    #: a clock that is wrong in both bases, for the operator
    remark: str = ""

    def note(self, connection_time: int, now: float) -> None:
        """Hold ``connection_time`` (table A.35, as on the wire) against our clock, Unix seconds."""
        check = check_clock(connection_time, now, self.base)
        self.remark = ""
        if check.verdict is ClockVerdict.PLAUSIBLE:
            self.doubt = ""
        elif check.verdict is ClockVerdict.OTHER_BASE:
            if self.holds:
                self.doubt = (
                    f"时间基准不符，建议设为 {check.proposed}；未确认前不下发开播 "
                    f'its clock fits time_base = "{check.proposed}", {self.base} is set: no start until this is settled'
                )
        else:
            self.remark = f"时钟偏差 {check.ahead_s:.0f} 秒 its clock is off by {check.ahead_s:.0f} s"

    def override(self) -> None:
        """An operator says that the base is right: starts go, whatever its clock shows, until the next restart."""
        self.holds, self.doubt = False, ""
