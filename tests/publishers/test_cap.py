from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.warning import Circle, Reference, Severity, Status, Warning, WarningKind
from gateway.errors import WarningError, WarningInvalid
from gateway.publishers.parse import parse_warning
from gateway.publishers.profile import Limits, Profile
from tests.publishers.conftest import body

THUNDERSTORM = "google-cap-library/cap-library__thunderstorm.cap"
NORWAY = "no-met/MetAlert-Search__METfare-20210921T070421.cap.xml"
FRANCE = "meteoalarm/meteoalert-api__france_sample_detail.xml"


def read(data: bytes, profile: Profile = Profile.STRICT, limits: Limits | None = None) -> Warning:
    return parse_warning(data, "application/cap+xml", profile, limits)


def broken(data: bytes, profile: Profile = Profile.STRICT, limits: Limits | None = None) -> list[tuple[str, str]]:
    with pytest.raises(WarningInvalid) as refused:
        read(data, profile, limits)
    return [(v.code, v.path) for v in refused.value.violations]


def changed(name: str, old: str, new: str) -> bytes:
    data = body(name).decode()
    assert re.search(old, data)
    return re.sub(old, new, data, count=1).encode()


def test_thunderstorm_example_of_the_standard() -> None:
    warning = read(body(THUNDERSTORM))
    assert str(warning.identity) == "KSTO@NWS.NOAA.GOV,KSTO1055887203,2003-06-17T21:57:00+00:00"
    assert (warning.status, warning.kind, warning.scope) == (Status.ACTUAL, WarningKind.ALERT, "Public")
    assert warning.severity is Severity.ORANGE
    assert warning.event is None, "SVR is another country's code"
    assert warning.event_text == "SEVERE THUNDERSTORM"
    assert warning.expires == datetime(2003, 6, 17, 23, tzinfo=UTC)
    assert warning.texts[0].language == "en-US"
    assert warning.texts[0].description.startswith("AT 254 PM PDT...NATIONAL WEATHER SERVICE")
    assert warning.claims[0].geocodes == (("SAME", "006109"), ("SAME", "006009"), ("SAME", "006003"))
    assert warning.claims[0].polygons[0][0] == (38.47, -120.14)


def test_info_blocks_in_two_languages_make_one_warning() -> None:
    warning = read(body(NORWAY))
    assert [text.language for text in warning.texts] == ["no", "en-GB"]
    assert len(warning.claims) == 2
    assert not warning.notices


def test_references_are_read_as_triples() -> None:
    assert read(body(FRANCE)).references == (
        Reference(
            "2.49.0.0.250.0.FR.20221206160108.315028", "vigilance@meteo.fr", datetime(2022, 12, 6, 15, 1, 8, tzinfo=UTC)
        ),
    )


def test_differing_infos_take_the_highest_severity_and_the_whole_span() -> None:
    second = "<severity>Extreme</severity>"
    data = body(NORWAY).decode()
    at = data.rindex("<severity>Moderate</severity>")
    data = data[:at] + data[at:].replace("<severity>Moderate</severity>", second, 1)
    data = data[:at] + data[at:].replace("2021-09-22T10:00:00", "2021-09-23T10:00:00", 1)
    warning = read(data.encode())
    assert warning.severity is Severity.RED
    assert warning.expires == datetime(2021, 9, 23, 10, tzinfo=UTC)
    assert [notice.code for notice in warning.notices] == ["infos_differ"]


def test_missing_severity_is_refused_in_every_profile() -> None:
    data = changed("bf-anam/wmo-bf_capvalidator__valid.xml", r"\s*<severity>Moderate</severity>", "")
    assert ("schema", "alert/info/certainty") in broken(data)
    assert broken(data, Profile.TOLERANT) == [("missing", "alert/info[1]/severity")]


def test_element_order_is_a_notice_to_the_tolerant() -> None:
    data = changed(THUNDERSTORM, r"(<category>Met</category>)(\s*)(<event>[^<]*</event>)", r"\3\2\1")
    assert broken(data)[0][0] == "schema"
    warning = read(data, Profile.TOLERANT)
    assert warning == read(body(THUNDERSTORM))
    assert {notice.code for notice in warning.notices} == {"schema"}


def test_a_signed_cap_1_1_is_a_notice_to_the_tolerant() -> None:
    signature = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></alert>'
    data = changed("oasis-spec/cap-library__KAR0-0306112239-SW.cap", "</alert>", signature)
    assert broken(data)[0][0] == "schema"
    assert read(data, Profile.TOLERANT).event_text == "Child Abduction"


def test_schema_breaches_name_element_and_line() -> None:
    with pytest.raises(WarningInvalid) as refused:
        read(body("invalid/cap-library__noaa_errors.cap"))
    first = refused.value.violations[0]
    assert first.path == "alert/info/urgency"
    assert "17" in first.message
    assert "{urn" not in first.message


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        ("<identifier>[^<]*<", "<identifier><", "missing", "alert/identifier"),
        ("<identifier>[^<]*<", "<identifier>a b<", "bad_identifier", "alert/identifier"),
        ("<sent>[^<]*<", "<sent>2003-06-17T24:00:00-07:00<", "bad_time", "alert/sent"),
        ("<sent>[^<]*<", "<sent>0001-01-01T00:00:00+14:00<", "bad_time", "alert/sent"),
        ("<msgType>Alert<", "<msgType>Cancel<", "missing", "alert/references"),
        ("<polygon>[^<]*<", "<polygon>1,2 3,4 1,2<", "bad_polygon", "alert/info[1]/area[1]/polygon[1]"),
        ("<polygon>[^<]*<", "<polygon>91,2 3,4 5,6 91,2<", "bad_polygon", "alert/info[1]/area[1]/polygon[1]"),
        ("<polygon>[^<]*<", "<polygon>1e1,2 3,4 5,6 1,2<", "bad_polygon", "alert/info[1]/area[1]/polygon[1]"),
        ("<polygon>[^<]*<", "<polygon>1,2 3,4 5,7<", "polygon_open", "alert/info[1]/area[1]/polygon[1]"),
        ("</polygon>", "</polygon><circle>1,2</circle>", "bad_circle", "alert/info[1]/area[1]/circle[1]"),
        ("</polygon>", "</polygon><circle>1,2 -3</circle>", "bad_circle", "alert/info[1]/area[1]/circle[1]"),
        ("<info>", "<references>nobody</references><info>", "bad_reference", "alert/references"),
    ],
)
def test_rules_beyond_the_schema(old: str, new: str, code: str, path: str) -> None:
    assert (code, path) in broken(changed(THUNDERSTORM, old, new))


