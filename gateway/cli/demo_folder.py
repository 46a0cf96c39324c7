"""The demo's data folder: settings, signing key, registry and publisher, all fresh, with nothing left to chance."""

from __future__ import annotations

import asyncio
import csv
import fcntl
import random
import secrets
import shutil
import socket
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import shapely

from gateway.cli.keys import add_key
from gateway.cli.people import add_person
from gateway.daemon import FIRST_CERTIFICATE
from gateway.dispatch.registry_file import COLUMNS, read_registry_file
from gateway.dispatch.terminals import TerminalBook, load_registry
from gateway.domain.areas import Area, Gazetteer
from gateway.domain.codes import AreaCode, CertificateSerial, ResourceCode
from gateway.domain.people import Person, Position
from gateway.domain.receiver import Route, RouteKind
from gateway.errors import EnvironmentLackingError
from gateway.publishers.profile import Profile
from gateway.publishers.reference import load_outlines
from gateway.publishers.rights import KeyKind, Publisher
from gateway.security.keys import SigningKey, new_key_file
from gateway.security.passwords import hash_password
from gateway.security.sm2 import default_provider
from gateway.store import Store, StoreSettings

#: Most terminals of one village: two digits number them in the resource code (GD/J 080-2018).
MOST_IN_VILLAGE = 99
CITY = AreaCode("350500000000")

_PARENT = Path("var")
_PREFIX = "demo-"
_LOCK, _KEPT = ".running", ".keep"

_PORT_TRIES, _LAST_PORT = 100, 65_000

_SETTINGS = """\
# Settings of one run of ebgw demo; every key: config/gateway.toml.
[gateway]
name = "{title}应急广播网关（演示）"
{code}
data_dir = "{folder}"
[http]
port = 0
[terminals]
port = 0
[feedback]
port = 0
[dispatch]
exercise_class = {exercise_class}
[sound]
enabled = true
form = "unicast"
first_port = {sound_port}
programmes = 2
all_clear = false
[log]
format = "json"
"""


#: Who uses the console of a demo.
DEMO_PERSON = "值班员"
_PLACE_TRIES = 200


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """Everything that a run needs, as files. ``key`` is the operator's that posts and reads."""

    path: Path
    settings: Path
    registry: Path
    signing: SigningKey
    key: str
    terminals: int
    #: of ``DEMO_PERSON`` at the console
    password: str
    #: held while the demo runs, so that another one does not clear this folder away; None where another holds it
    lock: TextIO | None = None


