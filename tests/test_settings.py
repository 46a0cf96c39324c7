"""Settings: the sample file is the defaults, keys are checked, the environment goes over the file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from gateway.errors import SettingsError
from gateway.settings import Settings, load_settings
from gateway.settings.drop import DropSection
from gateway.settings.links import LinkSettings
from gateway.settings.plans import PlanSection
from gateway.settings.platform import PeerSection
from gateway.settings.publishers import PublisherSection

PLANS = Path(__file__).parents[1] / "config" / "plans.toml"
PUBLISHERS = Path(__file__).parents[1] / "config" / "publishers.toml"
PEERS = Path(__file__).parents[1] / "config" / "peers.toml"
LINKS = Path(__file__).parents[1] / "config" / "links.toml"
SAMPLE = Path(__file__).parents[1] / "config" / "gateway.toml"
TEXT = SAMPLE.read_text(encoding="utf-8")

#: Tables by name.
TABLES = ("drop", "library", "links", "live.sources", "notify", "sms.numbers", "peers", "plans", "publishers")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EBGW_HTTP__PORT", "EBGW_LOG__LEVEL"):
        monkeypatch.delenv(name, raising=False)


def keys_of(model: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Every key of the settings with its default."""
    found: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found.update(keys_of(value, f"{prefix}{name}."))
        elif f"{prefix}{name}" not in TABLES:
            found[f"{prefix}{name}"] = list(value) if isinstance(value, tuple) else value
    return found


def sample_keys() -> tuple[dict[str, Any], set[str]]:
    """Keys that the sample sets, and those that it shows behind a #."""
    shown: set[str] = set()
    section = ""
    for line in TEXT.splitlines():
        if match := re.fullmatch(r"\[([a-z_.]+)\]", line):
            section = match[1]
        elif match := re.fullmatch(r'# ([a-z_]+) = ".*"', line):
            shown.add(f"{section}.{match[1]}")

    def flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in table.items():
            if isinstance(value, dict):
                found.update(flat(value, f"{prefix}{name}."))
            else:
                found[prefix + name] = value
        return found

    return flat(tomllib.loads(TEXT)), shown


def test_the_sample_is_the_defaults() -> None:
    assert load_settings(SAMPLE) == Settings()


def test_no_key_is_missing_and_each_says_its_default() -> None:
    known = keys_of(Settings())
    stated, shown = sample_keys()
    assert set(stated) | shown == set(known)
    assert {key for key in shown if known[key] is not None} == set()
    assert {key: str(known[key]) if isinstance(known[key], Path) else known[key] for key in stated} == stated


def test_every_kind_of_link_is_shown_with_all_its_keys() -> None:
    shown = load_settings(LINKS).links
    kinds = {kind.__name__ for kind in get_args(get_args(LinkSettings)[0])}
    assert {type(link).__name__ for link in shown.values()} == kinds
    tables = tomllib.loads(LINKS.read_text(encoding="utf-8"))["links"]
    for name, link in shown.items():
        assert set(tables[name]) == set(type(link).model_fields), name
        given = {key for key, field in type(link).model_fields.items() if field.is_required() or key == "title"}
        assert {key: tables[name][key] for key in set(tables[name]) - given} == {
            key: plain(field.default) for key, field in type(link).model_fields.items() if key not in given
        }, name


def test_the_sample_of_plans_shows_every_key() -> None:
    shown = load_settings(PLANS).plans
    assert set(tomllib.loads(PLANS.read_text(encoding="utf-8"))["plans"]["typhoon"]) == set(PlanSection.model_fields)
    assert [plan.name for plan in load_settings(PLANS).planned] == list(shown)


def test_the_sample_of_publishers_shows_every_key() -> None:
    tables = tomllib.loads(PUBLISHERS.read_text(encoding="utf-8"))
    assert load_settings(PUBLISHERS).publishers.keys() == tables["publishers"].keys()
    assert set(tables["publishers"]["weather"]) == set(PublisherSection.model_fields)
    assert set(tables["drop"]["weather"]) == set(DropSection.model_fields)


