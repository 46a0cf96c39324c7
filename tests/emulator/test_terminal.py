from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.dice import Dice
from emulator.effects import Effect, HangUp, Note, Report, Send
from emulator.faults import Faults
from emulator.hearing import Ears
from emulator.journal import Event
from emulator.settings import TerminalSettings
from emulator.terminal import Terminal
from gateway.domain.codes import AreaCode, CertificateSerial, ResourceCode
from gateway.domain.targets import TargetForm, target_codes
from gateway.protocols import feedback, ip
from gateway.protocols.feedback_bodies import BroadcastResult, FaultReport, QueryAnswer, TaskSwitch
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import (
    CertificateAuthorisation,
    GeneralAnswer,
    Heartbeat,
    ParameterSetting,
    StatusQuery,
    UnknownBody,
)
from gateway.protocols.parameters import Parameter, PhysicalValue, ResourceCodeSetting, ReturnAddress
from gateway.security.sm2 import default_provider
from tests.emulator.reference import CERTIFICATE, NOON, PLATFORM, Commands, device, ebm, keys

OWN = device().code


def terminal(faults: Faults | None = None, *, connected: bool = True, **settings: Any) -> Terminal:
    ears = Ears({CERTIFICATE: keys().public}, default_provider())
    made = Terminal(device(), ears, TerminalSettings(**settings), Dice(1))
    made.power_on(NOON)
    if connected:
        register(made)
    if faults is not None:
        made.set_faults(faults)
    return made


def register(made: Terminal, now: float = NOON) -> list[Effect]:
    effects = made.connection_made(now)
    beat = ip.parse(sent(effects)[0])
    return made.receive(ip.build(ip.answer_to(beat, WireCode.of(PLATFORM), 0)), now)


def sent(effects: list[Effect]) -> list[bytes]:
    return [effect.data for effect in effects if isinstance(effect, Send)]


def answers(effects: list[Effect]) -> list[int]:
    bodies = [ip.parse(data).body for data in sent(effects)]
    return [body.result for body in bodies if isinstance(body, GeneralAnswer)]


def events(effects: list[Effect]) -> list[Event]:
    return [effect.event for effect in effects if isinstance(effect, Note)]


def bodies(effects: list[Effect]) -> list[feedback.Body]:
    return [feedback.parse(effect.data).body for effect in effects if isinstance(effect, Report)]


def test_registers_with_first_flag_1_then_2() -> None:
    made = terminal(connected=False)
    first = ip.parse(sent(made.connection_made(NOON))[0])
    assert first.body == Heartbeat(1, 1, made.device.physical)
    assert first.targets[0].digits is None
    effects = made.receive(ip.build(ip.answer_to(first, WireCode.of(PLATFORM), 0)), NOON)
    assert events(effects) == [Event.REGISTERED]
    assert made.due == NOON + 10
    again = ip.parse(sent(made.advance(NOON + 10))[0])
    assert again.body == Heartbeat(1, 2, made.device.physical)
    assert again.targets[0].code == PLATFORM


def test_first_flag_stays_1_until_answered_and_returns_with_a_restart() -> None:
    made = terminal(connected=False)
    made.connection_made(NOON)
    retry = ip.parse(sent(made.advance(NOON + 3))[0])
    assert isinstance(retry.body, Heartbeat)
    assert retry.body.first == 1
    register(made, NOON + 4)
    made.connection_lost("gone")
    reconnected = ip.parse(sent(made.connection_made(NOON + 5))[0]).body
    assert isinstance(reconnected, Heartbeat)
    assert reconnected.first == 2
    made.power_off(NOON + 6, "reboot")
    made.power_on(NOON + 6)
    restarted = ip.parse(sent(made.connection_made(NOON + 7))[0]).body
    assert isinstance(restarted, Heartbeat)
    assert restarted.first == 1


def test_registration_refused_is_noted_and_not_counted() -> None:
    made = terminal(connected=False)
    beat = ip.parse(sent(made.connection_made(NOON))[0])
    effects = made.receive(ip.build(ip.answer_to(beat, WireCode.of(PLATFORM), 59)), NOON)
    assert events(effects) == [Event.REFUSED]
    assert not made.registered


def test_mute_platform_is_given_up() -> None:
    made = terminal(heartbeat=1.0, missed_limit=3)
    now, effects = NOON, list[Effect]()
    while not any(isinstance(effect, HangUp) for effect in effects):
        now = made.due
        effects = made.advance(now)
        assert now < NOON + 10
    assert now == pytest.approx(NOON + 4)


