from __future__ import annotations

import resource

from emulator.limits import how_many_fit, raise_file_limit


def test_soft_limit_is_raised_to_the_hard_one() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowered = min(soft, 512)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, hard))
    assert raise_file_limit() >= lowered
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_how_many_fit() -> None:
    assert how_many_fit(20_000, 4021, returns=200) == 4021
    assert how_many_fit(1024, 4021, returns=200) == 760
    assert how_many_fit(1024, 4021, returns=0, each=2) == 480
    assert how_many_fit(10, 4021, returns=200) == 0
