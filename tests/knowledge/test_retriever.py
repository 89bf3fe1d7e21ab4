import re

import pytest
from fakes.embedder import TrigramEmbedder
from structlog.testing import capture_logs

from voxbot.domain.errors import KnowledgeError, ProviderUnavailableError
from voxbot.knowledge.index import build_index

TOWNS = (("Тула", 5), ("Самара", 23), ("Омск", 7))


@pytest.mark.parametrize(
    ("question", "kb", "title"),
    [
        ("сколько стоит разравная машина на сто кило ньютонов", "general", "Цены на разрывные машины"),
        ("почём рэм пятьдесят", "general", "Цены на разрывные машины"),
        ("где вы находитесь", "general", "Адрес"),
        ("а свидетельство опыверки вы даёте", "general", "Поверка и свидетельство о поверке"),
        ("сколько весит рэм сто", "tech", "Разрывная машина РЭМ-100"),
        ("какой куб нужен по гост десять сто восемьдесят", "tech", "Испытание бетона по ГОСТ 10180"),
    ],
)
async def test_a_spoken_question_finds_its_base_and_section(retriever, question, kb, title):
    result = await retriever.search(question)
    assert result.used == kb
    assert result.hits[0].title == title
    assert result.hits[0].kb == kb


async def test_one_question_costs_one_embedding_and_asked_again_none(retriever, embedder):
    first = await retriever.search("где вы находитесь")
    again = await retriever.search("Где вы находитесь?")
    assert (first.embedding, again.embedding) == ("computed", "cached")
    assert len(embedder.queries) == 1
    assert first.hits == again.hits


async def test_hits_are_best_first_calibrated_and_as_many_as_asked(retriever):
    hits = (await retriever.search("доставка в екатеринбург", k=4)).hits
    scores = [hit.score for hit in hits]
    assert len(hits) == 4
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


async def test_a_question_about_something_else_scores_below_one_half(retriever):
    for question in ("какая завтра погода в париже", "посоветуйте хороший фильм", "алло"):
        assert (await retriever.search(question)).hits[0].score < 0.5
    assert (await retriever.search("доставка в екатеринбург")).hits[0].score > 0.5


async def test_the_other_base_is_asked_below_the_threshold_only(root, sources, embedder, open_over):
    await build_index(root, sources, embedder)
    sure = await (await open_over(embedder, fallback_threshold=0.0)).search("где вы находитесь")
    unsure = await (await open_over(embedder, fallback_threshold=1.0)).search("где вы находитесь")
    assert (sure.fallback, unsure.fallback) == (False, True)
    assert unsure.used == "general"


async def test_a_base_asked_for_by_name_is_the_only_one_searched(retriever):
    result = await retriever.search("где вы находитесь", kb="tech")
    assert (result.route, result.used, result.fallback) == ("tech", "tech", False)
    assert {hit.kb for hit in result.hits} == {"tech"}


async def test_a_retriever_moves_on_to_a_new_index_and_not_before(retriever, root, sources, embedder):
    assert not await retriever.maybe_reload()
    sources["general"].write_text("# Адрес\nМы переехали в Казань.", encoding="utf-8")
    await build_index(root, sources, embedder)
    assert await retriever.maybe_reload()
    assert "Казань" in (await retriever.search("где вы находитесь")).hits[0].text


async def test_a_question_never_waits_for_a_new_index_but_brings_it_in(retriever, root, sources, embedder):
    before = retriever.space.version
    version = (await build_index(root, sources, embedder)).version
    await retriever.search("где вы находитесь")
    assert retriever.space.version == before
    await retriever.close()
    assert retriever.space.version == version


async def test_an_index_of_another_model_is_not_taken_into_use(retriever, root, sources):
    before = retriever.space.version
    await build_index(root, sources, TrigramEmbedder("another model"))
    assert not await retriever.maybe_reload()
    assert retriever.space.version == before


async def test_without_an_index_the_error_says_what_to_run(root, sources, embedder, open_over):
    with pytest.raises(KnowledgeError, match="voxbot kb build"):
        await open_over(embedder)
    await build_index(root, sources, TrigramEmbedder("another model"))
    with pytest.raises(KnowledgeError, match="another model"):
        await open_over(embedder)


