import asyncio

import numpy as np
from fakes.embedder import TrigramEmbedder

from voxbot.domain.errors import ProviderUnavailableError
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder


async def test_the_same_question_costs_one_embedding_whatever_its_punctuation(embedder):
    questions = QuestionEmbedder(embedder, MemoryEmbeddingCache())
    first, origin = await questions.embed("Где вы находитесь?")
    again, origin_again = await questions.embed(" где вы  находитесь ")
    assert (origin, origin_again) == ("computed", "cached")
    assert np.array_equal(first, again)
    assert len(embedder.queries) == 1


async def test_models_do_not_share_vectors(embedder):
    cache = MemoryEmbeddingCache()
    await QuestionEmbedder(embedder, cache).embed("адрес")
    embedder.model = "another"
    assert (await QuestionEmbedder(embedder, cache).embed("адрес"))[1] == "computed"


async def test_the_least_recently_used_vector_goes_first():
    cache = MemoryEmbeddingCache(max_entries=2)
    vector = np.ones(3, np.float32)
    await cache.put("a", vector)
    await cache.put("b", vector)
    await cache.get("a")
    await cache.put("c", vector)
    assert await cache.get("b") is None
    assert await cache.get("a") is not None


class SlowEmbedder(TrigramEmbedder):
    """Answers when it is let."""

    def __init__(self):
        super().__init__()
        self.let = asyncio.Event()
        self.fault = None

    async def embed_query(self, text):
        vector = await super().embed_query(text)
        await self.let.wait()
        if self.fault:
            raise self.fault
        return vector


async def begun(questions, count):
    """Ask the same `count` times at once; give the tasks when all of them wait."""
    tasks = [asyncio.create_task(questions.embed("сколько стоит доставка")) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_the_same_question_of_many_calls_at_once_is_embedded_once():
    embedder = SlowEmbedder()
    tasks = await begun(QuestionEmbedder(embedder, MemoryEmbeddingCache()), 20)
    embedder.let.set()
    origins = [origin for _, origin in await asyncio.gather(*tasks)]
    assert (origins.count("computed"), origins.count("cached")) == (1, 19)
    assert len(embedder.queries) == 1


async def test_a_call_that_hangs_up_does_not_take_the_embedding_from_the_others():
    embedder = SlowEmbedder()
    questions = QuestionEmbedder(embedder, MemoryEmbeddingCache())
    first, second = await begun(questions, 2)
    first.cancel()
    await asyncio.wait({first})
    embedder.let.set()
    await second
    assert first.cancelled()
    assert len(embedder.queries) == 1


async def test_a_head_start_that_was_thrown_away_still_fills_the_cache():
    embedder = SlowEmbedder()
    questions = QuestionEmbedder(embedder, MemoryEmbeddingCache())
    (task,) = await begun(questions, 1)
    task.cancel()
    await asyncio.wait({task})
    embedder.let.set()
    assert (await questions.embed("сколько стоит доставка"))[1] == "cached"
    assert len(embedder.queries) == 1


async def test_a_failure_reaches_everyone_who_waited_and_is_not_kept():
    embedder = SlowEmbedder()
    questions = QuestionEmbedder(embedder, MemoryEmbeddingCache())
    tasks = await begun(questions, 3)
    embedder.fault = ProviderUnavailableError("fake", "down")
    embedder.let.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, ProviderUnavailableError) for result in results)
    embedder.fault = None
    assert (await questions.embed("сколько стоит доставка"))[1] == "computed"


async def test_closing_stops_an_embedding_that_never_ends():
    questions = QuestionEmbedder(SlowEmbedder(), MemoryEmbeddingCache())
    (task,) = await begun(questions, 1)
    await questions.close()
    await asyncio.wait({task})
    assert task.cancelled()
