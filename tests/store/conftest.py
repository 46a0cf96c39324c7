"""Every test of the store runs on SQLite and on a real PostgreSQL server of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from gateway.store import Store, StoreSettings
from tests.ports import free_port

_DATABASES = count(1)


def _programs() -> Path | None:
    """Folder of Debian's PostgreSQL programs, which are not on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _as_server() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a fresh server, without the database name."""
    programs = _programs()
    if programs is None:
        text = "PostgreSQL is not installed (Debian package postgresql)"
        if os.environ.get("EBGW_TEST_POSTGRES") == "required":
            pytest.fail(text)
        pytest.skip(text)
    folder = Path(tempfile.mkdtemp(prefix="ebgw-pg-"))
    if os.geteuid() == 0:
        server = pwd.getpwnam("postgres")
        os.chown(folder, server.pw_uid, server.pw_gid)
    data, port = folder / "data", free_port()
    run = _as_server()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"
    control = [*run, str(programs / "pg_ctl"), "-D", str(data)]
    try:
        subprocess.run(
            [*run, str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "ebgw", "-N", "-E", "UTF8"],
            check=True, capture_output=True, cwd="/",
        )  # fmt: skip
        # its output goes to a file: a pipe would stay open in the server and never end
        start = [*control, "-w", "-l", str(folder / "log"), "-o", options, "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        yield f"postgresql://ebgw@127.0.0.1:{port}"
    finally:
        if data.exists():
            subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ebgw.db"
    server: str = request.getfixturevalue("postgres_server")
    name = f"ebgw{next(_DATABASES)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server}/{name}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite store that does not exist yet."""
    return f"sqlite:///{tmp_path}/ebgw.db"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An empty store, closed afterwards."""
    opened = await Store.open(StoreSettings(url=url))
    yield opened
    await opened.close()