def test_start_is_answered_played_and_reported() -> None:
    made = terminal()
    effects = made.receive(Commands().start(1, length=60), NOON)
    assert events(effects) == [Event.START_RECEIVED, Event.ANSWERED, Event.PLAYING]
    assert answers(effects) == [0]
    answer = ip.parse(sent(effects)[0])
    assert (answer.session, answer.service_type, answer.source.code) == (101, 1, OWN)
    assert isinstance(bodies(effects)[0], TaskSwitch)
    assert made.device.volume == 80
    effects = made.advance(NOON + 59)
    assert events(effects) == [Event.ENDED]
    task, result = bodies(effects)
    assert isinstance(task, TaskSwitch)
    assert task.switch == 2
    assert isinstance(result, BroadcastResult)
    assert (result.result, result.start, result.end, result.times) == (1, int(NOON), int(NOON) + 59, 1)


def test_scale_shortens_air_time() -> None:
    made = terminal(scale=10)
    made.receive(Commands().start(1, begin=0, length=60), NOON)
    assert events(made.advance(NOON + 6)) == [Event.ENDED]


def test_stop_ends_the_play_before_it_is_answered() -> None:
    made, commands = terminal(), Commands()
    made.receive(commands.start(1), NOON)
    effects = made.receive(commands.stop(1), NOON + 5)
    assert events(effects) == [Event.STOP_RECEIVED, Event.STOPPED, Event.ANSWERED]
    result = bodies(effects)[1]
    assert isinstance(result, BroadcastResult)
    assert (result.result, result.text, result.end) == (1, "stopped", int(NOON) + 5)
    assert made.broadcast.on_air is None


def test_start_of_a_stopped_message_is_refused_and_silent() -> None:
    made, commands = terminal(), Commands()
    made.receive(commands.stop(1), NOON)
    effects = made.receive(commands.start(1), NOON)
    assert answers(effects) == [54]
    assert Event.PLAYING not in events(effects)


def test_same_message_in_a_new_frame_is_answered_0_and_played_once() -> None:
    made, commands = terminal(), Commands()
    made.receive(commands.start(1), NOON)
    effects = made.receive(commands.start(1), NOON + 1)
    assert answers(effects) == [0]
    assert events(effects) == [Event.START_RECEIVED, Event.ANSWERED]


def test_same_frame_gets_the_stored_answer_then_counts_as_replay() -> None:
    made, frame = terminal(), Commands().start(1)
    first = made.receive(frame, NOON)
    again = made.receive(frame, NOON + 30)
    assert sent(again) == sent(first)
    assert events(again) == [Event.ANSWERED]
    late = made.receive(frame, NOON + 61)
    assert answers(late) == [52]
    assert events(late) == [Event.REFUSED, Event.ANSWERED]


def test_stored_answer_outlives_the_line_and_not_the_power() -> None:
    made, frame = terminal(), Commands().start(1)
    made.receive(frame, NOON)
    made.connection_lost("gone")
    register(made, NOON + 1)
    assert events(made.receive(frame, NOON + 2)) == [Event.ANSWERED]
    assert events(made.power_off(NOON + 3, "reboot")) == [Event.ENDED, Event.REBOOT]
    made.power_on(NOON + 3)
    register(made, NOON + 4)
    assert Event.PLAYING in events(made.receive(frame, NOON + 5))


def test_old_signature_time_is_refused() -> None:
    assert answers(terminal().receive(Commands(now=NOON - 301).start(1, begin=301), NOON)) == [52]


def test_skewed_clock_refuses_until_it_is_set() -> None:
    made, commands = terminal(Faults(skew=3600)), Commands()
    assert answers(made.receive(commands.start(1), NOON)) == [52]
    commands.now = NOON + 3600
    assert answers(made.receive(commands.request(ParameterSetting((Parameter(6, int(NOON)),))), NOON)) == [0]
    commands.now = NOON
    assert answers(made.receive(commands.start(1), NOON)) == [0]


