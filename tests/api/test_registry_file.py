"""The registry as a file: out and in again in both forms, tried first, and what spreadsheets do to it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import aiohttp
import openpyxl
import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.daemon import Gateway
from gateway.dispatch.registry_file import COLUMNS
from gateway.dispatch.registry_sheet import CSV, XLSX, csv_table, xlsx_table
from tests.api.apikit import Api
from tests.gatewaykit import keep_reference, settings_for, terminal

A, B, C = (terminal(area) for area in ("350524100201", "350524100202", "350521100201"))
PATH = "/api/v1/registry"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def test_what_is_taken_out_goes_in_again_and_a_trial_writes_nothing(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        await gate.terminals.put([A, replace(B, lat=25.05, lon=118.1, radius_m=300.0)], "test")
        registry = gate.state.registry
        for form, media in (("csv", CSV), ("xlsx", XLSX)):
            out = await api.get(f"{PATH}?format={form}", "duty")
            assert out.status == 200 and f"registry.{form}" in out.headers["Content-Disposition"]
            back = await api.post(PATH, "duty", data=out.raw, headers={"Content-Type": media})
            assert back.json == {"dry_run": False, "added": 0, "changed": 0, "same": 2, "new": [], "changes": []}
            table = csv_table if form == "csv" else xlsx_table
            news = table([replace(A, name="新名称", in_service=False), B, C])
            tried = (await api.post(f"{PATH}?dry_run=true", "duty", data=news, headers={"Content-Type": media})).json
            assert (tried["added"], tried["changed"], tried["new"]) == (1, 2, [str(C.code)])
            assert {"code": str(A.code), "column": "name", "before": A.name, "after": "新名称"} in tried["changes"]
            entry = registry.by_code(A.code)
            assert len(registry) == 2 and entry is not None and entry.terminal.name == A.name
        news = xlsx_table([C])
        assert (await api.post(PATH, "county duty", data=xlsx_table([A]), headers={"Content-Type": XLSX})).status == 403
        assert (await api.post(PATH, "duty", data=news, headers={"Content-Type": XLSX})).json["added"] == 1
        assert len(registry) == 3
        only = await api.get(f"{PATH}?area=350521", "duty")
        assert str(C.code) in only.raw.decode() and str(A.code) not in only.raw.decode()
        assert (await api.get(PATH, "weather")).status == 403


async def test_what_a_spreadsheet_has_rounded_is_refused_by_row_and_column(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(COLUMNS))
    sheet.append([float(str(A.code)), str(A.physical_address), A.name, str(A.area)])
    out = io.BytesIO()
    book.save(out)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"0" * 150_000_000)
    async with Gateway(settings_for(tmp_path)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        head = {"Content-Type": XLSX}
        refused = await api.post(PATH, "duty", data=out.getvalue(), headers=head)
        assert refused.status == 422 and "2" in refused.json["errors"][0]["path"] and "code" in refused.raw.decode()
        assert "rounded" in refused.raw.decode()
        for wrong in (b"", b"PK", b"no workbook", bomb.getvalue()):
            assert (await api.post(PATH, "duty", data=wrong, headers=head)).status == 422
        assert (await api.post(PATH, "duty", data=b"x", headers={"Content-Type": "text/plain"})).status == 415
        latin = csv_table([A]).replace("终端".encode(), b"\xff")
        assert (await api.post(PATH, "duty", data=latin, headers={"Content-Type": CSV})).status == 422
        assert not len(gate.state.registry)


def test_the_command_tries_writes_and_takes_out_without_a_gateway(tmp_path: Path) -> None:
    config, file, back = tmp_path / "gateway.toml", tmp_path / "registry.xlsx", tmp_path / "back.csv"
    config.write_text(f'[gateway]\ndata_dir = "{tmp_path / "data"}"\n', encoding="utf-8")
    file.write_bytes(xlsx_table([A, B]))
    run = CliRunner()
    arguments = ["terminals", "import", str(file), "-c", str(config), "--json"]
    tried = json.loads(run.invoke(main, [*arguments, "--dry-run"]).stdout)
    assert (tried["imported"], tried["added"]) == (0, 2)
    assert json.loads(run.invoke(main, arguments).stdout)["imported"] == 2
    assert run.invoke(main, ["terminals", "export", str(back), "-c", str(config)]).exit_code == 0
    assert back.read_bytes() == csv_table([A, B])
