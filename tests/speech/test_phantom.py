"""Invented words are dropped, a caller's words are kept."""

from __future__ import annotations

import pytest

from voxbot.speech.phantom import SpeechEvidence, is_phantom

TERMS = "разрывная машина, РЭМ, сроки доставки, свидетельство о поверке, твердомер, часы работы, адрес"
SURE = SpeechEvidence(average_logprob=-0.3, no_speech_probability=0.02)
DOUBTFUL = SpeechEvidence(average_logprob=-0.6, no_speech_probability=0.3)


@pytest.mark.parametrize(
    "text",
    [
        "Продолжение следует...",
        "Субтитры сделал DimaTorzok",
        "Субтитры создавал DimaTorzok",
        "Редактор субтитров А.Семкин Корректор А.Егорова",
        "Спасибо за просмотр!",
        "ДИНАМИЧНАЯ МУЗЫКА",
        "Сроки, сроки доставки, сроки доставки, сроки доставки, сроки доставки",
        "Пирог, пирог, пирог, пирог, пирог, пирог",
        "ТОТОТОТОТОТОТОТОТОТО",
        "та-та-та-та-та-та-та-та-та-та",
        "Ооооооооооо",
        "Разрывная машина, РЭМ, сроки доставки",
        "сроки доставки, свидетельство о поверке, твердомер, часы работы",
        "",
        "…",
    ],
)
def test_what_nobody_says_is_dropped_however_sure_the_recogniser_is(text):
    assert is_phantom(text, SURE, TERMS)


@pytest.mark.parametrize(
    "text",
    [
        "Здравствуйте, сколько стоит разрывная машина РЭМ?",
        "Разрывная машина РЭМ",
        "Сроки доставки?",
        "Адрес.",
        "Часы работы, адрес.",
        "Свидетельство о поверке вы выдаёте?",
        "Да, да, да, да.",
        "Восемь восемьсот пять пять пять три пять три пять",
        "8 800 555 55 55",
        "Спасибо, до свидания.",
        "Спасибо.",
        "РЭМ 100",
        "Музыка у вас на линии странная",
        "Машина на 10000000000 ньютонов",
    ],
)
def test_what_a_caller_says_is_kept(text):
    assert not is_phantom(text, SURE, TERMS)


@pytest.mark.parametrize("text", ["Спасибо за внимание.", "Пока!", "ВЗДЫХАЕТ ГЛУБОКО", "Твердомер", "Выстрел"])
def test_doubtful_words_need_speech_behind_them(text):
    assert is_phantom(text, DOUBTFUL, TERMS)
    assert not is_phantom(text.capitalize(), SURE, TERMS)


def test_the_recognisers_own_doubt_is_enough():
    assert is_phantom("Слышь, не надо.", SpeechEvidence(-2.0, 0.45))
    assert is_phantom("Тихо летит снег.", SpeechEvidence(-0.8, 0.7))
    assert is_phantom("Где вы находитесь?", SpeechEvidence(-0.3, 0.95))


def test_one_sign_of_doubt_is_not():
    assert not is_phantom("Где вы находитесь?", SpeechEvidence(-0.4, 0.66))
    assert not is_phantom("Двадцать пять", SpeechEvidence(-1.6, 0.03))
