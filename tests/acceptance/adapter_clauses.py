"""F.1 RDS, F.2 TS and F.3 IP adapters 适配器: seven measurements each, alike but for what comes out."""

from __future__ import annotations

from tests.acceptance.clauses import EARS, HARDWARE, RADIO, SOUND, TUNER, Clause, Row

_OUT = {
    "F.1": ("RDS", "GD/J 085 数据包 RDS packets"),
    "F.2": ("TS", "GD/J 086 表 tables on PID 0x21"),
    "F.3": ("IP", "附录 D 数据帧 frames of appendix D"),
}


def _watched(letter: str) -> Row:
    return Row(letter, "接入、编码、分发的运行状态可见 input, encoding and distribution are watched")


def _listen(letter: str) -> Row:
    return Row(letter, "监听音箱播出内容 what a monitor loudspeaker says", not_run=EARS)


def _clauses(number: str) -> tuple[Clause, ...]:
    name, out = _OUT[number]
    radio = number != "F.3"
    modulated = "调频或复用输出 on the air or in the multiplex"
    on_air = (Row("c", modulated, "射频 radio", TUNER),) if number == "F.1" else ()
    tuned = (Row("e", "实际调谐、发声 really tunes and sounds", "射频 radio", TUNER if radio else SOUND),)
    return (
        Clause(
            f"{number}.1",
            f"{name} 适配器 应急接入",
            "emergency input",
            "abcdef",
            "ab",
            (
                Row("c", f"平台消息接入，编码为{out} the platform's message becomes {name}"),
                *on_air,
                Row("d", "无线多通道接收 reception over radio channels", not_run=RADIO),
                _watched("e"),
                _listen("f"),
            ),
        ),
        Clause(
            f"{number}.2",
            f"{name} 适配器 本地接入",
            "local input",
            "abcdef",
            "ab",
            (
                Row("c", f"本地播发请求编码为{out} a local request becomes {name}", "请求 request"),
                Row("c", "话筒、DVD 声音 sound of microphone or DVD", "声音 sound", HARDWARE),
                Row("d", "USB 音频文件 audio file on USB", not_run=HARDWARE),
                _watched("e"),
                _listen("f"),
            ),
        ),
        Clause(
            f"{number}.3",
            f"{name} 适配器 播发控制",
            "broadcast control",
            "abcde",
            "ab",
            (
                Row("c", f"区域、频率、音量进入{out} area, frequency and volume are in it"),
                _watched("d"),
                Row("e", "仿真终端：仅被寻址者播发，音量为指定值 emulated: who is addressed plays, at that volume"),
                *tuned,
            ),
        ),
        Clause(
            f"{number}.4",
            f"{name} 适配器 分发传输",
            "distribution",
            "abcdef",
            "ab",
            (
                Row("c", f"两个区域的消息编码为{out} messages for two regions are encoded"),
                Row("d", "两条不同指令同时输出 two different commands at the same time"),
                _watched("e"),
                _listen("f"),
            ),
        ),
        Clause(
            f"{number}.5",
            f"{name} 适配器 安全服务",
            "security",
            "abcd",
            "ab",
            (
                Row("c", "验证上级指令后自行签名 the command is checked, the output signed by the adapter's own key"),
                Row("d", "签名符合 GD/J 081 signature as 081 has it"),
                Row(
                    "d",
                    "未签名、伪造、过期、重放的指令不生效 unsigned, forged, old, replayed commands do nothing",
                    "补充 more",
                ),
            ),
        ),
        Clause(
            f"{number}.6",
            f"{name} 适配器 数据回传",
            "return of data",
            "abc",
            "ab",
            (
                Row(
                    "c", "0x08 查询所得按附录 E 送达指定地址 values asked for arrive by appendix E at the address named"
                ),
            ),
        ),
        Clause(
            f"{number}.7",
            f"{name} 适配器 运行管理",
            "management",
            "abcde",
            "abd",
            (
                Row("c", "白名单更新 0x0C the white list is taken", "白名单 white list"),
                Row("c", "回传地址与周期 0x0D where and how often it reports", "回传参数 return"),
                Row("c", "证书更新 0x41 its certificates are renewed", "证书 certificates"),
                Row("e", "脱离平台：本地播发并留存记录 without platform: local broadcast, kept records", "本地 local"),
                Row("e", "脱离平台：无线接入 without platform: input by radio", "无线 radio", RADIO),
            ),
        ),
    )


ADAPTERS = tuple(clause for number in _OUT for clause in _clauses(number))
