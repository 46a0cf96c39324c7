"""Settings 配置: one TOML file, each key checked, each overridable by the environment (``EBGW_HTTP__PORT=8080``).

``config/gateway.toml`` shows every key with its meaning, ``config/links.toml`` every kind of link; tests keep both
equal to what stands here.
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.domain.codes import ResourceCode
from gateway.domain.message import VOLUME_KEEP
from gateway.domain.peers import Peer, PeerRole
from gateway.domain.plans import Plan
from gateway.domain.receiver import Route, RouteKind
from gateway.domain.warning import Severity
from gateway.errors import InvalidValueError, SettingsError
from gateway.settings.base import Area, Code, Host, Port, Seconds, Section, Tls
from gateway.settings.console import ConsoleSection
from gateway.settings.drop import DropFolderName, DropSection
from gateway.settings.earthquake import EarthquakeSection
from gateway.settings.front_end import FrontEndSection
from gateway.settings.library import LibrarySource, SourceName
from gateway.settings.links import LinkName, LinkSettings
from gateway.settings.live import LiveSection
from gateway.settings.monitor import MonitorSection
from gateway.settings.notify import AlarmsSection, NotifyName, NotifySection
from gateway.settings.plans import ApprovalSection, PlanName, PlanSection, QuietSection
from gateway.settings.platform import PeerName, PeerSection, PlatformSection
from gateway.settings.publishers import PublisherName, PublisherSection
from gateway.settings.reports import ReportsSection
from gateway.settings.sms import SmsSection
from gateway.settings.sound import SoundSection
from gateway.settings.trust import TrustSection


def _volume(code: int) -> int:
    if code != VOLUME_KEEP and not 0 <= code <= 100:
        raise ValueError("must be 0-100 percent, or 255 to keep what the terminal has")
    return code


_OWN_CODE = "33505000000000103010101"


class GatewaySection(Section):
    """Who this gateway is. Its code (GD/J 080-2018) says its level and division: a city's platform or a county's."""

    name: str = "泉州市应急广播网关"
    code: Code = _OWN_CODE
    region: Area = "350500000000"
    node: Annotated[int, Field(ge=0, le=15)] = 0
    data_dir: Path = Path("var")
    stop_grace_seconds: Seconds = 10.0

    @model_validator(mode="before")
    @classmethod
    def _region_of_code(cls, said: Any) -> Any:
        """Without a region of its own it serves the division of its code."""
        if isinstance(said, dict) and not said.get("region"):
            with suppress(InvalidValueError, TypeError):
                return {**said, "region": str(ResourceCode(said.get("code", _OWN_CODE)).area)}
        return said


class HttpSection(Section):
    """API and pages."""

    host: Host = "127.0.0.1"
    port: Port = 8080
    tls: Tls = Tls()
    max_body_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = 2 << 20
    max_requests_at_once: Annotated[int, Field(ge=1, le=10000)] = 64


class TerminalsSection(Section):
    """The port that terminals connect to (GD/J 089-2018 appendix D)."""

    host: Host = "127.0.0.1"
    port: Port = 9000
    tls: Tls = Tls()
    backlog: Annotated[int, Field(ge=1, le=65535)] = 4096
    max_frame_bytes: Annotated[int, Field(ge=128, le=65535)] = 4096
    frame_gap_seconds: Seconds = 5.0
    registration_seconds: Seconds = 30.0
    missed_heartbeats: Annotated[int, Field(ge=1, le=100)] = 3
    dispute_seconds: Seconds = 5.0
    max_unsent_bytes: Annotated[int, Field(ge=4096)] = 262144


class FeedbackSection(Section):
    """The port for return data (GD/J 089-2018 appendix E). Port equal to [terminals].port: one port for both."""

    host: Host = "127.0.0.1"
    port: Port = 8889
    tls: Tls = Tls()
    backlog: Annotated[int, Field(ge=1, le=65535)] = 4096
    max_frame_bytes: Annotated[int, Field(ge=128, le=65535)] = 4096
    idle_seconds: Seconds = 300.0


class AdaptersSection(Section):
    """The port for reports of adapters (GD/J 089-2018 appendix A); open where a link of kind adapter is set."""

    host: Host = "127.0.0.1"
    port: Port = 8799
    tls: Tls = Tls()
    max_frame_bytes: Annotated[int, Field(ge=128, le=65535)] = 4096
    idle_seconds: Seconds = 30.0
    max_connections: Annotated[int, Field(ge=1, le=10000)] = 256


class SigningSection(Section):
    """How platform requests are signed (GD/J 081-2018)."""

    key_file: Path | None = None
    provider: Literal["auto", "libcrypto", "gmssl"] = "auto"
    epoch_seconds: Seconds = 60.0
    replay_window_seconds: Seconds = 300.0
    trust_file: Path | None = None
    accept_coverage_b: bool = False
    #: where hardware signs, asked in this order; empty: the key file signs here
    servers: list[Annotated[str, Field(pattern=r"^(unix:/\S+|tcp:\S+:[0-9]{1,5})$")]] = Field(default_factory=list)
    server_seconds: Annotated[float, Field(gt=0, le=10)] = 1.0
    #: the public half of the key that the hardware holds, and the number of its certificate
    public_key: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{128})?$")] = ""
    certificate: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{12})?$")] = ""

    @model_validator(mode="after")
    def _whole(self) -> SigningSection:
        if self.servers and not (self.public_key and self.certificate):
            raise ValueError("servers: public_key and certificate of the key that they hold must be set too")
        return self


class DispatchSection(Section):
    """How orders are sent and repeated."""

    answer_seconds: Seconds = 5.0
    same_frame_tries: Annotated[int, Field(ge=1, le=10)] = 3
    sessions_for_each_start: Annotated[int, Field(ge=1, le=100)] = 5
    backoff_first_seconds: Seconds = 2.0
    backoff_longest_seconds: Seconds = 60.0
    send_ahead_seconds: Seconds = 30.0
    slice: Annotated[int, Field(ge=1, le=4096)] = 256
    volume: Annotated[int, AfterValidator(_volume)] = 80
    programme_url: Annotated[str, Field(pattern=r"^(rtp|udp)://\S+$", max_length=255)] = "rtp://239.1.1.1:5004"
    exercise_class: Annotated[int, Field(ge=1, le=3)] = 2


class AirTimeSection(Section):
    """Longest time on air in seconds, by severity."""

    red: Annotated[int, Field(ge=10, le=86400)] = 1800
    orange: Annotated[int, Field(ge=10, le=86400)] = 1200
    yellow: Annotated[int, Field(ge=10, le=86400)] = 900
    blue: Annotated[int, Field(ge=10, le=86400)] = 600
    unknown: Annotated[int, Field(ge=10, le=86400)] = 600

    def by_severity(self) -> dict[Severity, int]:
        """The same as a table."""
        return {severity: int(getattr(self, severity.name.lower())) for severity in Severity}


class LimitsSection(Section):
    """What a warning may hold; checked before any work on it."""

    polygons: Annotated[int, Field(ge=0, le=10000)] = 1000
    vertices: Annotated[int, Field(ge=0, le=1000000)] = 100000
    areas: Annotated[int, Field(ge=1, le=10000)] = 2000
    infos: Annotated[int, Field(ge=1, le=1000)] = 50
    bundle: Annotated[int, Field(ge=1, le=1000)] = 200
    xml_depth: Annotated[int, Field(ge=4, le=256)] = 32
    xml_elements: Annotated[int, Field(ge=100, le=1000000)] = 50000


class StoreSection(Section):
    """Where everything is kept. Empty: SQLite in the data folder."""

    url: str = ""
    queue_limit: Annotated[int, Field(ge=1000)] = 200000


class ReferenceSection(Section):
    """Divisions and people. Empty: the packaged tables of 泉州, village figures 演示估算."""

    folder: Path | None = None


class CoverageSection(Section):
    """How coverage is counted where a request does not say."""

    rule: Literal["fraction", "any"] = "fraction"
    #: share of the people that are to be covered
    target: Annotated[float, Field(gt=0, le=1)] = 0.9
    #: people by place, lat,lon,people, for audible coverage
    grid: Path | None = None


class LogSection(Section):
    """Logs go to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "console", "json"] = "auto"


