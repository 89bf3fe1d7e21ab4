"""The index on a real Chroma server."""

import asyncio
import signal
import sys

import chromadb
import pytest
from fakes.chroma_server import running_chroma
from fakes.embedder import TrigramEmbedder
from structlog.testing import capture_logs

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.index import build_index, is_fresh
from voxbot.knowledge.retriever import Retriever
from voxbot.knowledge.server import ChromaServer, ServerVersions
from voxbot.settings.schema import KnowledgeSettings


@pytest.fixture(scope="module")
def chroma(tmp_path_factory):
    with running_chroma(tmp_path_factory.mktemp("chroma")) as server:
        yield server


@pytest.fixture
def server(chroma, request):
    """An index of one's own for each test."""
    return ChromaServer(chroma.url, f"t{abs(hash(request.node.name))}")


@pytest.fixture
def unit(server, embedder, tmp_path):
    """Open a retriever as a unit of another machine does: with a folder of its own."""

    async def open_unit(name="bot", at=server):
        settings = KnowledgeSettings()
        retriever = Retriever(tmp_path / name, QuestionEmbedder(embedder, MemoryEmbeddingCache()), lambda: settings, at)
        await retriever.open()
        return retriever

    return open_unit


def collections(server):
    names = [collection.name for collection in chromadb.HttpClient("127.0.0.1", server.port).list_collections()]
    return sorted(name.removeprefix(f"{server.prefix}-") for name in names if name.startswith(f"{server.prefix}-"))


def versions(server):
    return {name.removesuffix("-kb-general") for name in collections(server) if name.endswith("-kb-general")}


async def test_units_on_other_machines_find_what_one_of_them_built(root, sources, embedder, server, unit):
    report = await build_index(root, sources, embedder, server=server)
    first, second = await unit("first"), await unit("second")
    for retriever in (first, second):
        assert retriever.space.version == report.version
        assert "Владимир" in (await retriever.search("где вы находитесь")).hits[0].text
    assert is_fresh(root, sources, embedder, server)


async def test_every_unit_moves_on_and_old_versions_go(root, sources, embedder, server, unit):
    made = [(await build_index(root, sources, embedder, server=server)).version]
    first, second = await unit("first"), await unit("second")
    for town in ("Казань", "Тулу"):
        sources["general"].write_text(f"# Адрес\nМы переехали в {town}.", encoding="utf-8")
        made.append((await build_index(root, sources, embedder, server=server)).version)
    for retriever in (first, second):
        assert await retriever.maybe_reload()
        assert "Тулу" in (await retriever.search("где вы находитесь")).hits[0].text
    assert versions(server) == set(made[-2:])
    assert [path.name for path in (root.parent / "first" / "server").glob("v-*")] == [made[-1]]


async def test_only_changed_passages_are_embedded_again(root, sources, embedder, server):
    await build_index(root, sources, embedder, server=server)
    text = sources["general"].read_text(encoding="utf-8")
    sources["general"].write_text(text.replace("дом 14", "дом 16"), encoding="utf-8")
    assert (await build_index(root, sources, embedder, server=server)).embedded == 1


async def test_a_second_builder_is_refused_and_a_killed_one_is_cleaned_up(root, sources, embedder, server, monkeypatch):
    before = (await build_index(root, sources, embedder, server=server)).version
    script = (
        "import signal, sys; from pathlib import Path; from voxbot.knowledge.server import *\n"
        "from voxbot.knowledge.records import Records\n"
        "store = ServerVersions(ChromaServer(sys.argv[1], sys.argv[2]), Path(sys.argv[3]))\n"
        "with store.building() as _:\n"
        "    records = store.read(store.manifest().version); store.write(records)\n"
        "    print('building', flush=True); signal.pause()"
    )
    builder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, server.url, server.prefix, str(root), stdout=asyncio.subprocess.PIPE
    )
    assert await builder.stdout.readline() == b"building\n"
    with pytest.raises(KnowledgeError, match="уже строит другая программа"):
        await build_index(root, sources, embedder, server=server)
    builder.send_signal(signal.SIGKILL)
    await builder.wait()
    assert len(versions(server)) == 2
    after = (await build_index(root, sources, embedder, server=server)).version
    assert versions(server) == {before, after}
    assert "build" not in collections(server)


