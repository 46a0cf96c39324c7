"""Keys of the published vectors, both providers, and standard error caught below Python: gmssl writes there itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.security.curve import KeyPair
from gateway.security.gmssl import GmsslProvider
from gateway.security.libcrypto import LibcryptoProvider
from gateway.security.sm2 import Sm2Provider

VECTORS = Path(__file__).parent / "signed_vectors.json"


@pytest.fixture(autouse=True)
def quiet_standard_error(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Swallow the trace that gmssl prints on a failed verification."""
    yield
    capfd.readouterr()


@pytest.fixture(scope="session")
def libcrypto() -> LibcryptoProvider:
    return LibcryptoProvider()


@pytest.fixture(scope="session")
def gmssl() -> GmsslProvider:
    return GmsslProvider()


@pytest.fixture(scope="session", params=["libcrypto", "gmssl"])
def provider(request: pytest.FixtureRequest) -> Sm2Provider:
    made: Sm2Provider = request.getfixturevalue(request.param)
    return made


@pytest.fixture(scope="session")
def sample_pair() -> KeyPair:
    """Key of GB/T 32918.5's signature sample."""
    return KeyPair(
        bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"),
        bytes.fromhex(
            "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
            "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
        ),
    )


def signed_vectors() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))
    return loaded
