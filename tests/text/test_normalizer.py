"""Units as callers say them become the units that the knowledge base is written with."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxbot.text.normalizer import Normalizer, normalize
from voxbot.text.slips import parse_slips

NOT_UNITS = (Path(__file__).parent / "data" / "not_units.txt").read_text(encoding="utf-8").splitlines()


def hard(stem):
    return [stem + ending for ending in ("", "а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах")]


def soft(stem):
    return [stem + ending for ending in ("ь", "я", "ю", "ем", "е", "и", "ей", "ям", "ями", "ях")]


def femn(stem):
    return [stem + ending for ending in ("а", "ы", "е", "у", "ой", "", "ам", "ами", "ах")]


def both(first, second):
    return [left + gap + right for left in first for gap in " -" for right in second]


def each(first, *second):
    return [f"{left} {right}" for left in first for right in second]


DASHED = [f"мэ{dash}пэ{dash}а" for dash in "-‐‑‒–—−"] + [f"эм {dash} пэ {dash} а" for dash in "-–—"]
PER_MM2 = ("на миллиметр квадратный", "на квадратный миллиметр", "на миллиметр в квадрате", "на мм2", "на мм²")
PER_CM2 = ("на сантиметр квадратный", "на квадратный сантиметр", "на см2")

SAID = {
    "кН": [*hard("килоньютон"), "кило ньютонов", "кило-ньютон", "КилоНьютонов"],
    "Н": [*hard("ньютон"), "эн", "н", "N", "Ньютонов"],
    "кгс": [*both(hard("килограмм"), femn("сил")), "ка гэ эс", "ка-гэ-эс", "кагээс", "КГС", "kgf", "кило силы"],
    "тс": [*both(femn("тонн"), femn("сил")), "тэ эс", "тэ-эс", "тс", "tf"],
    "МПа": soft("мегапаскал") + DASHED + ["эм пэ а", "эмпэа", "эм пэа", "эм-па", "эм.пэ.а", "эм п а"],
    "кПа": [*soft("килопаскал"), "ка пэ а", "ка-пэ-а", "кпа", "KPa", "kPa", "кило паскалей", "ка-па"],
    "Па": [*soft("паскал"), "пэ а", "пэ-а", "па", "Pa"],
    "ГПа": [*soft("гигапаскал"), "гэ пэ а", "гэ-пэ-а", "ГПА", "GPa"],
    "Н/мм²": [*each(hard("ньютон"), *PER_MM2), "Н/мм2", "н/мм2", "N/mm2", "N/mm²", "Н/мм^2", "эн на мм квадратный"],
    "мм": [*hard("миллиметр"), "эм эм", "эм-эм", "эмэм", "mm", "MM", "милли метров", "милиметров"],
    "см": [*hard("сантиметр"), "эс эм", "эс-эм", "cm", "санти метров"],
    "м": [*hard("метр"), "m"],
    "мкм": [*hard("микрометр"), *hard("микрон"), "эм ка эм", "µm", "μm", "um"],
    "мм/с": [*each(hard("миллиметр"), "в секунду"), "мм в секунду", "мм/сек", "mm/s", "эм эм в секунду", "мм. в сек"],
    "мм/мин": [*each(hard("миллиметр"), "в минуту"), "мм в минуту", "mm/min", "мм в мин", "миллиметров за минуту"],
    "м/с": [*each(hard("метр"), "в секунду"), "m/s", "м в секунду"],
    "об/мин": [*each(hard("оборот"), "в минуту"), "rpm", "об в минуту", "об. в мин", "об мин", "об. мин"],
    "Гц": [*hard("герц"), "гэ цэ", "гц", "Hz", "ГЦ"],
    "кГц": [*hard("килогерц"), "ка гэ цэ", "кгц", "kHz"],
    "В": [*hard("вольт"), "вэ", "V", "Вольт"],
    "А": [*hard("ампер"), "A"],
    "Ом": [*hard("ом"), "Ω", "ohm"],
    "Вт": [*hard("ватт"), "вэ тэ", "вэ-тэ", "W", "вт"],
    "кВт": [*hard("киловатт"), "ка вэ тэ", "ка-вэ-тэ", "ка‑вэ‑тэ", "кавэтэ", "квт", "kW", "кило ватт"],
    "кВт·ч": [*both(hard("киловатт"), hard("час")), "kWh", "кВт*ч", "кВтч", "квт ч", "кВт⋅ч", "ка вэ тэ час"],
    "°C": hard("градус") + each(hard("градус"), "Цельсия", "по Цельсию") + ["°С", "° C", "℃"],
    "%": hard("процент"),
    "г": [*hard("грамм"), "g"],
    "кг": [*hard("килограмм"), "ка гэ", "ка-гэ", "кило", "kg", "КГ", "кило граммов"],
    "т": [*femn("тонн"), "t"],
    "Н·м": [*both(hard("ньютон"), hard("метр")), *hard("ньютонметр"), "Н*м", "Н⋅м", "Н∙м", "эн эм", "н м", "N·m"],
    "бар": [*hard("бар"), "bar"],
    "кгс/см²": [*each(("килограмм-сил", "килограммов силы", "кгс", "килограммов"), *PER_CM2), "кгс/см2", "kgf/cm2"],
    "л/мин": [*each(hard("литр"), "в минуту"), "l/min", "литров за минуту"],
    "дБ": [*hard("децибел"), "дэ бэ", "дэ-бэ", "дб", "dB", "ДБ"],
    "ч": [*hard("час"), "h"],
}  # fmt: skip
SAID["кН"] += ["ка эн", "каэн", "к эн", "кэ эн", "кэн", "Ка Эн", "ка.эн", "кн", "КН", "kN", "KN", "kH", "кN", "кило эн"]
SAID["МПа"] += ["мега паскалей", "МПА", "MPa", "МРа", "MПа"]
NUMBERS = [
    "5", "0,5", "1 000", "-10", "10-20", "5 тыс.", "сто", "две тысячи", "полтора", "пять с половиной", "миллион",
    "ноль целых две десятых", "от 2 до 50", "от ста до двухсот", "двадцатью одним", "пару", "до ста двадцати",
]  # fmt: skip


@pytest.mark.parametrize("symbol", SAID)
def test_a_unit_after_any_number_in_any_form(symbol):
    wrong = {
        text: normalize(text)
        for number in NUMBERS
        for form in SAID[symbol]
        if normalize(text := f"нужен на {number} {form}, и всё") != f"нужен на {number} {symbol}, и всё"
    }
    assert not wrong


@pytest.mark.parametrize(
    ("said", "canonical"),
    [
        (
            "Есть РЭМ на тысячу килоньютон, скорость 5 миллиметров в секунду при 220 вольт",
            "Есть РЭМ на тысячу кН, скорость 5 мм/с при 220 В",
        ),
        ("двести мэ-пэ-а и десять эм пэ а", "двести МПа и десять МПа"),
        ("100кн и 220V", "100 кН и 220 В"),
        ("минус семьдесят градусов Цельсия", "минус семьдесят °C"),
        ("двадцать градусов Фаренгейта", "двадцать °F"),
        ("50 Hz, 10 mm/min, 20 MPa", "50 Гц, 10 мм/мин, 20 МПа"),
        ("220 вольт 50 герц 16 ампер", "220 В 50 Гц 16 А"),
        ("сто ньютон-миллиметров", "сто Н·мм"),
        ("через 48 часов, от двух до пяти часов", "через 48 ч, от двух до пяти ч"),
        ("испытание до тысячи часов", "испытание до тысячи ч"),
        ("ровно в девять часов, ресурс девять тысяч часов", "ровно в девять часов, ресурс девять тысяч ч"),
        ("5-ти тонн", "5-ти т"),
        ("раз в 12 часов", "раз в 12 ч"),
        ("сто ампер-часов и 10 киловольт-ампер", "сто А·ч и 10 кВ·А"),
    ],
)
def test_units_in_a_sentence(said, canonical):
    assert normalize(said) == canonical


@pytest.mark.parametrize(
    ("said", "canonical"),
    [
        ("переведи в килоньютоны", "переведи в кН"),
        ("скорость в миллиметрах в секунду", "скорость в мм/с"),
        ("сколько это в эм пэ а", "сколько это в МПа"),
        ("нагрузка в ка эн", "нагрузка в кН"),
        ("сколько ка вэ тэ", "сколько кВт"),
        ("в паскалях и на Паскале", "в Па и на Паскале"),
        ("брак в процентах", "брак в %"),
        ("в вольтах", "в вольтах"),  # «в В» says nothing
        ("несколько килограммов", "несколько килограммов"),
    ],
)
def test_a_word_that_means_nothing_else_needs_no_number(said, canonical):
    assert normalize(said) == canonical


@pytest.mark.parametrize("text", NOT_UNITS)
def test_what_only_looks_like_a_unit_is_left_alone(text):
    assert normalize(text) == text


@pytest.mark.parametrize(
    "text", ["5 %", "100%", "100кН", "±0,5%", "20°C", "10 мН и 10 МН", "5 М", "2020 г.", "10 м. и"]
)
def test_what_is_canonical_stays_as_it_is_written(text):
    assert normalize(text) == text


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("разрывная машина на 100 кг тонов", "разрывная машина на 100 кН"),
        ("на двести километонов", "на двести кН"),
        ("что за километон", "что за километон"),
        ("эр э эм пятьдесят", "РЭМ пятьдесят"),
        ("эр-э-эм сто, Р Э М 50", "РЭМ сто, РЭМ 50"),
        ("рем-100, Рэм 50 и масса рэма", "РЭМ-100, РЭМ 50 и масса РЭМ"),
        ("рем комплект", "ремкомплект"),
        ("по госту", "по ГОСТ"),
        ("свидетельство опыверки", "свидетельство о поверке"),
        ("ремень и поверка", "ремень и поверка"),
        ("пять тон и десять мегапоскалей", "пять т и десять МПа"),
    ],
)
def test_slips_of_recognition(heard, meant):
    assert normalize(heard) == meant


OTHERS = "сто тысячу 5 0,5 половиной в на квадратный минуту рэм кг тонов , . слово метро °"
WORDS = st.sampled_from(sorted({word for forms in SAID.values() for form in forms for word in form.split()} | {*SAID}))
GAPS = st.sampled_from([" ", "-", ", ", "", ". ", " — ", "/"])


@given(st.lists(st.tuples(WORDS | st.sampled_from(OTHERS.split()), GAPS), max_size=25))
@settings(max_examples=300, deadline=None)
def test_normalising_twice_changes_nothing(pieces):
    once = normalize("".join(word + gap for word, gap in pieces))
    assert normalize(once) == once


@given(
    st.lists(st.text(max_size=3) | st.sampled_from(["в ", "5 ", "сто ", "часов", " ка эн", "²", "Ⅻ", "٣", "9" * 5000]))
)
@settings(deadline=None)
def test_nothing_makes_it_fail(pieces):
    assert normalize(normalize("".join(pieces))) == normalize("".join(pieces))


@given(st.text())
def test_text_without_words_of_the_trade_stays(text):
    kept = "".join(char for char in text if not char.isalpha() and char not in "°℃%")
    assert normalize(kept) == kept


@pytest.mark.parametrize("text", ["сто ка ", "5 градусов ", "эм пэ ", "5 килограмм силы на квадратный "])
def test_time_grows_with_length_only(text):
    started = time.perf_counter()
    normalize(text * 2000)
    per_repeat_s = (time.perf_counter() - started) / 2000
    assert per_repeat_s < 0.001, "an utterance of ten words must stay far below a frame"


def test_an_operators_slip_wins_over_the_packaged_one():
    own = parse_slips({"anywhere": {"РГМ": ["эр-га эм"], "рем": ["рем"]}, "after_number": {"л.с.": ["лошадей"]}})
    normalizer = Normalizer(own)
    assert normalizer.normalize("эр га эм на сто лошадей, рем и рэм") == "РГМ на сто л.с., рем и РЭМ"