def spread(villages: Sequence[Area], wanted: int) -> list[int]:
    """How many terminals each village gets: evenly, what is over spread over the whole list; their sum is ``wanted``.

    Fewer terminals than villages: every so many villages get one, so that each county has its share.
    """
    each, over = divmod(wanted, len(villages))
    ends = [(index + 1) * over // len(villages) for index in range(len(villages))]
    return [each + end - before for before, end in zip([0, *ends], ends, strict=False)]


def registry_rows(gazetteer: Gazetteer, wanted: int) -> list[dict[str, str]]:
    """Rows of the registry file: terminals of level 6 in villages, with codes and addresses that never change.

    Where villages lie is not known here: positions are made up, somewhere in their county, so that the map has points.
    """
    villages = gazetteer.villages_in([CITY])
    places = made_up_places(gazetteer, villages)
    rows: list[dict[str, str]] = []
    for village, count in zip(villages, spread(villages, wanted), strict=True):
        for number in range(1, count + 1):
            row = dict.fromkeys(COLUMNS, "")
            row["code"] = ResourceCode.build(6, village.code, "0314", 1, "04", number)
            # 6 bytes BCD: the city, then a running number.
            row["physical_address"] = f"3505{len(rows) + 1:08d}"
            row["name"] = f"{village.name}大喇叭{number}号"
            row["area"] = village.code
            row.update(profile="gdj089-2018", routes="ip", radius_m="300", in_service="1")
            if village.code in places:
                lat, lon = places[village.code]
                # A few hundred metres apart.
                row["lat"], row["lon"] = f"{lat + 0.003 * (number - 1):.5f}", f"{lon + 0.002 * (number - 1):.5f}"
            rows.append(row)
    return rows


def made_up_places(gazetteer: Gazetteer, villages: Sequence[Area]) -> dict[AreaCode, tuple[float, float]]:
    """A point in its county for each village, in degrees: always the same, and nothing but a picture."""
    found: dict[AreaCode, tuple[float, float]] = {}
    outlines = load_outlines(gazetteer).shapes
    by_county: dict[AreaCode, list[AreaCode]] = {}
    for village in villages:
        by_county.setdefault(village.code.county, []).append(village.code)
    for county, codes in by_county.items():
        if county not in outlines:
            continue
        outline = outlines[county]
        west, south, east, north = outline.bounds
        chance = random.Random(str(county))  # noqa: S311 - a picture, no secret
        for code in codes:
            for _ in range(_PLACE_TRIES):
                lat, lon = chance.uniform(south, north), chance.uniform(west, east)
                if shapely.contains_xy(outline, lon, lat):
                    found[code] = (lat, lon)
                    break
    return found


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """Where a demo runs; ``lock`` is held meanwhile."""

    path: Path
    lock: TextIO

    def close(self) -> None:
        """The next demo may clear it away."""
        self.lock.close()


def demo_place(keep: bool) -> DemoPlace:
    """A new folder; those of earlier runs that nobody keeps or uses go first. Errors: EnvironmentLackingError."""
    return DemoPlace(*_fresh(keep))


async def prepare(
    gazetteer: Gazetteer,
    rows: Sequence[dict[str, str]],
    *,
    keep: bool,
    exercise_class: int = 2,
    more: Callable[[Path], str] = lambda _: "",
) -> DemoFolder:
    """Make the folder of a new run with one gateway.

    ``more`` gives further settings, and may put files of its own into the folder.
    """
    path, lock = _fresh(keep)
    return await fill(path, gazetteer, rows, exercise_class=exercise_class, more=more(path), lock=lock)


async def fill(
    path: Path,
    gazetteer: Gazetteer,
    rows: Sequence[dict[str, str]],
    *,
    title: str = "泉州市",
    code: str = "",
    exercise_class: int = 2,
    more: str = "",
    links: Iterable[str] = (),
    area: AreaCode = CITY,
    certificate: CertificateSerial = FIRST_CERTIFICATE,
    lock: TextIO | None = None,
) -> DemoFolder:
    """Settings, key, registry and operator of one gateway. ``links`` names platforms below it that ``rows`` use."""
    settings = path / "gateway.toml"
    text = _SETTINGS.format(
        title=title,
        code=f'code = "{code}"' if code else "",
        folder=path,
        exercise_class=exercise_class,
        sound_port=_sound_port(),
    )
    text += more
    settings.write_text(text, encoding="utf-8")
    registry = path / "registry.csv"
    with registry.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    keys = path / "keys"
    keys.mkdir(mode=0o700)
    signing = new_key_file(keys / "signing.json", certificate, provider=default_provider(), now=datetime.now(UTC))
    routes = {Route(RouteKind(link["kind"]), name) for name, link in tomllib.loads(text).get("links", {}).items()}
    routes |= {Route(RouteKind.PLATFORM, name) for name in links}
    found = read_registry_file(registry, gazetteer, links=routes)
    # Not through load_settings: a variable of the caller's environment must never lead the demo to a real database.
    store = await Store.open(StoreSettings(f"sqlite:///{path / 'ebgw.db'}"))
    try:
        await TerminalBook(store, await load_registry(store), time.time).put(found, "demo")
        password = secrets.token_urlsafe(9)
        person = Person(DEMO_PERSON, Position.ADMINISTRATOR, (area,), await asyncio.to_thread(hash_password, password))
        await add_person(store, person, "demo")
        key = await add_key(store, Publisher("demo", KeyKind.OPERATOR, areas=(area,), profile=Profile.TOLERANT))
    finally:
        await store.close()
    return DemoFolder(path, settings, registry, signing, key, len(found), password, lock)


def _sound_port() -> int:
    """A port for datagrams that nobody holds, and the second one behind it."""
    for _ in range(_PORT_TRIES):
        with socket.socket(type=socket.SOCK_DGRAM) as first, socket.socket(type=socket.SOCK_DGRAM) as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            if port + 4 > _LAST_PORT:
                continue
            try:
                second.bind(("127.0.0.1", port + 2))
            except OSError:
                continue
            return port
    raise EnvironmentLackingError("没有空闲的 UDP 端口 / no free UDP ports")


def _fresh(keep: bool) -> tuple[Path, TextIO]:
    try:
        _PARENT.mkdir(exist_ok=True)
        _clear(_PARENT)
        path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{time.strftime('%Y%m%d-%H%M%S')}-", dir=_PARENT.resolve()))
    except OSError:
        try:
            path = Path(tempfile.mkdtemp(prefix="ebgw-demo-"))
        except OSError as error:
            raise EnvironmentLackingError(f"没有可写的目录 / no folder can be written: {error.strerror}") from error
    if keep:
        (path / _KEPT).touch()
    lock = (path / _LOCK).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return path, lock


def _clear(parent: Path) -> None:
    """Remove folders of earlier runs: those whose lock nobody holds and that were not to be kept."""
    for path in parent.glob(f"{_PREFIX}*"):
        lock = path / _LOCK
        if (path / _KEPT).exists() or not lock.exists():
            continue
        with lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            shutil.rmtree(path, ignore_errors=True)