def test_the_sample_of_peers_shows_every_key() -> None:
    tables = tomllib.loads(PEERS.read_text(encoding="utf-8"))["peers"]
    assert set(tables["province"]) == set(PeerSection.model_fields)
    province, anxi = load_settings(PEERS).peered
    assert province.role.commands and not anxi.role.commands
    assert province.urls == ("http://10.35.0.1:8080/ebd", "http://10.35.0.2:8080/ebd")
    assert province.calls_from("10.35.0.7") and province.calls_from("::ffff:10.35.0.7")
    assert not province.calls_from("10.36.0.7") and anxi.calls_from("10.36.0.7")
    assert province.patience == 90.0


def plain(default: Any) -> Any:
    """A default as the sample writes it; what is empty stands behind a #."""
    return default.model_dump(exclude_none=True) if isinstance(default, BaseModel) else default


@pytest.mark.parametrize(
    "text",
    [TEXT, *(sample.read_text(encoding="utf-8") for sample in (LINKS, PLANS, PUBLISHERS, PEERS))],
    ids=["gateway.toml", "links.toml", "plans.toml", "publishers.toml", "peers.toml"],
)
def test_every_section_and_key_is_explained_in_both_languages(text: str) -> None:
    blocks = re.split(r"\n\n", text)
    for block in blocks:
        comments = "".join(line for line in block.splitlines() if line.startswith("#"))
        assert re.search(r"[\u4e00-\u9fff]", comments), block
        assert re.search(r"[A-Za-z]{3}", comments), block


def test_the_environment_goes_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("[http]\nport = 1\n")
    monkeypatch.setenv("EBGW_HTTP__PORT", "8088")
    assert load_settings(path).http.port == 8088


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[http]\nport = 70000\n", "http.port"),
        ("[http]\nhost = 'somewhere'\n", "http.host"),
        ("[http]\nprot = 1\n", "http.prot"),
        ("[gateway]\ncode = '123'\n", "gateway.code"),
        ("[dispatch]\nvolume = 101\n", "dispatch.volume"),
        ("[dispatch]\nprogramme_url = 'http://x'\n", "dispatch.programme_url"),
        ("[air_time]\nred = 1\n", "air_time.red"),
        ("[speech]\nx = 1\n", "speech"),
        ("[links.bus]\nkind = 'pigeon'\n", "links.bus"),
        ("[plans.x]\nonly_routes = true\n", "plans.x"),
        ("[plans.x]\nroutes = ['pigeon']\n", "plans.x.routes.0"),
        ("[plans.x]\nevents = ['11b*']\n", "plans.x.events.0"),
        ("[plans.x]\nvolume = 101\n", "plans.x.volume"),
        ("[plans.x]\nsiren = 'bell'\n", "plans.x.siren"),
        ("[plans.x]\nareas = ['3505']\n", "plans.x.areas.0"),
        ("[approval]\nseverities = ['purple']\n", "approval.severities.0"),
        ("[links.bus]\nkind = 'serial'\n", "links.bus.serial.url"),
        ("[links.Bus]\nkind = 'serial'\nurl = '/x'\n", "links.Bus.[key]"),
        ("[links.bus]\nkind = 'serial'\nurl = 'x'\n", "links.bus.serial.url"),
        ("[links.bus]\nkind = 'serial'\nurl = 'socket://h:1'\ndirection = 'rts'\n", "links.bus.serial"),
        ("[links.bus]\nkind = 'serial'\nurl = '/x'\nmode = 'rs232'\necho = true\n", "links.bus.serial"),
    ],
)
def test_faults_are_named_by_key(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert key in [problem[0] for problem in caught.value.problems]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("[http]\nport = -1\nmax_body_bytes = 1\n[log]\nlevel = 'LOUD'\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("content", [b"[http", b"\xff\xfe", b"x = \x00"])
def test_what_is_no_toml_is_told_by_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings(path)


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.toml")


def test_one_port_for_both_only_when_named_so(tmp_path: Path) -> None:
    assert not Settings().one_port
    assert load_settings(None, feedback={"port": 9000}).one_port
    assert not load_settings(None, terminals={"port": 0}, feedback={"port": 0}).one_port


def test_the_code_alone_makes_a_county_of_a_city() -> None:
    assert load_settings(None).gateway.region == "350500000000"
    assert load_settings(None, gateway={"code": "43505240000000103010101"}).gateway.region == "350524000000"
    own = {"code": "43505240000000103010101", "region": "350500000000"}
    assert load_settings(None, gateway=own).gateway.region == "350500000000"
