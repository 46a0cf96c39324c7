import pytest

from gateway.errors import FrameError, MalformedFrame
from gateway.protocols import ip, ip_legacy
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import Auxiliary, Heartbeat, StartBroadcast, UnknownBody
from tests.protocols.golden import changed, frame


@pytest.mark.parametrize("name", ["R4a", "C46"])
def test_the_drafts_are_read_and_written_to_the_byte(name: str) -> None:
    assert ip_legacy.build(ip_legacy.parse(frame(name))) == frame(name)


def test_the_captured_answer_to_0x30_has_a_time_and_four_bytes_more() -> None:
    # source 060610100000000000 | 0001 060620160000000100 | 30 000B | 00 0004 59DCF79C 00000000
    packet = ip_legacy.parse(frame("R4a"))
    assert packet.body == ip_legacy.LegacyAnswer(0, bytes.fromhex("59DCF79C"), bytes(4))
    assert (packet.source.digits, packet.service_type) == ("060610100000000000", 0x30)


def test_start_with_sound() -> None:
    body = ip_legacy.parse(frame("C46")).body
    assert isinstance(body, StartBroadcast)
    assert body.ebm_id.text == "060610100000000000201709150001"
    audio = ip_legacy.audio_of(body.aux[0])
    assert audio is not None
    assert (audio.protocol, audio.codec, audio.pid, audio.url) == (1, 1, 0, b"rtsp://10.0.0.9:554/a.mp3")


def test_other_auxiliaries_are_no_sound() -> None:
    assert ip_legacy.audio_of(Auxiliary(1, bytes(20))) is None
    assert ip_legacy.audio_of(Auxiliary(2, bytes(12))) is None


def test_heartbeats_and_vendor_types_of_the_drafts() -> None:
    code = WireCode.of("062016000000010030")
    for service_type, body in ((0x10, Heartbeat(1, 1, b"\1\2")), (0xA1, UnknownBody(b"any"))):
        packet = ip.IpPacket(1, code, (code,), service_type, body)
        assert ip_legacy.parse(ip_legacy.build(packet)) == packet


@pytest.mark.parametrize("at", [11, 22, 34])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_length_off_by_one_is_refused(at: int, by: int) -> None:
    with pytest.raises(FrameError):
        ip_legacy.parse(changed(frame("C46"), at, by))


def test_each_profile_refuses_the_frames_of_the_other() -> None:
    with pytest.raises(MalformedFrame):
        ip.parse(frame("C46"))
    with pytest.raises(MalformedFrame):
        ip_legacy.parse(frame("C5"))
