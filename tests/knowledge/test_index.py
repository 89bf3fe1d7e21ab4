import asyncio
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes.embedder import TrigramEmbedder
from fakes.virtual_time import run_virtual

from voxbot.domain.errors import KnowledgeError, ProviderUnavailableError
from voxbot.knowledge.embedding import PaidVectors, embed_passages
from voxbot.knowledge.index import build_index, is_fresh
from voxbot.knowledge.records import read_records
from voxbot.knowledge.versions import VersionStore


class Mirrored(TrigramEmbedder):
    """Another space of the same length."""

    def vector(self, text):
        return super().vector(text)[::-1]


class Failing(TrigramEmbedder):
    """Breaks off after so many batches."""

    documents_at_once = 3

    def __init__(self, after):
        super().__init__()
        del self.documents_at_once
        self.left = after

    async def embed_documents(self, texts):
        self.left -= 1
        if self.left < 0:
            raise ProviderUnavailableError("fake", "down")
        return await super().embed_documents(texts)


def read_in_use(root):
    return read_records(VersionStore(root).current())


def versions(root):
    return {folder.name for folder in root.glob("v-*")}


async def test_what_was_built_is_read_back_whole(root, sources, embedder):
    report = await build_index(root, sources, embedder)
    records = read_in_use(root)
    assert report.documents == {"general": 5, "tech": 3}
    assert [chunk.title for chunk in records.chunks][:2] == ["О компании", "Адрес"]
    assert records.chunks[1].headings == ("О компании", "Адрес")
    assert "улица Испытателей" in records.chunks[1].text
    assert len(records.vectors) == len(records.passages) == report.passages


async def test_an_unchanged_index_is_fresh_and_a_changed_file_makes_it_stale(root, sources, embedder):
    assert not is_fresh(root, sources, embedder)
    await build_index(root, sources, embedder)
    assert is_fresh(root, sources, embedder)
    assert not is_fresh(root, sources, TrigramEmbedder("another model"))
    sources["tech"].write_text("# Новое\nНовый факт.", encoding="utf-8")
    assert not is_fresh(root, sources, embedder)


async def test_only_changed_passages_are_embedded_again(root, sources, embedder):
    await build_index(root, sources, embedder)
    text = sources["general"].read_text(encoding="utf-8")
    sources["general"].write_text(text.replace("дом 14", "дом 16"), encoding="utf-8")
    embedder.documents.clear()
    seen = []
    report = await build_index(root, sources, embedder, progress=lambda done, total: seen.append((done, total)))
    assert report.embedded == 1
    proof, new = embedder.documents
    assert "дом 16" in new
    assert "дом 16" not in proof  # one of before: the model is still the same
    assert seen[-1] == (1, 1)
    assert any("дом 16" in chunk.text for chunk in read_in_use(root).chunks)


async def test_another_model_shares_no_vector(root, sources, embedder):
    await build_index(root, sources, embedder)
    report = await build_index(root, sources, TrigramEmbedder("another model", dimension=32))
    assert report.embedded == report.passages
    assert read_in_use(root).vectors.shape[1] == 32


async def test_a_model_exchanged_under_the_same_name_is_noticed_by_the_next_build(root, sources, embedder):
    """As behind `…/latest`: of another length, or of the same length and another space."""
    await build_index(root, sources, embedder)
    for exchanged in (TrigramEmbedder(dimension=32), Mirrored(dimension=32)):
        report = await build_index(root, sources, exchanged)
        assert report.embedded == report.passages
        assert np.allclose(read_in_use(root).vectors[0], exchanged.vector(read_in_use(root).passages[0]))
        assert (await build_index(root, sources, exchanged)).embedded == 0


async def test_with_nothing_new_an_embedder_that_is_down_does_not_matter(root, sources, embedder):
    await build_index(root, sources, embedder)
    assert (await build_index(root, sources, Failing(after=0))).embedded == 0


def test_with_nothing_new_an_embedder_that_hangs_is_not_waited_for(tmp_path, embedder):
    class Hanging(TrigramEmbedder):
        async def embed_documents(self, texts):
            await asyncio.Event().wait()

    async def story():
        known = {"адрес": embedder.vector("адрес")}
        paid = PaidVectors(tmp_path, "fake/trigrams")
        _, computed = await embed_passages(["адрес"], known, Hanging(), paid=paid)
        assert computed == 0
        assert asyncio.get_running_loop().time() <= 5

    run_virtual(story())


async def test_what_a_failed_build_has_paid_for_the_next_one_need_not_compute(root, sources, embedder):
    with pytest.raises(ProviderUnavailableError):
        await build_index(root, sources, Failing(after=1))
    embedder.documents_at_once = Failing.documents_at_once
    report = await build_index(root, sources, embedder)
    assert report.embedded == report.passages - Failing.documents_at_once
    assert np.allclose(read_in_use(root).vectors, [embedder.vector(text) for text in read_in_use(root).passages])
    assert not list(root.glob("unfinished*"))


async def test_what_was_paid_for_with_another_model_is_not_used(root, sources):
    with pytest.raises(ProviderUnavailableError):
        await build_index(root, sources, Failing(after=1))
    for changed in (TrigramEmbedder("another model"), TrigramEmbedder(dimension=32)):
        report = await build_index(root, sources, changed)
        assert report.embedded == report.passages


