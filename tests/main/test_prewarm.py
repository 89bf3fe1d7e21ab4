"""Questions embedded at the start of a unit."""

import pytest
from fakes.embedder import TrigramEmbedder
from structlog.testing import capture_logs

from voxbot.domain.errors import ProviderUnavailableError
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.index import build_index
from voxbot.knowledge.retriever import Retriever
from voxbot.main.knowledge import prewarm
from voxbot.settings.loader import load_settings


@pytest.fixture
async def retriever(tmp_path):
    sources = {"general": tmp_path / "general.md", "tech": tmp_path / "tech.md"}
    for kb, path in sources.items():
        path.write_text(f"# Доставка {kb}\nПо всей стране.\n", encoding="utf-8")
    embedder = TrigramEmbedder()
    await build_index(tmp_path / "index", sources, embedder)
    settings = load_settings(None, {"DATA_DIR": str(tmp_path)})
    opened = Retriever(
        tmp_path / "index", QuestionEmbedder(embedder, MemoryEmbeddingCache()), lambda: settings.knowledge
    )
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("choice", "is_local", "expected"),
    [("local", True, 2), ("local", False, 0), ("always", False, 2), ("never", True, 0)],
)
async def test_a_cloud_model_is_paid_for_only_when_the_operator_says_so(retriever, choice, is_local, expected):
    embedder = retriever._embedder.embedder
    embedder.is_local = is_local
    await prewarm(retriever, load_settings(None, {"EMBEDDING_PREWARM": choice}))
    assert len(embedder.queries) == expected


async def test_a_model_that_fails_is_one_warning(retriever):
    async def fail(text):
        raise ProviderUnavailableError("fake", "down")

    retriever._embedder.embedder.is_local = True
    retriever._embedder.embedder.embed_query = fail
    with capture_logs() as logs:
        await prewarm(retriever, load_settings(None, {}))
    assert [line["log_level"] for line in logs] == ["warning"]


async def test_warming_up_loads_a_local_model_although_the_question_is_cached(retriever):
    embedder = retriever._embedder.embedder
    embedder.is_local = True
    await retriever.warm_up()
    await retriever.warm_up()
    assert len(embedder.queries) == 2


async def test_warming_up_costs_no_request_of_a_cloud_model_when_the_question_is_cached(retriever):
    await retriever.warm_up()
    await retriever.warm_up()
    assert len(retriever._embedder.embedder.queries) == 1
