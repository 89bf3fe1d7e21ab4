"""Without a language model the answer is the sentence of the knowledge base that answers, fit for the ear."""

from dataclasses import replace

import pytest
from fakes.search import hit, result

from voxbot.agent.extractive import MAX_ANSWER_CHARS, extract
from voxbot.agent.sentences import sentences_of

PRICES = """## Цены на станки
Цены на станки
Станок СТ-5 стоит от 840 000 рублей.
Станок СТ-50 стоит от 1 740 000 рублей.
Станок СТ-500 стоит от 7 150 000 рублей.
Все цены указаны с НДС."""
OFFICE = """# Адрес
Наш адрес: город Тула, улица Мира, дом 14.
Офис работает с понедельника по пятницу с 9 до 18 часов.
Почтовый индекс — 300000."""


def answer(question, *passages, score=0.9):
    extracted = extract(question, result(*passages) if passages else result(hit(PRICES, score=score)), 0.5)
    return extracted.text if extracted else None


@pytest.mark.parametrize(
    ("question", "fact", "other"),
    [
        ("сколько стоит станок СТ-50", "1 740 000", "840 000"),
        ("почём эс тэ станок на пятьсот", "7 150 000", "1 740 000"),
        ("цены с налогом или без, с НДС?", "с НДС", "7 150 000"),
    ],
)
def test_the_sentence_with_the_number_asked_for(question, fact, other):
    said = answer(question)
    assert fact in said
    assert other not in said


def test_kind_of_fact_decides_within_a_passage():
    assert answer("где вы находитесь", hit(OFFICE)).startswith("Наш адрес: город Тула")
    assert answer("до скольки вы работаете", hit(OFFICE)).startswith("Офис работает")


def test_both_halves_of_a_double_question():
    said = answer("подскажите ваш адрес и часы работы", hit(OFFICE))
    assert "улица Мира" in said
    assert "с 9 до 18" in said


def test_markdown_is_not_spoken():
    said = answer("какая гарантия", hit("# Гарантия\n**Гарантия** на [станки](http://x.ru) — `24` месяца. <<->>"))
    assert said == "Гарантия на станки — 24 месяца."


def test_a_list_is_spoken_as_one_sentence():
    text = "## Способы оплаты\nОплатить заказ можно так:\n- картой;\n- переводом;\n- наличными.\n\nСчёт даём сразу."
    assert answer("как можно оплатить заказ", hit(text)).startswith(
        "Оплатить заказ можно так: картой, переводом, наличными."
    )


def test_a_table_row_is_spoken_with_its_column_names():
    head = "## Масса\n\n| Модель | Масса | Цена |\n|---|---|---|\n"
    text = head + "| СТ-5 | 110 кг | 840 000 руб. |\n| СТ-50 | 650 кг | 1 740 000 руб. |"
    said = answer("сколько весит станок СТ-50", hit(text, title="Масса"))
    assert said == "СТ-50: масса — 650 кг, цена — 1 740 000 руб."


def test_a_value_without_subject_gets_its_heading():
    assert (
        answer("какая гарантия на станки", hit("# Гарантия на станки\n24 месяца")) == "Гарантия на станки: 24 месяца."
    )


def test_a_pronoun_brings_the_sentence_it_points_to():
    text = "# Камера\nКамера КТ-2 стоит на рельсах. Она охлаждает образец до минус 70 градусов."
    assert answer("до какой температуры охлаждает", hit(text)).startswith("Камера КТ-2 стоит на рельсах.|Она охлаждает")


def test_nothing_found_is_not_answered():
    assert answer("сколько стоит станок СТ-50", score=0.3) is None
    assert extract("сколько стоит", result(), 0.5) is None
    assert answer("какая погода будет завтра") is None


def test_other_facts_about_the_same_thing_are_no_answer():
    assert answer("сколько стоит станок СТ-50", hit("# Станок СТ-50\nСтанок СТ-50 весит 650 кг.")) is None


@pytest.mark.parametrize(
    "question",
    [
        "сколько стоит станок ст-400", "станок СТ четыреста", "сколько стоит пусконаладка станка СТ-50",
        "самый дешёвый станок", "сколько стоит станок на сорок килоньютонов", "чем отличается СТ-5 от СТ-50",
    ],
)  # fmt: skip
def test_the_data_of_another_thing_are_no_answer(question):
    assert answer(question) is None


