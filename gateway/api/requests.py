"""Remote query and settings 远程查询与设置: one device or a region, over whatever routes lead there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from pydantic import Field, IPvAnyAddress, StringConstraints, model_validator

from gateway.api.models import Reply, Request
from gateway.api.routes import Call, answer
from gateway.api.services import Services
from gateway.devices.events import Known
from gateway.dispatch.requests import Ask, DeviceReport, RequestReport
from gateway.domain.codes import PhysicalAddress, ResourceCode
from gateway.errors import InvalidValueError, NotFoundError
from gateway.protocols import parameters as p
from gateway.protocols.decode_fields import parameter_of
from gateway.protocols.fields import WireCode
from gateway.publishers.rights import Publisher, check_areas
from gateway.store.rows import AuditRow, Json

#: What can be asked for, by the words of table E.5.
TAGS: Final = {
    "volume": p.VOLUME,
    "local_address": p.LOCAL_ADDRESS,
    "return_address": p.RETURN_ADDRESS,
    "resource_code": p.RESOURCE_CODE,
    "physical_address": p.PHYSICAL_ADDRESS,
    "work_state": p.WORK_STATE,
    "fault_code": p.FAULT_CODE,
    "device_type": p.DEVICE_TYPE,
    "hardware": p.HARDWARE_VERSION,
    "software": p.SOFTWARE_VERSION,
    "fm_signal": p.FM_SIGNAL,
    "cable_signal": p.CABLE_SIGNAL,
    "terrestrial_signal": p.TERRESTRIAL_SIGNAL,
    "cable_frequency": p.CABLE_FREQUENCY,
    "terrestrial_frequency": p.TERRESTRIAL_FREQUENCY,
    "fm_scan_list": p.FM_SCAN_LIST,
    "fm_current": p.FM_CURRENT,
    "fm_command_mode": p.FM_COMMAND_MODE,
}
TagName = Annotated[str, StringConstraints(pattern=f"^({'|'.join(TAGS)})$")]
IPv4 = Annotated[IPvAnyAddress, Field(description="IPv4, dotted")]
_MOST: Final = 10_000


class QueryBody(Request):
    """What is asked for."""

    items: Annotated[list[TagName], Field(min_length=1, max_length=18)] = Field(description="表 E.5 各项 of table E.5")


class NetworkBody(Request):
    """本地地址 (table D.9 tag 2)."""

    ip: IPv4
    mask: IPv4
    gateway: IPv4


class ReturnBody(Request):
    """回传地址 (table D.9 tag 3): ``ip`` and port, ``domain`` and port, or ``phone``."""

    kind: Literal["ip", "domain", "phone"]
    host: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    port: Annotated[int, Field(ge=0, le=65535)] = 0


class ParametersBody(Request):
    """What is set (table D.9); only what is named changes."""

    volume: Annotated[int, Field(ge=0, le=100)] | None = None
    network: NetworkBody | None = None
    return_address: ReturnBody | None = None
    resource_code: str | None = Field(
        default=None, description="新资源编码 the new code of the device named in the path"
    )
    amplifier: Literal["on", "off"] | None = None
    clock: Literal["now"] | None = Field(default=None, description="校时 to the gateway's clock")
    return_period_s: Annotated[int, Field(ge=1, le=0xFFFFFFFF)] | None = None

    @model_validator(mode="after")
    def _something(self) -> ParametersBody:
        if not self.model_fields_set:
            raise ValueError("至少设置一项 name at least one parameter")
        return self


class RequestBody(Request):
    """A request for many: by divisions or by codes; a query or settings."""

    areas: Annotated[list[str], Field(max_length=2000)] = Field(default=[])
    terminals: Annotated[list[str], Field(max_length=_MOST)] = Field(default=[])
    query: QueryBody | None = None
    parameters: ParametersBody | None = None

    @model_validator(mode="after")
    def _whom_and_what(self) -> RequestBody:
        if bool(self.areas) is bool(self.terminals):
            raise ValueError("须给出 areas 或 terminals 之一 name areas or terminals, and one of them")
        if (self.query is None) is (self.parameters is None):
            raise ValueError("须给出 query 或 parameters 之一 name query or parameters, and one of them")
        if self.parameters is not None and self.parameters.resource_code is not None:
            raise ValueError("parameters.resource_code: 只能逐台设置 is set one device at a time")
        return self


class DeviceBody(Reply):
    """How a request stands at one device. ``standing``: proven 终端自证, claimed 转报, sent 已发."""

    code: str
    name: str
    status: str
    route: str | None
    session: int | None
    result: int
    standing: str
    values: list[dict[str, Any]]
    detail: str


class RequestReply(Reply):
    """One status for the whole (done, partial, failed), one for each device."""

    status: str
    counts: dict[str, int]
    devices: list[DeviceBody]


async def query_terminal(call: Call) -> web.Response:
    """POST /api/v1/terminals/{code}/query."""
    known = _one(call)
    body = await call.model(QueryBody)
    return await _ask(call, [known], query_of(body))


async def set_terminal(call: Call) -> web.Response:
    """POST /api/v1/terminals/{code}/parameters."""
    known = _one(call)
    body = await call.model(ParametersBody)
    return await _ask(call, [known], settings_of(body, call.rooms.services.clock(), known))


async def post_request(call: Call) -> web.Response:
    """POST /api/v1/requests: a region, or many devices."""
    body = await call.model(RequestBody)
    terminals = _inside(call, body.areas) if body.areas else _named(call, body.terminals)
    if not terminals:
        raise NotFoundError("区域内没有在用终端 no terminal in service in these areas")
    if len(terminals) > _MOST:
        raise InvalidValueError("areas", len(terminals), f"一次最多 {_MOST} 台 / at most {_MOST} devices at once")
    if body.query is not None:
        return await _ask(call, terminals, query_of(body.query))
    assert body.parameters is not None
    return await _ask(call, terminals, settings_of(body.parameters, call.rooms.services.clock(), None))


async def _ask(call: Call, terminals: list[Known], ask: Ask) -> web.Response:
    return answer(await ask_as(call.rooms.services, call.holder, terminals, ask))


async def ask_as(services: Services, who: Publisher, terminals: list[Known], ask: Ask) -> RequestReply:
    """Ask or set some devices for a person, who must be allowed to. Errors: RightsError, StoreError."""
    check_areas(who, dict.fromkeys(known.terminal.area for known in terminals))
    subject = str(terminals[0].terminal.code) if len(terminals) == 1 else f"{len(terminals)} terminals"
    detail: dict[str, Json] = {
        "tags": list(ask.tags),
        "parameters": [parameter_of(one, p.SETTABLE) for one in ask.parameters],
    }
    await services.store.write(AuditRow(services.clock(), who.name, ask.command.value, subject, detail))
    return _reply(await services.dispatch.requests.ask(terminals, ask))


def query_of(body: QueryBody) -> Ask:
    """A query as dispatch takes it."""
    return Ask(tags=tuple(dict.fromkeys(TAGS[name] for name in body.items)))


def settings_of(body: ParametersBody, now: float, known: Known | None) -> Ask:
    """Settings as dispatch takes them; ``known`` the one device, where it is one."""
    made: list[p.Parameter] = []
    if body.volume is not None:
        made.append(p.Parameter(p.VOLUME, body.volume))
    if body.network is not None:
        local = p.LocalAddress(*map(_ipv4, (body.network.ip, body.network.mask, body.network.gateway)))
        made.append(p.Parameter(p.LOCAL_ADDRESS, local))
    if body.return_address is not None:
        made.append(p.Parameter(p.RETURN_ADDRESS, _return_address(body.return_address)))
    if body.resource_code is not None:
        assert known is not None
        physical = bytes.fromhex(PhysicalAddress(known.terminal.physical_address))
        code = WireCode.of(ResourceCode(body.resource_code))
        made.append(p.Parameter(p.RESOURCE_CODE, p.ResourceCodeSetting(physical, code)))
    if body.amplifier is not None:
        made.append(p.Parameter(p.SET_AMPLIFIER, 2 if body.amplifier == "on" else 1))
    if body.clock is not None:
        made.append(p.Parameter(p.SET_CLOCK, int(now)))
    if body.return_period_s is not None:
        made.append(p.Parameter(p.SET_RETURN_PERIOD, body.return_period_s))
    return Ask(parameters=tuple(made))


def _ipv4(address: Any) -> str:
    if address.version != 4:
        raise InvalidValueError("network", address, "须为 IPv4 地址 / must be an IPv4 address (table D.9)")
    return str(address)


def _return_address(body: ReturnBody) -> p.ReturnAddress:
    kind = {"ip": 1, "domain": 2, "phone": 3}[body.kind]
    if kind != 3 and not body.port:
        raise InvalidValueError("return_address/port", body.port, "须为 1-65535 / must be 1 to 65535")
    if kind == 3 and not (body.host.isascii() and body.host.isdecimal()):
        raise InvalidValueError("return_address/host", body.host, "电话号码须为数字 / a telephone number is of digits")
    return p.ReturnAddress(kind, body.host, 0 if kind == 3 else body.port)


def _one(call: Call) -> Known:
    digits = call.request.match_info["code"]
    known = call.rooms.services.dispatch.find(digits)
    if known is None:
        raise NotFoundError(f"没有终端 no terminal {digits[:40]!r} in the registry")
    return known


def _named(call: Call, codes: Iterable[str]) -> list[Known]:
    found = []
    for position, digits in enumerate(dict.fromkeys(codes)):
        known = call.rooms.services.dispatch.find(digits)
        if known is None:
            raise InvalidValueError(f"terminals/{position}", digits, "不在台账中 / is not in the registry")
        found.append(known)
    return found


def _inside(call: Call, areas: Iterable[str]) -> list[Known]:
    services = call.rooms.services
    entries = services.dispatch.state.registry.in_areas(call.divisions(areas))
    return [known for entry in entries if (known := services.dispatch.find(entry.terminal.code)) is not None]


def _reply(report: RequestReport) -> RequestReply:
    counts: dict[str, int] = {}
    for device in report.devices:
        counts[device.status.value] = counts.get(device.status.value, 0) + 1
    return RequestReply(status=report.status.value, counts=counts, devices=list(map(_device, report.devices)))


def _device(report: DeviceReport) -> DeviceBody:
    return DeviceBody(
        code=report.known.terminal.code,
        name=report.known.terminal.name,
        status=report.status.value,
        route=str(report.route) if report.route is not None else None,
        session=report.order,
        result=report.code,
        standing=report.standing.name.lower(),
        values=[parameter_of(one, p.REPORTED) for one in report.values],
        detail=report.detail,
    )
