"""Names of dropped files against their content; folders: what is whole, what is put away."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from gateway.domain.warning import Severity, WarningKind
from gateway.publishers.drop_folder import DONE, REFUSED, DropFolder
from gateway.publishers.drop_name import DropName, check_name, read_name
from gateway.publishers.parse import parse_warning
from tests.publishers.conftest import ANXI, ZHEJIANG, body

NAMES = [Path(name).name for name in (ANXI, ZHEJIANG)]


def test_a_name_is_read_in_any_case() -> None:
    wanted = DropName("33000041600000", "20121025091026", "11B01", Severity.BLUE, WarningKind.ALERT)
    assert read_name("33000041600000_20121025091026_11B01_BLUE_ALERT.XML") == wanted
    assert read_name("33000041600000_20121025091026_11b01_blue_alert.xml") == wanted


@pytest.mark.parametrize(
    "name",
    [
        "warning.xml",
        "33000041600000_20121025091026_11B01_BLUE_ALERT.XML.txt",
        "3300004160000_20121025091026_11B01_BLUE_ALERT.XML",
        "33000041600000_20121025091026_11B01_PINK_ALERT.XML",
        "33000041600000_20121025091026_11B01_BLUE_ALERT_P_01.XML",
        "３3000041600000_20121025091026_11B01_BLUE_ALERT.XML",
        "",
    ],
)
def test_other_names_are_none_of_the_interface(name: str) -> None:
    assert read_name(name) is None
    found = check_name(name, parse_warning(body(ANXI), "application/xml"))
    assert [violation.code for violation in found] == ["file_name"]


@pytest.mark.parametrize("name", [ANXI, ZHEJIANG])
def test_real_names_agree_with_their_content(name: str) -> None:
    assert check_name(Path(name).name, parse_warning(body(name), "application/xml")) == ()


@pytest.mark.parametrize(
    ("part", "other", "path"),
    [
        ("35052441600000", "35052141600000", "file/sender"),
        ("20261123141500", "20261123141501", "file/time"),
        ("11B03", "11B01", "file/event"),
        ("ORANGE", "RED", "file/severity"),
        ("ALERT", "UPDATE", "file/kind"),
    ],
)
def test_what_differs_is_named(part: str, other: str, path: str) -> None:
    name = NAMES[0].replace(part, other, 1)
    found = check_name(name, parse_warning(body(ANXI), "application/xml"))
    assert [(violation.path, violation.code) for violation in found] == [(path, "name_mismatch")]


def test_a_file_is_whole_when_it_stood_unchanged(tmp_path: Path) -> None:
    folder = DropFolder(tmp_path, 2.0, 1000)
    file = tmp_path / "a.xml"
    file.write_bytes(b"<al")
    assert folder.whole(100.0) == []
    file.write_bytes(b"<alert/>")
    assert folder.whole(102.0) == [], "it grew"
    assert folder.whole(103.9) == []
    assert folder.whole(104.0) == ["a.xml"]
    os.utime(file, ns=(1, 1))
    assert folder.whole(105.0) == [], "it was touched"
    assert folder.whole(107.0) == ["a.xml"]


def test_the_oldest_comes_first_and_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    folder = DropFolder(tmp_path, 0.0, 1000)
    for age, name in enumerate(["b.xml", "a.xml", ".hidden", "c.xml.part", "d.TMP", "e.xml~"]):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, ns=(1000 - age, 1000 - age))
    (tmp_path / "folder.xml").mkdir()
    (tmp_path / "link.xml").symlink_to("/etc/hostname")
    assert folder.whole(0.0) == ["a.xml", "b.xml"]
    with pytest.raises(OSError, match="link"):
        folder.take("link.xml")


def test_files_are_read_up_to_the_limit(tmp_path: Path) -> None:
    folder = DropFolder(tmp_path, 0.0, 10)
    for name, content in (("small", b"1234567890"), ("large", b"12345678901")):
        (tmp_path / name).write_bytes(content)
    small, large = folder.take("small"), folder.take("large")
    assert (small.body, small.digest) == (b"1234567890", hashlib.sha256(b"1234567890").hexdigest())
    assert large.body is None


def test_a_file_goes_away_with_its_answer_and_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = DropFolder(tmp_path, 0.0, 1000)
    places = []
    for content, where in ((b"one", DONE), (b"two", DONE), (b"one", REFUSED)):
        (tmp_path / "a.xml").write_bytes(content)
        assert folder.whole(0.0) == ["a.xml"]
        places.append(folder.put_away(folder.take("a.xml"), where, {"said": content.decode()}))
        assert folder.whole(0.0) == []
    assert [place.read_bytes() for place in places] == [b"one", b"two", b"one"]
    assert len(set(places)) == 3
    said = [json.loads(place.with_name(place.name + ".json").read_bytes())["said"] for place in places]
    assert said == ["one", "two", "one"]
    assert places[0] == tmp_path / "done" / "a.xml"
