import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.codes import CertificateSerial, EbmId, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass
from gateway.domain.warning import Severity
from gateway.errors import InvalidValueError
from gateway.protocols import ts_section
from gateway.protocols.checksum import crc16_ccitt
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.ts_carousel import Carousel, Intervals
from gateway.protocols.ts_configuration import DefaultVolume, configure
from gateway.protocols.ts_content import ContentTable
from gateway.protocols.ts_daily import AmplifierSwitch, daily
from gateway.protocols.ts_index import IndexTable
from gateway.protocols.ts_render import Rendered, TsBroadcast, Wording, render
from gateway.protocols.ts_section import Section, TableId
from gateway.protocols.ts_signing import SignedSections
from gateway.security.coverage import SignatureBlock
from tests.protocols.test_ts_section import COUNTY

NOW = datetime(2024, 6, 1, 8, tzinfo=UTC)


def message(number: int, severity: int = 2, start_s: int = 0, text: str = "预警") -> Rendered:
    return message_of(EbmId(f"4341523000000010301010120240601{number:04d}"), severity, start_s, text)


def message_of(ebm_id: EbmId, severity: int = 2, start_s: int = 0, text: str = "预警") -> Rendered:
    broadcast = TsBroadcast(
        ebm_id=ebm_id,
        ebm_class=EbmClass.EMERGENCY,
        severity=Severity(severity),
        event=EventType("11B03"),
        start=NOW + timedelta(seconds=start_s),
        end=NOW + timedelta(hours=1),
        codes=(ResourceCode("43415230000000000000000"),),
        wordings=(Wording(text),),
    )
    return render(broadcast, NOW)


def index_of(sections: tuple[Section, ...]) -> Section:
    (index,) = [section for section in sections if section.table_id == TableId.INDEX]
    return index


def contents_of(sections: tuple[Section, ...]) -> dict[int, int]:
    """Versions of the content tables by extension."""
    return {s.table_id_extension: s.version for s in sections if isinstance(s.body, ContentTable)}


def test_the_empty_index_is_on_the_air_from_the_beginning() -> None:
    (section,) = Carousel().due(0.0)
    assert section.body == IndexTable()


def test_a_change_is_due_at_once_and_repeats_are_not() -> None:
    carousel = Carousel()
    carousel.due(0.0)
    assert carousel.due(0.1) == ()
    carousel.show([message(1)])
    sections = carousel.due(0.1)
    assert [section.table_id for section in sections] == [TableId.INDEX, TableId.CONTENT]
    assert carousel.due(0.2) == ()
    assert carousel.next_due(0.2) == pytest.approx(0.45)
    assert [section.table_id for section in carousel.due(0.45)] == [TableId.INDEX]


def test_versions_rise_with_changes_alone_and_begin_again_after_31() -> None:
    carousel = Carousel()
    versions = [index_of(carousel.due(0.0)).version]
    for step in range(1, 40):
        shown = [message(1, text=f"第{step}次")] if step % 2 else []
        carousel.show(shown)
        carousel.show(list(shown))
        versions.append(index_of(carousel.due(float(step))).version)
    assert versions == [step % 32 for step in range(40)]


def test_each_message_has_content_versions_of_its_own() -> None:
    carousel = Carousel()
    one, two = message(1), message(2)
    carousel.show([one, two])
    first = contents_of(carousel.due(0.0))
    assert set(first.values()) == {0}
    carousel.show([one, message(2, text="更新")])
    second = contents_of(carousel.due(10.0))
    assert one.content is not None
    assert two.content is not None
    assert second == {one.content.extension: 0, two.content.extension: 1}
    # the text alone changed: the index did not
    assert index_of(carousel.due(20.0)).version == 1


def test_what_goes_off_takes_its_content_along_and_comes_back_as_something_new() -> None:
    carousel = Carousel()
    carousel.show([message(1)])
    carousel.due(0.0)
    carousel.show([])
    assert [section.table_id for section in carousel.due(1.0)] == [TableId.INDEX]
    carousel.show([message(1)])
    assert list(contents_of(carousel.due(2.0)).values()) == [1]


def test_the_most_urgent_stands_first() -> None:
    carousel = Carousel()
    late, early = message(3, severity=2, start_s=60), message(4, severity=2, start_s=30)
    carousel.show([message(1, severity=4), late, message(2, severity=1, start_s=90), early])
    body = index_of(carousel.due(0.0)).body
    assert isinstance(body, IndexTable)
    assert [entry.ebm_id.text[-1] for entry in body.messages] == ["2", "4", "3", "1"]


def test_versions_of_an_earlier_run_are_gone_on_from() -> None:
    before = Carousel()
    before.show([message(1)])
    after = Carousel(versions=before.versions)
    assert index_of(after.due(0.0)).version == 2
    after.show([message(1)])
    assert list(contents_of(after.due(1.0)).values()) == [1]


