"""What a Warning means as a message (platform.md 8.3), and whether we would broadcast it now and here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.areas import Gazetteer
from gateway.domain.events import UNKNOWN_EVENT, EventType, event_name
from gateway.domain.message import AirTime, EbmClass
from gateway.domain.rules import shown
from gateway.domain.warning import MatchedArea, Notice, Severity, Status, Warning, WarningKind, WarningText
from gateway.errors import Violation
from gateway.publishers.areas import Resolution, resolve
from gateway.publishers.event_words import event_of_words
from gateway.publishers.findings import Findings
from gateway.publishers.mapping_rules import Decision, decision
from gateway.publishers.profile import Profile
from gateway.publishers.reference import CountyOutlines, Regions, load_event_names
from gateway.publishers.sender_home import home_of
from gateway.publishers.spans import Reading

#: ISO 639 of texts → GB/T 4880.2 /T as EBM LanguageCode wants it (platform.md 2.8).
LANGUAGES: Mapping[str, str] = {
    "zh": "zho",
    "en": "eng",
    "bo": "bod",
    "ug": "uig",
    "mn": "mon",
    "kk": "kaz",
    "ko": "kor",
    "za": "zha",
    "ii": "iii",
}

_SENTENCE_END = re.compile(r"[。！？!?；;\n]|\.(?=\s|$)")
_TEST_WORDS = re.compile(
    r"\b(?:this is (?:only )?a test|test (?:message|alert|warning)|exercise|drill)\b|测试|演练|演习", re.I
)


@dataclass(frozen=True, slots=True)
class MappingPolicy:
    """Choices that the standards leave to the operator.

    ``drill_class``: what an Exercise becomes; a system drill makes no device frames (GD/J 088-2018 B.1.5.2).
    ``text_chars``: longest text for the air, cut at whole sentences. ``language``: preferred language of texts.
    """

    drill_class: EbmClass = EbmClass.SYSTEM_DRILL
    text_chars: int = 2_000
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """All that a Message takes from its Warning; ids, volume and programme come from elsewhere.

    ``on_air`` is False for a system drill: platform routes only, no device frames. ``language`` is 3 letters, ``tag``
    the text's own language tag (BCP 47).
    """

    ebm_class: EbmClass
    severity: Severity
    event: EventType
    event_name: str
    start: datetime
    end: datetime
    headline: str
    text: str
    language: str
    tag: str
    languages: tuple[str, ...]
    sender_name: str
    on_air: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """Verdict on a warning that could be parsed.

    ``rules`` are the reasons against broadcasting it now and here; ``understood`` is False when one of them says that
    its areas are not known for certain. ``facts`` are None for a Cancel, an Ack and an Error. ``doubts`` are words
    about its areas that a person must decide before it goes on air; ``readings`` are all such words with what they
    were taken for.
    """

    rules: tuple[Violation, ...]
    areas: tuple[MatchedArea, ...]
    notices: tuple[Notice, ...]
    facts: MessageFacts | None
    understood: bool
    doubts: tuple[Violation, ...] = ()
    readings: tuple[Reading, ...] = ()
    #: which rule made what of it (docs/mapping.md)
    decisions: tuple[Decision, ...] = ()

    @property
    def held(self) -> bool:
        """Whether it is taken, and waits for a person to say which areas are meant."""
        return bool(self.doubts) and not self.rules

    @property
    def accepted(self) -> bool:
        """Whether we would act on it now and here."""
        return not self.rules and not self.doubts


def assess(
    warning: Warning,
    now: datetime,
    gazetteer: Gazetteer,
    outlines: CountyOutlines,
    air_time: AirTime,
    policy: MappingPolicy | None = None,
    regions: Regions | None = None,
) -> Assessment:
    """Weigh ``warning`` at ``now`` (aware); never raises for anything in the warning.

    A Cancel needs neither areas nor text: it acts on the message that it names.
    """
    policy = policy or MappingPolicy()
    findings = Findings(Profile.STRICT)
    _check_kind(warning, findings)
    _check_openness(warning, findings)
    if warning.kind is WarningKind.CANCEL:
        return Assessment(findings.violations, (), warning.notices, None, understood=True)
    places = resolve(warning.claims, gazetteer, outlines, regions, home_of(warning, gazetteer))
    _check_areas(places, findings)
    facts = None
    if warning.kind in (WarningKind.ALERT, WarningKind.UPDATE):
        facts = _facts(warning, now, air_time, policy, findings)
    return Assessment(
        rules=places.violations + findings.violations,
        areas=places.areas,
        notices=tuple(dict.fromkeys(warning.notices + places.notices + findings.notices)),
        facts=facts,
        understood=not places.violations,
        doubts=places.doubts,
        readings=places.readings,
        decisions=_decisions(warning, facts, places),
    )


def _decisions(warning: Warning, facts: MessageFacts | None, places: Resolution) -> tuple[Decision, ...]:
    """Which rule made what; those of the facts only where there are facts."""
    found = [
        decision("M02", warning.kind.value, warning.kind.name.lower()),
        decision("M03", warning.scope, warning.scope == "Public"),
        decision("M04", warning.restricted, not warning.restricted),
    ]
    if facts is not None:
        said = facts.text
        found += [
            decision("M01", warning.status.value, int(facts.ebm_class)),
            decision("M05", warning.event or warning.event_text, facts.event),
            decision("M06", warning.severity.name.lower(), int(facts.severity)),
            decision("M07", warning.onset or warning.effective or "", facts.start.isoformat()),
            decision("M08", warning.expires or "", facts.end.isoformat()),
            decision("M09", ", ".join(text.language for text in warning.texts), facts.language),
            decision("M10", next((text.headline for text in warning.texts if text.headline), ""), facts.headline),
            decision("M11", "speech" if any(text.speech for text in warning.texts) else "description", said[:80]),
            decision("M12", sum(len(text.spoken) for text in warning.texts), len(said)),
            decision("M13", warning.sender_name or warning.identity.sender, facts.sender_name),
        ]
    for area in places.areas[:50]:
        rule = {"code": "M14", "polygon": "M15", "circle": "M15"}.get(area.matched_by, "M16")
        found.append(decision(rule, f"{area.name} ({area.matched_by})", area.code))
    return tuple(sorted(found, key=lambda one: one.rule))


def _check_kind(warning: Warning, findings: Findings) -> None:
    if warning.kind in (WarningKind.ACK, WarningKind.ERROR):
        findings.broken(
            "msgType", "ack_error", f"{warning.kind} 不是要播发的信息", f"{warning.kind} is nothing to broadcast"
        )
    if warning.kind is WarningKind.UPDATE and not warning.references:
        findings.noted("no_reference", "更新没有 references，按新信息处理", "an Update of nothing is a new Alert")
    if warning.status is Status.DRAFT:
        findings.broken("status", "draft", "草稿不播发", "a draft is not broadcast")
    if warning.status is Status.SYSTEM:
        findings.broken("status", "system", "系统内部消息不播发", "a System message is not for the public air")


def _check_openness(warning: Warning, findings: Findings) -> None:
    if warning.scope != "Public":
        scope = shown(warning.scope, 20)
        findings.broken("scope", "scope_not_public", f"范围 {scope} 不是 Public", f"scope {scope} is not Public")
    if warning.restricted:
        findings.broken("secClassification", "restricted", "内部信息不播发", "classified as internal, not broadcast")


def _check_areas(places: Resolution, findings: Findings) -> None:
    if places.areas or places.violations or places.doubts:
        return
    if places.outside:
        codes = ", ".join(places.outside[:5])
        findings.broken(
            "area",
            "outside_region",
            f"区域 {codes} 不在本平台范围内",
            f"areas {codes} lie outside this region",
        )
    else:
        findings.broken("area", "no_area", "没有可识别的播发区域", "no area of this region could be matched")


def _facts(
    warning: Warning, now: datetime, air_time: AirTime, policy: MappingPolicy, findings: Findings
) -> MessageFacts | None:
    text = _chosen(warning.texts, policy.language)
    spoken = _spoken(warning.texts, text)
    if text is None or not spoken:
        findings.broken("info", "no_text", "没有可播发的文字", "there is no text to broadcast")
    start = max(now, warning.onset or warning.effective or now)
    end = air_time.end(start, warning.severity, warning.expires)
    if end <= start:
        said = warning.expires.isoformat() if warning.expires else ""
        if warning.expires and warning.expires > now:
            findings.broken("expires", "empty_span", f"失效时间 {said} 不晚于开始", f"{said} is not after the start")
        else:
            findings.broken("expires", "expired", f"已过期 {said}", f"expired at {said}")
    if text is None or not spoken or end <= start:
        return None
    kept = cut_at_sentence(spoken, policy.text_chars)
    if kept != spoken:
        findings.noted(
            "text_cut",
            f"文字过长，播发前 {len(kept)} 字",
            f"the text was cut to its first {len(kept)} characters, at a whole sentence",
        )
    event = warning.event or event_of_words(warning.event_text) or UNKNOWN_EVENT
    if event is UNKNOWN_EVENT:
        words = shown(warning.event_text, 40)
        findings.noted(
            "unknown_event", f"事件 {words!r} 无编码，按 11111 播发", f"no code for event {words!r}; sent as 11111"
        )
    ebm_class = _class(warning, policy, findings)
    return MessageFacts(
        ebm_class=ebm_class,
        severity=warning.severity,
        event=event,
        event_name=event_name(event, load_event_names()) if event is not UNKNOWN_EVENT else warning.event_text,
        start=start,
        end=end,
        headline=text.headline or warning.event_text or kept[:40],
        text=kept,
        language=language_code(text.language),
        tag=text.language,
        languages=tuple(dict.fromkeys(language_code(t.language) for t in warning.texts)),
        sender_name=warning.sender_name or warning.identity.sender,
        on_air=ebm_class is not EbmClass.SYSTEM_DRILL,
    )


def _class(warning: Warning, policy: MappingPolicy, findings: Findings) -> EbmClass:
    """广播类型 by status: only Actual is ever an emergency on air."""
    if warning.status is Status.ACTUAL:
        words = " ".join([warning.event_text, *(f"{t.headline} {t.description}" for t in warning.texts)])
        if _TEST_WORDS.search(words[:10_000]):
            findings.noted(
                "maybe_test",
                "文字提到测试或演练，但 status 为 Actual",
                "the text speaks of a test or drill while status is Actual",
            )
        return EbmClass.EMERGENCY
    found = policy.drill_class if warning.status is Status.EXERCISE else EbmClass.SYSTEM_DRILL
    if found is EbmClass.SYSTEM_DRILL:
        findings.noted("no_device_frames", "系统演练，不向终端发送", "a system drill: nothing is sent to terminals")
    return found


def language_code(tag: str) -> str:
    """Three letters of GB/T 4880.2 for a language tag such as zh-CN; ``und`` when it is not known."""
    primary = tag.partition("-")[0].lower()
    if len(primary) == 3 and primary.isascii() and primary.isalpha():
        return primary
    return LANGUAGES.get(primary, "und")


def cut_at_sentence(text: str, limit: int) -> str:
    """The whole sentences of ``text`` that fit into ``limit`` characters; the first characters if none does."""
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text[: limit + 1]) if match.end() <= limit]
    whole = text[: ends[-1]].rstrip() if ends else ""
    return whole or text[:limit]


def _chosen(texts: tuple[WarningText, ...], language: str) -> WarningText | None:
    """The text in the preferred language, else the first that says anything."""
    wanted = language_code(language)
    speaking = [text for text in texts if text.spoken]
    return next((text for text in speaking if language_code(text.language) == wanted), next(iter(speaking), None))


def _spoken(texts: tuple[WarningText, ...], chosen: WarningText | None) -> str:
    """All that is said in the chosen language: info blocks may speak of different hazards in one language."""
    if chosen is None:
        return ""
    same = (text.spoken for text in texts if language_code(text.language) == language_code(chosen.language))
    return "\n".join(dict.fromkeys(filter(None, same)))
