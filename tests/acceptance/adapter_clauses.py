"""F.1 RDS, F.2 TS and F.3 IP adapters 适配器: seven measurements each, alike but for what comes out."""

from __future__ import annotations

from tests.acceptance.clauses import EARS, HARDWARE, RADIO, SOUND, TUNER, Clause, Row, control

_OUT = {
    "F.1": ("RDS", "GD/J 085 数据包 RDS packets"),
    "F.2": ("TS", "GD/J 086 表（PID 0x21）tables"),
    "F.3": ("IP", "附录 D 数据帧 frames of appendix D"),
}


def _watched(letter: str) -> Row:
    return Row(letter, "接入、编码、分发的运行状态可见 input, encoding and distribution are watched")


def _listen(letter: str) -> Row:
    return Row(letter, "监听音箱播出内容正确 a monitor loudspeaker says the right thing", not_run=EARS)


def _input(number: str, name: str, out: str) -> Clause:
    on_air = (Row("c", "调频副载波输出 the subcarrier is on the air", "射频 radio", TUNER),) if number == "F.1" else ()
    return Clause(
        f"{number}.1",
        f"{name} 适配器 应急接入",
        "emergency input",
        "abcdef",
        "ab",
        "测试系统以 0x04 下发橙色开播，凤城镇 the test system starts an orange broadcast in one town by 0x04",
        (
            Row("c", f"接收后编码为{out}: the command comes out as {name}"),
            *on_air,
            Row("d", "无线多通道接收 reception over radio channels", not_run=RADIO),
            _watched("e"),
            _listen("f"),
            control("未签名的 0x04 无输出 an unsigned 0x04 puts nothing out; 输出中断可见 a broken output is seen"),
        ),
    )


def _local(number: str, name: str, out: str) -> Clause:
    return Clause(
        f"{number}.2",
        f"{name} 适配器 本地接入",
        "local input",
        "abcdef",
        "ab",
        "值班员在适配器本机接口发布应急消息 a warning is posted at the adapter's own interface",
        (
            Row("c", f"本地播发请求编码为{out}: a local request comes out as {name}", "请求 request"),
            Row("c", "话筒、DVD 声音 sound of microphone or DVD", "声音 sound", HARDWARE),
            Row("d", "USB 音频文件 audio file on USB", not_run=HARDWARE),
            _watched("e"),
            _listen("f"),
            control("越权的本地请求被拒、无输出 a request outside its key's rights is refused and puts nothing out"),
        ),
    )


def _broadcast_control(number: str, name: str, out: str) -> Clause:
    volume = "0x04 带音量 with its volume" if number == "F.3" else "音量先以 0x06 设定 the volume is set by 0x06 before"
    words = "area and volume are in it" if number == "F.3" else "area, frequency and volume come out"
    radio = (Row("e", "实际调谐、发声 really tunes and sounds", "射频 radio", TUNER if number != "F.3" else SOUND),)
    return Clause(
        f"{number}.3",
        f"{name} 适配器 播发控制",
        "broadcast control",
        "abcde",
        "ab",
        f"0x04 指定凤城镇；{volume}；频率取自输出的设置 for one town; the frequency is that of the output's settings",
        (
            Row("c", f"{out}含指定区域、频率（IP 无）、音量 {words}"),
            _watched("d"),
            Row("e", "仿真终端：被寻址者以指定音量播发 emulated: who is addressed plays, at that volume"),
            *radio,
            control("未被寻址的终端不播发、音量不变 who is not addressed neither plays nor changes its volume"),
        ),
    )


def _distribution(number: str, name: str, out: str) -> Clause:
    return Clause(
        f"{number}.4",
        f"{name} 适配器 分发传输",
        "distribution",
        "abcdef",
        "ab",
        "两条 0x04，两个镇 two starts for two towns",
        (
            Row("c", f"两条消息均编码为{out}: both come out as {name}"),
            Row("d", "两条不同指令同时输出 two different commands at the same time"),
            _watched("e"),
            _listen("f"),
            control("各终端只播本镇的消息 each terminal plays its own town's message and no other"),
        ),
    )


def _security(number: str, name: str) -> Clause:
    return Clause(
        f"{number}.5",
        f"{name} 适配器 安全服务",
        "security",
        "abcd",
        "ab",
        "测试系统以 0x04 开播，签名 the test system starts a broadcast by a signed 0x04",
        (
            Row(
                "c",
                "验证上级签名后以自身密钥签名输出 the superior's signature is checked, its own is put out",
            ),
            Row("d", "输出的签名符合 GD/J 081 the output's signature is as GD/J 081 has it"),
            control(
                "未签名、他人密钥、未知证书、过期、篡改、重放的 0x04 不生效 "
                "unsigned, by another key, under an unknown certificate, old, altered, replayed: nothing plays"
            ),
        ),
    )


def _returned(number: str, name: str) -> Clause:
    return Clause(
        f"{number}.6",
        f"{name} 适配器 数据回传",
        "return of data",
        "abc",
        "ab",
        "0x08 查询音量、资源编码、工作状态，指定回传地址 a query by 0x08 that names a return address",
        (
            Row("c", "所查数据按附录 E 送达该地址 the values arrive there by appendix E"),
            control("未签名的 0x08 无回传 an unsigned 0x08 brings nothing back"),
        ),
    )


def _management(number: str, name: str) -> Clause:
    return Clause(
        f"{number}.7",
        f"{name} 适配器 运行管理",
        "management",
        "abcde",
        "abd",
        "配置 0x0C、0x0D、0x41；再断开平台离线运行 settings by 0x0C, 0x0D, 0x41; then without the platform",
        (
            Row("c", "白名单更新 0x0C the white list is taken", "白名单 white list"),
            Row("c", "回传地址与周期 0x0D where and how often it reports", "回传参数 return"),
            Row("c", "证书更新 0x41 certificates are renewed", "证书 certificates"),
            Row("e", "离线：本地播发并留存记录 without the platform: local broadcast, records kept", "本地 local"),
            Row("e", "离线：无线接入 without the platform: input by radio", "无线 radio", RADIO),
            control("未签名的 0x0C、0x0D、0x41 被拒且无变化 unsigned ones are refused and change nothing"),
        ),
    )


ADAPTERS = tuple(
    clause
    for number, (name, out) in _OUT.items()
    for clause in (
        _input(number, name, out),
        _local(number, name, out),
        _broadcast_control(number, name, out),
        _distribution(number, name, out),
        _security(number, name),
        _returned(number, name),
        _management(number, name),
    )
)
