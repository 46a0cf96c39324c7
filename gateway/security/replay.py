"""Replay protection 防重放 of received frames.

The standard asks for it (GD/J 081-2018 5.1) and gives no rule; field devices put a time or a counter into SigTime.
Our rule: each certificate is in one mode for good, learnt from its first frame that verified, or set. ``time``:
|now − SigTime| ≤ window and the frame's digest unseen within it. ``counter``: strictly rising for each (root, number).

Where a bearer repeats its frames (TS, RDS, retained MQTT), ``until`` names the message's end: up to then a SigTime
stays good and repeats are told by EBM id and version, not here.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError, ReplayDetected
from gateway.security.certificates import DEFAULT_ROOT
from gateway.security.sig_time import SIG_TIME_MAX, TIME_FLOOR

WINDOW_SECONDS: Final = 300
MAX_DIGESTS: Final = 65_536


class ReplayMode(StrEnum):
    """What a certificate's SigTime is."""

    TIME = "time"
    COUNTER = "counter"


class ReplayState(NamedTuple):
    """What must outlive a restart, one row for each certificate.

    ``last`` is the highest value admitted. In ``counter`` mode the next must exceed it; in ``time`` mode too, but only
    after a restart, when the digests are gone.
    """

    root: str
    serial: CertificateSerial
    mode: ReplayMode
    last: int


@dataclass(slots=True)
class _Peer:
    mode: ReplayMode
    last: int = -1  # highest value admitted
    floor: int = -1  # times up to here are refused: their digests are no longer remembered


_Key = tuple[str, CertificateSerial]


class ReplayGuard:
    """Decides whether a verified frame is new. ``now`` is Unix seconds, ``digest`` that of the frame as received.

    Ask ``check`` before or after the signature, ``admit`` only once it verified with SigTime covered (coverage A, C, D;
    under B the time is anyone's, and no verdict here means anything). Memory: one small row for each certificate, which
    the trust store bounds, and at most ``limit`` digests; when those are full the oldest times are refused as a whole.
    """

    def __init__(self, *, window: float = WINDOW_SECONDS, limit: int = MAX_DIGESTS) -> None:
        if window <= 0 or limit < 1:
            raise InvalidValueError("replay window", (window, limit), "seconds and limit must be above 0")
        self._window, self._limit = window, limit
        self._peers: dict[_Key, _Peer] = {}
        self._seen: set[tuple[_Key, bytes]] = set()
        self._by_time: list[tuple[int, _Key, bytes]] = []  # heap: oldest SigTime first

    def check(
        self,
        serial: CertificateSerial,
        sig_time: int,
        digest: bytes,
        now: float,
        *,
        root: str = DEFAULT_ROOT,
        until: float | None = None,
    ) -> None:
        """Raise ReplayDetected (answer 52) if the frame must not be acted on; remember nothing."""
        if not 0 <= sig_time <= SIG_TIME_MAX:
            raise ReplayDetected(f"SigTime {sig_time} does not fit 32 bits")
        key = (root, serial)
        peer = self._peers.get(key)
        mode = mode_of(sig_time)
        if peer is not None and peer.mode is not mode:
            raise ReplayDetected(f"SigTime {sig_time} is a {mode}, certificate {serial} is in {peer.mode} mode")
        if until is not None and now > until:
            raise ReplayDetected(f"the repeated message of certificate {serial} ended {now - until:.0f} s ago")
        if mode is ReplayMode.TIME:
            self._check_time(key, peer, sig_time, digest, now, repeating=until is not None)
        elif peer is not None and until is None and sig_time <= peer.last:
            raise ReplayDetected(f"counter {sig_time} of certificate {serial} is not above {peer.last}")

    def admit(
        self,
        serial: CertificateSerial,
        sig_time: int,
        digest: bytes,
        now: float,
        *,
        root: str = DEFAULT_ROOT,
        until: float | None = None,
    ) -> None:
        """Check again and remember a frame whose signature verified; if not new, ReplayDetected and nothing kept."""
        self.check(serial, sig_time, digest, now, root=root, until=until)
        key = (root, serial)
        peer = self._peers.setdefault(key, _Peer(mode_of(sig_time)))
        peer.last = max(peer.last, sig_time)
        if peer.mode is ReplayMode.TIME and until is None:
            self._seen.add((key, digest))
            heapq.heappush(self._by_time, (sig_time, key, digest))
            self._forget(now)

    def set_mode(self, serial: CertificateSerial, mode: ReplayMode, *, root: str = DEFAULT_ROOT) -> None:
        """Put a certificate into a mode by hand; a change of mode begins anew."""
        peer = self._peers.get((root, serial))
        if peer is None or peer.mode is not mode:
            self._peers[root, serial] = _Peer(mode)

    def mode(self, serial: CertificateSerial, *, root: str = DEFAULT_ROOT) -> ReplayMode | None:
        """Mode of a certificate, None while unknown."""
        peer = self._peers.get((root, serial))
        return peer.mode if peer else None

    def export(self) -> tuple[ReplayState, ...]:
        """All that must be kept over a restart."""
        return tuple(ReplayState(root, serial, peer.mode, peer.last) for (root, serial), peer in self._peers.items())

    def restore(self, states: Iterable[ReplayState]) -> None:
        """Take what ``export`` gave, before the first frame; never lowers what is known already."""
        for state in states:
            peer = self._peers.setdefault((state.root, state.serial), _Peer(state.mode))
            peer.mode = state.mode
            peer.last = max(peer.last, state.last)
            if state.mode is ReplayMode.TIME:
                peer.floor = max(peer.floor, state.last)

    def _check_time(
        self, key: _Key, peer: _Peer | None, sig_time: int, digest: bytes, now: float, *, repeating: bool
    ) -> None:
        age = now - sig_time
        if age < -self._window or (age > self._window and not repeating):
            side = "old" if age > 0 else "ahead"
            raise ReplayDetected(f"SigTime {sig_time} is {abs(age):.0f} s {side}, {self._window:.0f} s are allowed")
        if repeating:
            return
        if peer is not None and sig_time <= peer.floor:
            raise ReplayDetected(f"SigTime {sig_time} of certificate {key[1]} lies before what is still remembered")
        if (key, digest) in self._seen:
            raise ReplayDetected(f"frame of certificate {key[1]} with SigTime {sig_time} was seen before")

    def _forget(self, now: float) -> None:
        """Drop digests whose time is outside the window anyhow, and under pressure the oldest, raising the floor."""
        while self._by_time:
            sig_time, key, digest = self._by_time[0]
            outdated = sig_time + self._window < now
            if not outdated and len(self._by_time) <= self._limit:
                return
            heapq.heappop(self._by_time)
            self._seen.discard((key, digest))
            # Also for outdated ones: were our clock set back, their times would come into the window again.
            peer = self._peers.get(key)
            if peer is not None and peer.mode is ReplayMode.TIME:
                peer.floor = max(peer.floor, sig_time)


def mode_of(sig_time: int) -> ReplayMode:
    """From 2018-01-01 on a time, below a counter."""
    return ReplayMode.TIME if sig_time >= TIME_FLOOR else ReplayMode.COUNTER
