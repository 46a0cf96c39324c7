"""What the field SigTime 签名时间 of GD/J 081-2018 table 2 can hold."""

from __future__ import annotations

from typing import Final

#: 2018-01-01 00:00 UTC. From here on a SigTime counts as time, below it as the counter of a hardware signer: 081 says
#: time, its own sample holds a counter.
TIME_FLOOR: Final = 1_514_764_800
SIG_TIME_MAX: Final = 0xFFFF_FFFF
