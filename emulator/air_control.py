"""Control of what receivers hear 空中控制: what the medium does to frames, and the line to the transmitter cut."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

from aiohttp import web

from emulator.air import AirFaults, AirFleet
from gateway.errors import InvalidValueError

_NAMES = frozenset(field.name for field in fields(AirFaults))


def air_routes(fleet: AirFleet) -> list[web.RouteDef]:
    """Routes beside those of every fleet."""

    async def air(request: web.Request) -> web.Response:
        """``GET /air``: the faults, and what the tuner refused, by the code of its error."""
        return web.json_response({**asdict(fleet.air_faults), "refused": fleet.refused})

    async def faults(request: web.Request) -> web.Response:
        """``PUT /air`` with ``{"loss": p, "noise": p}``: change those named; answers both."""
        try:
            body = await request.json()
        except json.JSONDecodeError as error:
            raise InvalidValueError("body", "", f"must be JSON: {error}") from None
        if not isinstance(body, dict):
            raise InvalidValueError("body", body, "must be a JSON object")
        for name, value in body.items():
            if name not in _NAMES or isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidValueError(name, value, "must be loss or noise, a probability 0-1")
        fleet.air_faults = AirFaults(**{**asdict(fleet.air_faults), **body})
        return web.json_response(asdict(fleet.air_faults))

    async def cut(request: web.Request) -> web.Response:
        """``POST /cut``: the line to the transmitter dies, in mid-frame if need be, and may come back."""
        fleet.front.cut()
        return web.json_response({})

    return [web.get("/air", air), web.put("/air", faults), web.post("/cut", cut)]
