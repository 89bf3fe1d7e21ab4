"""Units as callers say them become the units that the knowledge base is written with."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxbot.domain.errors import ConfigError
from voxbot.text.normalizer import Normalizer, normalize


@pytest.mark.parametrize(
    ("said", "canonical"),
    [
        (
            "Есть РЭМ на тысячу килоньютон, скорость 5 миллиметров в секунду при 220 вольт",
            "Есть РЭМ на тысячу кН, скорость 5 мм/с при 220 В",
        ),
        ("сто ка эн", "сто кН"),
        ("двести мэ-пэ-а и десять эм пэ а", "двести МПа и десять МПа"),
        ("пять ка‑вэ‑тэ", "пять кВт"),
        ("сто кило ньютонов", "сто кН"),
        ("100кн", "100 кН"),
        ("двести ньютонов на миллиметр квадратный", "двести Н/мм²"),
        ("десять килограмм-сил на квадратный сантиметр", "десять кгс/см²"),
        ("тремя тоннами силы", "тремя тс"),
        ("три тысячи оборотов в минуту", "три тысячи об/мин"),
        ("до ста пятидесяти с половиной мегапаскалей", "до ста пятидесяти с половиной МПа"),
        ("минус семьдесят градусов Цельсия", "минус семьдесят °C"),
        ("пять ньютон-метров", "пять Н·м"),
        ("десять киловатт-часов", "десять кВт·ч"),
        ("0,5 процента", "0,5 %"),
        ("50 Hz, 10 mm/min, 20 MPa", "50 Гц, 10 мм/мин, 20 МПа"),
        ("через 48 часов", "через 48 ч"),
    ],
)
def test_units_after_a_number(said, canonical):
    assert normalize(said) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "поехали в метро", "вольтметр на столе", "Ньютон открыл закон", "сто человек", "5 в день, 10 а также",
        "в девять часов", "угол 90 градусов", "несколько килограммов", "5 мм с допуском", "прессы", "кого",
    ],
)  # fmt: skip
def test_lookalikes_are_left_alone(text):
    assert normalize(text) == text


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("разрывная машина на 100 кг тонов", "разрывная машина на 100 кН"),
        ("на двести километонов", "на двести кН"),
        ("эр э эм пятьдесят", "РЭМ пятьдесят"),
        ("рем-100 и Рэм 50", "РЭМ-100 и РЭМ 50"),
        ("свидетельство опыверки", "свидетельство о поверке"),
        ("ремень и поверка", "ремень и поверка"),
    ],
)
def test_slips_of_recognition(heard, meant):
    assert normalize(heard) == meant


PHRASES = """
сто тысячу 5 0,5 ка эн килоньютонов вольт в мм с/мин мм/с миллиметров секунду минуту рэм кг тонов градусов % °C ньютон
метр час оборотов Н·м кВт·ч кило силы на квадратный сантиметр , . - слово
"""
WORDS = st.sampled_from(PHRASES.split())


@given(st.lists(st.tuples(WORDS, st.sampled_from([" ", "-", ", ", ""])), max_size=25))
def test_normalising_twice_changes_nothing(pieces):
    once = normalize("".join(word + gap for word, gap in pieces))
    assert normalize(once) == once


def test_time_grows_with_length_only():
    text = "сто ка " * 2000
    started = time.perf_counter()
    normalize(text)
    per_word_s = (time.perf_counter() - started) / 4000
    assert per_word_s < 0.0002, "an utterance of ten words must stay far below a frame"


def test_operators_add_slips_in_a_file(tmp_path):
    file = tmp_path / "slips.toml"
    file.write_text('[anywhere]\n"РГМ" = ["эргаэм"]\n', encoding="utf-8")
    assert Normalizer(file).normalize("эргаэм пятьсот") == "РГМ пятьсот"
    file.write_text("[anywhere", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"slips\.toml"):
        Normalizer(file)
