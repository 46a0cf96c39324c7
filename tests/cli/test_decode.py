"""``ebgw decode`` over every golden frame of our protocols, and over garbage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.running import ebgw, here
from tests.protocols.golden import OURS

ANSWER_KEYS = {"protocol", "kind", "fields", "checksum", "signature", "rebuilt", "error"}
KEYS = sorted({vector["public_key"] for vector in OURS if vector.get("public_key")})


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """All vectors in one run, in their order."""
    done = ebgw("decode", "--json", "-", given="\n".join(vector["hex"] for vector in OURS))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(OURS)
    # Some vectors are broken on purpose, so the batch as a whole is.
    assert done.returncode == 1
    return found


def test_every_vector_is_of_its_protocol_and_shape(answers: list[dict[str, Any]]) -> None:
    for vector, answer in zip(OURS, answers, strict=True):
        assert set(answer) == ANSWER_KEYS, vector["id"]
        assert answer["protocol"] == vector["protocol"], vector["id"]


def test_checksum_and_rebuilt_bytes_are_as_stated(answers: list[dict[str, Any]]) -> None:
    looked = 0
    for vector, answer in zip(OURS, answers, strict=True):
        if not vector["whole_frame"]:
            continue
        looked += 1
        assert answer["checksum"]["ok"] is vector["crc_ok"], vector["id"]
        if vector["rebuilds"] and vector["crc_ok"]:
            assert answer["rebuilt"] == vector["hex"], vector["id"]
        if not vector["crc_ok"]:
            assert answer["rebuilt"][:-8] == vector["hex"][:-8], vector["id"]
            assert answer["error"]["code"] == "checksum", vector["id"]
    assert looked > 30


def test_signatures_verify_with_the_stated_key_and_coverage() -> None:
    assert KEYS
    looked = 0
    for key in KEYS:
        signed = [v for v in OURS if v.get("public_key") == key and v["signed"] and v["crc_ok"]]
        done = ebgw("decode", "--json", "--public-key", key, "-", given="\n".join(vector["hex"] for vector in signed))
        for vector, line in zip(signed, done.stdout.splitlines(), strict=True):
            signature = json.loads(line)["signature"]
            assert signature["present"] is True, vector["id"]
            if vector.get("coverage"):
                looked += 1
                assert (signature["valid"], signature["coverage"]) == (True, vector["coverage"]), vector["id"]
    assert looked >= 4


def test_one_frame_as_an_argument_with_white_space() -> None:
    whole = next(v for v in OURS if v["whole_frame"] and v["crc_ok"])["hex"]
    spaced = " ".join(whole[i : i + 2] for i in range(0, len(whole), 2)).lower()
    done = here("decode", "--json", *spaced.split())
    assert done.returncode == 0
    assert json.loads(done.stdout)["rebuilt"] == whole


@pytest.mark.parametrize(("given", "code"), [("FEFD01", "incomplete"), ("xyz", "not_hex"), ("00", "malformed")])
def test_broken_input_is_named_and_exits_1(given: str, code: str) -> None:
    done = here("decode", "--json", given)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == code


def test_noise_on_standard_input_never_stops_the_rest() -> None:
    whole = next(v for v in OURS if v["whole_frame"] and v["crc_ok"])["hex"]
    done = ebgw("decode", "--json", "-", given=bytes(range(128, 256)) + b"\n" + whole.encode() + b"\n")
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["error"]["code"] == "not_hex"
    assert second["error"] is None


@pytest.mark.parametrize("key", ["12", "zz" * 64, "04" * 66])
def test_a_wrong_public_key_is_a_mistake_of_usage(key: str) -> None:
    done = here("decode", "--json", "--public-key", key, "FEFD")
    assert done.returncode == 2
    assert "公钥" in done.stderr


def test_nothing_on_standard_input_is_a_mistake_of_usage() -> None:
    assert here("decode", "--json", "-").returncode == 2


def test_words_for_people_name_kind_and_fields() -> None:
    whole = next(v for v in OURS if v["protocol"] == "feedback" and v["whole_frame"] and v["crc_ok"])["hex"]
    done = here("decode", whole)
    assert done.returncode == 0
    assert "feedback" in done.stdout
    assert "session" in done.stdout
