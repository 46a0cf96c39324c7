"""A broadcast in the words of the domain, rendered to index entry and content table (GD/J 086-2018 tables 1, 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass
from gateway.domain.warning import Notice, Severity
from gateway.errors import InvalidValueError
from gateway.protocols import ts_text
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import STREAM, Auxiliary
from gateway.protocols.ts_content import MAX_AUXILIARIES, MAX_LANGUAGES, ContentTable, LanguageContent
from gateway.protocols.ts_index import DetailsChannel, IndexEntry
from gateway.protocols.ts_time import OPEN_END, MjdTime, TsTime

#: Language of the text where nothing else is said.
CHINESE = "zho"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words in one language (GB/T 4880.2, three letters), whose words they are, and whole files beside them."""

    text: str
    agency: str = ""
    language: str = CHINESE
    aux: tuple[Auxiliary, ...] = ()

    def __post_init__(self) -> None:
        if len(self.language) != 3 or not (self.language.isascii() and self.language.isalpha()):
            raise InvalidValueError("language", self.language, "must be three letters (GB/T 4880.2)")
        if len(self.aux) > MAX_AUXILIARIES:
            raise InvalidValueError("aux", len(self.aux), f"must be at most {MAX_AUXILIARIES} (GD/J 086-2018 6.3)")
        if any(aux.kind == STREAM for aux in self.aux):
            raise InvalidValueError("aux", STREAM, "a stream is a details channel here (GD/J 086-2018 10.3)")


@dataclass(frozen=True, slots=True)
class TsBroadcast:
    """What is to go on the air. Times are aware; ``end`` None is a live stream of which nobody knows the end."""

    ebm_id: EbmId
    ebm_class: EbmClass
    severity: Severity
    event: EventType
    start: datetime
    end: datetime | None
    codes: tuple[ResourceCode, ...]
    details: DetailsChannel | None = None
    wordings: tuple[Wording, ...] = ()
    original_network_id: int = 0

    def __post_init__(self) -> None:
        if self.ebm_class is EbmClass.DAILY:
            raise InvalidValueError("class", self.ebm_class.label, "goes into table 0xFA alone (GD/J 086-2018 table 2)")
        if self.start.tzinfo is None or (self.end is not None and self.end.tzinfo is None):
            raise InvalidValueError("start, end", self.start, "must carry a time zone")
        if self.end is not None and self.end <= self.start:
            raise InvalidValueError("end", self.end, "must be after the start")
        if not self.codes:
            raise InvalidValueError("codes", self.codes, "must name at least one receiver or group")
        if self.details is None and not self.wordings:
            raise InvalidValueError("details, wordings", None, "nothing to play and nothing to show")
        if len(self.wordings) > MAX_LANGUAGES:
            raise InvalidValueError(
                "wordings", len(self.wordings), f"must be at most {MAX_LANGUAGES} languages (GD/J 086-2018 6.3)"
            )


@dataclass(frozen=True, slots=True)
class Rendered:
    """One message for the carousel: its index entry, its content table if it has words, what the sender should know."""

    entry: IndexEntry
    content: ContentTable | None
    notices: tuple[Notice, ...] = ()


def render(broadcast: TsBroadcast, now: datetime, ts_time: TsTime = TsTime.UTC) -> Rendered:
    """Render ``broadcast`` for a multiplexer whose receivers read index times by ``ts_time``.

    A message that is on the air at ``now`` gets a start that is past, and an end that is not, whichever clock a
    receiver reads by; its end is the index that lacks it (binary.md 7.2).
    """
    notices: list[Notice] = []
    if broadcast.severity is Severity.UNKNOWN:
        notices.append(
            Notice("ts_severity", "级别缺省，传送流按 4 级（一般）播发 / unknown severity is sent as level 4 on TS")
        )
    start, end = _times(broadcast, now, ts_time)
    entry = IndexEntry(
        ebm_id=WireEbmId.of(broadcast.ebm_id),
        original_network_id=broadcast.original_network_id,
        start=start,
        end=end,
        event=str(broadcast.event),
        ebm_class=int(broadcast.ebm_class),
        severity=int(broadcast.severity.on_device),
        codes=tuple(map(WireCode.of, broadcast.codes)),
        details=broadcast.details,
    )
    content = None
    if broadcast.wordings:
        languages, found = _languages(broadcast.wordings)
        content = ContentTable(WireEbmId.of(broadcast.ebm_id), languages)
        notices += found
    return Rendered(entry, content, tuple(notices))


def _times(broadcast: TsBroadcast, now: datetime, ts_time: TsTime) -> tuple[MjdTime, MjdTime]:
    start = int(broadcast.start.timestamp())
    on_air = broadcast.start <= now
    # The digits of UTC are the earlier reading everywhere, those of Beijing the later.
    first = MjdTime.of(start, TsTime.UTC if on_air else ts_time)
    if broadcast.end is None:
        return first, OPEN_END
    return first, MjdTime.of(int(broadcast.end.timestamp()), TsTime.BEIJING if on_air else ts_time)


def _languages(wordings: Sequence[Wording]) -> tuple[tuple[LanguageContent, ...], list[Notice]]:
    languages, notices = [], []
    for wording in wordings:
        encoded = ts_text.encode(wording.text, wording.agency)
        text, agency = encoded.texts
        if encoded.notice is not None:
            notices.append(encoded.notice)
        languages.append(LanguageContent(wording.language, encoded.charset, text, agency, wording.aux))
    return tuple(languages), notices
