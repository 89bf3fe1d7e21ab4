import itertools

import pytest

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.documents import CHUNK_CHARS, prepare, read_document, split_document
from voxbot.knowledge.markdown import find_headings

ALL_LEVELS = "\n".join(f"{'#' * level} Заголовок {level}\nТекст {level}." for level in range(1, 7))


def test_every_heading_level_is_repeated_as_a_plain_line_once():
    prepared = prepare(ALL_LEVELS)
    lines = prepared.split("\n")
    for level in range(1, 7):
        at = lines.index(f"{'#' * level} Заголовок {level}")
        assert lines[at + 1] == f"Заголовок {level}"
    assert prepare(prepared) == prepared


def test_a_heading_that_its_writer_repeated_is_not_repeated_again():
    assert prepare("## Цены\n\nЦены\nОт рубля.").count("Цены") == 2


def test_what_looks_like_a_heading_inside_a_code_block_is_left_alone():
    text = "# Связь\nСвязь\n```\n# адрес машины\nping 192.168.0.10\n```"
    assert prepare(text) == text


def test_sections_become_chunks_that_know_their_headings_and_place():
    text = "# Доставка\nВезём всюду.\n<<->>\n## На Урал\nПять дней.\n<<->>\n# Гарантия\nДва года."
    chunks = list(split_document("general", text))
    assert [chunk.headings for chunk in chunks] == [("Доставка",), ("Доставка", "На Урал"), ("Гарантия",)]
    assert [chunk.title for chunk in chunks] == ["Доставка", "На Урал", "Гарантия"]
    prepared = prepare(text)
    assert all(prepared[chunk.start_index :].startswith(chunk.text) for chunk in chunks)


def test_a_section_with_a_heading_and_no_text_answers_nothing_and_makes_no_chunk():
    assert [chunk.title for chunk in split_document("tech", "# Пусто\n<<->>\n# Есть\nФакт.")] == ["Есть"]


def test_a_long_section_is_cut_with_overlap_and_every_cut_keeps_its_title():
    facts = "\n\n".join(f"Факт номер {number} о разрывной машине и её деталях." for number in range(400))
    chunks = list(split_document("tech", f"# Машина\n{facts}"))
    prepared = prepare(f"# Машина\n{facts}")
    assert len(chunks) > 3
    assert all(len(chunk.text) <= CHUNK_CHARS for chunk in chunks)
    assert {chunk.title for chunk in chunks} == {"Машина"}
    for before, after in itertools.pairwise(chunks):
        assert prepared[after.start_index :].startswith(after.text)
        assert after.start_index < before.start_index + len(before.text)


def test_every_fact_of_a_long_chunk_has_a_passage_led_by_its_title():
    facts = [f"Параметр {number} равен {number * 7} миллиметрам в рабочем положении машины." for number in range(30)]
    (chunk,) = split_document("tech", "# РЭМ-100\n" + "\n".join(facts))
    assert len(chunk.passages) > 3
    for fact in facts:
        assert any(fact in passage and passage.startswith("РЭМ-100\n") for passage in chunk.passages)


def test_a_table_row_is_matched_together_with_its_column_names():
    (chunk,) = split_document("general", "# Цены\n| Модель | Цена |\n|---|---|\n| РЭМ-50 | **1 740 000** |")
    assert chunk.passages == ("Цены\nМодель: РЭМ-50, Цена: 1 740 000.",)


def test_an_id_depends_on_the_content_alone():
    before = {chunk.title: chunk.chunk_id for chunk in split_document("general", "# А\nРаз.\n<<->>\n# Б\nДва.")}
    after = {chunk.title: chunk.chunk_id for chunk in split_document("general", "# А\nИначе.\n<<->>\n# Б\nДва.")}
    assert before["Б"] == after["Б"]
    assert before["А"] != after["А"]