def test_two_messages_with_one_crc_share_a_sub_table_and_its_version() -> None:
    seen: dict[int, EbmId] = {}
    for number in range(10_000):
        for day in range(1, 29):
            ebm_id = EbmId(f"43415230000000103010101202401{day:02d}{number:04d}")
            extension = crc16_ccitt(WireEbmId.of(ebm_id).raw)
            if extension in seen:
                break
            seen[extension] = ebm_id
        else:
            continue
        break
    carousel = Carousel()
    pair = [message_of(seen[extension]), message_of(ebm_id)]
    carousel.show(pair[:1])
    assert contents_of(carousel.due(0.0)) == {extension: 0}
    carousel.show(pair)
    sections = carousel.due(1.0)
    assert [section.version for section in sections if isinstance(section.body, ContentTable)] == [1, 1]
    carousel.show(pair)
    assert [section.version for section in carousel.due(2.0) if isinstance(section.body, ContentTable)] == [1, 1]


def test_other_tables_come_and_go_and_the_index_stays() -> None:
    carousel = Carousel(Intervals(other_s=2.0))
    carousel.put(configure(DefaultVolume(50, COUNTY)))
    carousel.put(daily(AmplifierSwitch(2, COUNTY)))
    carousel.put(CertificateAuthorisation((), (bytes(143),)))
    tables = {TableId.INDEX, TableId.CONFIGURATION, TableId.DAILY, TableId.CERTIFICATES}
    assert {section.table_id for section in carousel.due(0.0)} == tables
    assert {section.table_id for section in carousel.due(1.0)} == {TableId.INDEX}
    carousel.take_off(TableId.DAILY)
    assert {section.table_id for section in carousel.due(2.0)} == tables - {TableId.DAILY}
    for table in (TableId.INDEX, TableId.CONTENT):
        with pytest.raises(InvalidValueError, match="table_id"):
            carousel.take_off(table)


def test_daily_broadcasts_never_enter_the_index() -> None:
    carousel = Carousel()
    carousel.show([message(1)])
    bad = message(2)
    with pytest.raises(InvalidValueError, match="class"):
        carousel.show([replace(bad, entry=replace(bad.entry, ebm_class=5))])
    body = index_of(carousel.due(0.0)).body
    assert isinstance(body, IndexTable)
    assert len(body.messages) == 1


def test_a_message_that_fits_no_section_changes_nothing() -> None:
    carousel = Carousel()
    carousel.show([message(1)])
    with pytest.raises(InvalidValueError, match="languages"):
        carousel.show([message(1), message(2, text="字" * 3000)])
    body = index_of(carousel.due(0.0)).body
    assert isinstance(body, IndexTable)
    assert len(body.messages) == 1


def test_many_contents_never_stand_between_two_indices() -> None:
    carousel = Carousel(burst=4)
    carousel.show([message(number) for number in range(60)])
    now, seen = 0.0, set[int]()
    while len(seen) < 60:
        sections = carousel.due(now)
        assert len([section for section in sections if section.table_id == TableId.CONTENT]) <= 4
        seen |= set(contents_of(sections))
        assert carousel.next_due(now) == now or len(seen) == 60
        now += 0.01


@pytest.mark.parametrize("values", [{"index_s": 0.5}, {"index_s": 0.0}, {"content_s": 0.0}, {"other_s": float("nan")}])
def test_intervals_that_are_none(values: dict[str, float]) -> None:
    with pytest.raises(InvalidValueError):
        Intervals(**values)


def test_an_hour_with_messages_coming_and_going() -> None:
    chance = random.Random(20240601)
    carousel = Carousel()
    signed = SignedSections(lambda data: SignatureBlock(len(data), CertificateSerial("000000000042"), bytes(64)))
    on_air: dict[int, Rendered] = {}
    now, changes = 0.0, 0
    last_index: float | None = None
    last: Section | None = None
    next_change = 0.0
    while now < 3600.0:
        if now >= next_change:
            next_change = now + chance.uniform(0.1, 30.0)
            number = chance.randrange(12)
            if on_air.pop(number, None) is None:
                on_air[number] = message(number, severity=chance.randint(1, 4))
            carousel.show(list(on_air.values()))
            changes += 1
        sections = carousel.due(now)
        for section in sections:
            raw = signed.raw(section, now)
            assert ts_section.parse(raw).signature is not None
            if section.table_id == TableId.INDEX:
                assert last_index is None or now - last_index < 0.5
                last_index = now
                body = section.body
                assert isinstance(body, IndexTable)
                assert {entry.ebm_id for entry in body.messages} == {m.entry.ebm_id for m in on_air.values()}
                if last is not None:
                    assert section.version == (last.version + (last.body != body)) % 32
                last = section
        # a caller that is late by up to a tenth of a second
        now = min(carousel.next_due(now), next_change) + chance.uniform(0.001, 0.1)
    assert last_index is not None
    assert changes > 200


def test_signatures_are_kept_for_a_while_and_renewed_in_the_same_version() -> None:
    asked: list[bytes] = []

    def sign(data: bytes) -> SignatureBlock:
        asked.append(data)
        return SignatureBlock(len(asked), CertificateSerial("000000000042"), bytes(63) + b"\1")

    signed, carousel = SignedSections(sign, resign_after=60.0), Carousel()
    (section,) = carousel.due(0.0)
    first = signed.raw(section, 0.0)
    assert signed.raw(section, 59.9) == first
    assert len(asked) == 1
    again = signed.raw(section, 60.0)
    assert again != first
    assert ts_section.parse(again).version == ts_section.parse(first).version
    assert asked == [b"\0", b"\0"]