class Settings(BaseSettings):
    """All settings of a gateway."""

    model_config = SettingsConfigDict(
        env_prefix="EBGW_", env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    gateway: GatewaySection = GatewaySection()
    http: HttpSection = HttpSection()
    terminals: TerminalsSection = TerminalsSection()
    feedback: FeedbackSection = FeedbackSection()
    adapters: AdaptersSection = AdaptersSection()
    monitor: MonitorSection = MonitorSection()
    front_end: FrontEndSection = FrontEndSection()
    platform: PlatformSection = PlatformSection()
    signing: SigningSection = SigningSection()
    trust: TrustSection = TrustSection()
    dispatch: DispatchSection = DispatchSection()
    air_time: AirTimeSection = AirTimeSection()
    approval: ApprovalSection = ApprovalSection()
    quiet_hours: QuietSection = QuietSection()
    sound: SoundSection = SoundSection()
    live: LiveSection = LiveSection()
    limits: LimitsSection = LimitsSection()
    store: StoreSection = StoreSection()
    reference: ReferenceSection = ReferenceSection()
    coverage: CoverageSection = CoverageSection()
    earthquake: EarthquakeSection = EarthquakeSection()
    links: dict[LinkName, LinkSettings] = {}
    library: dict[SourceName, LibrarySource] = {}
    plans: dict[PlanName, PlanSection] = {}
    publishers: dict[PublisherName, PublisherSection] = {}
    peers: dict[PeerName, PeerSection] = {}
    console: ConsoleSection = ConsoleSection()
    alarms: AlarmsSection = AlarmsSection()
    notify: dict[NotifyName, NotifySection] = {}
    reports: ReportsSection = ReportsSection()
    sms: SmsSection = SmsSection()
    drop: dict[DropFolderName, DropSection] = {}
    log: LogSection = LogSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; no .env files and no secrets folder."""
        return (env_settings, init_settings)

    @property
    def store_url(self) -> str:
        """Database URL; SQLite in the data folder where none is set."""
        return self.store.url or f"sqlite:///{self.gateway.data_dir / 'ebgw.db'}"

    @property
    def key_file(self) -> Path:
        """File of the signing key."""
        return self.signing.key_file or self.gateway.data_dir / "keys" / "signing.json"

    @property
    def routes(self) -> frozenset[Route]:
        """The routes that lead over the links of these settings, and to the platforms below."""
        below = (peer for peer in self.peered if peer.role is not PeerRole.SUPERIOR and peer.enabled and peer.urls)
        return frozenset(
            (
                *(Route(RouteKind(link.kind), name) for name, link in self.links.items()),
                *(Route(RouteKind.PLATFORM, peer.name) for peer in below),
            )
        )

    @property
    def planned(self) -> tuple[Plan, ...]:
        """The plans 调度预案 of these settings."""
        return tuple(section.plan(name) for name, section in self.plans.items())

    @property
    def peered(self) -> tuple[Peer, ...]:
        """The peers 对端平台 of these settings."""
        return tuple(section.peer(name) for name, section in self.peers.items())

    @property
    def one_port(self) -> bool:
        """Whether terminals and return data share one port."""
        ends = (self.terminals.host, self.terminals.port), (self.feedback.host, self.feedback.port)
        return self.terminals.port != 0 and ends[0] == ends[1]


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Read the file (TOML) and the environment.

    Errors: SettingsError with every broken key and its rule; a missing file counts as one.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError((str(path), f"cannot be read: {error.strerror}")) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError((str(path), f"is not TOML: {error}")) from error
    for section, keys in overrides.items():
        values[section] = {**values.get(section, {}), **keys}
    try:
        return Settings(**values)
    except ValidationError as error:
        problems = [(".".join(str(p) for p in e["loc"]), str(e["msg"])) for e in error.errors()]
        raise SettingsError(*problems) from error
