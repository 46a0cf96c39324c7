"""Control 控制接口 of a run, HTTP on loopback: what really happened, how things stand, and what shall go wrong."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from emulator.adapter import EmulatedAdapter
from emulator.air import AirFleet
from emulator.air_control import air_routes
from emulator.bus import BusFleet
from emulator.bus_control import bus_routes
from emulator.faults import HEALTHY, Faults
from emulator.fleet import Fleet
from emulator.line import Line
from gateway.errors import InvalidValueError

_FLEET: Final = web.AppKey("fleet", Fleet)
_ADAPTER: Final[web.AppKey[EmulatedAdapter | None]] = web.AppKey("adapter")
#: Journal lines written between two looks at the sockets.
_SLICE: Final = 1000
_BODY_LIMIT: Final = 4 * 1024 * 1024


def make_application(fleet: Fleet, adapter: EmulatedAdapter | None = None) -> web.Application:
    """Make the application that serves the control calls of ``fleet`` and of the adapter beside it."""
    application = web.Application(middlewares=[_problems], client_max_size=_BODY_LIMIT)
    application[_FLEET] = fleet
    application[_ADAPTER] = adapter
    application.add_routes(
        [
            web.get("/journal", _journal),
            web.get("/truth", _truth),
            web.get("/sound", _sound),
            web.put("/faults", _faults),
            web.post("/reboot", _reboot),
            web.post("/disconnect", _disconnect),
            web.post("/fault", _fault_report),
        ]
    )
    if isinstance(fleet, BusFleet):
        application.add_routes(bus_routes(fleet))
    if isinstance(fleet, AirFleet):
        application.add_routes(air_routes(fleet))
    return application


@web.middleware
async def _problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer a wrong value with 422, its name and its rule."""
    try:
        return await handler(request)
    except InvalidValueError as error:
        return web.json_response({"field": error.field, "value": str(error.value), "rule": error.rule}, status=422)


async def _journal(request: web.Request) -> web.StreamResponse:
    """``GET /journal?after=N``: JSON Lines with a number each; without ``after`` from the oldest in memory."""
    journal = request.app[_FLEET].journal
    after = _whole(request.query.get("after", "-1"), "after")
    response = web.StreamResponse(headers={"Content-Type": "application/jsonl", "X-First": str(journal.first)})
    await response.prepare(request)
    last = journal.count
    while after + 1 < last:
        part = list(journal.entries(after, min(_SLICE, last - after - 1)))
        if not part:
            break
        after = part[-1][0]
        await response.write("".join(entry.line(number) for number, entry in part).encode())
    await response.write_eof()
    return response


async def _truth(request: web.Request) -> web.Response:
    """``GET /truth``: each terminal's state, a summary, and the adapter's; ``?terminals=0``: without the terminals."""
    fleet = request.app[_FLEET]
    body: dict[str, Any] = {"summary": summary(fleet)}
    if request.query.get("terminals") != "0":
        body["terminals"] = {line.code: _state(line) for line in fleet.lines}
    adapter = request.app[_ADAPTER]
    if adapter is not None:
        body["adapter"] = adapter.truth()
    return web.json_response(body)


async def _sound(request: web.Request) -> web.Response:
    """``GET /sound``: what players heard of each message, seconds by seconds; empty without players."""
    listening = request.app[_FLEET].listening
    return web.json_response([asdict(heard) for heard in listening.heard()] if listening else [])


def summary(fleet: Fleet) -> dict[str, int]:
    """Return counts over the fleet; ``reachable`` is connected and neither silent, off, refusing nor deaf."""
    terminals = [line.terminal for line in fleet.lines]
    return {
        "terminals": len(terminals),
        "connected": sum(terminal.connected for terminal in terminals),
        "registered": sum(terminal.registered for terminal in terminals),
        "reachable": sum(terminal.reachable for terminal in terminals),
        "playing": sum(terminal.broadcast.on_air is not None for terminal in terminals),
        "silent": sum(terminal.faults.silent for terminal in terminals),
        "off": sum(terminal.faults.off for terminal in terminals),
        "refusing": sum(terminal.faults.refuse is not None for terminal in terminals),
        "reports_waiting": sum(len(line.reports) for line in fleet.lines),
        "signatures_verified": fleet.ears.verified,
        "journal": fleet.journal.count,
    }