def test_wrong_unknown_and_missing_signature() -> None:
    made, commands = terminal(), Commands()
    commands.certificate = CertificateSerial("000000000099")
    assert answers(made.receive(commands.start(1), NOON)) == [52]
    good = ip.parse(Commands().start(2))
    assert answers(made.receive(ip.build(ip.request(9, PLATFORM, commands.targets, good.body)), NOON)) == [52]
    assert good.signature is not None
    forged = ip.assemble(ip.unsigned_part(ip.request(10, PLATFORM, commands.targets, good.body)), good.signature)
    assert answers(made.receive(forged, NOON)) == [52]
    assert made.broadcast.on_air is None


@pytest.mark.parametrize("form", list(TargetForm))
def test_area_matches_in_every_form(form: TargetForm) -> None:
    area = AreaCode("350582000000") if form is not TargetForm.OWN else OWN.area
    effects = terminal().receive(Commands(targets=target_codes(area, form)).start(1), NOON)
    assert answers(effects) == [0]


def test_other_areas_are_ignored_in_silence() -> None:
    made = terminal()
    frame = Commands(targets=target_codes(AreaCode("350521000000"), TargetForm.STD)).start(1)
    for now in (NOON, NOON + 1):
        assert sent(made.receive(frame, now)) == []
    assert made.broadcast.on_air is None


def test_unicast_by_code() -> None:
    assert answers(terminal().receive(Commands(targets=(OWN,)).start(1), NOON)) == [0]


def test_emergency_over_daily_and_the_daily_goes_on() -> None:
    made, commands = terminal(), Commands()
    made.receive(commands.start(1, ebm_class=5, severity=4, length=61), NOON)
    effects = made.receive(commands.start(2, length=31), NOON)
    assert events(effects) == [Event.START_RECEIVED, Event.ANSWERED, Event.PAUSED, Event.PLAYING]
    effects = made.advance(NOON + 30)
    assert events(effects) == [Event.ENDED, Event.RESUMED]
    assert [type(body) for body in bodies(effects)] == [TaskSwitch, BroadcastResult, TaskSwitch]
    assert events(made.advance(NOON + 60)) == [Event.ENDED]


def test_lower_gets_73_where_no_queue_is_kept() -> None:
    made, commands = terminal(keeps_queue=False), Commands()
    made.receive(commands.start(1), NOON)
    assert answers(made.receive(commands.start(2, ebm_class=5), NOON)) == [73]


def test_missed_message_is_reported_as_failed() -> None:
    made, commands = terminal(), Commands()
    made.receive(commands.start(1, length=61), NOON)
    made.receive(commands.start(2, ebm_class=5, length=31), NOON)
    effects = made.advance(NOON + 30)
    assert events(effects) == [Event.MISSED]
    (result,) = bodies(effects)
    assert isinstance(result, BroadcastResult)
    assert result.result == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [({"ebm_class": 0}, "class"), ({"severity": 0}, "severity"), ({"volume": 101}, "volume"),
     ({"begin": 5, "length": 0}, "end before start"), ({"begin": -60, "length": 30}, "message is over")],
)  # fmt: skip
def test_wrong_fields_of_a_start_get_54(change: dict[str, int], field: str) -> None:
    effects = terminal().receive(Commands().start(1, **change), NOON)  # type: ignore[arg-type]
    assert answers(effects) == [54]
    body = ip.parse(sent(effects)[0]).body
    assert isinstance(body, GeneralAnswer)
    assert body.text == field


def test_wrong_checksum_gets_15_wrong_structure_13_unknown_type_55() -> None:
    made, commands = terminal(), Commands()
    good = commands.start(1)
    assert answers(made.receive(good[:-1] + bytes((good[-1] ^ 1,)), NOON)) == [15]
    cut = ip.parse(commands.stop(1))
    short = ip.IpPacket(9, cut.source, cut.targets, 2, UnknownBody(bytes(17)))
    assert answers(made.receive(ip.build(short), NOON)) == [13]
    unknown = ip.IpPacket(10, cut.source, cut.targets, 0x20, UnknownBody(b"\1\2"))
    signed = ip.build_signed(unknown, commands._sign)
    assert answers(made.receive(signed, NOON)) == [55]
    assert answers(made.receive(good, NOON)) == [0]


