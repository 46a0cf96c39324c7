"""What an adapter itself is asked 适配器管理: channels, records, faults, lists (089 tables A.5-A.11, A.23)."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field, RootModel, StringConstraints, model_validator

from gateway.api.models import Reply, Request
from gateway.api.problems import HttpProblem
from gateway.api.routes import Call, answer
from gateway.devices.adapter_answers import AdapterRefusal
from gateway.devices.adapter_control import AdapterControl
from gateway.domain.codes import EbmId, ResourceCode
from gateway.errors import FrameError, LinkError, NotFoundError, Violation
from gateway.protocols.adapter_commands import WhiteListEntry
from gateway.protocols.adapter_types import Body
from gateway.protocols.decode_adapter_fields import fields_of
from gateway.protocols.fields import WireCode
from gateway.store.rows import AuditRow

_OPERATIONS: Final = {"add": 1, "change": 2, "delete": 3}
_PERMISSIONS: Final = {"message": 1, "call": 2, "both": 3}
_MODULATIONS: Final = {"qam16": 0, "qam32": 1, "qam64": 2, "qam128": 3, "qam256": 4}
#: Records of so many days are asked for where no period is given.
_DAYS: Final = 1
_MOST: Final = 5000

Digits = Annotated[str, StringConstraints(pattern=r"^[0-9+]{3,20}$")]
Area = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Base64 = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", min_length=4),
]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{23}$")]


class ChannelsBody(Request):
    """0x0E 输出通道, 0x0F 输入通道; channel 0 means all."""

    ask: Literal["outputs", "inputs"]
    channel: Annotated[int, Field(ge=0, le=255)] = 0
    state: Annotated[int, Field(ge=0, le=3)] = Field(default=0, description="0 全部, 1 空闲, 2 占用, 3 故障")


class RecordsBody(Request):
    """0x10 播发记录; the last day where no period is given."""

    ask: Literal["records"]
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    ebm_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{35}$")] | None = None
    task_type: Annotated[int, Field(ge=0, le=2)] = Field(default=0, description="0 全部, 1 日常, 2 应急")


class FaultBody(Request):
    """0x11 故障详情."""

    ask: Literal["fault"]


class ReportToBody(Request):
    """0x0D: where and how often the adapter reports itself."""

    ask: Literal["report_to"]
    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,200}$")]
    port: Annotated[int, Field(ge=1, le=65535)]
    period_s: Annotated[int, Field(ge=1, le=86400)]


class PhoneBody(Request):
    """One telephone of the white list 白名单."""

    operation: Literal["add", "change", "delete"]
    phone: Digits
    name: Annotated[str, StringConstraints(max_length=80)] = ""
    permission: Literal["message", "call", "both"] = "both"
    areas: list[Area] = Field(default_factory=list, max_length=255)


class WhiteListBody(Request):
    """0x0C 白名单更新."""

    ask: Literal["white_list"]
    entries: Annotated[list[PhoneBody], Field(min_length=1, max_length=_MOST)]


class CertificatesBody(Request):
    """0x41 for the adapter, 0x40 for the terminals behind it; lists and certificates in base64."""

    ask: Literal["certificates", "terminal_certificates"]
    lists: list[Base64] = Field(default_factory=list, max_length=255)
    certificates: list[Base64] = Field(default_factory=list, max_length=255)

    @model_validator(mode="after")
    def _something(self) -> CertificatesBody:
        if not self.lists and not self.certificates:
            raise ValueError("至少一份授权列表或证书 name at least one list or certificate")
        return self


class FrequencyBody(Request):
    """0x01 锁定频率, for cable receivers."""

    ask: Literal["lock_frequency"]
    freq_khz: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    symbol_rate_k: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    modulation: Literal["qam16", "qam32", "qam64", "qam128", "qam256"]
    codes: Annotated[list[Code], Field(min_length=1, max_length=_MOST)]


_Asked = ChannelsBody | RecordsBody | FaultBody | ReportToBody | WhiteListBody | CertificatesBody | FrequencyBody


class AdapterAsk(RootModel[Annotated[_Asked, Field(discriminator="ask")]]):
    """One request to an adapter."""


class AdapterReply(Reply):
    """The fields of its answer as ``decode`` names them; times inside are the adapter's own. Empty: it said yes."""

    answer: dict[str, Any]


async def ask_adapter(call: Call) -> web.Response:
    """POST /api/v1/links/{id}/adapter."""
    services, name = call.rooms.services, call.request.match_info["id"]
    adapter = next((b for r, b in services.dispatch.state.bearers.items() if name in (r.link, str(r))), None)
    if not isinstance(adapter, AdapterControl):
        raise NotFoundError(f"没有此适配器链路 no link to an adapter is called {name[:60]!r}")
    asked = (await call.model(AdapterAsk)).root
    audit = AuditRow(services.clock(), call.holder.name, f"adapter_{asked.ask}", name)
    await services.store.write(audit)
    try:
        body = await _ask(adapter, asked, services.clock())
    except (LinkError, FrameError, AdapterRefusal) as error:
        raise HttpProblem(502, Violation("", error.code, f"适配器未照办 the adapter did not do it: {error}")) from error
    return answer(AdapterReply(answer={} if body is None else fields_of(body)))


async def _ask(adapter: AdapterControl, asked: _Asked, now: float) -> Body | None:
    match asked:
        case ChannelsBody():
            wanted = adapter.output_channels if asked.ask == "outputs" else adapter.input_channels
            return await wanted(asked.channel, asked.state)
        case RecordsBody():
            end = asked.end or datetime.fromtimestamp(now, UTC)
            start = asked.start or end - timedelta(days=_DAYS)
            ebm_id = EbmId(asked.ebm_id) if asked.ebm_id else None
            return await adapter.records(int(start.timestamp()), int(end.timestamp()), ebm_id, asked.task_type)
        case FaultBody():
            return await adapter.fault()
        case ReportToBody():
            await adapter.report_to(f"{asked.host}:{asked.port}", asked.period_s)
        case WhiteListBody():
            await adapter.update_white_list(map(_entry, asked.entries))
        case CertificatesBody():
            update = adapter.certificates if asked.ask == "certificates" else adapter.terminal_certificates
            await update(tuple(map(b64decode, asked.lists)), tuple(map(b64decode, asked.certificates)))
        case FrequencyBody():
            codes = map(ResourceCode, asked.codes)
            await adapter.lock_frequency(asked.freq_khz, asked.symbol_rate_k, _MODULATIONS[asked.modulation], codes)
    return None


def _entry(one: PhoneBody) -> WhiteListEntry:
    areas = tuple(WireCode(bytes.fromhex(area)) for area in one.areas)
    phone = one.phone.encode("ascii")
    return WhiteListEntry(
        _OPERATIONS[one.operation], phone, one.name.encode("utf-8"), _PERMISSIONS[one.permission], areas
    )
