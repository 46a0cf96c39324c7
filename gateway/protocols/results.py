"""Result codes 结果代码 of answers, and what each asks of the sender (GD/J 089-2018 table D.12 and table E.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Handling(Enum):
    """What a sender does after an answer (retry table of the design)."""

    DONE = "done"
    #: the frame was hurt on its way: the same bytes again
    REPEAT = "repeat"
    #: the peer is busy or slow: back off, then a new session, signed anew
    NEW_SESSION = "new_session"
    #: this profile or route will never work for this peer
    PERMANENT = "permanent"


class ResultCode(IntEnum):
    """结果代码 as printed; codes that stand nowhere are legal on the wire and stay plain integers."""

    OK = 0
    PROTOCOL_ERROR = 10
    TIMEOUT = 11
    VERSION_MISMATCH = 12
    PARSE_ERROR = 13
    PARAMETER_MISSING = 14
    CRC_ERROR = 15
    SYSTEM_ERROR = 30
    SYSTEM_BUSY = 31
    NO_STORAGE_CARD = 32
    READ_FAILED = 33
    WRITE_FAILED = 34
    UKEY_MISSING = 35
    UKEY_INVALID = 36
    VALIDATION_ERROR = 50
    PASSWORD_WRONG = 51
    CERTIFICATE_INVALID = 52
    INPUT_TIMEOUT = 53
    PARAMETER_INVALID = 54
    NOT_SUPPORTED = 55
    SMS_FORMAT = 56
    NUMBER_INVALID = 57
    CONTENT_ILLEGAL = 58
    RESOURCE_CODE_INVALID = 59
    #: only in table E.4
    TERMINAL_FAULT = 60
    TERMINAL_ERROR = 70
    TERMINAL_INVALID = 71
    DEVICE_OFFLINE = 72
    TERMINAL_BUSY = 73


@dataclass(frozen=True, slots=True)
class ResultMeaning:
    """Names of one code, and how to go on after it."""

    english: str
    chinese: str
    handling: Handling


def _m(english: str, chinese: str, handling: Handling = Handling.PERMANENT) -> ResultMeaning:
    return ResultMeaning(english, chinese, handling)


MEANINGS: dict[ResultCode, ResultMeaning] = {
    ResultCode.OK: _m("received and processed", "成功并且正确处理", Handling.DONE),
    ResultCode.PROTOCOL_ERROR: _m("unknown protocol error", "未知通信协议类别错误", Handling.NEW_SESSION),
    ResultCode.TIMEOUT: _m("request timed out, no answer", "请求超时，对方无应答", Handling.NEW_SESSION),
    ResultCode.VERSION_MISMATCH: _m("protocol version differs", "协议版本不匹配"),
    ResultCode.PARSE_ERROR: _m("packet cannot be parsed", "数据包解析错误", Handling.REPEAT),
    ResultCode.PARAMETER_MISSING: _m("mandatory parameter missing", "缺少必选参数"),
    ResultCode.CRC_ERROR: _m("CRC is wrong", "CRC校验错误", Handling.REPEAT),
    ResultCode.SYSTEM_ERROR: _m("unknown system error", "未知系统类别错误", Handling.NEW_SESSION),
    ResultCode.SYSTEM_BUSY: _m("system busy", "系统忙", Handling.NEW_SESSION),
    ResultCode.NO_STORAGE_CARD: _m("no storage card", "没找到存储卡"),
    ResultCode.READ_FAILED: _m("reading a file failed", "读取文件失败"),
    ResultCode.WRITE_FAILED: _m("writing a file failed", "写入文件失败"),
    ResultCode.UKEY_MISSING: _m("UKey not inserted", "UKey未插入"),
    ResultCode.UKEY_INVALID: _m("UKey invalid", "UKey非法"),
    ResultCode.VALIDATION_ERROR: _m("unknown validation error", "未知数据验证类别错误"),
    ResultCode.PASSWORD_WRONG: _m("user name or password wrong", "用户名密码错误"),
    ResultCode.CERTIFICATE_INVALID: _m("certificate or signature invalid", "数字证书非法"),
    ResultCode.INPUT_TIMEOUT: _m("input timed out", "输入超时", Handling.NEW_SESSION),
    ResultCode.PARAMETER_INVALID: _m("parameter out of range", "参数非法"),
    ResultCode.NOT_SUPPORTED: _m("function not supported", "功能不支持"),
    ResultCode.SMS_FORMAT: _m("short message cannot be parsed", "短信格式非法"),
    ResultCode.NUMBER_INVALID: _m("number not configured", "号码无效"),
    ResultCode.CONTENT_ILLEGAL: _m("content illegal", "内容非法"),
    ResultCode.RESOURCE_CODE_INVALID: _m("resource code unknown", "资源编码无效"),
    ResultCode.TERMINAL_FAULT: _m("terminal error, cannot process", "终端出现错误，无法处理"),
    ResultCode.TERMINAL_ERROR: _m("unknown terminal error", "未知终端类别错误", Handling.NEW_SESSION),
    ResultCode.TERMINAL_INVALID: _m("terminal unknown", "终端无效"),
    ResultCode.DEVICE_OFFLINE: _m("device offline", "设备离线", Handling.NEW_SESSION),
    ResultCode.TERMINAL_BUSY: _m("terminal busy with higher priority", "终端忙", Handling.NEW_SESSION),
}


def handling(result: int) -> Handling:
    """Return what to do after ``result``; an unknown code is permanent, for a person to look at."""
    try:
        return MEANINGS[ResultCode(result)].handling
    except ValueError:
        return Handling.PERMANENT


def describe(result: int) -> str:
    """Return both names of ``result``, or its number where no table has it."""
    try:
        meaning = MEANINGS[ResultCode(result)]
    except ValueError:
        return f"code {result} 未定义"
    return f"{meaning.english} {meaning.chinese}"
