from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gateway.errors import WarningInvalid, WarningUnparseable
from gateway.publishers.parse import Bundle, parse_body, parse_warning
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.wrappers import Wrapper
from tests.publishers.conftest import ANXI, body

ALL = frozenset(Wrapper)
SENT = "2026-11-23T14:15:00+08:00"
ATOM = "http://www.w3.org/2005/Atom"
DE1, DE2 = "urn:oasis:names:tc:emergency:EDXL:DE:1.0", "urn:oasis:names:tc:emergency:EDXL:DE:2.0"


def cap(
    identifier: str, *, status: str = "Actual", kind: str = "Alert", sent: str = "2026-11-23T14:15:00+08:00"
) -> str:
    """A CAP 1.2 alert that stands alone."""
    references = "<references>a@b,QZ-0,2026-11-23T14:00:00+08:00</references>" if kind != "Alert" else ""
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>anxi@weather.cn</sender><sent>{sent}</sent><status>{status}</status><msgType>{kind}</msgType>
<scope>Public</scope>{references}<info><language>zh-CN</language><category>Met</category><event>暴雨</event>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty><headline>暴雨橙色预警</headline>
<area><areaDesc>安溪县</areaDesc><geocode><valueName>division</valueName><value>350524</value></geocode></area>
</info></alert>"""


def bundle(text: str, wrappers: frozenset[Wrapper] = ALL, limits: Limits | None = None) -> Bundle:
    """What a wrapped body holds."""
    found = parse_body(text.encode(), "application/xml", Profile.STRICT, limits, wrappers)
    assert isinstance(found, Bundle)
    return found


def edxl(*alerts: str, space: str = DE1, status: str = "Actual", kind: str = "Report", secrecy: str = "") -> str:
    contents = "".join(
        f"<contentObject><xmlContent><embeddedXMLContent>{alert}</embeddedXMLContent></xmlContent></contentObject>"
        for alert in alerts
    )
    return f"""<EDXLDistribution xmlns="{space}"><distributionID>1</distributionID>
