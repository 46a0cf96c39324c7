"""Packages of the platform interface through ``decode``, and through the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols.decode import decode
from gateway.security.sm2 import default_provider
from tests.cli.running import ebgw
from tests.protocols.platform_kit import BUSINESS, EBM_TAR, EXAMPLES, SAMPLES, public_key, tar

VERIFY = default_provider().verify
TARS = sorted(SAMPLES.glob("*.tar"))


def test_a_package_is_shown_with_its_files_and_its_signature() -> None:
    shown = decode(EBM_TAR, public_key("city"), VERIFY)
    assert (shown["protocol"], shown["kind"], shown["error"]) == ("ebd", "EBM", None)
    assert shown["fields"]["body"]["basic"]["start"] == "2026-11-23T06:20:00Z"
    assert [file["size"] for file in shown["fields"]["files"]] == [1673, 398, 12000]
    signature = shown["signature"]
    assert (signature["valid"], signature["coverage"], signature["certificate"]) == (True, "A", "000000001001")


def test_the_key_of_another_platform_and_a_changed_byte_are_seen() -> None:
    assert decode(EBM_TAR, public_key("county"), VERIFY)["error"]["code"] == "signature_invalid"
    changed = EBM_TAR.replace("暴雨".encode(), "晴天".encode(), 1)
    assert decode(changed, public_key("city"), VERIFY)["signature"]["valid"] is False
    assert decode(changed)["signature"]["valid"] is None


@pytest.mark.parametrize("name", BUSINESS)
def test_business_data_is_shown_alone(name: str) -> None:
    shown = decode(BUSINESS[name])
    assert (shown["protocol"], shown["error"]) == ("ebd", None)
    assert shown["kind"] in name and shown["fields"]["body"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.xml")), ids=lambda p: p.name)
def test_examples_of_the_standard_are_shown(path: Path) -> None:
    shown = decode(path.read_bytes())
    assert (shown["protocol"], shown["error"]) == ("ebd", None)
    assert shown["kind"] in ("EBI", "Signature", "EBM", "EBMStateRequest", "EBMStateResponse")


def test_what_is_broken_is_named_and_the_rest_shown() -> None:
    without = BUSINESS["01_EBM_play"].replace(b"<EndTime>2026", b"<EndTime>20x6")
    shown = decode(tar(("EBDB_1.xml", without)))
    assert shown["error"]["code"] == "format" and "EndTime" in shown["error"]["message"]
    assert shown["fields"]["source"] == "33505000000000101010101" and "body" not in shown["fields"]
    assert decode(tar(("EBDS_1.xml", b"")))["error"]["code"] == "ebdb_count"


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_nothing_makes_it_raise(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([EBM_TAR[:4608], *BUSINESS.values()])))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert set(decode(bytes(raw))) >= {"protocol", "error"}


@pytest.mark.parametrize("path", TARS, ids=lambda p: p.name)
def test_the_command_reads_files(path: Path) -> None:
    who = "city" if "3350500" in path.name else "county"
    done = ebgw("decode", "--json", "--public-key", public_key(who).hex(), str(path))
    assert done.returncode == 0 and json.loads(done.stdout)["signature"]["valid"] is True
    plain = ebgw("decode", str(path))
    assert plain.returncode == 0 and "EBDB_" in plain.stdout


def test_the_command_says_what_file_it_cannot_read(tmp_path: Path) -> None:
    assert ebgw("decode", str(tmp_path / "none.tar")).returncode == 2
    bad = tmp_path / "bad.tar"
    bad.write_bytes(b"no tar")
    assert ebgw("decode", str(bad)).returncode == 1
