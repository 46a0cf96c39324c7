"""Passwords 口令 and one-time codes 动态口令 of people: argon2id (RFC 9106), TOTP (RFC 6238)."""

from __future__ import annotations

from typing import Final

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import InvalidValueError

#: Shortest password. Length is what counts (NIST SP 800-63B 5.1.1.2 asks for 8 at least).
SHORTEST: Final = 10
#: Longest: a hash of megabytes would be work for whoever asks.
LONGEST: Final = 256
#: Codes of the step before and after are taken too: clocks of phones are a little off.
_STEPS: Final = 1

#: 19 MiB and two passes: tens of milliseconds here, in a thread of its own.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
#: What an unknown name is tried against, so that its refusal takes as long as that of a known one.
_NOBODY: Final = _HASHER.hash("nobody")


def hash_password(plain: str) -> str:
    """What is stored of a password. Errors: InvalidValueError for one that is too short or too long."""
    if not SHORTEST <= len(plain) <= LONGEST:
        raise InvalidValueError("password", "…", f"须为 {SHORTEST}–{LONGEST} 个字符 / must have so many characters")
    return _HASHER.hash(plain)


def verify_password(stored: str | None, plain: str) -> bool:
    """Whether ``plain`` is the password; takes as long for None, which is nobody's. Takes tens of milliseconds."""
    try:
        _HASHER.verify(stored or _NOBODY, plain[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def new_totp_secret() -> str:
    """A fresh shared secret, 160 bits in base 32."""
    return pyotp.random_base32()


def totp_address(secret: str, name: str, gateway: str) -> str:
    """What an authenticator app is shown (otpauth://)."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=gateway)


def matching_step(secret: str, code: str, now: float) -> int | None:
    """The 30-second step whose code this is, so that a code serves once only; None for a wrong one."""
    totp = pyotp.TOTP(secret)
    step = int(now // totp.interval)
    for each in range(step - _STEPS, step + _STEPS + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(each), code.strip()):
            return each
    return None
