from voxbot.knowledge.documents import split_document
from voxbot.knowledge.likely import likely_questions

GENERAL = """# Контакты
Звоните нам.
<<->>
## Оплата и аванс
Аванс 50 %.
<<->>
# Доставка
По всей стране.
<<->>
## Почему наши клиенты из года в год выбирают именно нас
Потому что.
"""
TECH = """# Машина «РЭМ-100»
Масса 1050 кг.
"""


def questions(limit=20):
    chunks = [*split_document("tech", TECH), *split_document("general", GENERAL)]
    return likely_questions(chunks, limit)


def test_the_questions_are_the_headings_as_callers_say_them():
    assert questions() == [
        "контакты", "доставка", "оплата и аванс", "оплата", "аванс", "машина рэм-100", "сколько стоит машина рэм-100",
    ]  # fmt: skip


def test_the_main_sections_come_first_when_there_are_too_many():
    assert questions(limit=2) == ["контакты", "доставка"]


async def test_prewarmed_questions_cost_no_embedding(retriever, embedder):
    count = await retriever.prewarm(64, pause_s=0)
    assert count == len(embedder.queries)
    assert (await retriever.search("Доставка?")).embedding == "cached"
    assert len(embedder.queries) == count
