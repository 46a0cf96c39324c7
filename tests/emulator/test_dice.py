from __future__ import annotations

from emulator.dice import Dice, seed_of, standing


def test_same_seed_same_throws() -> None:
    assert [Dice(5).bits() for _ in range(3)] == [Dice(5).bits()] * 3
    assert Dice(5).data(20) == Dice(5).data(20)
    assert len(Dice(5).data(13)) == 13
    assert Dice(5).bits() != Dice(6).bits()


def test_known_value_of_splitmix64() -> None:
    """First output for seed 1234567, as published with the generator."""
    assert Dice(1234567).bits() == 6457827717110365317


def test_probabilities() -> None:
    dice = Dice(1)
    assert not any(dice.hits(0.0) for _ in range(100))
    assert all(dice.hits(1.0) for _ in range(100))
    assert 150 < sum(dice.hits(0.2) for _ in range(1000)) < 250
    assert {dice.below(3) for _ in range(100)} == {0, 1, 2}


def test_standing_is_even_and_differs_by_purpose() -> None:
    names = [f"terminal {n}" for n in range(2000)]
    assert 850 < sum(standing(1, name) < 0.5 for name in names) < 1150
    assert any(standing(1, name) != standing(1, name, "other") for name in names)
    assert seed_of(1, "a") != seed_of(2, "a")
