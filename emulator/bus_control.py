"""Control of a bus 总线控制: what its wire does to bytes, and its port pulled out and put back."""

from __future__ import annotations

import json
from dataclasses import asdict

from aiohttp import web

from emulator.bus import BusFleet
from gateway.errors import InvalidValueError


def bus_routes(fleet: BusFleet) -> list[web.RouteDef]:
    """Routes beside those of every fleet."""

    async def faults(request: web.Request) -> web.Response:
        """``PUT /bus`` with ``{"echo": true, "noise": p, ...}``: change those named; answers all."""
        try:
            body = await request.json()
        except json.JSONDecodeError as error:
            raise InvalidValueError("body", "", f"must be JSON: {error}") from None
        if not isinstance(body, dict):
            raise InvalidValueError("body", body, "must be a JSON object")
        fleet.bus_faults = fleet.bus_faults.changed(body)
        return web.json_response(asdict(fleet.bus_faults))

    async def unplug(request: web.Request) -> web.Response:
        """``POST /unplug``: the port is gone, in mid-frame if need be."""
        fleet.unplug()
        return web.json_response({"plugged": False})

    async def plug(request: web.Request) -> web.Response:
        """``POST /plug``: the port is back under the same name."""
        fleet.unplug()
        await fleet.port.plug()
        return web.json_response({"plugged": True, "url": fleet.port.url})

    return [web.put("/bus", faults), web.post("/unplug", unplug), web.post("/plug", plug)]