def test_a_byte_order_mark_is_not_part_of_the_first_heading(tmp_path):
    path = tmp_path / "kb.md"
    path.write_text("# Адрес\nВладимир.", encoding="utf-8-sig")
    assert read_document("general", path).chunks[0].title == "Адрес"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "нет такого файла"),
        (b"", "файл пуст"),
        (b" \n\n", "файл пуст"),
        ("# Адрес\nВладимир".encode("cp1251"), "не в UTF-8"),
        (b"PK\x03\x04\x00\x00", "не текстовый файл"),
        (b"<<->>\n<<->>", "нет текста"),
        ("# Одни\n## заголовки".encode(), "нет текста"),
    ],
)
def test_an_unusable_file_is_one_line_that_names_it(tmp_path, content, said):
    path = tmp_path / "kb.md"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KnowledgeError) as error:
        read_document("general", path)
    assert str(path) in str(error.value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_a_file_from_any_editor_gives_the_same_chunks(tmp_path, ending):
    text = "# Цены\nОт рубля.\n<<->>\n#\tАдрес\nВладимир.\n"
    file = tmp_path / "kb.md"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", ending).encode())
    assert read_document("general", file).chunks == tuple(split_document("general", text))


@pytest.mark.parametrize(
    "code",
    [
        "````\n```\n# не заголовок\n```\n# и это\n````",
        "~~~\n```\n# не заголовок\n~~~",
        "``` bash\n# не заголовок\n``` bash\n# и это\n```",
    ],
)
def test_a_code_block_ends_with_its_own_fence(code):
    text = f"# Связь\nСвязь\n{code}\n# Дальше\nДальше\nТекст."
    assert prepare(text) == text
    assert [title for chunk in split_document("tech", text) for _, title in find_headings(chunk.text)] == [
        "Связь",
        "Дальше",
    ]


def test_a_code_block_that_nobody_closed_ends_with_its_section():
    chunks = list(split_document("tech", "# Связь\n```\nping\n<<->>\n# Адрес\nВладимир."))
    assert [(chunk.title, chunk.text.count("Адрес")) for chunk in chunks] == [("Связь", 0), ("Адрес", 2)]


@pytest.mark.parametrize("heading", ["# Цены\u00a0", "#   Цены  ##", "   # Цены"])
def test_signs_and_spaces_around_a_title_do_not_matter(heading):
    prepared = prepare(f"{heading}\nОт рубля.")
    assert prepared.split("\n")[1] == "Цены"
    assert prepare(prepared) == prepared


def test_sections_of_one_title_stay_two_and_a_copy_is_one():
    text = "# Сервис\nРаз.\n<<->>\n# Сервис\nДва.\n<<->>\n# Сервис\nРаз."
    chunks = list(split_document("general", text))
    assert [chunk.passages for chunk in chunks] == [("Сервис\nРаз.",), ("Сервис\nДва.",)]


def test_a_fact_over_a_rule_is_matched_and_the_rule_is_not():
    (chunk,) = split_document("general", "# Адрес\nВладимир, дом 14.\n---\nПодъезд со двора.")
    assert chunk.passages == ("Адрес\nВладимир, дом 14.\nПодъезд со двора.",)


NESTED = """# Прессы

## Пресс ПГМ-100

### Масса

900 кг.

## Пресс ПГМ-500

### Масса

4000 кг.
"""


def test_a_passage_is_led_by_all_headings_above_it():
    facts = "\n".join(f"Узел {number} стенда проверяют ежемесячно и записывают в журнал." for number in range(12))
    (chunk,) = split_document("tech", f"{NESTED}\n## Уход\n{facts}")
    assert "Масса\n↑ Прессы. Пресс ПГМ-100\n900 кг." in chunk.passages
    assert "Масса\n↑ Прессы. Пресс ПГМ-500\n4000 кг." in chunk.passages
    assert chunk.passages[-1].startswith("Уход\n↑ Прессы\nУзел")


def test_a_short_section_is_one_passage_with_every_heading_over_its_facts():
    (chunk,) = split_document("tech", NESTED)
    assert chunk.passages == ("Прессы\nПресс ПГМ-100. Масса\n900 кг.\nПресс ПГМ-500. Масса\n4000 кг.",)


def test_a_section_of_several_parts_is_named_after_what_they_share():
    (chunk,) = split_document("tech", NESTED)
    assert (chunk.title, chunk.headings, chunk.above) == ("Прессы", ("Прессы",), "")


def test_equal_texts_under_two_machines_are_two_chunks_that_say_whose_they_are():
    text = "# РЭМ-50\n<<->>\n## Питание\nСеть 220 В.\n<<->>\n# РЭМ-300\n<<->>\n## Питание\nСеть 220 В."
    chunks = list(split_document("tech", text))
    assert [chunk.headings for chunk in chunks] == [("РЭМ-50", "Питание"), ("РЭМ-300", "Питание")]
    assert [chunk.whole.split("\n")[0] for chunk in chunks] == ["# РЭМ-50", "# РЭМ-300"]
    assert chunks[0].chunk_id != chunks[1].chunk_id


def test_the_rest_of_a_long_section_knows_the_headings_that_it_begins_under():
    facts = "\n".join(f"Пункт {number}: узел проверяют и записывают в журнал." for number in range(120))
    first, *rest = split_document("tech", f"# РЭМ-500\n## Уход\n{facts}\n## Ремонт\n{facts}")
    assert first.above == ""
    assert (rest[0].above, rest[0].title) == ("# РЭМ-500\n## Уход", "РЭМ-500"), "it holds a part of both"
    assert (rest[-1].above, rest[-1].title) == ("# РЭМ-500\n## Ремонт", "Ремонт")
    assert all("РЭМ-500" in passage for chunk in rest for passage in chunk.passages)


def test_a_section_without_a_heading_is_under_none_and_hides_none_from_the_next():
    text = "# Оплата\nКартой.\n<<->>\nСтоловая открыта до 18 часов.\n<<->>\n## Счёт\nНа почту."
    chunks = list(split_document("general", text))
    assert [chunk.headings for chunk in chunks] == [("Оплата",), (), ("Оплата", "Счёт")]
    assert chunks[1].title == "Столовая открыта до 18 часов."
    assert not any("Оплата" in passage for passage in chunks[1].passages)


def test_a_heading_with_nothing_under_it_is_found_in_a_section_that_says_something():
    (chunk,) = split_document("tech", "# Прессы\nДелаем три.\n## ПГМ-100\n## ПГМ-500\n")
    assert chunk.passages == ("Прессы\nДелаем три.\nПГМ-100\nПГМ-500",)