async def test_without_the_server_a_unit_does_not_start_and_says_why(unit, server):
    nobody = ChromaServer("http://user:secret@127.0.0.1:9", server.prefix)
    with pytest.raises(KnowledgeError, match=r"CHROMA_URL=http://127\.0\.0\.1:9.*сервер запущен") as raised:
        await unit(at=nobody)
    assert "secret" not in str(raised.value)


async def test_a_unit_that_starts_without_the_server_searches_what_it_had_and_catches_up(
    tmp_path, root, sources, embedder, unit
):
    with running_chroma(tmp_path / "own") as own:
        server = ChromaServer(own.url)
        await build_index(root, sources, embedder, server=server)
        await (await unit(at=server)).close()
        own.stop()
        with capture_logs() as logs:
            retriever = await unit(at=server)
            assert "Владимир" in (await retriever.search("где вы находитесь")).hits[0].text
        assert [line["log_level"] for line in logs] == ["warning"]
        with pytest.raises(KnowledgeError, match="сервер запущен"):
            await unit(at=ChromaServer(own.url, "another"))
        with pytest.raises(KnowledgeError, match="сервер запущен"):
            await unit("a machine that never had it", at=server)
        own.start()
        sources["general"].write_text("# Адрес\nМы переехали в Казань.", encoding="utf-8")
        await build_index(root, sources, embedder, server=server)
        assert await retriever.maybe_reload()
        assert "Казань" in (await retriever.search("где вы находитесь")).hits[0].text


async def test_without_an_index_on_the_server_the_error_says_what_to_run(unit, server, root, sources):
    with pytest.raises(KnowledgeError, match="voxbot kb build"):
        await unit()
    await build_index(root, sources, TrigramEmbedder("another model"), server=server)
    with pytest.raises(KnowledgeError, match="another model"):
        await unit()


async def test_a_server_lost_in_the_middle_costs_one_warning_and_no_answer(tmp_path, root, sources, embedder, unit):
    with running_chroma(tmp_path / "own") as own:
        server = ChromaServer(own.url)
        await build_index(root, sources, embedder, server=server)
        retriever = await unit(at=server)
        own.stop()
        with capture_logs() as logs:
            for _ in range(3):
                assert not await retriever.maybe_reload()
                assert "Владимир" in (await retriever.search("где вы находитесь")).hits[0].text
        assert [line["log_level"] for line in logs] == ["warning"]
        own.start()
        sources["general"].write_text("# Адрес\nМы переехали в Казань.", encoding="utf-8")
        await build_index(root, sources, embedder, server=server)
        assert await retriever.maybe_reload()
        assert "Казань" in (await retriever.search("где вы находитесь")).hits[0].text


async def test_a_version_that_could_not_be_fetched_is_tried_again_and_complained_of_once(
    root, sources, embedder, server, unit, tmp_path
):
    await build_index(root, sources, embedder, server=server)
    retriever = await unit()
    version = (await build_index(root, sources, embedder, server=server)).version
    lock = tmp_path / "bot" / "server" / "lock"
    lock.unlink()
    lock.mkdir()
    with capture_logs() as logs:
        assert not await retriever.maybe_reload()
        assert not await retriever.maybe_reload()
    assert [line["log_level"] for line in logs] == ["error"]
    lock.rmdir()
    assert await retriever.maybe_reload()
    assert retriever.space.version == version


async def test_a_question_asks_the_server_for_news_by_itself(root, sources, embedder, server, unit, monkeypatch):
    await build_index(root, sources, embedder, server=server)
    monkeypatch.setattr(ServerVersions, "check_s", 1e-6)
    retriever = await unit()
    version = (await build_index(root, sources, embedder, server=server)).version
    await retriever.search("где вы находитесь")
    await retriever.close()
    assert retriever.space.version == version
