from voxbot.knowledge.documents import split_document
from voxbot.knowledge.terms import make_terms

KB = "\n<<->>\n".join(
    f"""# Разрывная машина РЭМ-{size}
Разрывная машина РЭМ-{size} имеет нагрузку 100 кН. Маятникового копра в комплекте нет.
Свидетельство о поверке идёт с машиной, доставка в Екатеринбург за семь рабочих дней."""
    for size in (50, 100, 200)
)


def test_terms_are_the_trades_own_words_as_callers_say_them():
    terms = make_terms(list(split_document("general", KB))).lower()
    assert "разрывная машина" in terms
    assert "рэм" in terms
    assert "100 килоньютонов" in terms
    assert "свидетельство о поверке" in terms
    assert "екатеринбург" in terms
    assert "рабочий день" not in terms


def test_the_most_telling_terms_stand_last_and_survive_a_tight_limit():
    chunks = list(split_document("general", KB))
    whole, tight = make_terms(chunks), make_terms(chunks, max_chars=60)
    assert len(tight) <= 60
    assert whole.lower().endswith(tight.lower())
    assert whole.endswith(".")


def test_a_base_without_a_trade_gives_no_terms():
    assert make_terms(list(split_document("general", "# Да\nДа и нет."))) == ""
