"""What a terminal is and keeps without power 设备参数: its codes, and what table D.9 sets and table E.5 reports."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.domain.codes import PhysicalAddress, ResourceCode
from gateway.protocols import parameters as tags
from gateway.protocols.fields import WireCode
from gateway.protocols.parameters import (
    LocalAddress,
    Parameter,
    PhysicalValue,
    ResourceCodeSetting,
    ReturnAddress,
    Value,
)
from gateway.protocols.results import ResultCode

#: Tables D.5 and D.9: volume is 0-100 %.
_VOLUME_TOP = 100
_OFF, _ON = 1, 2
_NO_ADDRESS = LocalAddress("0.0.0.0", "255.255.255.255", "0.0.0.0")  # noqa: S104 - a report of "none", nothing binds
_DEVICE_TYPE = b"EM"
_VERSION = b"\x00\x00\x01\x00"


@dataclass(slots=True)
class Device:
    """One terminal's identity and parameters (GD/J 089-2018 tables D.9, E.5). ``period`` in seconds, None until set."""

    code: ResourceCode
    physical: bytes
    wire: bytes = field(init=False)
    volume: int = 50
    amplifier_on: bool = True
    period: float | None = None
    return_address: ReturnAddress | None = None
    local_address: LocalAddress = _NO_ADDRESS
    certificates: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        self.wire = WireCode.of(self.code).raw

    @classmethod
    def of(cls, code: ResourceCode, physical: PhysicalAddress) -> Device:
        """Make the device of a registry row."""
        return cls(code, bytes.fromhex(physical))

    def set(self, parameter: Parameter) -> ResultCode:
        """Take one parameter of table D.9 except the clock; return what to answer."""
        value = parameter.value
        match parameter.tag, value:
            case tags.VOLUME, int() if value <= _VOLUME_TOP:
                self.volume = value
            case tags.LOCAL_ADDRESS, LocalAddress():
                self.local_address = value
            case tags.RETURN_ADDRESS, ReturnAddress():
                self.return_address = value
            case tags.RESOURCE_CODE, ResourceCodeSetting():
                return self._take_code(value.physical, value.code)
            case tags.RESOURCE_CODE, WireCode():
                return self._take_code(self.physical, value)
            case tags.SET_AMPLIFIER, int() if value in (_OFF, _ON):
                self.amplifier_on = value == _ON
            case tags.SET_RETURN_PERIOD, int() if value > 0:
                self.period = float(value)
            case tag, _ if not tags.VOLUME <= tag <= tags.SET_RETURN_PERIOD:
                return ResultCode.NOT_SUPPORTED
            case _:
                return ResultCode.PARAMETER_INVALID
        return ResultCode.OK

    def _take_code(self, physical: bytes, code: WireCode) -> ResultCode:
        """Take a new resource code, if it is meant for this device and is one (B.20 item 2)."""
        if physical != self.physical:
            return ResultCode.TERMINAL_INVALID
        if code.code is None:
            return ResultCode.RESOURCE_CODE_INVALID
        self.code, self.wire = code.code, code.raw
        return ResultCode.OK

    def report(self, wanted: tuple[int, ...], state: int) -> tuple[Parameter, ...]:
        """Return the parameters asked for that an IP terminal has (table E.5); others are left out."""
        values: dict[int, Value] = {
            tags.VOLUME: self.volume,
            tags.LOCAL_ADDRESS: self.local_address,
            tags.RESOURCE_CODE: WireCode(self.wire),
            tags.PHYSICAL_ADDRESS: PhysicalValue(self.physical),
            tags.WORK_STATE: state,
            tags.FAULT_CODE: 0,
            tags.DEVICE_TYPE: _DEVICE_TYPE,
            tags.HARDWARE_VERSION: _VERSION,
            tags.SOFTWARE_VERSION: _VERSION,
        }
        if self.return_address is not None:
            values[tags.RETURN_ADDRESS] = self.return_address
        return tuple(Parameter(tag, values[tag]) for tag in wanted if tag in values)
