import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def voxbot(tmp_path, sources):
    """Run `voxbot kb …` over the two small bases as an operator does."""
    own = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DATA_DIR": str(tmp_path / "data"),
        "KNOWLEDGE_BASE_PATH": str(sources["general"]),
        "KNOWLEDGE_BASE2_PATH": str(sources["tech"]),
    }

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "voxbot", "kb", *arguments],
            env=os.environ | own, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_build_then_search_by_one_question_and_by_a_batch(voxbot, tmp_path):
    built = json.loads(voxbot("build", "--json").stdout)
    assert built["documents"] == {"general": 5, "tech": 3}
    assert built["version"]

    found = json.loads(voxbot("search", "где вы находитесь", "--k", "2", "--json").stdout)
    assert set(found) == {"route", "used", "fallback", "embedding", "hits", "ms"}
    assert found["used"] == "general"
    assert len(found["hits"]) == 2
    assert set(found["hits"][0]) == {"kb", "title", "score", "text", "chunk_id"}
    assert set(found["ms"]) == {"embed", "search", "total"}
    assert found["hits"][0]["title"] == "Адрес"

    batch = tmp_path / "batch.jsonl"
    batch.write_text('{"q": "где вы находитесь"}\n{"q": "сколько весит рэм сто", "kb": "tech"}\n', encoding="utf-8")
    lines = [json.loads(line) for line in voxbot("search", "--batch", str(batch), "--json").stdout.splitlines()]
    assert [line["hits"][0]["title"] for line in lines] == ["Адрес", "Разрывная машина РЭМ-100"]


def test_a_question_asked_twice_is_embedded_once_also_by_another_process(voxbot, tmp_path):
    voxbot("build")
    first = json.loads(voxbot("search", "Где вы находитесь?", "--json").stdout)
    again = json.loads(voxbot("search", "где вы находитесь", "--json").stdout)
    assert (first["embedding"], again["embedding"]) == ("computed", "cached")
    assert first["hits"] == again["hits"], "a cached vector is the same vector"
    (tmp_path / "data" / "embeddings.sqlite").write_bytes(b"damaged" * 1000)
    damaged = voxbot("search", "где вы находитесь", "--json")
    assert json.loads(damaged.stdout)["embedding"] == "computed"
    assert len(damaged.stderr.splitlines()) == 1


def test_an_index_outlives_the_files_that_it_was_made_of(voxbot, sources):
    voxbot("build")
    sources["tech"].rename(sources["tech"].with_suffix(".old"))
    found = voxbot("search", "сколько весит рэм сто", "--json")
    assert json.loads(found.stdout)["hits"][0]["title"] == "Разрывная машина РЭМ-100"
    assert len(found.stderr.splitlines()) == 1
    assert str(sources["tech"]) in found.stderr


def test_a_redis_that_is_not_there_costs_a_warning_and_a_wrong_address_the_start(voxbot, monkeypatch):
    voxbot("build")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    result = voxbot("search", "где вы находитесь", "--json")
    assert json.loads(result.stdout)["embedding"] == "computed"
    assert "Redis" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    for wrong in ("http://:secret-one@127.0.0.1", "redis://:secret-one@127.0.0.1:port"):
        monkeypatch.setenv("REDIS_URL", wrong)
        result = voxbot("search", "где вы находитесь")
        assert result.returncode == 2
        assert "REDIS_URL" in result.stderr
        assert "secret-one" not in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_an_error_is_one_line_and_status_2(voxbot, sources):
    for arguments, said in ((("search", "адрес"), "voxbot kb build"), (("search", "--batch", "none"), "--batch none")):
        result = voxbot(*arguments)
        assert result.returncode == 2
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1
    sources["general"].write_text("", encoding="utf-8")
    result = voxbot("build", "--json")
    assert (result.returncode, result.stdout) == (2, "")
    assert str(sources["general"]) in result.stderr
    assert len(result.stderr.splitlines()) == 1
