"""Which voice is given what, and when a person must speak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError, NoVoice, SettingsError
from gateway.programmes.clean import clean
from gateway.programmes.pinyin import Pinyin
from gateway.programmes.voices import ENGLISH, MANDARIN, Stretch, Voices


def test_latin_letters_in_a_chinese_text_have_the_english_voice(voices: Voices) -> None:
    assert voices.spoken("使用GPS定位", "zh-CN").stretches == (
        Stretch(MANDARIN, "shi3 yong4"),
        Stretch(ENGLISH, "G P S"),
        Stretch(MANDARIN, "ding4 wei4"),
    )


@pytest.mark.parametrize("language", ["yue", "yue-Hant-HK", "zh-HK", "ug", "bo", "fr", "", "x-none"])
def test_a_language_that_nobody_vouches_for_goes_to_a_person(voices: Voices, language: str) -> None:
    with pytest.raises(NoVoice):
        voices.spoken("暴雨红色预警", language)


def test_an_operator_adds_a_voice_that_somebody_heard() -> None:
    spoken = Voices(Pinyin(), ["fr=fr-fr"]).spoken("Alerte", "fr-CA")
    assert spoken.stretches == (Stretch("fr-fr", "Alerte"),)


@pytest.mark.parametrize("line", ["fr", "=fr-fr", "fr=", "fr=../x", "fr=a b"])
def test_a_wrong_voice_setting_is_named(line: str) -> None:
    with pytest.raises(SettingsError, match=r"sound\.voices"):
        Voices(Pinyin(), [line])


def test_a_chinese_warning_without_chinese_goes_to_a_person(voices: Voices) -> None:
    with pytest.raises(NoVoice, match="no Han character"):
        voices.spoken("Typhoon", "zh-CN")


def test_a_text_of_which_a_tenth_is_unreadable_goes_to_a_person(voices: Voices) -> None:
    with pytest.raises(NoVoice, match="have no reading"):
        voices.spoken("暴雨 وارنىڭ", "zh")
    with pytest.raises(NoVoice, match="have no reading"):
        voices.spoken("Rain 暴雨红色预警", "en")


def test_a_few_unread_characters_are_named(voices: Voices) -> None:
    spoken = voices.spoken("暴雨红色预警信号请注意防范山洪灾害远离低洼Ω", "zh")
    assert spoken.unread == ("Ω",)


def test_english_units_and_telephones(voices: Voices) -> None:
    (stretch,) = voices.spoken("Wind 25 m/s, rain 50-100 mm, call 12379", "en-GB").stretches
    assert stretch.text == "Wind 25 metres per second, rain 50 to 100 millimetres, call 1 2 3 7 9"


@given(st.text(max_size=60), st.sampled_from(["zh", "en"]))
def test_no_escape_of_the_program_passes(text: str, language: str) -> None:
    try:
        spoken = Voices(Pinyin()).spoken(clean(f"暴雨预警信号红色 warning in force {text}", 4000), language)
    except NoVoice:
        return
    for stretch in spoken.stretches:
        assert not set(stretch.text) & set("[]{}<>|\\\0")


@pytest.mark.parametrize("text", ["", "   ", "。。。", "[[]]", "\0\u200b"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="must hold words"):
        clean(text, 100)


def test_a_text_beyond_the_limit_is_refused() -> None:
    assert clean("雨" * 100, 100) == "雨" * 100
    with pytest.raises(InvalidValueError, match="at most 100"):
        clean("雨" * 101, 100)


def test_compatibility_forms_are_folded_and_full_stops_of_lists_kept() -> None:
    assert clean("１２㎜，３４ ", 100) == "12mm，34"
