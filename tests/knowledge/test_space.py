import shutil

import pytest

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.arrays import Lists, Rows, Texts, sorted_texts
from voxbot.knowledge.index import build_index
from voxbot.knowledge.space import load_space, make_space, save_space
from voxbot.knowledge.versions import VersionStore

QUESTIONS = ("сколько стоит разравная машина на сто кило ньютонов", "почём рэм пятьдесят", "где вы находитесь", "алло")


def test_texts_are_found_as_python_sorts_them():
    words = ["рэм", "рэм_100", "ГОСТ", "°", "", "ё", "z", "100", "рэм_1000"]
    texts = sorted_texts(words)
    assert list(texts) == sorted(words)
    assert [texts[texts.find(word)] for word in words] == words
    assert texts.find("рэ") == -1
    assert texts[texts.begin("рэм_")] == "рэм_100"
    assert texts.begin("ёё") == len(words)
    assert (list(Texts.of([])), Texts.of([]).find("а")) == ([], -1)


def test_lists_and_rows_give_back_what_was_put_in():
    lists = [[3, 1], [], [7]]
    assert [Lists.of(lists)[index].tolist() for index in range(3)] == lists
    rows = Rows.of({"б": [1, 2], "а": []})
    assert (rows.get("б").tolist(), rows.get("а").tolist(), rows.get("в").tolist()) == ([1, 2], [], [])


async def test_a_version_read_from_disk_answers_as_the_one_that_was_made(retriever, tmp_path):
    store = retriever._versions
    made = make_space("v", store.read(retriever.space.version))
    save_space(tmp_path / "space", made)
    loaded = load_space(tmp_path / "space", "v")
    assert list(loaded.records.chunks) == list(made.records.chunks)
    for question in QUESTIONS:
        retriever._space = made
        before = await retriever.search(question)
        retriever._space = loaded
        after = await retriever.search(question)
        assert after.hits == before.hits
        assert loaded.lexical.rewrite(question) == made.lexical.rewrite(question)


async def test_a_version_without_its_prepared_part_is_prepared_when_it_is_opened(root, sources, embedder, open_over):
    version = (await build_index(root, sources, embedder)).version
    shutil.rmtree(root / version / "search")
    assert "Владимир" in (await (await open_over(embedder)).search("где вы находитесь")).hits[0].text


@pytest.mark.parametrize("damage", [b"", b"garbage"])
async def test_a_damaged_prepared_part_is_reported_and_built_anew_without_embedding(
    root, sources, embedder, open_over, damage
):
    version = (await build_index(root, sources, embedder)).version
    (root / version / "search" / "records.vectors.npy").write_bytes(damage)
    with pytest.raises(KnowledgeError, match="voxbot kb build"):
        await open_over(embedder)
    assert (await build_index(root, sources, embedder)).embedded == 0
    await open_over(embedder)
    assert VersionStore(root).current().name != version
