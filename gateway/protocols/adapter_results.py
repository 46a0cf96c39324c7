"""Return codes of adapters and platforms (GD/J 089-2018 tables A.27 and A.37); not those of table D.12."""

from __future__ import annotations

from enum import IntEnum


class ReturnCode(IntEnum):
    """Returncode of 0x12 and BackCode of 0x21; other numbers are reserved and stay plain integers."""

    UNKNOWN = -1
    OK = 0
    LENGTH_ERROR = 1
    VERSION_ERROR = 2
    CONFLICT = 3
    #: only in table A.37
    SIGNATURE_REFUSED = 4


#: result_code of 0x17 and 0x22 (tables A.32, A.38): the opposite of table E.9.
SUCCESS, FAILURE = 0, 1

_MEANINGS: dict[ReturnCode, str] = {
    ReturnCode.UNKNOWN: "unknown error 未知错误",
    ReturnCode.OK: "done 执行成功",
    ReturnCode.LENGTH_ERROR: "wrong length 数据长度错误",
    ReturnCode.VERSION_ERROR: "wrong version 版本号错误",
    ReturnCode.CONFLICT: "commands conflict 指令冲突错误",
    ReturnCode.SIGNATURE_REFUSED: "adapter could not verify the signature 适配器验签失败",
}


def describe(code: int) -> str:
    """Return both names of ``code`` of 0x12 or 0x21, or its number where no table has it."""
    try:
        return _MEANINGS[ReturnCode(code)]
    except ValueError:
        return f"code {code} 未定义"


def describe_result(result: int) -> str:
    """Return both names of ``result`` of 0x17 or 0x22."""
    return {SUCCESS: "done 成功", FAILURE: "failed 失败"}.get(result, f"code {result} 未定义")
