"""What a language model writes, as it is spoken."""

import pytest

from voxbot.agent.spoken import SpokenAnswer, speakable
from voxbot.text.segmenter import split_segments
from voxbot.text.verbalizer import verbalize


def spoken(text, *, size=1000, max_chars=1000):
    answer = SpokenAnswer(max_chars)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    segments = [segment for piece in pieces for segment in answer.take(piece)]
    return [*segments, *answer.finish()]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Да.** Есть *в наличии*.", ["Да.", "Есть в наличии."]),
        ("## Цены\n- РЭМ-50: от 100 рублей;\n- РЭМ-100.", ["Цены", "РЭМ-50: от 100 рублей;", "РЭМ-100."]),
        ("Порядок такой.\n1. Позвоните нам.\n2) Оплатите.", ["Порядок такой.", "Позвоните нам.", "Оплатите."]),
        ("Смотрите [каталог машин](https://www.site.ru/a/b?c=1#d).", ["Смотрите каталог машин."]),
        ("Подробнее на https://www.metrotest.ru/catalog/rem-50.html.", ["Подробнее на metrotest.ru."]),
        ("Рады помочь! 😊👍🏻 ✅ Звоните.", ["Рады помочь!", "Звоните."]),
        ("😀", []),
        ("Гарантия 24 месяца [1][2]【4:0†kb】.", ["Гарантия 24 месяца."]),
        ("| Модель | Цена |\n|---|:---:|\n| РЭМ-50 | 5 рублей |", ["Модель", "Цена", "РЭМ-50", "5 рублей"]),
        ("Вот так:\n```json\nдва года\n```", ["Вот так:", "два года"]),
        ("Ответ: два года.", ["два года."]),
        ("Размер 10*20 мм, **вес** 24*.", ["Размер 10×20 мм,", "вес 24."]),
        ("> Цитата &nbsp;и <br>строка.", ["Цитата и строка."]),
        ("Есть.||| |Ещё?", ["Есть.", "Ещё?"]),
        ("Нагрузка от 1 до 5,5 кН, ГОСТ 28840-90, тел. +7 (900) 123-45-67.",
         ["Нагрузка от 1 до 5,5 кН,", "ГОСТ 28840-90, тел. +7 (900) 123-45-67."]),
        ("Минус 5 градусов. - 3 штуки.", ["Минус 5 градусов.", "3 штуки."]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_markup_vanishes_however_the_text_was_cut(written, said, size):
    assert spoken(written, size=size) == said


def test_downstream_cuts_no_further():
    segments = spoken("Да, конечно, есть. **Цена** — 5 рублей за шт.\n- Доставка: бесплатно.")
    assert split_segments("|".join(segments)) == segments


def test_plain_text_is_left_alone():
    text = "РЭМ-100 (напольная) стоит 2 350 000 рублей; масса — 1050 кг."
    assert speakable(text) == text


def test_nothing_unspeakable_reaches_the_voice():
    assert "https" not in verbalize(" ".join(spoken("См. https://a.ru/b_c/#d и `код` [x](y) ~~нет~~ 🚀")))


@pytest.mark.parametrize("max_chars", [10, 50, 90])
def test_too_long_an_answer_ends_with_its_sentence(max_chars):
    long = "Очень длинное первое предложение, в котором много слов, и ещё слова, и ещё. Второе."
    said = ["Очень длинное первое предложение,", "в котором много слов, и ещё слова, и ещё."]
    assert spoken(long, max_chars=max_chars) == [*said, "Второе."][: 3 if max_chars == 90 else 2]


def test_list_without_full_stops_ends_too():
    answer = SpokenAnswer(60)
    said = [segment for n in range(50) for segment in answer.take(f"- машина номер {n};\n")]
    assert answer.ended
    assert sum(map(len, said)) <= 260