async def test_beside_a_model_that_answers_with_another_length_words_are_searched_until_the_build_that_is_told(
    retriever, root, sources, embedder
):
    """As `…/latest` of a cloud does when it becomes another model."""
    exchanged = TrigramEmbedder(dimension=32)
    embedder.embed_query = exchanged.embed_query
    with capture_logs() as logs:
        for _ in range(2):
            found = await retriever.search("где адрес вашей компании")
            assert (found.embedding, found.hits[0].title) == ("none", "Адрес")
    [told] = [entry["reason"] for entry in logs if entry["log_level"] == "error"]
    assert re.search(r"по 256 чисел.*по 32; выполните voxbot kb build", told)
    await build_index(root, sources, exchanged)
    await retriever.maybe_reload()
    found = await retriever.search("где вы находитесь")
    assert (found.embedding, found.hits[0].title) == ("computed", "Адрес")


async def test_while_the_embedder_is_down_words_are_searched(retriever, embedder):
    async def fail(text):
        raise ProviderUnavailableError("fake", "down")

    embedder.embed_query = fail
    await retriever.warm_up()
    for question, title in [
        ("где адрес вашей компании", "Адрес"),
        ("сколько идёт доставка в екатеринбург", "Доставка"),
        ("масса рэм сто", "Разрывная машина РЭМ-100"),
    ]:
        found = await retriever.search(question)
        assert found.embedding == "none"
        assert found.hits[0].title == title
        assert found.hits[0].score > 0.5
    assert (await retriever.search("какая завтра погода в париже")).hits[0].score < 0.5


async def test_a_short_question_gets_the_section_on_the_subject_itself(root, sources, embedder, open_over):
    sources["general"].write_text(
        "# Гарантия\nГарантия на машины действует 24 месяца.\n<<->>\n"
        "# Что не покрывает гарантия\nГарантия не покрывает перегрузки. По гарантии не меняем масло.",
        encoding="utf-8",
    )
    await build_index(root, sources, embedder)
    assert (await (await open_over(embedder)).search("а гарантия какая")).hits[0].title == "Гарантия"


async def test_each_of_ten_facts_finds_the_one_long_block_that_holds_them(root, sources, embedder, open_over):
    facts = [
        "Гарантия на насос составляет восемнадцать месяцев",
        "Масло меняют каждые две тысячи моточасов",
        "Подшипник смазывают литолом ежеквартально",
        "Ремень натягивают с усилием сорок ньютонов",
        "Датчик температуры стоит на задней стенке",
        "Пульт подключают кабелем длиной пять метров",
        "Фундамент заливают бетоном марки М300",
        "Перевозят установку на паллете с амортизаторами",
        "Шум при работе не превышает семидесяти децибел",
        "Аварийную кнопку проверяют перед каждой сменой",
    ]
    filler = " Эти сведения приведены в руководстве и относятся к обычным условиям работы в отапливаемом цехе." * 3
    block = "\n".join(f"{fact}.{filler}" for fact in facts)
    assert 3000 < len(block) < 4000
    sources["tech"].write_text(f"# Установка\n{block}\n<<->>\n# Прочее\nПрочие сведения.", encoding="utf-8")
    await build_index(root, sources, embedder)
    retriever = await open_over(embedder)
    for fact in facts:
        hit = (await retriever.search(fact.lower(), kb="tech")).hits[0]
        assert fact in hit.text
        assert hit.score > 0.5


async def test_a_section_is_found_by_the_headings_above_it_and_rather_by_its_own_words(
    root, sources, embedder, open_over
):
    branches = [f"# Филиалы\n<<->>\n## {town}\n<<->>\n### Проезд\nАвтобус {bus}." for town, bus in TOWNS]
    group = "# Как заказать оборудование\n<<->>\n## Тендеры\nДаём гарантию банка."
    warranty = "# Гарантия\nГарантия на всё оборудование — два года."
    sources["general"].write_text("\n<<->>\n".join([*branches, group, warranty]), encoding="utf-8")
    await build_index(root, sources, embedder)
    retriever = await open_over(embedder)
    hit = (await retriever.search("как доехать в филиал в самаре")).hits[0]
    assert (hit.text, hit.above) == ("### Проезд\nПроезд\nАвтобус 23.", "# Филиалы\n## Самара")
    assert (await retriever.search("гарантия на оборудование")).hits[0].title == "Гарантия"