def test_a_range_holds_the_amounts_within_it():
    text = "# Датчики силы\nНоминалы датчиков — от 10 ньютонов до 600 кН.\nДатчик ДС-5 на 5 кН весит 2 кг."
    assert answer("датчик на двадцать килоньютонов", hit(text)) == "Номиналы датчиков — от 10 ньютонов до 600 кН."
    assert answer("датчик на восемьсот килоньютонов", hit(text)) is None


def test_a_general_fact_answers_for_every_model():
    general = hit("# Гарантия\nГарантия на все станки — 24 месяца.")
    assert answer("какая гарантия на станок СТ-400", general) == "Гарантия на все станки — 24 месяца."


def test_the_model_of_another_series_is_not_taken():
    text = "# Станки\nНа РСТ-50 режут доски и фанеру.\nНа СТ-50 режут металл и трубы."
    assert answer("СТ-50 что режут", hit(text)) == "На СТ-50 режут металл и трубы."


def test_the_word_asked_for_breaks_a_tie():
    text = "# Станок СТ-50\nНа СТ-50 режут прут до 28 мм.\nГабариты СТ-50: ширина 900 мм, высота 1200 мм."
    assert answer("высота СТ-50", hit(text)).startswith("Габариты СТ-50")


def test_an_extreme_is_answered_only_where_it_is_told():
    text = "# Цены\nСамый недорогой станок, СТ-1, стоит 90 000 рублей.\nПила стоит 10 000 рублей."
    assert answer("сколько стоит самый дешёвый станок", hit(text)).startswith("Самый недорогой станок")
    assert answer("сколько стоит самая дешёвая пила", hit(text)) is None
    assert answer("самый мощный станок", hit("# А\nСТ-9 — самый мощный станок серии СТ.")) is None


@pytest.mark.parametrize("question", ["сколько стоит", "мне бы цену узнать", "какая масса"])
def test_a_price_of_nothing_is_asked_back(question):
    assert answer(question) == "Уточните, пожалуйста, о каком оборудовании речь?"


def test_an_answer_without_the_chief_word_is_incomplete():
    found = result(hit("# Поверка\nСрок поверки станков — один год.\nСтанки поверяет наша служба."))
    assert not extract("какой срок службы станков", found, 0.5).complete


def test_a_sentence_that_begins_with_the_term_defines_it():
    text = "# Тензометры\nСнимите тензометр перед разрывом.\nТензометр измеряет удлинение образца."
    assert "Тензометр измеряет" in answer("что такое тензометр", hit(text))


def test_half_an_answer_is_told_as_incomplete():
    found = result(hit("# Станок СТ-50\nСтанок СТ-50 весит 650 кг."))
    extracted = extract("сколько весит станок СТ-50 и какая цена", found, 0.5)
    assert "650 кг" in extracted.text
    assert not extracted.complete


def test_answers_stay_short():
    long = "# Станки\n" + "\n".join(
        f"Станок номер {n} делает много полезных вещей для завода и лаборатории." for n in range(40)
    )
    said = answer("что делают станки", hit(long))
    assert len(said) <= MAX_ANSWER_CHARS


def test_repeated_heading_line_is_not_a_sentence():
    assert [s.text for s in sentences_of("## Цены\nЦены\nСтоит рубль.")] == ["Стоит рубль."]


FACTS = (
    "# Станок СТ-50\nСТ-50 — напольный станок с усилием 50 кН.\nМасса СТ-50 — 650 кг, питание 380 вольт.\n"
    "Габариты СТ-50: ширина 900 мм, высота 1200 мм."
)


@pytest.mark.parametrize(
    "question",
    [
        "какого цвета станок СТ-50", "сколько ступеней защиты у станка СТ-50", "есть ли у станка СТ-50 вайфай",
        "какой пароль у станка СТ-50",
    ],
)  # fmt: skip
def test_a_property_that_is_not_told_is_not_answered_by_others(question):
    unknown = tuple(word for word in ("цвета", "ступеней", "защиты", "вайфай", "пароль") if word in question)
    assert extract(question, replace(result(hit(FACTS)), unknown=unknown), 0.5) is None


