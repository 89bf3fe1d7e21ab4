"""What staff are told of a text before it becomes a knowledge base."""

from voxbot.knowledge.documents import split_document
from voxbot.knowledge.review import review

TEXT = """# Машины
<<->>
## РЭМ-50
Машина РЭМ-50 разрывает образцы из металла и пластика с нагрузкой до пятидесяти килоньютонов.
<<->>
## РЭМ-100
### Цена
```
# не заголовок
```
<<->>
## Пусто
### И здесь пусто
"""


def titles(found):
    return [(heading.line, heading.level, heading.title) for heading in found.empty_headings]


def test_headings_without_text_are_named_with_their_lines():
    assert titles(review("tech", TEXT, [], [])) == [(12, 2, "Пусто"), (13, 3, "И здесь пусто")]
    assert titles(review("tech", "# А\nА\n\n## Б\n\n# В\nтекст\n", [], [])) == [(1, 1, "А"), (4, 2, "Б")]


def test_a_heading_is_not_empty_when_a_subheading_has_text():
    assert titles(review("tech", "# А\n## Б\nтекст\n", [], [])) == []


def test_chunks_are_compared_with_the_base_in_force():
    current = list(split_document("tech", TEXT))
    changed = review("tech", TEXT.replace("пятидесяти", "сорока"), current, [])
    assert (changed.added, changed.removed, len(changed.chunks)) == (1, 1, len(current))


def test_near_duplicates_are_found_in_the_text_and_in_the_other_base():
    copied = "Гарантия на испытательные машины два года со дня поставки, если их обслуживает завод."
    other = list(split_document("general", f"# Условия\n{copied}\n"))
    text = (
        f"# Гарантия\n{copied}\n<<->>\n# Сервис\n{copied.replace('два', 'три')}\n<<->>\n# Адрес\nЗавод стоит в Москве."
    )
    found = review("tech", text, [], other)
    assert {frozenset((pair.first.title, pair.second.title)) for pair in found.duplicates} == {
        frozenset(("Гарантия", "Сервис")),
        frozenset(("Гарантия", "Условия")),
        frozenset(("Сервис", "Условия")),
    }
    assert [pair.likeness for pair in found.duplicates] == [1.0, 0.57, 0.57]
