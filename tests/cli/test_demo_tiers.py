"""``ebgw demo --tiers`` as a newcomer runs it, small: what the city says was reached is what the counties proved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import ebgw


@pytest.mark.timeout(120)
def test_a_warning_through_two_counties_comes_back_as_claimed(tmp_path: Path) -> None:
    done = ebgw("demo", "--tiers", "--terminals", 120, "--json", cwd=tmp_path, seconds=110)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["outcome"] == "complete"
    city, *counties = result["tiers"].values()
    assert [one["unreached"] for one in (city, *counties)] == [0, 0, 0]
    assert all(one["proven"] == one["terminals"] > 0 for one in counties)
    assert (city["proven"], city["claimed"]) == (0, sum(one["proven"] for one in counties))
    # One number from the city to the terminals.
    for name in ("anxi", "huian"):
        journal = (Path(result["data_dir"]) / name / "journal.jsonl").read_text()
        assert f'"{result["ebm_id"]}"' in journal


def test_it_goes_without_bearers(tmp_path: Path) -> None:
    done = ebgw("demo", "--tiers", "--bearers", "all", cwd=tmp_path)
    assert done.returncode == 2 and "--tiers" in done.stderr
