"""F.4 FM, F.5 TS, F.6 IP loudspeakers 音箱、收扩机. Terminals are emulated 仿真: shown is that both ends agree."""

from __future__ import annotations

from tests.acceptance.clauses import PORT, SOUND, TUNER, UPGRADE, Clause, Row

_EMULATED = "仿真终端 emulated:"


def _received(number: str, name: str, out: str) -> Clause:
    return Clause(
        number,
        f"{name} 消息接收",
        "reception",
        "abcd",
        "ab",
        (
            Row("c", f"开播输出为 {out} the start is put out"),
            Row("d", f"{_EMULATED} 解析并播发 reads it and plays"),
            Row("d", "实际调谐、发声 really tunes and sounds", "射频 radio", TUNER if number[:3] != "F.6" else SOUND),
        ),
    )


def _set(number: str, name: str, what: tuple[str, str], command: str, out: str) -> Clause:
    return Clause(
        number,
        f"{name} {what[0]}",
        what[1],
        "abcd",
        "ab",
        (Row("c", f"0x{command} 输出为 {out}"), Row("d", f"{_EMULATED} 参数已设置 takes the value")),
    )


def _priority(number: str, name: str, letters: str, out: str) -> Clause:
    resumed = " the higher plays" if out == "086" else "，其后恢复 the higher plays, the lower goes on after it"
    sent, seen = ("b", "c") if letters == "aabc" else ("c", "d")
    return Clause(
        number,
        f"{name} 优先级控制",
        "priority",
        letters,
        "a" if letters == "aabc" else "ab",
        (
            Row(sent, f"两条不同优先级的消息先后输出 both messages of different priority are put out: {out}"),
            Row(seen, f"{_EMULATED} 高优先级先播{resumed}"),
        ),
    )


def _tuning(number: str, name: str) -> Clause:
    return Clause(
        number,
        f"{name} 频率设置",
        "frequency",
        "abc",
        "ab",
        (Row("c", "频率参数设置并保存 the frequency is set and kept", not_run=PORT),),
    )


def _returned(number: str, name: str, letters: str, out: str) -> Clause:
    rows = (
        Row("c", f"0x08 输出为 {out}"),
        Row("d", f"{_EMULATED} 按附录 E 回传所查数据 answers by appendix E"),
    )
    more = (Row("e", f"{_EMULATED} 状态变化时主动回传 reports a change by itself, by appendix E"),)
    return Clause(number, f"{name} 数据回传", "return of data", letters, "ab", rows + (more if "e" in letters else ()))


def _security(number: str, name: str) -> Clause:
    return Clause(
        number,
        f"{name} 安全服务",
        "security",
        "abcd",
        "ab",
        (
            Row("c", "指令由适配器签名 the command is signed by the adapter (081)"),
            Row("d", f"{_EMULATED} 验签后响应 obeys after checking the signature"),
            Row("d", f"{_EMULATED} 拒绝不可信指令 refuses what cannot be trusted", "补充 more"),
        ),
    )


_FM, _TS, _IP = "调频音箱 FM", "TS 音箱 TS", "IP 音箱 IP"
_CODE, _LOUD = ("资源编码设置", "resource code"), ("音量调节", "volume")

TERMINALS = (
    _received("F.4.1", _FM, "085 类型 type 11"),
    _set("F.4.2", _FM, _CODE, "05", "085 类型 type 1"),
    _set("F.4.3", _FM, _LOUD, "06", "085 类型 type 23"),
    _priority("F.4.4", _FM, "abcd", "085"),
    _tuning("F.4.5", _FM),
    _returned("F.4.6", _FM, "abcd", "085 类型 type 8"),
    _security("F.4.7", _FM),
    _received("F.5.1", _TS, "086 索引表 index table"),
    _set("F.5.2", _TS, _CODE, "05", "表 table 0xFB tag 2"),
    _set("F.5.3", _TS, _LOUD, "06", "表 table 0xFB tag 6"),
    _priority("F.5.4", _TS, "abcd", "086"),
    _tuning("F.5.5", _TS),
    _returned("F.5.6", _TS, "abcd", "表 table 0xFB 查询 query"),
    _security("F.5.7", _TS),
    _received("F.6.1", _IP, "D 0x01"),
    _set("F.6.2", _IP, _CODE, "05", "D 0x12 tag 4"),
    _set("F.6.3", _IP, _LOUD, "06", "D 0x12 tag 1"),
    _priority("F.6.4", _IP, "aabc", "附录 appendix D"),
    _set("F.6.5", _IP, ("IP 配置", "address"), "0A", "D 0x12 tag 2"),
    _returned("F.6.6", _IP, "abcde", "D 0x11"),
    _security("F.6.7", _IP),
    Clause(
        "F.6.8",
        f"{_IP} 远程配置",
        "remote configuration",
        "abc",
        "ab",
        (
            Row("c", f"{_EMULATED} 参数远程设置 parameters are set from afar", "参数 parameters"),
            Row("c", "远程在线升级 firmware upgrade", "升级 upgrade", UPGRADE),
        ),
    ),
)