async def test_a_damaged_file_of_what_was_paid_for_costs_the_head_start_only(root, sources, embedder):
    with pytest.raises(ProviderUnavailableError):
        await build_index(root, sources, Failing(after=1))
    for file in root.glob("unfinished.sqlite*"):
        file.write_bytes(b"garbage" * 1000)
    report = await build_index(root, sources, embedder)
    assert report.embedded == report.passages


async def test_one_base_is_rebuilt_without_reading_the_other(root, sources, embedder):
    await build_index(root, sources, embedder)
    sources["general"].write_bytes(b"\xff\xfe broken")
    sources["tech"].write_text("# Новое\nНовый факт.", encoding="utf-8")
    report = await build_index(root, sources, embedder, only="tech")
    assert report.documents == {"general": 5, "tech": 1}
    assert {chunk.title for chunk in read_in_use(root).chunks if chunk.kb == "tech"} == {"Новое"}


async def test_a_broken_file_or_embedder_leaves_the_old_index_in_use(root, sources, embedder):
    class Down(TrigramEmbedder):
        async def embed_documents(self, texts):
            raise ProviderUnavailableError("fake", "down")

    before = (await build_index(root, sources, embedder)).version
    with pytest.raises(ProviderUnavailableError):
        await build_index(root, sources, Down("another model"))
    sources["general"].write_text("", encoding="utf-8")
    with pytest.raises(KnowledgeError):
        await build_index(root, sources, embedder)
    assert VersionStore(root).current().name == before
    assert len(read_in_use(root).chunks) == 8


async def test_leftovers_go_and_the_version_before_stays_for_slow_readers(root, sources, embedder):
    store = VersionStore(root)
    names = [(await build_index(root, sources, embedder)).version for _ in range(3)]
    (store.begin() / "chroma").mkdir()
    assert len(versions(root)) == 3
    names.append((await build_index(root, sources, embedder)).version)
    assert versions(root) == set(names[-2:])


async def test_two_builders_do_not_collide(root, sources, embedder):
    with VersionStore(root).building(), pytest.raises(KnowledgeError, match="уже строит другая программа"):
        await build_index(root, sources, embedder)
    await build_index(root, sources, embedder)


async def test_a_killed_builder_leaves_neither_lock_nor_harm(root, sources, embedder):
    await build_index(root, sources, embedder)
    script = (
        "import signal, sys; from pathlib import Path; from voxbot.knowledge.versions import VersionStore\n"
        "with VersionStore(Path(sys.argv[1])).building() as _:\n"
        "    VersionStore(Path(sys.argv[1])).begin(); print('building', flush=True); signal.pause()"
    )
    builder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(root), stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert await builder.stdout.readline() == b"building\n"
    builder.send_signal(signal.SIGKILL)
    await builder.wait()
    assert len(versions(root)) == 2
    assert len(read_in_use(root).chunks) == 8
    report = await build_index(root, sources, embedder)
    assert report.embedded == 0
    assert len(versions(root)) == 2


async def test_a_damaged_index_is_reported_with_the_fix_and_built_anew(root, sources, embedder):
    version = (await build_index(root, sources, embedder)).version
    for file in (root / version / "chroma").rglob("*"):
        if file.is_file():
            file.write_bytes(b"garbage")
    with pytest.raises(KnowledgeError, match="voxbot kb build"):
        read_in_use(root)
    report = await build_index(root, sources, embedder)
    assert report.embedded == report.passages
    assert len(read_in_use(root).chunks) == 8


async def test_a_folder_that_cannot_be_written_is_one_clear_line(sources, embedder, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="PERSIST_DIRECTORY"):
        await build_index(Path(blocked), sources, embedder)


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b"", b"../../etc", b"v-\x00"])
async def test_a_damaged_pointer_is_repaired_by_the_build_that_its_error_asks_for(
    root, sources, embedder, open_over, damage
):
    await build_index(root, sources, embedder)
    (root / "CURRENT").write_bytes(damage)
    with pytest.raises(KnowledgeError, match=r"CURRENT повреждён.*voxbot kb build"):
        await open_over(embedder)
    version = (await build_index(root, sources, embedder)).version
    assert (await open_over(embedder)).space.version == version
    assert VersionStore(root).current().name == version


async def test_a_folder_in_place_of_the_pointer_gives_way_to_it(root, sources, embedder, open_over):
    await build_index(root, sources, embedder)
    (root / "CURRENT").unlink()
    (root / "CURRENT").mkdir()
    (root / "CURRENT" / "something").write_text("", encoding="utf-8")
    version = (await build_index(root, sources, embedder)).version
    assert (await open_over(embedder)).space.version == version


async def test_under_a_damaged_pointer_a_build_that_fails_takes_no_version_away(root, sources, embedder):
    version = (await build_index(root, sources, embedder)).version
    (root / "CURRENT").write_bytes(b"\xff")
    sources["tech"].unlink()
    with pytest.raises(KnowledgeError):
        await build_index(root, sources, embedder)
    assert versions(root) == {version}
