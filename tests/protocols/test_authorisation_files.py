"""Files for and from the certificate system: what is written is read, what is cut or bent is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.errors import MalformedFrame
from gateway.protocols.authorisation_files import (
    Application,
    Place,
    SignedLists,
    Wish,
    build_application,
    build_lists,
    parse_application,
    parse_lists,
)

serials = st.integers(0, (1 << 48) - 1).map(lambda number: CertificateSerial(f"{number:012X}"))
codes = st.text("0123456789", min_size=23, max_size=23).map(ResourceCode)
moments = st.datetimes(datetime(2018, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))
applications = st.builds(
    Application,
    applicant=codes,
    serial=serials,
    root=st.text("abc泉州 <&>\"'", min_size=1, max_size=12).map(str.strip).filter(bool),
    at=moments,
    places=st.lists(st.builds(Place, codes, codes, serials), max_size=4).map(tuple),
    certificates=st.lists(st.binary(min_size=1, max_size=200), max_size=3).map(tuple),
    wishes=st.lists(
        st.builds(Wish, serials, st.integers(0, 255), st.lists(serials, max_size=4).map(tuple)), max_size=4
    ).map(tuple),
)
WANTED = Application(
    ResourceCode("33505000000000103010101"),
    CertificateSerial("000000000100"),
    "town",
    datetime(2026, 11, 26, 8, tzinfo=UTC),
    (),
    (),
    (Wish(CertificateSerial("000000000301"), 7, (CertificateSerial("000000000100"),)),),
)


@given(applications)
def test_an_application_is_read_as_it_was_written(wanted: Application) -> None:
    assert parse_application(build_application(wanted)) == wanted


@given(
    st.lists(st.binary(min_size=1, max_size=90), max_size=4), st.lists(st.binary(min_size=1, max_size=150), max_size=3)
)
def test_lists_are_read_as_they_were_written(lists: list[bytes], certificates: list[bytes]) -> None:
    signed = SignedLists(tuple(lists), tuple(certificates))
    assert parse_lists(build_lists(signed)) == signed


@given(st.lists(st.tuples(st.binary(min_size=7, max_size=7), st.integers(0, 255)), min_size=1, max_size=4), st.data())
def test_bare_lists_one_behind_the_other_are_told_apart(heads: list[tuple[bytes, int]], data: st.DataObject) -> None:
    # None begins as XML would.
    raws = [b"\x00" + head[1:] + bytes([n]) + bytes(6 * n + 70) for head, n in heads]
    whole = b"".join(raws)
    assert parse_lists(whole).lists == tuple(raws)
    end = data.draw(st.integers(0, len(whole) - 1))
    ends = [sum(map(len, raws[:n])) for n in range(1, len(raws))]
    if end in ends:
        assert parse_lists(whole[:end]).lists == tuple(raws[: ends.index(end) + 1])
    else:
        with pytest.raises(MalformedFrame):
            parse_lists(whole[:end])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<CertsAuthSN>7<", b"<CertsAuthSN>256<"),
        (b"<CertsAuthSN>7<", b"<CertsAuthSN>-1<"),
        (b"<CertsCount>1<", b"<CertsCount>2<"),
        (b"<ReceiverSN>0", b"<ReceiverSN>x"),
        (b"<Code>3", b"<Code>"),
        (b"<ApplyTime>2026", b"<ApplyTime>x"),
        (b"<Root>town</Root>", b""),
        (b"CertAuthApplication", b"Other"),
        (b"<Version>", b"<!DOCTYPE a><Version>"),
    ],
)
def test_a_bent_application_is_refused(old: bytes, new: bytes) -> None:
    whole = build_application(WANTED)
    assert parse_application(whole) == WANTED
    bent = re.sub(old, new, whole)
    assert bent != whole
    with pytest.raises(MalformedFrame):
        parse_application(bent)


def test_an_application_cut_anywhere_is_refused() -> None:
    whole = build_application(WANTED).rstrip()
    for end in range(len(whole)):
        with pytest.raises(MalformedFrame):
            parse_application(whole[:end])
