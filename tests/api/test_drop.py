"""Files dropped into a folder: taken by the rights of a key, answered beside, each once."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.api.keys import issue_key
from gateway.api.weigh import weigher
from gateway.daemon import Gateway
from gateway.daemon.drop import Drop
from gateway.domain.codes import AreaCode
from gateway.domain.zone import BEIJING
from gateway.errors import NotFoundError
from gateway.publishers.drop_folder import DropFolder, Dropped
from gateway.publishers.rights import Publisher
from gateway.settings.drop import DropSection
from tests.api.apikit import COUNTY, cap
from tests.gatewaykit import alarms_of, settings_for, until

SENDER = "35052441600000"


def alert(serial: int, *, code: str = "35052400000000", name: str = "安溪县") -> tuple[str, bytes]:
    """A 12379 alert and its file name."""
    now = datetime.now(BEIJING).replace(microsecond=0)
    entry = f"{now - timedelta(seconds=serial):%Y%m%d%H%M%S}"
    text = f"""<?xml version="1.0" encoding="UTF-8"?><alert><identifier>{SENDER}_{entry}_0</identifier>
<sender>安溪县气象台</sender><senderCode>{SENDER}</senderCode><sendTime>{now:%Y-%m-%d %H:%M:%S}+08:00</sendTime>
<status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language>
<eventType>11B03</eventType><severity>Orange</severity><senderName>安溪县气象台</senderName>
<headline>暴雨预警</headline><description>请注意防范。</description>
<area><areaDesc>{name}</areaDesc><geocode>{code}</geocode></area></info></alert>"""
    return f"{SENDER}_{entry}_11B03_ORANGE_ALERT.XML", text.encode()


@dataclass
class Bench:
    gateway: Gateway
    folder: Path
    drop: Drop

    def put(self, name: str, body: bytes) -> None:
        (self.folder / name).write_bytes(body)

    def answer(self, where: str, name: str) -> Any:
        assert (self.folder / where / name).exists()
        return json.loads((self.folder / where / f"{name}.json").read_bytes())


def drop_of(gateway: Gateway, folder: Path, **more: Any) -> Drop:
    section = DropSection(folder=folder, **{"publisher": "weather", "settle_seconds": 1e-9, **more})
    return Drop("weather", section, gateway.services, weigher(gateway.services))


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    folder = tmp_path / "in"
    folder.mkdir()
    async with Gateway(settings_for(tmp_path / "data")) as gateway:
        holder = Publisher("weather", areas=(AreaCode(COUNTY),), approval_needed=True)
        await gateway.dispatch.state.store.write(issue_key(holder, time.time())[1])
        made = Bench(gateway, folder, drop_of(gateway, folder))
        yield made


async def looked(drop: Drop) -> int:
    """Two rounds: a file is whole when it stood unchanged between them."""
    return await drop.look() + await drop.look()


async def test_a_good_file_is_taken_and_a_bad_one_refused_each_with_its_answer(bench: Bench) -> None:
    good, body = alert(1)
    abroad, elsewhere = alert(2, code="35052100000000", name="惠安县")
    bench.put(good, body)
    bench.put(abroad, elsewhere)
    bench.put("notes.xml", body)
    bench.put("broken_20261123141500_11B03_RED_ALERT.XML", b"<alert>")
    assert await looked(bench.drop) == 4
    said = bench.answer("done", good)
    assert said["accepted"] is True and said["publisher"] == "weather"
    assert said["items"][0]["status"] == 202
    assert said["items"][0]["acceptance"]["state"] == "awaiting_approval"
    codes = {
        name: bench.answer("refused", name)["items"][0]["problem"]["errors"][0]["code"]
        for name in (abroad, "notes.xml", "broken_20261123141500_11B03_RED_ALERT.XML")
    }
    assert list(codes.values()) == ["forbidden_area", "file_name", "not_well_formed"]
    assert "drop_refused" in alarms_of(bench.gateway)
    assert sorted(path.name for path in bench.folder.iterdir()) == ["done", "refused"]


async def test_a_file_that_comes_again_is_the_same_warning(bench: Bench) -> None:
    name, body = alert(3)
    bench.put(name, body)
    await looked(bench.drop)
    first = bench.answer("done", name)
    # As after a crash between the commit and the rename: the file is there again, for a watch that knows nothing of it.
    (bench.folder / "done" / name).rename(bench.folder / name)
    again = drop_of(bench.gateway, bench.folder)
    assert await looked(again) == 1
    second = bench.answer("done", name)
    assert (first["items"][0]["status"], second["items"][0]["status"]) == (202, 200)
    ids = [said["items"][0]["acceptance"]["message_id"] for said in (first, second)]
    assert ids[0] == ids[1]
    assert first["sha256"] == second["sha256"]


async def test_name_and_content_must_agree_unless_any_name_will_do(bench: Bench) -> None:
    name, body = alert(4)
    mixed = name.replace("ORANGE", "BLUE")
    bench.put(mixed, body)
    await looked(bench.drop)
    problem = bench.answer("refused", mixed)["items"][0]["problem"]
    assert [(error["path"], error["code"]) for error in problem["errors"]] == [("file/severity", "name_mismatch")]
    free = drop_of(bench.gateway, bench.folder, names="any")
    bench.put("alert.cap", cap("DROP-1"))
    await looked(free)
    assert bench.answer("done", "alert.cap")["items"][0]["status"] == 202


async def test_without_its_publisher_files_stay_where_they_are(bench: Bench) -> None:
    name, body = alert(5)
    bench.put(name, body)
    nobody = drop_of(bench.gateway, bench.folder, publisher="nobody")
    assert await nobody.look() == 0
    with pytest.raises(NotFoundError, match="nobody"):
        await nobody.look()
    assert (bench.folder / name).exists()


async def test_one_file_that_cannot_be_read_holds_up_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    take = DropFolder.take

    def failing(folder: DropFolder, name: str) -> Dropped:
        if name == "a.xml":
            raise PermissionError(13, "Permission denied", name)
        return take(folder, name)

    monkeypatch.setattr(DropFolder, "take", failing)
    bench.put("a.xml", b"<alert/>")
    name, body = alert(7)
    bench.put(name, body)
    await bench.drop.look()
    with pytest.raises(PermissionError):
        await bench.drop.look()
    assert (bench.folder / "done" / name).exists()
    assert (bench.folder / "a.xml").exists()


async def test_the_daemon_watches_folders_and_tells_of_one_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    how = {"folder": folder, "publisher": "weather", "every_seconds": 0.01, "settle_seconds": 0.02}
    async with Gateway(settings_for(tmp_path / "data", drop={"weather": how})) as gateway:
        holder = Publisher("weather", areas=(AreaCode(COUNTY),), approval_needed=True)
        await gateway.dispatch.state.store.write(issue_key(holder, time.time())[1])
        name, body = alert(6)
        (folder / name).write_bytes(body)
        await until(lambda: (folder / "done" / name).exists())
        shutil.rmtree(folder)
        await until(lambda: "drop_folder" in alarms_of(gateway))
        folder.mkdir()
        await until(lambda: "drop_folder" not in alarms_of(gateway))