def test_two_properties_of_one_thing_are_told_together():
    rigging = hit("# Занос\nРама СТ-50 разбирается, самая тяжёлая часть весит 300 кг.", score=0.8)
    found = extract("сколько весит СТ-50 и какая высота", result(hit(FACTS), rigging), 0.5)
    assert "650 кг" in found.text
    assert "1200 мм" in found.text
    assert "300 кг" not in found.text


DELIVERY = (
    "# Доставка\nДоставка в Казань занимает 3 дня и стоит от 26 000 рублей.\nДоставка в Самару стоит 30 000 рублей."
)


@pytest.mark.parametrize("town", ["иркутск", "магадан"])
def test_another_town_is_no_answer(town):
    assert answer(f"сколько стоит доставка в {town}", hit(DELIVERY)) is None


def test_the_town_asked_for_is():
    assert answer("сколько стоит доставка в самару", hit(DELIVERY)) == "Доставка в Самару стоит 30 000 рублей."


def test_the_telephone_of_another_owner_is_no_answer():
    text = "# Контакты\nТелефон фирмы — 8 800 000 14 14, звонок бесплатный."
    assert answer("какой у вас телефон", hit(text)) == "Телефон фирмы — 8 800 000 14 14, звонок бесплатный."
    assert extract("телефон директора", replace(result(hit(text)), unknown=("директора",)), 0.5) is None


def test_models_are_compared_by_what_they_are():
    small = hit("# Станок СТ-5\nСТ-5 — настольный станок с усилием 5 кН.\nМасса СТ-5 — 110 кг.", score=0.85)
    hall = hit("# Зал\nВ зале стоят станки СТ-5 и СТ-50.", score=0.8)
    found = extract("чем отличается СТ-5 от СТ-50", result(hit(FACTS), small, hall), 0.5)
    assert found.text == "СТ-5 — настольный станок с усилием 5 кН.|СТ-50 — напольный станок с усилием 50 кН."


def test_a_price_list_is_told_when_no_model_is_named():
    text = "# Цены на станки\n" + "\n".join(f"Станок СТ-{n} стоит от {n} 000 рублей." for n in (10, 20, 30, 40))
    assert answer("какие цены на станки", hit(text)).count("стоит от") == 3


def test_the_term_of_a_range_of_models():
    small, large = "изготовления станков СТ до 50 кН — 30 дней", "изготовления станков СТ от 60 до 90 кН — 60 дней"
    text = f"# Сроки\nСрок {small}.\nСрок {large}."
    models = hit("# Станок СТ-80\nСТ-80 весит 900 кг.", score=0.8)
    found = extract("срок изготовления СТ-80", result(hit(text), models), 0.5)
    assert found.text == f"Срок {large}."


NESTED = "# Прессы\n## Пресс ПГМ-100\n### Масса\n900 кг.\n## Пресс ПГМ-500\n### Масса\n4000 кг."


@pytest.mark.parametrize(("model", "mass"), [("ПГМ-100", "900"), ("пгм пятьсот", "4000")])
def test_a_value_belongs_to_the_model_whose_heading_is_above_its_own(model, mass):
    assert answer(f"сколько весит {model}", hit(NESTED, title="Прессы")) == f"Масса: {mass} кг."


def test_a_value_belongs_to_the_model_whose_heading_is_above_its_section():
    hits = [
        hit("## Габариты\nМасса 4000 кг.", title="Габариты", above="# Пресс РЭМ-300", chunk_id="300"),
        hit("## Габариты\nМасса 900 кг.", title="Габариты", above="# Пресс РЭМ-50", chunk_id="50"),
    ]
    assert answer("сколько весит РЭМ-50", *hits) == "Масса 900 кг."


def test_a_value_belongs_to_the_thing_whose_heading_is_above_its_own():
    text = "# Твердомеры\n## Роквелла\n### Габариты\nШирина 335 мм.\n## Бринелля\n### Габариты\nШирина 360 мм."
    assert answer("какие габариты у твердомера бринелля", hit(text, title="Твердомеры")) == "Ширина 360 мм."


def test_the_heading_of_a_group_does_not_speak_for_a_sentence_that_speaks_for_itself():
    hits = [
        hit("# Гарантия\nГарантия на все машины — 24 месяца.", title="Гарантия"),
        hit("## Тендеры\nГарантию банка даём за три дня.", title="Тендеры", above="# Заказ оборудования", score=0.85),
    ]
    assert answer("какая у вас гарантия на оборудование", *hits).startswith("Гарантия на все машины — 24 месяца.")
