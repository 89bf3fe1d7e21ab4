import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def voxbot(tmp_path, sources):
    """Run `voxbot kb …` over the two small bases as an operator does."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DATA_DIR": str(tmp_path / "data"),
        "KNOWLEDGE_BASE_PATH": str(sources["general"]),
        "KNOWLEDGE_BASE2_PATH": str(sources["tech"]),
    }

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "voxbot", "kb", *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
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
