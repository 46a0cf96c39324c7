"""Samples of the platform interface, tars made by hand, and values of every declared type."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gateway.domain.zone import BEIJING
from gateway.protocols.platform import elements as e
from gateway.protocols.platform.envelope import Envelope
from gateway.protocols.platform.ids import EbdId, MessageId, PlatformCode

DATA = Path(__file__).parents[1] / "data" / "platform"
SAMPLES = DATA / "samples"
EXAMPLES = DATA / "std-examples"
MANIFEST = json.loads((SAMPLES / "manifest.json").read_text())
CITY, COUNTY = PlatformCode("33505000000000101010101"), PlatformCode("43505240000000101010101")
#: samples that are signed, and by what
SIGNED = {name: facts for name, facts in MANIFEST["ebd"].items() if "variantA" in facts}
EBM_TAR = (SAMPLES / "EBDT_10335050000000001010101010000000000001001.tar").read_bytes()
#: every business data file, by its name without extension
BUSINESS = {p.stem: p.read_bytes() for p in sorted(SAMPLES.glob("[01][0-9]_*.xml")) if "EBDS" not in p.name}


def public_key(who: str) -> bytes:
    """x‖y of ``city`` or ``county``."""
    key = MANIFEST["keys"][who]
    return bytes.fromhex(key["x"] + key["y"])


def tar(*members: tuple[str, bytes], **more: Any) -> bytes:
    """A tar of plain files; ``more`` are attributes of every header."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for attribute, value in more.items():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


_text = st.text(st.sampled_from("aZ09-<>&\"'.,/暴雨é"), min_size=1, max_size=12)


def _digits(count: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**count - 1).map(lambda n: f"{n:0{count}d}")


_KINDS: dict[int, st.SearchStrategy[Any]] = {
    id(e.TEXT): _text,
    id(e.INT): st.integers(-(10**9), 10**12),
    id(e.FLOAT): st.integers(0, 10**6).map(lambda n: n / 10**6),
    id(e.TIME): st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(
        lambda t: t.replace(microsecond=0, tzinfo=BEIJING)
    ),
    id(e.CODE): _digits(23).map(PlatformCode),
    id(e.PACKAGE): _digits(39).map(lambda tail: EbdId(f"10{tail}")),
    id(e.MESSAGE): _digits(35).map(MessageId),
    id(e.LIST): st.lists(_digits(12), min_size=1, max_size=4).map(tuple),
    id(e.COUNTS): st.lists(st.integers(0, 9999), min_size=4, max_size=4).map(tuple),
}
_extras = st.lists(st.tuples(st.sampled_from(["Volume", "SRV_RMT_SWITCH", "a1"]), _text), max_size=3)


def values(shape: Any) -> st.SearchStrategy[Any]:
    """Anything that a declared dataclass can hold and the tables allow."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field in dataclasses.fields(shape):
        spec = field.metadata["element"]
        if spec.kind is e.Extras:
            one: st.SearchStrategy[Any] = _extras.map(lambda items: e.Extras(tuple(items)))
        elif isinstance(spec.kind, e.Kind):
            one = _KINDS[id(spec.kind)]
        else:
            one = values(spec.kind)
        if spec.need is e.Need.MANY:
            one = st.lists(one, max_size=2).map(tuple)
        elif spec.need is e.Need.MAYBE or (spec.need is e.Need.LAX and isinstance(spec.kind, e.Kind)):
            one = st.none() | one
        fields[field.name] = one
    return st.builds(shape, **fields)


def envelopes(ebd_type: str) -> st.SearchStrategy[Envelope]:
    """Envelopes of one type."""
    return values(Envelope).map(lambda found: dataclasses.replace(found, ebd_type=ebd_type))
