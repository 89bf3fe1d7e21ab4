"""The shipped cases, asked of the real agent over the shipped knowledge bases, without a language model."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.openai_server import Reply, openai_server

ROOT = Path(__file__).parents[2]
CASES_MIN = 60
XFAIL_MAX = 6


@pytest.fixture(scope="module")
def run_voxbot(tmp_path_factory):
    """Run `voxbot …` from the project's folder with nothing configured; the index is built once."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "LLM_"))}
    environment |= {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "LLM_PROVIDER": "extractive",
    }
    no_env = tmp_path_factory.mktemp("env") / ".env"
    no_env.touch()

    def run(*arguments, cwd=ROOT, **variables):
        return subprocess.run(
            [sys.executable, "-m", "voxbot", "--env", str(no_env), *arguments],
            env=environment | variables, cwd=cwd, capture_output=True, text=True, check=False,
        )  # fmt: skip

    built = run("kb", "build", "--json")
    assert built.returncode == 0, built.stderr
    return run


@pytest.mark.timeout(300)
def test_the_shipped_cases_pass(run_voxbot):
    ended = run_voxbot("test-agent", "--json")
    assert ended.stdout, ended.stderr
    document = json.loads(ended.stdout)
    failed = [
        (case["file"], case["line"], case["name"], case["failures"], [turn["answer"] for turn in case["turns"]])
        for case in document["cases"]
        if case["outcome"] == "failed"
    ]
    assert failed == []
    assert ended.returncode == 0, ended.stderr
    assert document["total"] >= CASES_MIN
    assert document["xfailed"] + document["xpassed"] <= XFAIL_MAX
    asked = {turn["q"] for case in document["cases"] for turn in case["turns"]}
    assert len(asked) >= CASES_MIN
    assert {turn["model"] for case in document["cases"] for turn in case["turns"]} <= {"", "extractive"}


@pytest.mark.timeout(300)
def test_a_failure_is_told_with_its_place_and_ends_with_status_1(run_voxbot, tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(
        "- name: верно\n  q: какая гарантия\n  must_contain: 24 месяца\n"
        "- name: неверно\n  q: какая гарантия\n  must_contain: 99 лет\n",
        encoding="utf-8",
    )
    ended = run_voxbot("test-agent", str(file))
    assert ended.returncode == 1
    assert "✓ верно" in ended.stdout
    assert "✗ неверно" in ended.stdout
    assert f"{file}:4" in ended.stdout
    assert "не сказано «99 лет»" in ended.stdout
    assert "прошло 1, не прошло 1" in ended.stdout


@pytest.mark.timeout(300)
def test_a_bad_file_or_no_judge_ends_with_status_2_and_one_line(run_voxbot, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("- name: a\n  q: где вы\n  know: true\n", encoding="utf-8")
    good = tmp_path / "good.yaml"
    good.write_text("- name: a\n  q: где вы\n  known: true\n", encoding="utf-8")
    for arguments, said in (
        ((str(file),), f"{file}:3: поля «know» нет"),
        ((str(tmp_path / "none.yaml"),), "нет такого файла"),
        ((str(good), "--judge"), "OPENAI_API_KEY"),
    ):
        ended = run_voxbot("test-agent", *arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert said in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    ended = run_voxbot("test-agent", cwd=tmp_path)
    assert ended.returncode == 2
    assert "tests/agent/cases" in ended.stderr


@pytest.mark.enable_socket
@pytest.mark.timeout(300)
async def test_a_language_model_answers_and_judges(run_voxbot, tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("- name: гарантия\n  q: какая гарантия\n  must_contain: 24 месяца\n", encoding="utf-8")
    async with openai_server() as server:
        opinion = '{"ok": false, "why": "о захватах не сказано"}'
        server.answer("main", Reply("Гарантия двадцать четыре месяца."), Reply(opinion))
        ended = await asyncio.to_thread(
            run_voxbot, "test-agent", str(file), "--judge", "--json",
            LLM_PROVIDER="openai", OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=server.base_url, LLM_MODEL_PRIMARY="main",
        )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    (case,) = json.loads(ended.stdout)["cases"]
    assert case["failures"] == ["судья: о захватах не сказано"]
    assert case["turns"][0]["model"] == "main"
    judged = server.requests[-1]["messages"][-1]["content"]
    assert "Гарантия двадцать четыре месяца." in judged
    assert "Ожидаемые факты: 24 месяца" in judged
