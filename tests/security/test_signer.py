from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError, KeyMaterialError
from gateway.security.curve import KeyPair
from gateway.security.high_water import HighWaterFile
from gateway.security.keys import SigningKey
from gateway.security.libcrypto import LibcryptoProvider
from gateway.security.sig_time import TIME_FLOOR
from gateway.security.signer import AHEAD_LIMIT, Signer, SignerAlarm

NOON = 1_780_000_000


class Bench:
    """A signer with a clock that stands still until moved, and a disk that a crash cannot take back."""

    def __init__(self, provider: LibcryptoProvider, pair: KeyPair) -> None:
        self.now: float = NOON
        self.synchronised: bool | None = True
        self.disk = 0
        self.writes: list[int] = []
        self.alarms: list[tuple[SignerAlarm, bool]] = []
        self.provider = provider
        self.key = SigningKey(pair, CertificateSerial("000000000142"), datetime(2026, 1, 1, tzinfo=UTC))

    def persist(self, bound: int) -> None:
        self.disk = bound
        self.writes.append(bound)

    def alarm(self, alarm: SignerAlarm, active: bool, detail: str) -> None:
        assert detail
        self.alarms.append((alarm, active))

    def start(self) -> Signer:
        return Signer(
            self.key,
            self.provider,
            clock=lambda: self.now,
            last=self.disk,
            persist=self.persist,
            alarm=self.alarm,
            clock_synchronised=lambda: self.synchronised,
        )


@pytest.fixture
def bench(libcrypto: LibcryptoProvider, sample_pair: KeyPair) -> Bench:
    return Bench(libcrypto, sample_pair)


def test_coverage_is_data_then_time(bench: Bench) -> None:
    signer = bench.start()
    block = signer.sign(b"frame")
    assert (block.sig_time, block.certificate) == (NOON, "000000000142")
    public = bench.key.pair.public
    assert bench.provider.verify(public, b"frame" + NOON.to_bytes(4), block.value)
    assert not bench.provider.verify(public, b"frame", block.value)
    assert signer.signatures_made == 1


def test_each_time_is_above_the_last_and_follows_the_clock(bench: Bench) -> None:
    signer = bench.start()
    times = [signer.sign(b"").sig_time for _ in range(3)]
    bench.now = NOON + 60.9
    times.append(signer.sign(b"").sig_time)
    bench.now = NOON - 3600
    times.append(signer.sign(b"").sig_time)
    assert times == [NOON, NOON + 1, NOON + 2, NOON + 60, NOON + 61]


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.one_of(st.integers(-400, 400), st.sampled_from(["sign", "sign", "crash", "close"])), min_size=5, max_size=40
    )
)
def test_times_rise_over_crashes_restarts_and_clock_steps(steps: list[int | str]) -> None:
    pair = KeyPair((5).to_bytes(32), LibcryptoProvider().public_of((5).to_bytes(32)))
    bench = Bench(LibcryptoProvider(), pair)
    signer = bench.start()
    used: list[int] = []
    for step in steps:
        if isinstance(step, int):
            bench.now += step
        elif step == "sign":
            used.append(signer.sign(b"").sig_time)
            assert used[-1] <= bench.disk
        else:
            if step == "close":
                signer.close()
            signer = bench.start()
    assert used == sorted(set(used))


def test_a_signature_seldom_waits_for_the_disk(bench: Bench) -> None:
    signer = bench.start()
    for _ in range(100):
        signer.sign(b"")
    assert len(bench.writes) <= 8
    assert bench.disk >= signer.last


def test_a_row_of_crashes_does_not_lead_the_clock_until_receivers_refuse(bench: Bench) -> None:
    for _ in range(100):
        signer = bench.start()
        for _ in range(3):
            last = signer.sign(b"").sig_time
        bench.now += 3
    assert last - bench.now < 30


def test_nothing_is_signed_when_the_mark_cannot_be_kept(bench: Bench) -> None:
    signer = bench.start()
    full = KeyMaterialError("disk full")

    def refuse(bound: int) -> None:
        raise full

    signer._persist = refuse
    with pytest.raises(KeyMaterialError, match="disk full"):
        signer.sign(b"")
    assert (signer.last, signer.signatures_made) == (0, 0)


def test_an_orderly_restart_does_not_lead_the_clock(bench: Bench) -> None:
    signer = bench.start()
    signer.sign(b"")
    signer.close()
    signer.close()
    assert bench.disk == NOON
    bench.now += 1
    assert bench.start().sign(b"").sig_time == NOON + 1


def test_a_crash_at_the_clock_stays_below_the_alarm(bench: Bench) -> None:
    bench.start().sign(b"")
    assert bench.start().sign(b"").sig_time <= NOON + AHEAD_LIMIT
    assert bench.alarms == []


def test_leading_the_clock_is_raised_once_and_cleared(bench: Bench) -> None:
    signer = bench.start()
    for _ in range(20):
        signer.sign(b"")
    assert bench.alarms == [(SignerAlarm.AHEAD_OF_CLOCK, True)]
    bench.now += 60
    signer.sign(b"")
    assert bench.alarms[1:] == [(SignerAlarm.AHEAD_OF_CLOCK, False)]


def test_an_unset_clock_is_told_before_signing(bench: Bench) -> None:
    bench.synchronised = False
    signer = bench.start()
    signer.sign(b"")
    signer.sign(b"")
    assert bench.alarms == [(SignerAlarm.CLOCK_UNSYNCHRONISED, True)]
    bench.synchronised = None
    signer.sign(b"")
    assert bench.alarms[-1] == (SignerAlarm.CLOCK_UNSYNCHRONISED, False)


def test_a_clock_without_battery_never_makes_a_counter(bench: Bench) -> None:
    bench.now = 12.0
    assert bench.start().sign(b"").sig_time == TIME_FLOOR
    assert {alarm for alarm, active in bench.alarms if active} == set(SignerAlarm)


def test_the_end_of_32_bits_is_an_error(bench: Bench) -> None:
    bench.disk = 0xFFFF_FFFF
    with pytest.raises(KeyMaterialError, match="32 bits"):
        bench.start().sign(b"")
    bench.disk = -1
    with pytest.raises(InvalidValueError, match="last SigTime"):
        bench.start()


def test_threads_never_share_a_time(bench: Bench) -> None:
    signer = bench.start()
    with ThreadPoolExecutor(4) as pool:
        blocks = list(pool.map(lambda number: signer.sign(bytes([number])), range(100)))
    assert len({block.sig_time for block in blocks}) == 100
    assert signer.signatures_made == 100


def test_the_mark_in_a_file(tmp_path: Path, bench: Bench) -> None:
    file = HighWaterFile(tmp_path / "sigtime")
    assert file.load() == 0
    file.save(NOON)
    file.save(NOON + 5)
    assert HighWaterFile(tmp_path / "sigtime").load() == NOON + 5
    assert [entry.name for entry in tmp_path.iterdir()] == ["sigtime"]


@pytest.mark.parametrize("content", [b"", b"-1", b"4294967296", b"12 13", b"\xff\xfe", b"9" * 5000])
def test_a_damaged_mark_is_no_zero(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sigtime").write_bytes(content)
    with pytest.raises(KeyMaterialError, match="sigtime"):
        HighWaterFile(tmp_path / "sigtime").load()


def test_a_mark_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyMaterialError, match="cannot be written"):
        HighWaterFile(tmp_path / "no" / "sigtime").save(1)
