"""Business data of the platform interface: every type read, written, held to the standard's schemas."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.zone import BEIJING
from gateway.errors import InvalidValueError, PackageError, PackageIncomplete, PackageUnreadable
from gateway.protocols.platform import ebi, envelope
from gateway.protocols.platform.conditions import EbdNotify, EbdResponse
from gateway.protocols.platform.ebm import Auxiliary, Ebm, MsgBasicInfo
from gateway.protocols.platform.envelope import TYPES, Ebd, Envelope, build, parse
from gateway.protocols.platform.ids import EbdId, Form, MessageId, PlatformCode
from gateway.protocols.platform.states import EbmStateRequest, EbmStateResponse
from tests.protocols.platform_kit import BUSINESS, CITY, COUNTY, EXAMPLES, envelopes, values

EBM = BUSINESS["01_EBM_play"]


@cache
def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(f"emulator/schemas/{name}.xsd"))


def changed(old: str, new: str, data: bytes = EBM) -> bytes:
    text = data.decode()
    assert old in text
    return text.replace(old, new, 1).encode()


def without(name: str, data: bytes = EBM) -> bytes:
    text, count = re.subn(rf"<{name}>.*?</{name}>\s*", "", data.decode(), count=1, flags=re.DOTALL)
    assert count == 1
    return text.encode()


def rules(data: bytes) -> str:
    with pytest.raises(PackageIncomplete) as refused:
        parse(data)
    assert refused.value.result == 3
    return refused.value.english


def test_there_is_a_sample_of_the_main_types() -> None:
    assert len(BUSINESS) == 16
    assert {parse(data).envelope.ebd_type for data in BUSINESS.values()} >= {"EBM", "EBMBrdLog", "EBRDTInfo"}


@pytest.mark.parametrize("name", BUSINESS)
def test_a_sample_is_rebuilt_to_the_byte(name: str) -> None:
    assert build(parse(BUSINESS[name])) == BUSINESS[name]


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*EBD.xml")))
def test_the_examples_of_the_standard_are_read_with_their_misprints(name: str) -> None:
    found = parse((EXAMPLES / name).read_bytes())
    assert parse(build(found)) == found
    match found.body:
        case Ebm() as body:
            assert body.contents[0].areas == ("340000000000",)
        case EbmStateRequest() as body:
            assert body.ebm_id == "23400000000000101010101201701010001"
        case EbmStateResponse() as body:
            assert body.resources is not None
            # BrdStateDes, and no RptTime
            assert body.resources.items[0].transmitters[0].description == "执行成功"
        case _:
            pytest.fail("another type")


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*EBI.xml")))
def test_information_bodies_of_the_standard_are_read_in_every_spelling(name: str) -> None:
    found = ebi.parse((EXAMPLES / name).read_bytes())
    assert ebi.parse(ebi.build(found)) == found
    assert found.main.info_id and found.contents[0].description


@pytest.mark.parametrize("ebd_type", sorted(TYPES))
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_type_is_written_and_read_back(ebd_type: str, data: st.DataObject) -> None:
    body = data.draw(values(TYPES[ebd_type]))
    made = Ebd(data.draw(envelopes(ebd_type)), body)
    if isinstance(body, Ebm):
        # Whatever a type can hold is written; what a message must hold besides is a rule of its own.
        assert envelope.Document(build(made)).envelope == made.envelope
        return
    assert parse(build(made)) == made


@given(values(ebi.Ebi))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_information_bodies_are_written_and_read_back(found: ebi.Ebi) -> None:
    assert ebi.parse(ebi.build(found)) == found


@pytest.mark.parametrize("name", BUSINESS)
def test_what_is_written_holds_to_the_schemas(name: str) -> None:
    standard = "gdj082-2018-annex-e" if "_EBM_" in name else "gdj083-2018-tables"
    root = etree.fromstring(build(parse(BUSINESS[name])))
    assert schema(standard).validate(root), schema(standard).error_log
    assert root.nsmap, "082 table 1: the root must carry an xmlns attribute"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<EBDVersion>1<", "<EBDVersion>1.0<"),
        ("<EBMVersion>1<", "<EBMVersion>1.0000<"),
        ("<EBMVersion>1</EBMVersion>", ""),
        ("<EBMVersion>1</EBMVersion>", "<EBMVersion/>"),
        ('<?xml version="1.0" encoding="UTF-8"?>', "\ufeff"),
        ("<MsgType>1", "<SysTask>7</SysTask><MsgType>1"),
        ("<EBDTime>", "<RelatedEBD><EBDID>空</EBDID></RelatedEBD><EBDTime>"),
        ("350524100000,350524101000", " 350524100000，350524101000 "),
        ('<EBD xmlns:xs="http://www.w3.org/2001/XMLSchema">', '<EBD xmlns="urn:anything">'),
        ("\n", "\r\n"),
    ],
)
def test_reading_is_tolerant(old: str, new: str) -> None:
    found, plain = parse(changed(old, new)), parse(EBM)
    assert found.body == plain.body and found.envelope == plain.envelope


@pytest.mark.parametrize("name", ["Size", "Digest", "Dispatch", "Auxiliary", "DEST", "URL", "SenderCode", "EventType"])
def test_what_may_be_missing_may_be_missing(name: str) -> None:
    assert parse(without(name)).envelope.ebd_id == parse(EBM).envelope.ebd_id


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("EBDID", "EBD/EBDID"),
        ("SRC", "EBD/SRC/EBRID"),
        ("EBDTime", "EBD/EBDTime"),
        ("EBMID", "EBM/EBMID"),
        ("MsgBasicInfo", "EBM/MsgBasicInfo"),
        ("StartTime", "EBM/MsgBasicInfo/StartTime"),
        ("EndTime", "EBM/MsgBasicInfo/EndTime"),
        ("MsgContent", "EBM/MsgContent"),
        ("AreaCode", "EBM/MsgContent[1]/AreaCode"),
        ("MsgTitle", "EBM/MsgContent[1]/MsgTitle"),
    ],
)
def test_what_must_stand_is_named_when_it_does_not(name: str, path: str) -> None:
    assert rules(without(name)).startswith(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<StartTime>2026-11-23 14:20:00", "<StartTime>today", "StartTime"),
        ("<EndTime>2026-11-23 14:35:00", "<EndTime>2026-11-23 14:19:59", "EndTime"),
        ("<EBRID>33505000000000101010101", "<EBRID>3350500000000010101010", "SRC/EBRID"),
        ("<Severity>2", "<Severity>two", "Severity"),
        ("<MsgType>1", "<MsgType>1_0", "MsgType"),
        ("<EBDID>10335", "<EBDID>../../etc", "EBDID"),
    ],
)
def test_a_wrong_value_is_named(old: str, new: str, words: str) -> None:
    assert words in rules(changed(old, new))


def test_a_message_that_is_not_forced_needs_little() -> None:
    short = without("MsgContent", without("MsgBasicInfo", changed("202611230001", "202611230000")))
    body = parse(short).body
    assert isinstance(body, Ebm) and not body.ebm_id.forced


def test_a_cancel_needs_only_the_message_that_it_cancels() -> None:
    cancel = BUSINESS["07_EBM_cancel"]
    bare = re.sub(rb"(?s)<SenderName>.*?</EndTime>", b"", without("MsgContent", cancel))
    body = parse(bare).body
    assert isinstance(body, Ebm) and body.is_cancel
    assert body.related_ebm == "33505000000000101010101202611230001"
    assert "RelatedInfo/EBMID" in rules(without("RelatedInfo", cancel))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"<html/>", "not_ebd"),
        (b"<EBD><EBDType>Guess</EBDType></EBD>", "unknown_type"),
        (b"<EBD/>", "unknown_type"),
        (b"<EBD>", "not_well_formed"),
        (b'<!DOCTYPE EBD [<!ENTITY a "b">]><EBD/>', "doctype"),
        (changed("UTF-8", "utf-16"), "encoding"),
        (b"<EBD>" + b"<a>" * 300 + b"</a>" * 300 + b"</EBD>", "too_deep"),
    ],
)
def test_what_cannot_be_read_is_code_2(data: bytes, code: str) -> None:
    with pytest.raises(PackageUnreadable) as refused:
        parse(data)
    assert (refused.value.code, refused.value.result) == (code, 2)


@given(st.sampled_from(sorted(BUSINESS)), st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(name: str, data: st.DataObject) -> None:
    raw = bytearray(BUSINESS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(st.binary(max_size=4) | st.sampled_from([b"<", b">", b"&#x0;", b"</EBD>", b"9" * 30]))
        raw[at : at + data.draw(st.integers(0, 20))] = piece
    try:
        parse(bytes(raw))
    except PackageError as refused:
        assert refused.result in (2, 3)


# -- the form before 2018


def draft(body: Any) -> Ebd:
    source = PlatformCode("010232000000000001")
    ebd_id = EbdId.build(source, 943)
    return Ebd(Envelope(ebd_id=ebd_id, ebd_type=envelope.name_of(body), source=source, time=moment(0)), body)


def moment(seconds: int) -> datetime:
    return datetime(2017, 11, 3, 11, 6, seconds, tzinfo=BEIJING)


def test_the_draft_has_shorter_codes_and_its_own_word_for_the_time_of_sending() -> None:
    basic = MsgBasicInfo(msg_type=1, send_time=moment(1), start=moment(2), end=moment(3), severity=15)
    made = draft(Ebm(ebm_id=MessageId("010232000000000001" + "201711030000"), basic=basic))
    assert made.form is Form.DRAFT and made.envelope.ebd_id == "100102320000000000010000000000000943"
    data = build(made)
    assert b"<SentTime>2017-11-03 11:06:01</SentTime>" in data and b"SendTime" not in data
    assert b"<EBDVersion>1.0</EBDVersion>" in data
    assert parse(data) == made
    # A sender of old codes may use the new word, and the other way round.
    assert parse(data.replace(b"SentTime", b"SendTime")).body == made.body


def test_the_draft_knows_no_notice() -> None:
    with pytest.raises(InvalidValueError, match="EBDResponse"):
        build(draft(EbdNotify(result=5, description="x")))
    assert parse(build(draft(EbdResponse(result=1, description="ok")))).body == EbdResponse(result=1, description="ok")


# -- writing


def test_writing_is_strict() -> None:
    found = parse(EBM)
    with pytest.raises(InvalidValueError, match="41 digits"):
        build(Ebd(replace(found.envelope, ebd_id=EbdId("1")), found.body))
    with pytest.raises(InvalidValueError, match="must be EBM"):
        build(Ebd(replace(found.envelope, ebd_type="EBDNotify"), found.body))
    with pytest.raises(InvalidValueError, match="AuxiliaryDesc"):
        bad = Auxiliary(type=2, description=None)  # type: ignore[arg-type]
        assert isinstance(found.body, Ebm)
        contents = (replace(found.body.contents[0], auxiliaries=(bad,)),)
        build(Ebd(found.envelope, replace(found.body, contents=contents)))


def test_control_characters_of_a_text_cannot_break_the_package() -> None:
    found = parse(BUSINESS["15_EBDNotify"])
    made = Ebd(found.envelope, EbdNotify(result=5, description="a\x00b\x1b]\ud800\uffffc\n"))
    assert parse(build(made)).body == EbdNotify(result=5, description="ab]c")


@given(st.integers(0, 10**16 - 1))
def test_numbers_of_packages_have_the_form_of_their_sender(sequence: int) -> None:
    assume(sequence)
    for code, length in ((CITY, 41), (COUNTY, 41), (PlatformCode("010232068100000001"), 36)):
        assert len(EbdId.build(code, sequence)) == length == len(EbdId.heartbeat(code))
