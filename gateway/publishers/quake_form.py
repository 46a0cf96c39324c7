"""Our JSON form of an earthquake warning 地震预警; small, and read before anything else is thought of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.domain.codes import AreaCode
from gateway.domain.earthquakes import Place, Quake
from gateway.domain.rules import broken, shown
from gateway.domain.warning import Status
from gateway.errors import InvalidValueError, WarningInvalid, WarningUnparseable

#: Bytes of a report; each holds a few divisions.
LARGEST = 64 * 1024


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuakeArea(_Form):
    """What the publisher knows of one division: intensity 烈度 (GB/T 17742), when the S wave arrives."""

    code: Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{12})$")]
    intensity: Annotated[float, Field(ge=0, le=12, allow_inf_nan=False)]
    arrival: AwareDatetime | None = None


class QuakeReport(_Form):
    """A report. ``areas`` left out: divisions are those where the computed intensity reaches the setting."""

    event_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,64}$")] = Field(description="事件编号")
    report: Annotated[int, Field(ge=1, le=9999)] = Field(description="报次 number of the report, rising")
    kind: Literal["Alert", "Cancel"] = Field(default="Alert", description="Cancel: a false alarm 误报")
    status: Literal["Actual", "Exercise", "Test"] = "Actual"
    sent: AwareDatetime = Field(description="发布时间")
    origin: AwareDatetime = Field(description="发震时刻")
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    depth_km: Annotated[float, Field(ge=0, le=800, allow_inf_nan=False)] = 10.0
    magnitude: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = Field(description="震级")
    where: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)] = Field(
        description="震中地名, such as 福建安溪"
    )
    areas: tuple[QuakeArea, ...] | None = Field(default=None, max_length=500)


def read_quake(body: bytes) -> QuakeReport:
    """Understand a report. Errors: WarningUnparseable, WarningInvalid with every broken rule."""
    if len(body) > LARGEST:
        words = f"the body exceeds {LARGEST} bytes"
        raise WarningUnparseable(broken("", "too_large", f"正文超过 {LARGEST} 字节", words))
    try:
        return QuakeReport.model_validate_json(body)
    except ValidationError as error:
        faults = [
            broken(
                "/".join(shown(str(part), 40) for part in item["loc"]),
                {"missing": "missing", "extra_forbidden": "unknown_field"}.get(item["type"], "bad_value"),
                "字段缺失或不合规定",
                shown(item["msg"], 200),
            )
            for item in error.errors(include_url=False, include_context=False, include_input=False)[:20]
        ]
        raise WarningInvalid(*faults) from None


def quake_of(form: QuakeReport) -> Quake:
    """The same for dispatch. Errors: WarningInvalid for a code that is none."""
    try:
        codes = None if form.areas is None else {AreaCode(area.code.ljust(12, "0")): area for area in form.areas}
    except InvalidValueError as error:
        raise WarningInvalid(broken("areas", "bad_value", "区划代码不合规定", str(error))) from None
    return Quake(
        event_id=form.event_id,
        report=form.report,
        origin=form.origin,
        place=Place(form.lat, form.lon, form.depth_km),
        magnitude=form.magnitude,
        where=form.where,
        sent=form.sent,
        status=Status(form.status),
        intensities=None if codes is None else {code: area.intensity for code, area in codes.items()},
        arrivals=None if codes is None else {c: a.arrival for c, a in codes.items() if a.arrival is not None},
    )