def test_an_open_ring_is_closed_for_the_tolerant() -> None:
    warning = read(changed(THUNDERSTORM, "<polygon>[^<]*<", "<polygon>1,2 3,4 5,7<"), Profile.TOLERANT)
    assert warning.claims[0].polygons == (((1.0, 2.0), (3.0, 4.0), (5.0, 7.0), (1.0, 2.0)),)
    assert "polygon_open" in {notice.code for notice in warning.notices}


def test_repeated_elements_have_no_single_meaning_even_for_the_tolerant() -> None:
    data = changed(THUNDERSTORM, "<status>Actual</status>", "<status>Actual</status><status>Test</status>")
    assert ("repeated", "alert/status") in broken(data, Profile.TOLERANT)


def test_circles_are_read() -> None:
    data = changed(THUNDERSTORM, "</polygon>", "</polygon><circle>24.9,118.6 12.5</circle>")
    assert read(data).claims[0].circles == (Circle(24.9, 118.6, 12.5),)


def test_a_cancel_needs_no_info() -> None:
    data = changed(FRANCE, "<msgType>Update<", "<msgType>Cancel<").decode()
    data = re.sub(r"<info>.*</info>", "", data, flags=re.DOTALL)
    warning = read(data.encode())
    assert warning.kind is WarningKind.CANCEL
    assert warning.severity is Severity.UNKNOWN
    assert warning.references[0].identifier == "2.49.0.0.250.0.FR.20221206160108.315028"


@pytest.mark.parametrize(
    ("name", "value", "event"),
    [
        ("eventType", "11B03", "11B03"),
        ("GB/T 35561-2017", "10203", "10203"),
        ("anything", "11B03", "11B03"),
        ("12379", "19Z99", "19Z99"),
        ("GROUP", "FLOOD", None),
        ("ORDER", "10203", None),
    ],
)
def test_event_codes_of_ours_are_told_from_strangers(name: str, value: str, event: str | None) -> None:
    code = f"<eventCode><valueName>{name}</valueName><value>{value}</value></eventCode>"
    data = changed(THUNDERSTORM, r"(?s)<eventCode>.*?</eventCode>", code)
    assert read(data).event == event


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        (Limits(infos=1), "alert/info"),
        (Limits(areas=1), "alert/info/area"),
        (Limits(geocodes=3), "alert/info/area/geocode"),
        (Limits(polygons=1), "alert/info/area/polygon"),
        (Limits(vertices=13), "alert/info/area/polygon"),
    ],
)
def test_amounts_are_limited_before_any_work(limits: Limits, path: str) -> None:
    assert broken(body(NORWAY), limits=limits) == [("too_many", path)]


def test_texts_and_descriptions_are_limited() -> None:
    assert ("too_long", "alert/info[1]/description") in broken(body(NORWAY), limits=Limits(text_chars=50))
    assert ("too_long", "alert/info[1]/area[1]/areaDesc") in broken(body(NORWAY), limits=Limits(area_chars=5))


CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


@settings(max_examples=40, deadline=None)
@given(
    prefix=st.sampled_from([None, "cap", "c"]),
    indent=st.sampled_from(["", " ", "\n  ", "\t\r\n"]),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16"]),
    comment=st.sampled_from(["", "- x ", " <b> "]),
    quotes=st.booleans(),
)
def test_the_same_warning_in_other_bytes_is_equal(
    prefix: str | None, indent: str, encoding: str, comment: str, quotes: bool
) -> None:
    original = etree.fromstring(body(NORWAY), etree.XMLParser(remove_blank_text=True))
    names: dict[str | None, str] = {prefix: CAP[1:-1]}
    root = etree.Element(original.tag, nsmap=names)  # type: ignore[arg-type] # the default namespace has no prefix
    root.extend(list(original))
    for element in root.iter(etree.Element):
        if len(element):
            element.text = indent
            for child in element:
                child.tail = indent
    if comment:
        root.insert(3, etree.Comment(comment))
    text = etree.tostring(root, encoding="unicode")
    mark = "'" if quotes else '"'
    data = f"<?xml version={mark}1.0{mark} encoding={mark}{encoding}{mark}?>{indent}{text}".encode(encoding)
    assert read(data) == read(body(NORWAY))
    assert hash(read(data)) == hash(read(body(NORWAY)))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_bodies_never_raise_anything_unplanned(data: st.DataObject) -> None:
    original = bytearray(body(THUNDERSTORM))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(original)))
        end = data.draw(st.integers(start, min(len(original), start + 40)))
        original[start:end] = data.draw(st.binary(max_size=12))
    profile = data.draw(st.sampled_from(Profile))
    try:
        warning = read(bytes(original), profile)
    except WarningError as refused:
        assert refused.violations
    else:
        assert warning.identity.identifier
