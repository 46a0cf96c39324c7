"""Reports in four forms: the same numbers, cell by cell; their proof; drills, months, rights."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import openpyxl
import pypdf
import pytest
from click.testing import CliRunner
from lxml import html

from gateway.cli import main
from gateway.daemon import FIRST_CERTIFICATE, Gateway
from gateway.domain.zone import BEIJING
from gateway.reports.proof import Proof
from gateway.security.keys import load_key_file, new_key_file
from gateway.security.sm2 import default_provider
from tests.api.apikit import Api
from tests.gatewaykit import (
    BareTerminal,
    hang_up,
    keep_reference,
    report,
    result_report,
    settings_for,
    task_report,
    terminal,
    until,
)

PLACES = [terminal(area) for area in ("350524100201", "350524100202", "350524100203")]
FORMS = ("html", "csv", "xlsx", "pdf")


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@asynccontextmanager
async def town(folder: Path, **more: Any) -> AsyncIterator[Api]:
    async with Gateway(settings_for(folder, **more)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        await gate.terminals.put(PLACES, "test")
        try:
            yield api
        finally:
            await hang_up()


async def played(api: Api, **fields: Any) -> str:
    """A message that one terminal played, one refused, and one never heard."""
    gate = api.gateway
    lines = [
        await BareTerminal.connect(gate.ports.terminals, PLACES[0]),
        await BareTerminal.connect(gate.ports.terminals, PLACES[1], answer_with=33),
    ]
    taken = await api.warn(severity="red", headline="台风红色预警", areas=[{"code": "350524100"}], **fields)
    ebm_id = str(taken.json["message_id"])
    await until(lambda: all(line.starts for line in lines))
    now = int(gate.state.clock())
    await report(gate.ports.feedback, task_report(PLACES[0], ebm_id, 1, now), result_report(PLACES[0], ebm_id, 1, now))
    live = gate.state.messages[ebm_id]
    kinds = {"acknowledged", "refused", "playing", "played"}
    await until(lambda: kinds <= {getattr(entry, "kind", "") for entry in live.log})
    return ebm_id


async def fetched(api: Api, path: str, form: str, who: str = "duty") -> tuple[bytes, dict[str, str]]:
    answer = await api.get(f"{path}{'&' if '?' in path else '?'}format={form}", who)
    assert answer.status == 200, answer.raw[:400]
    return answer.raw, dict(answer.headers)


def _cells_of_html(body: bytes) -> dict[str, list[list[str]]]:
    page: Any = html.fromstring(body.decode())
    return {
        table.get("data-key"): [[cell.text_content() for cell in row] for row in table.xpath("tbody/tr")]
        for table in page.xpath("//table")
    }


def _cells_of_csv(body: bytes) -> dict[str, list[list[str]]]:
    found = {}
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for name in archive.namelist():
            if name.endswith(".csv"):
                rows = list(csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
                found[name[3:-4]] = rows[1:]
    return found


def _cells_of_xlsx(body: bytes, keys: list[str]) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(io.BytesIO(body))
    rows = {}
    for key, sheet in zip(keys, book.worksheets, strict=True):
        rows[key] = [list(row) for row in sheet.iter_rows(min_row=4, values_only=True)]
    book.close()
    return rows


def _number(text: Any, kind: str) -> float | None:
    """A number of any form: 1,234 and 12.34 % as people read them, plain ones of spreadsheets."""
    if text in (None, "", "—"):
        return None
    said = str(text).replace(",", "")
    return round(float(said[:-1]) / 100, 4) if said.endswith("%") else round(float(said), 4 if kind == "share" else 3)


async def test_the_four_forms_have_the_same_numbers_cell_by_cell(tmp_path: Path) -> None:
    async with town(tmp_path) as api:
        ebm_id = await played(api)
        path = f"/api/v1/warnings/{ebm_id}/report"
        truth = json.loads((await fetched(api, path, "json"))[0])
        bodies = {form: (await fetched(api, path, form))[0] for form in FORMS}
        keys = [table["key"] for table in truth["tables"]]
        forms = {
            "html": _cells_of_html(bodies["html"]),
            "csv": _cells_of_csv(bodies["csv"]),
            "xlsx": _cells_of_xlsx(bodies["xlsx"], keys),
        }
        numbers = 0
        for table in truth["tables"]:
            for form, cells in forms.items():
                rows = cells.get(table["key"], [])
                assert len(rows) == len(table["rows"]), (form, table["key"])
                for ours, theirs in zip(table["rows"], rows, strict=True):
                    for value, cell, kind in zip(ours, theirs, table["kinds"], strict=True):
                        if kind in ("count", "share", "seconds"):
                            assert _number(cell, kind) == _number(value, kind), (form, table["key"], value, cell)
                            numbers += 1
        assert numbers > 300
        # Paper has no cells: every number of the short tables stands in its text, in its order.
        text = re.sub(
            r"\s+", " ", "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(bodies["pdf"])).pages)
        )
        wanted = [cell for key in ("coverage", "counties", "timeliness") for row in forms["html"][key] for cell in row]
        at = 0
        for cell in wanted:
            if re.fullmatch(r"[\d,.%]+", cell):
                at = text.index(cell, at)


async def test_what_it_says_is_what_happened(tmp_path: Path) -> None:
    async with town(tmp_path) as api:
        ebm_id = await played(api)
        found = json.loads((await fetched(api, f"/api/v1/warnings/{ebm_id}/report", "json"))[0])
        tables = {table["key"]: table for table in found["tables"]}
        assert not found["drill"] and found["estimate"] and found["title"] == "台风红色预警"
        ladder = {row[0]: (row[3], row[4], row[5]) for row in tables["receivers"]["rows"]}
        assert ladder[str(PLACES[0].code)] == ("played", "done", "proven")
        assert ladder[str(PLACES[1].code)][1:] == ("refused", None)
        assert ladder[str(PLACES[2].code)] == ("planned", "open", None)
        proven = next(row for row in tables["coverage"]["rows"] if row[0].startswith("按比例") and "proven" in row[2])
        village = api.gateway.services.gazetteer.get(PLACES[0].area)
        assert village is not None and proven[3] == village.population and proven[8:] == [1, 3]
        missing = {row[0] for row in tables["missing"]["rows"]}
        assert str(PLACES[0].area) not in missing and {str(p.area) for p in PLACES[1:]} <= missing
        (sent,) = [row for row in tables["timeliness"]["rows"] if row[0].startswith("已发")]
        assert sent[1] == 2 and sent[-2:] == [10.0, "达标 met"]
        raw = [row for row in tables["receipts"]["rows"] if row[0] == str(PLACES[0].code)]
        assert {row[2] for row in raw} == {"acknowledged", "playing", "played"}
        assert all(bytes.fromhex(row[7])[:2] == b"\xfe\xfd" for row in raw)
        assert all(row[2] == "完好 intact" for row in tables["evidence"]["rows"])


async def test_the_proof_holds_and_a_changed_file_is_found_out(tmp_path: Path) -> None:
    async with town(tmp_path) as api:
        ebm_id = await played(api)
        body, headers = await fetched(api, f"/api/v1/warnings/{ebm_id}/report", "pdf")
        proof = Proof.read(headers["Ebgw-Signature"])
        provider = default_provider()
        key_file = api.gateway.settings.key_file
        public = load_key_file(key_file, provider=provider).pair.public
        assert proof.holds(body, public, provider)
        assert not proof.holds(body + b" ", public, provider)
        other = new_key_file(tmp_path / "other.json", FIRST_CERTIFICATE, provider=provider, now=datetime.now(BEIJING))
        assert not proof.holds(body, other.pair.public, provider)
    file = tmp_path / "report.pdf"
    file.write_bytes(body)
    (tmp_path / "report.pdf.sig.json").write_text(headers["Ebgw-Signature"])
    verify = ["report", "verify", str(file), "--public-key", public.hex()]
    assert CliRunner().invoke(main, verify).exit_code == 0
    file.write_bytes(body[:-1])
    assert CliRunner().invoke(main, verify).exit_code == 1


async def test_a_drill_is_marked_in_every_form(tmp_path: Path) -> None:
    async with town(tmp_path, dispatch={"exercise_class": 3}) as api:
        ebm_id = await played(api, status="Exercise")
        path = f"/api/v1/warnings/{ebm_id}/report"
        assert "演练 DRILL" in (await fetched(api, path, "html"))[0].decode()
        with zipfile.ZipFile(io.BytesIO((await fetched(api, path, "csv"))[0])) as archive:
            assert "演练 DRILL" in archive.read("README.txt").decode("utf-8-sig")
        book = openpyxl.load_workbook(io.BytesIO((await fetched(api, path, "xlsx"))[0]))
        assert all("演练 DRILL" in str(sheet["A1"].value) for sheet in book.worksheets)
        pages = pypdf.PdfReader(io.BytesIO((await fetched(api, path, "pdf"))[0])).pages
        assert all("DRILL" in page.extract_text() for page in pages)


async def test_a_month_adds_up(tmp_path: Path) -> None:
    async with town(tmp_path) as api:
        ebm_id = await played(api)
        await api.warn(who="careful")
        month = f"{datetime.now(BEIJING):%Y-%m}"
        found = json.loads((await fetched(api, f"/api/v1/reports/month?month={month}", "json"))[0])
        tables = {table["key"]: table for table in found["tables"]}
        assert sum(row[3] for row in tables["sums"]["rows"]) == len(tables["messages"]["rows"]) == 2
        rows = {row[0]: row for row in tables["messages"]["rows"]}
        assert rows[ebm_id][8] > 0 and rows[ebm_id][11] == 2 and rows[ebm_id][4] == "weather"
        (waits,) = [row for number, row in rows.items() if number != ebm_id]
        assert waits[6] == "awaiting_approval" and waits[8] is None
        for form in FORMS:
            assert (await fetched(api, f"/api/v1/reports/month?month={month}", form))[0]
        for wrong in ("2026-13", "26-11", "2099-01"):
            assert (await api.get(f"/api/v1/reports/month?month={wrong}", "duty")).status == 422
        assert (await api.get(f"/api/v1/reports/month?month={month}", "weather")).status == 403


async def test_publishers_see_their_own_alone_and_words_stay_words(tmp_path: Path) -> None:
    async with town(tmp_path) as api:
        evil = '=HYPERLINK("http://x")<script>alert(1)</script>'
        taken = await api.warn(headline=evil, areas=[{"code": "350524100"}])
        path = f"/api/v1/warnings/{taken.json['message_id']}/report"
        assert (await api.get(path, "narrow")).status == 403
        page = (await fetched(api, path, "html", "weather"))[0].decode()
        assert "<script>" not in page and "&lt;script&gt;" in page
        cells = _cells_of_csv((await fetched(api, path, "csv", "weather"))[0])["about"]
        assert cells[0][1] == "'" + evil
        book = openpyxl.load_workbook(io.BytesIO((await fetched(api, path, "xlsx", "weather"))[0]))
        assert book.worksheets[0]["B4"].data_type == "s"
        assert (await fetched(api, path, "pdf", "weather"))[0].startswith(b"%PDF")
        assert (await api.get(f"{path}?format=docx", "weather")).status == 422
        assert (await api.get("/api/v1/warnings/none/report", "weather")).status == 404
