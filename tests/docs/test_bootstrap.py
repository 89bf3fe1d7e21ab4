"""`scripts/bootstrap.sh`, which users know by `make run` and by the advice in error messages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SCRIPT = (REPO / "scripts" / "bootstrap.sh").read_text()
UV = """#!/bin/sh
echo "$@" >>calls
case "$*" in *no-such*) exit 2 ;; esac
mkdir -p "$UV_PROJECT_ENVIRONMENT"
"""


@pytest.fixture
def run(tmp_path):
    """Run the script in a checkout whose uv only notes what it is asked for; gives those notes."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPO / "scripts" / "bootstrap.sh", tmp_path / "scripts")
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    uv = tmp_path / ".cache" / f"uv-{re.search(r'UV_VERSION=(.+)', SCRIPT)[1]}" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(UV)
    uv.chmod(0o755)
    environ = {name: value for name, value in os.environ.items() if name not in {"VENV", "PYTHON"}}

    def run(*arguments, fails=False):
        (tmp_path / "calls").write_text("")
        command = [tmp_path / "scripts" / "bootstrap.sh", *arguments]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert bool(done.returncode) == fails, done.stderr
        return (tmp_path / "calls").read_text().splitlines()

    run.checkout = tmp_path
    return run


def test_a_second_run_does_nothing(run):
    (call,) = run()
    assert "--no-dev" in call
    assert "--extra" not in call
    assert run() == []
    (call,) = run("--dev")
    assert "--no-dev" not in call
    assert run() == run("--dev") == []


def test_an_extra_is_added_to_an_installation_and_kept_by_later_ones(run):
    run()
    (call,) = run("--extra", "onnx-asr")
    assert "--inexact" in call
    assert "--extra onnx-asr " in call
    assert run("--extra", "onnx-asr") == run() == []
    (call,) = run("--extra", "smart-turn")
    assert "--extra onnx-asr --extra smart-turn " in call
    (run.checkout / "uv.lock").touch()
    (call,) = run()
    assert "--extra onnx-asr --extra smart-turn " in call


def test_what_is_damaged_is_installed_again(run):
    run()
    (call,) = run("--reinstall")
    assert "--reinstall" in call


@pytest.mark.parametrize("arguments", [["--extra"], ["--extras", "onnx-asr"], ["--extra", "no-such"]])
def test_a_slip_is_told_and_leaves_no_trace(run, arguments):
    run()
    run(*arguments, fails=True)
    assert run() == []


def test_advice_names_extras_that_exist_and_no_tool_that_users_lack():
    extras = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    read = [REPO / "README.md", REPO / "README.ru.md", REPO / ".env.example", *(REPO / "src").rglob("*.py")]
    texts = {path: path.read_text() for path in read}
    assert [path for path, text in texts.items() if "uv sync" in text] == []
    named = {name for text in texts.values() for name in re.findall(r"bootstrap\.sh --extra ([\w-]+)", text)}
    assert named == set(extras)
