"""F.4 FM, F.5 TS, F.6 IP loudspeakers 音箱、收扩机. Terminals are emulated 仿真: shown is that both ends agree."""

from __future__ import annotations

from tests.acceptance.clauses import PORT, SOUND, TUNER, UPGRADE, Clause, Row, control

_EMULATED = "仿真终端 emulated:"
_NAMES = {"F.4": "调频音箱 FM", "F.5": "TS 音箱 TS", "F.6": "IP 音箱 IP"}


def _name(number: str) -> str:
    return _NAMES[number[:3]]


def _received(number: str, out: str) -> Clause:
    return Clause(
        number,
        f"{_name(number)} 消息接收",
        "reception",
        "abcd",
        "ab",
        "0x04 开播，class 4；其后停播 a start by 0x04, class 4, and its stop",
        (
            Row("c", f"开播输出为 {out} is put out"),
            Row("d", f"{_EMULATED} 解析并播发 reads it and plays"),
            Row("d", "实际调谐、发声 really tunes and sounds", "射频 radio", SOUND if number[:3] == "F.6" else TUNER),
            control("未被寻址的终端不播发 who is not addressed stays silent"),
        ),
    )


def _set(number: str, what: tuple[str, str], command: str, out: str, never: str) -> Clause:
    return Clause(
        number,
        f"{_name(number)} {what[0]}",
        what[1],
        "abcd",
        "ab",
        f"0x{command}",
        (
            Row("c", f"输出为 {out} is put out"),
            Row("d", f"{_EMULATED} 参数已设置 takes the value"),
            control(never),
        ),
    )


def _priority(number: str, letters: str, out: str) -> Clause:
    resumed = " the higher plays" if out == "086" else "，其后恢复 the higher plays, the lower goes on after it"
    sent, seen = ("b", "c") if letters == "aabc" else ("c", "d")
    return Clause(
        number,
        f"{_name(number)} 优先级控制",
        "priority",
        letters,
        "a" if letters == "aabc" else "ab",
        "两条 0x04：先蓝后红；反证先红后蓝 a blue start, then a red one; for the control the red one first",
        (
            Row(sent, f"两条消息先后输出 both are put out, one after the other: {out}"),
            Row(seen, f"{_EMULATED} 高优先级先播{resumed}"),
            control("低优先级不打断高优先级 the lower does not cut off the higher"),
        ),
    )


def _tuning(number: str) -> Clause:
    return Clause(
        number,
        f"{_name(number)} 频率设置",
        "frequency",
        "abc",
        "ab",
        "经终端配置网口设置频率 set over the terminal's configuration port",
        (Row("c", "频率参数设置并保存 the frequency is set and kept", not_run=PORT),),
    )


def _returned(number: str, letters: str, out: str) -> Clause:
    more = (Row("e", f"{_EMULATED} 状态变化时按附录 E 主动回传 reports a change by itself, by appendix E"),)
    return Clause(
        number,
        f"{_name(number)} 数据回传",
        "return of data",
        letters,
        "ab",
        "0x08 查询一台终端"
        + ("；再令其故障 one is asked by 0x08, then gets a fault" if "e" in letters else " one is asked"),
        (
            Row("c", f"输出为 {out} is put out"),
            Row("d", f"{_EMULATED} 按附录 E 回传所查数据 answers by appendix E"),
            *(more if "e" in letters else ()),
            control("未被查询的终端无回传 who was not asked returns nothing"),
        ),
    )


def _security(number: str) -> Clause:
    return Clause(
        number,
        f"{_name(number)} 安全服务",
        "security",
        "abcd",
        "ab",
        "0x04 开播 a start by 0x04",
        (
            Row("c", "适配器签名输出，符合 GD/J 081 the command is signed by the adapter"),
            Row("d", f"{_EMULATED} 验签后响应 obeys after checking the signature"),
            control(
                "未签名、他人密钥、未知证书的指令不生效 unsigned, by another key, unknown certificate: nothing plays"
            ),
        ),
    )


_CODE, _LOUD, _ADDRESS = ("资源编码设置", "resource code"), ("音量调节", "volume"), ("IP 配置", "address")
_OTHERS = "其他终端不变 other terminals stay as they are"
_FORGED = "未签名、他人密钥的设置不生效 a setting unsigned or by another key does nothing; 其他终端不变 others stay"

TERMINALS = (
    _received("F.4.1", "085 类型 type 11"),
    _set("F.4.2", _CODE, "05", "085 类型 type 1", _OTHERS),
    _set("F.4.3", _LOUD, "06", "085 类型 type 23", _FORGED),
    _priority("F.4.4", "abcd", "085"),
    _tuning("F.4.5"),
    _returned("F.4.6", "abcd", "085 类型 type 8"),
    _security("F.4.7"),
    _received("F.5.1", "086 索引表 index table"),
    _set("F.5.2", _CODE, "05", "表 table 0xFB tag 2", _OTHERS),
    _set("F.5.3", _LOUD, "06", "表 table 0xFB tag 6", _FORGED),
    _priority("F.5.4", "abcd", "086"),
    _tuning("F.5.5"),
    _returned("F.5.6", "abcd", "表 table 0xFB tag 7"),
    _security("F.5.7"),
    _received("F.6.1", "D 0x01"),
    _set("F.6.2", _CODE, "05", "D 0x12 tag 4", _OTHERS),
    _set("F.6.3", _LOUD, "06", "D 0x12 tag 1", _FORGED),
    _priority("F.6.4", "aabc", "附录 appendix D"),
    _set("F.6.5", _ADDRESS, "0A", "D 0x12 tag 2", _OTHERS),
    _returned("F.6.6", "abcde", "D 0x11"),
    _security("F.6.7"),
    Clause(
        "F.6.8",
        f"{_name('F.6')} 远程配置",
        "remote configuration",
        "abc",
        "ab",
        "经 HTTP 接口设置音量、回传地址与周期 volume, return address and period over the HTTP interface",
        (
            Row("c", f"{_EMULATED} 参数远程设置 parameters are set from afar", "参数 parameters"),
            Row("c", "远程在线升级 firmware upgrade", "升级 upgrade", UPGRADE),
            control("无权限者不能设置 who has no right to it sets nothing"),
        ),
    ),
)
