"""Numbers with units and models are read as a sentence means them."""

import pytest

from voxbot.agent.figures import Amount, Code, amounts_asked, amounts_of, codes_of


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("нагрузка 1, 5 и 10 кН", [(1e3, 1e3), (5e3, 5e3), (1e4, 1e4)]),
        ("номиналы от 10 ньютонов до 600 кН", [(10, 6e5)]),
        ("до 600 кН — РЭМ, от 500 до 2000 кН — РГМ", [(0, 6e5), (5e5, 2e6)]),
        ("цена 2 350 000 рублей, в модели СТ-50", []),
        ("потолок не ниже 3 метров", [(0, float("inf"))]),
    ],
)
def test_amounts(text, ranges):
    assert sorted((amount.low, amount.high) for amount in amounts_of(text)) == ranges


def test_amounts_of_a_question():
    assert amounts_asked("пресс на полторы тысячи килоньютонов") == [Amount("force", 1.5e6, 1.5e6)]
    assert amounts_asked("если пять машин") == []


def test_a_code_that_ends_a_range_is_not_what_the_sentence_is_about():
    assert codes_of("Масса РЭМ-50 и МК 300") == {Code("рэм", "50"), Code("мк", "300")}
    assert codes_of("для машин мощнее РЭМ-100 — от 110 000 рублей") == frozenset()