<distributionStatus>{status}</distributionStatus><distributionType>{kind}</distributionType>
<combinedConfidentiality>{secrecy}</combinedConfidentiality>{contents}</EDXLDistribution>"""


def test_a_list_of_alerts_of_both_dialects_is_taken_apart_in_order() -> None:
    dialect = re.sub(r"<\?xml.*?\?>", "", body(ANXI).decode()).strip()
    found = bundle(f"<alerts>{cap('QZ-1')}\n{dialect}\n{cap('QZ-2')}</alerts>")
    assert found.wrapper is Wrapper.ALERTS
    assert [part.path for part in found.parts] == ["alerts/alert[1]", "alerts/alert[2]", "alerts/alert[3]"]
    assert [part.identifier for part in found.parts] == ["QZ-1", "35052441600000_20261123141500_0", "QZ-2"]
    for part in found.parts:
        assert part.warning is not None and not part.violations
        assert part.warning == parse_warning(part.body, "application/xml")
    assert found.parts[1].warning == parse_warning(body(ANXI), "application/xml")


def test_one_broken_alert_does_not_take_the_others_with_it() -> None:
    broken = cap("QZ-2", sent="yesterday")
    found = bundle(f"<alerts>{cap('QZ-1')}{broken}<note/>{cap('QZ-3')}</alerts>")
    assert [bool(part.warning) for part in found.parts] == [True, False, False, True]
    assert [part.identifier for part in found.parts] == ["QZ-1", "QZ-2", "", "QZ-3"]
    assert {v.code for v in found.parts[1].violations} == {"schema", "bad_time"}
    assert [v.path for v in found.parts[1].violations if v.code == "bad_time"] == ["alert/sent"]
    assert [v.code for v in found.parts[2].violations] == ["no_alert"]


@pytest.mark.parametrize("space", [DE1, DE2])
def test_an_edxl_distribution_is_taken_apart(space: str) -> None:
    text = edxl(cap("QZ-1"), cap("QZ-2"), space=space)
    if space == DE2:
        text = text.replace("<contentObject>", "<content><contentObject>", 1).replace("xmlContent>", "contentXML>")
        text = text.replace("</EDXLDistribution>", "</content></EDXLDistribution>")
        text = text.replace("EDXLDistribution", "edxlDistribution")
    found = bundle(text)
    assert found.wrapper is Wrapper.EDXL
    assert [part.warning.identity.identifier for part in found.parts if part.warning] == ["QZ-1", "QZ-2"]
    assert found.parts[0].warning is not None
    assert found.parts[0].warning.identity.sent == datetime(2026, 11, 23, 6, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        ({"status": "Test"}, "wrapper_status"),
        ({"status": ""}, "wrapper_status"),
        ({"kind": "Error"}, "wrapper_type"),
        ({"kind": "Cancel"}, "wrapper_type"),
        ({"secrecy": "CONFIDENTIAL"}, "restricted"),
    ],
)
def test_an_envelope_narrows_what_is_inside(envelope: dict[str, str], code: str) -> None:
    found = bundle(edxl(cap("QZ-1"), **envelope))
    assert [v.code for v in found.parts[0].violations] == [code]
    assert found.parts[0].warning is None


def test_an_envelope_that_agrees_passes() -> None:
    assert bundle(edxl(cap("QZ-1", status="Exercise"), status="Exercise")).parts[0].warning is not None
    assert bundle(edxl(cap("QZ-1"), secrecy="UNCLASSIFIED AND NOT SENSITIVE")).parts[0].warning is not None
    assert bundle(edxl(cap("QZ-1", kind="Cancel"), kind="Cancel")).parts[0].warning is not None


def test_an_atom_feed_gives_what_is_inside_and_follows_no_link() -> None:
    link = '<entry><id>2</id><link rel="related" href="http://127.0.0.1:1/alert.xml"/></entry>'
    entry = f'<entry><id>1</id><content type="text/xml">{cap("QZ-1")}</content></entry>'
    found = bundle(f'<feed xmlns="{ATOM}"><title>t</title>{entry}{link}</feed>')
    assert [part.path for part in found.parts] == ["feed/entry[1]/content", "feed/entry[2]"]
    assert found.parts[0].warning is not None
    assert [v.code for v in found.parts[1].violations] == ["no_alert"]
    alone = bundle(entry.replace("<entry>", f'<entry xmlns="{ATOM}">', 1))
    assert [part.path for part in alone.parts] == ["entry/content"]


def test_the_real_feed_of_the_manifest_is_read() -> None:
    found = bundle(body("us-usgs/cap-library__earthquake.atom").decode())
    assert found.wrapper is Wrapper.ATOM
    assert found.parts[0].identifier == "TRI13970876.1"


def test_wrappers_need_their_right() -> None:
    text = f"<alerts>{cap('QZ-1')}</alerts>"
    for allowed in (frozenset[Wrapper](), frozenset({Wrapper.ATOM, Wrapper.EDXL})):
        with pytest.raises(WarningInvalid) as refused:
            parse_body(text.encode(), "application/xml", wrappers=allowed)
        assert [v.code for v in refused.value.violations] == ["wrapped"]


@pytest.mark.parametrize("text", ["<alerts/>", edxl(), f'<feed xmlns="{ATOM}"><title>t</title></feed>'])
def test_an_empty_wrapper_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(WarningInvalid) as refused:
        bundle(text)
    assert [v.code for v in refused.value.violations] == ["empty_bundle"]


def test_too_many_alerts_are_refused_before_any_is_read() -> None:
    text = f"<alerts>{'<alert/>' * 6}</alerts>"
    assert len(bundle(text, limits=Limits(bundle=6)).parts) == 6
    with pytest.raises(WarningInvalid) as refused:
        bundle(text, limits=Limits(bundle=5))
    assert [v.code for v in refused.value.violations] == ["too_many"]


def test_wrappers_in_wrappers_are_no_alerts() -> None:
    found = bundle(f"<alerts><alerts>{cap('QZ-1')}</alerts></alerts>")
    assert [v.code for v in found.parts[0].violations] == ["no_alert"]


def test_an_attack_in_a_wrapper_is_refused_as_a_whole() -> None:
    with pytest.raises(WarningUnparseable):
        bundle('<!DOCTYPE alerts [<!ENTITY a "b">]><alerts><alert>&a;</alert></alerts>')
