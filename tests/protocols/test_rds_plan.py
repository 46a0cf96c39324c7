import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError, NotFoundError, OverloadedError
from gateway.protocols.rds_frames import Assembled, FrameAssembler, split
from gateway.protocols.rds_plan import FOR_EVER, Carousel
from tests.protocols.rds_golden import bytes_of

START, TEXT, VOLUME = bytes_of("C20"), bytes_of("C99"), bytes_of("C101")


def keys(carousel: Carousel, now: float) -> list[str]:
    return [sent.key for sent in carousel.due(now)]


def test_three_sendings_a_tenth_of_a_second_apart() -> None:
    carousel = Carousel()
    assert carousel.put("start", 4, START, now=10.0, interval=0.1, count=3) == 0
    (sent,) = carousel.due(10.0)
    assert (sent.level, sent.version, sent.packet, list(sent.frames)) == (4, 0, START, split(START, 4, 0))
    assert carousel.due(10.05) == []
    assert carousel.next_due() == pytest.approx(10.1)
    assert keys(carousel, 10.11) == ["start"]
    assert keys(carousel, 10.2) == ["start"]
    assert (len(carousel), carousel.next_due(), carousel.due(99.0)) == (0, None, [])


def test_for_ever_is_until_it_is_removed() -> None:
    carousel = Carousel()
    carousel.put("start", 4, START, now=0.0, interval=1.0, count=FOR_EVER)
    assert all(keys(carousel, float(second)) == ["start"] for second in range(600))
    assert "start" in carousel
    assert carousel.remove("start")
    assert not carousel.remove("start")
    assert carousel.due(1000.0) == []


def test_highest_priority_first() -> None:
    carousel = Carousel()
    carousel.put("daily", 6, VOLUME, now=0.0, priority=(2, 6))
    carousel.put("red", 4, START, now=1.0, priority=(0, 4, 1))
    carousel.put("blue", 4, TEXT, now=0.5, priority=(0, 4, 4))
    assert keys(carousel, 1.0) == ["red", "blue", "daily"]


def test_who_asks_late_gets_one_sending_and_no_burst() -> None:
    carousel = Carousel()
    carousel.put("start", 4, START, now=0.0, interval=0.1, count=100)
    assert keys(carousel, 50.0) == ["start"]
    assert carousel.due(50.05) == []
    assert carousel.next_due() == pytest.approx(50.1)


def test_versions_rise_with_each_changed_packet_of_a_level() -> None:
    carousel = Carousel()
    assert carousel.put("a", 4, START, now=0.0) == 0
    assert carousel.put("b", 4, TEXT, now=0.0) == 1
    assert carousel.put("c", 5, TEXT, now=0.0) == 0
    assert carousel.put("a", 4, START, now=5.0) == 0  # the same content again
    assert carousel.put("a", 4, VOLUME, now=5.0) == 2
    assert carousel.renew("b", START) == 3
    assert carousel.renew("b", START) == 3
    assert carousel.versions == {4: 3, 5: 0}
    assert {sent.version for sent in carousel.due(5.0)} == {2, 3, 0}


def test_versions_go_round_past_those_on_the_air() -> None:
    carousel = Carousel({4: 30})
    assert carousel.put("long", 4, START, now=0.0) == 31
    seen = [carousel.put("short", 4, TEXT if n % 2 else VOLUME, now=0.0) for n in range(33)]
    assert seen == [*range(31), 0, 1]


def test_a_renewed_packet_keeps_its_place_and_its_count() -> None:
    carousel = Carousel()
    carousel.put("start", 4, START, now=0.0, interval=1.0, count=2)
    assert keys(carousel, 0.0) == ["start"]
    carousel.renew("start", TEXT)
    assert carousel.due(0.5) == []
    (sent,) = carousel.due(1.0)
    assert (sent.packet, sent.version, list(sent.frames)) == (TEXT, 1, split(TEXT, 4, 1))
    assert len(carousel) == 0
    with pytest.raises(NotFoundError):
        carousel.renew("start", TEXT)


def test_put_again_begins_anew() -> None:
    carousel = Carousel()
    carousel.put("start", 4, START, now=0.0, interval=1.0, count=1)
    carousel.put("start", 4, START, now=7.0, interval=2.0, count=2)
    assert carousel.due(6.9) == []
    assert keys(carousel, 7.0) == ["start"]
    assert keys(carousel, 9.0) == ["start"]
    assert carousel.next_due() is None


def test_no_more_than_32_packets_of_a_level() -> None:
    carousel = Carousel()
    for number in range(32):
        carousel.put(str(number), 4, START[:-1] + bytes([number]), now=0.0)
    assert {sent.version for sent in carousel.due(0.0)} == set(range(32))
    with pytest.raises(OverloadedError):
        carousel.put("one more", 4, TEXT, now=0.0)
    assert "one more" not in carousel
    assert carousel.put("another level", 3, TEXT, now=0.0) == 0
    assert carousel.renew("5", TEXT) == 5  # nothing else is free
    carousel.remove("7")
    assert carousel.put("one more", 4, VOLUME, now=0.0) == 7


@pytest.mark.parametrize(
    ("level", "packet", "interval", "count", "field"),
    [
        (0, START, 1.0, 1, "level"),
        (7, START, 1.0, 1, "level"),
        (4, START, 0.0, 1, "interval"),
        (4, START, float("nan"), 1, "interval"),
        (4, START, 1.0, 0, "count"),
        (4, START, 1.0, 256, "count"),
        (4, bytes(2000), 1.0, 1, "packet"),
    ],
)
def test_what_cannot_circulate_is_named(level: int, packet: bytes, interval: float, count: int, field: str) -> None:
    carousel = Carousel()
    with pytest.raises(InvalidValueError) as caught:
        carousel.put("start", level, packet, now=0.0, interval=interval, count=count)
    assert caught.value.field == field
    assert (len(carousel), carousel.versions) == (0, {})


CHANGES = st.tuples(st.sampled_from("abcd"), st.integers(1, 6), st.sampled_from([START, TEXT, VOLUME]))


@given(st.lists(CHANGES, max_size=120))
def test_a_receiver_that_hears_all_has_what_circulates(changes: list[tuple[str, int, bytes]]) -> None:
    carousel, assembler, heard = Carousel(), FrameAssembler(), dict[tuple[int, int], bytes]()
    for now, (key, level, packet) in enumerate(changes):
        carousel.put(key, level, packet, now=float(now), interval=1.0)
        sent = carousel.due(float(now))
        assert len({(one.level, one.version) for one in sent}) == len(sent)
        for one in sent:
            for outcome in map(assembler.take, one.frames):
                if outcome is not None:
                    assert isinstance(outcome, Assembled)
                    heard[outcome.level, outcome.version] = outcome.raw
            assert heard[one.level, one.version] == one.packet
