import numpy as np

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