def test_parameters_are_set_and_queried() -> None:
    made, commands = terminal(), Commands()
    code = ResourceCode.build(6, AreaCode("350582100777"))
    settings_ = (
        Parameter(1, 33),
        Parameter(3, ReturnAddress(1, "127.0.0.1", 8889)),
        Parameter(4, ResourceCodeSetting(made.device.physical, WireCode.of(code))),
        Parameter(5, 1),
        Parameter(7, 60),
    )
    assert answers(made.receive(commands.request(ParameterSetting(settings_)), NOON)) == [0]
    assert (made.device.volume, made.device.code, made.device.amplifier_on) == (33, code, False)
    effects = made.receive(commands.request(StatusQuery((1, 3, 4, 5, 6, 200)), session=777), NOON)
    (report,) = [effect for effect in effects if isinstance(effect, Report)]
    packet = feedback.parse(report.data)
    assert (packet.session, packet.packet_type, packet.source.code) == (777, 2, code)
    assert isinstance(packet.body, QueryAnswer)
    assert packet.body.params == (
        Parameter(1, 33),
        Parameter(3, ReturnAddress(1, "127.0.0.1", 8889)),
        Parameter(4, WireCode.of(code)),
        Parameter(5, PhysicalValue(made.device.physical)),
        Parameter(6, 1),
    )
    made.advance(NOON + 10)
    assert made.due == NOON + 70


@pytest.mark.parametrize(
    ("parameter", "code"),
    [(Parameter(1, 101), 54), (Parameter(9, b"x"), 55), (Parameter(5, 3), 54),
     (Parameter(4, ResourceCodeSetting(b"\x99" * 6, WireCode.of(OWN))), 71),
     (Parameter(4, WireCode(b"\xff" * 12)), 59)],
)  # fmt: skip
def test_wrong_parameters(parameter: Parameter, code: int) -> None:
    made = terminal()
    assert answers(made.receive(Commands().request(ParameterSetting((parameter,))), NOON)) == [code]
    assert made.device.code == OWN


def test_certificates_are_kept() -> None:
    made = terminal()
    frame = Commands().request(CertificateAuthorisation((b"list",), (b"certificate",)))
    assert answers(made.receive(frame, NOON)) == [0]
    assert made.device.certificates == (b"list", b"certificate")


def test_fault_is_reported_on_command() -> None:
    (body,) = bodies(terminal().report_fault(3, gone=False, text="功放异常", now=NOON))
    assert isinstance(body, FaultReport)
    assert (body.flag, body.fault_type, body.text, body.time) == (1, 3, "功放异常", int(NOON))


def test_frame_in_pieces_and_in_noise() -> None:
    made, frame = terminal(), Commands().start(1)
    collected: list[Effect] = []
    for byte in b"\xfe\xfd\x00garbage" + frame:
        collected += made.receive(bytes((byte,)), NOON)
    assert answers(collected) == [0]


def test_frame_that_never_becomes_whole_is_given_up() -> None:
    made, commands = terminal(), Commands()
    made.receive(commands.start(1)[:50], NOON)
    assert made.due == NOON + 5
    made.advance(NOON + 5)
    assert answers(made.receive(commands.start(2), NOON + 6)) == [0]


def test_refusal_silence_drop_and_reboot() -> None:
    frame = Commands().start(1)
    assert answers(terminal(Faults(refuse=31)).receive(frame, NOON)) == [31]
    silent = terminal(Faults(silent=True))
    effects = silent.receive(frame, NOON)
    assert (sent(effects), bodies(effects)) == ([], [])
    assert silent.broadcast.on_air == ebm(1)
    assert not silent.reachable
    assert [type(effect) for effect in terminal(Faults(drop=1)).receive(frame, NOON)] == [HangUp]
    assert terminal(Faults(reboot=1)).receive(frame, NOON) == [HangUp("reboot by fault", reboot=True)]


def test_loss_is_the_same_for_the_same_seed() -> None:
    def run() -> list[int]:
        made, commands = terminal(Faults(loss=0.5)), Commands()
        return [len(sent(made.receive(commands.start(n + 1), NOON))) for n in range(40)]

    first = run()
    assert first == run()
    assert 2 < sum(first) < 25


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_raises_nothing(data: bytes) -> None:
    made = GARBAGE_VICTIM
    made.receive(data, NOON)
    made.advance(NOON + 6)
    assert made.broadcast.on_air is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 180), st.integers(0, 7))
def test_a_flipped_bit_never_plays(position: int, bit: int) -> None:
    made = terminal()
    frame = bytearray(FRAME)
    frame[position % len(frame)] ^= 1 << bit
    made.receive(bytes(frame), NOON)
    assert made.broadcast.on_air is None


GARBAGE_VICTIM = terminal()
FRAME = Commands().start(1)