def _state(line: Line) -> dict[str, Any]:
    terminal = line.terminal
    faults = terminal.faults
    state: dict[str, Any] = {
        "connected": terminal.connected,
        "registered": terminal.registered,
        "playing": terminal.broadcast.on_air,
        "live": list(terminal.broadcast.live),
        "silent": faults.silent,
        "off": faults.off,
        "refusing": faults.refuse,
        "received": terminal.received,
        "answered": terminal.answered,
        "reported": terminal.reported,
        "reports_waiting": len(line.reports),
        "volume": terminal.device.volume,
        "code": terminal.device.code,
    }
    if faults is not HEALTHY:
        state["faults"] = asdict(faults)
    return state


async def _faults(request: web.Request) -> web.Response:
    """``PUT /faults`` with ``{"terminals": [...] | "share": p, "clear": true, "loss": p, ...}``: change those named."""
    fleet = request.app[_FLEET]
    body = await _body(request)
    lines = _chosen(fleet, body, "faults")
    clear = body.pop("clear", False)
    base = HEALTHY if clear is True else None
    HEALTHY.changed(body)  # wrong names and values are refused before anything changes

    def change(present: Faults) -> Faults:
        return (base or present).changed(body)

    return web.json_response({"terminals": fleet.set_faults(lines, change)})


async def _reboot(request: web.Request) -> web.Response:
    """``POST /reboot`` with ``{"terminals": [...] | "share": p}``: memory is lost, the next registration is a first."""
    fleet = request.app[_FLEET]
    body = await _body(request)
    lines = _chosen(fleet, body, "reboot")
    _nothing_more(body)
    for line in lines:
        line.reboot("reboot by control")
    return web.json_response({"terminals": len(lines)})


async def _disconnect(request: web.Request) -> web.Response:
    """``POST /disconnect`` with ``{"terminals": [...] | "share": p}``: lines are cut once and come back."""
    fleet = request.app[_FLEET]
    body = await _body(request)
    lines = _chosen(fleet, body, "disconnect")
    _nothing_more(body)
    for line in lines:
        line.cut()
    return web.json_response({"terminals": len(lines)})


async def _fault_report(request: web.Request) -> web.Response:
    """``POST /fault`` with ``{"terminals": …, "type": 1-5, "gone": bool, "text": …}``: report by table E.7."""
    fleet = request.app[_FLEET]
    body = await _body(request)
    lines = _chosen(fleet, body, "fault")
    fault_type, gone, text = body.pop("type", 1), body.pop("gone", False), body.pop("text", "")
    _nothing_more(body)
    if isinstance(fault_type, bool) or not isinstance(fault_type, int) or not 0 <= fault_type <= 255:
        raise InvalidValueError("type", fault_type, "must be 0-255 (GD/J 089-2018 table E.7)")
    if not isinstance(gone, bool) or not isinstance(text, str):
        raise InvalidValueError("gone, text", (gone, text), "must be true or false, and text")
    for line in lines:
        line.apply(line.terminal.report_fault(fault_type, gone=gone, text=text, now=fleet.now()))
    return web.json_response({"terminals": len(lines)})


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    try:
        body = json.loads(text or "{}")
    except ValueError as error:
        raise InvalidValueError("body", text, f"must be JSON: {error}") from None
    if not isinstance(body, dict):
        raise InvalidValueError("body", text, "must be a JSON object")
    return body


def _chosen(fleet: Fleet, body: dict[str, Any], purpose: str) -> list[Line]:
    """Take ``terminals`` or ``share`` out of ``body`` and return the lines meant; neither means all."""
    terminals, share = body.pop("terminals", None), body.pop("share", None)
    if terminals is not None and share is not None:
        raise InvalidValueError("share", share, "stands beside terminals: name one of both")
    if terminals is not None and not (isinstance(terminals, list) and all(isinstance(t, str) for t in terminals)):
        raise InvalidValueError("terminals", terminals, "must be a list of resource codes")
    if share is not None and (isinstance(share, bool) or not isinstance(share, (int, float))):
        raise InvalidValueError("share", share, "must be a number 0-1")
    return fleet.select(terminals, share, purpose)


def _nothing_more(body: Mapping[str, Any]) -> None:
    if body:
        name = next(iter(body))
        raise InvalidValueError(name, body[name], "is not known to this call")


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidValueError(name, text, "must be a whole number") from None
