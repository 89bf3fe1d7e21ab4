"""When the index of a unit is built, and when it is used as it is."""

import asyncio

import pytest
from fakes.yandex_cloud import yandex_cloud
from fakes.yandex_embeddings import Embedding
from structlog.testing import capture_logs

from voxbot.domain.errors import KnowledgeError, ProviderAuthError
from voxbot.knowledge.versions import VersionStore
from voxbot.main.knowledge import ensure_index, open_retriever
from voxbot.settings.loader import load_settings
from voxbot.speech.switches import Switches


@pytest.fixture
def settings(tmp_path):
    files = {"KNOWLEDGE_BASE_PATH": tmp_path / "general.md", "KNOWLEDGE_BASE2_PATH": tmp_path / "tech.md"}
    for path in files.values():
        path.write_text("# Доставка\nПо всей стране.\n", encoding="utf-8")
    return load_settings(None, {"DATA_DIR": str(tmp_path / "data")} | {name: str(path) for name, path in files.items()})


async def test_a_whole_index_is_used_without_the_files_that_it_was_made_of(settings):
    await ensure_index(settings)
    version = VersionStore(settings.paths.persist_directory).current()
    settings.paths.tech_kb.unlink()
    with capture_logs() as logs:
        await ensure_index(settings)
    assert [line["log_level"] for line in logs] == ["warning"]
    assert VersionStore(settings.paths.persist_directory).current() == version


@pytest.fixture
async def cloud(settings):
    """A cloud's embedder, and settings of a unit that searches with it."""
    async with yandex_cloud() as double:
        environ = double.environment(EMBEDDINGS_PROVIDER="yandex", EMBEDDINGS_TIMEOUT="0.3")
        theirs = load_settings(None, environ).model_copy(update={"paths": settings.paths})
        yield double, theirs


async def test_a_cloud_that_is_down_keeps_no_bot_from_starting_and_no_caller_from_an_answer(cloud):
    double, settings = cloud
    await ensure_index(settings)
    version = VersionStore(settings.paths.persist_directory).current()
    double.embeddings.answer(Embedding(status="UNAVAILABLE"))
    settings.paths.general_kb.write_text("# Гарантия\nДва года.\n", encoding="utf-8")
    with capture_logs() as logs:
        async with asyncio.timeout(5):
            await ensure_index(settings)
    assert any("voxbot kb build" in line["event"] for line in logs)
    assert VersionStore(settings.paths.persist_directory).current() == version
    switches = Switches()
    retriever = await open_retriever(settings, switches=switches)
    found = await retriever.search("куда есть доставка по стране")
    assert (found.embedding, found.hits[0].title) == ("none", "Доставка")
    for number in range(5):
        await retriever.search(f"вопрос {number}")
    assert switches.total("switches", kind="embedding", engine="yandex", to="words", reason="open") > 0
    await retriever.close()


async def test_without_an_index_a_cloud_that_is_down_is_an_error(cloud):
    double, settings = cloud
    double.embeddings.answer(Embedding(status="PERMISSION_DENIED"))
    with pytest.raises(ProviderAuthError):
        await ensure_index(settings)


async def test_without_an_index_a_missing_file_is_an_error(settings):
    settings.paths.tech_kb.unlink()
    with pytest.raises(KnowledgeError, match="нет такого файла"):
        await ensure_index(settings)
