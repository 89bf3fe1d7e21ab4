"""Local models are whole or refused, whatever happened to their files."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from voxbot.domain.errors import ConfigError, ModelError
from voxbot.providers.models import Model, ModelFile, fetch, find_model, inspect, require


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with two parts of a model in it; importing it would fail."""
    folder = tmp_path / "site" / "some_model_data"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('data only')")
    (folder / "weights.1").write_bytes(b"a" * 1000)
    (folder / "weights.2").write_bytes(b"b" * 500)
    (folder / "config").write_bytes(b"{}")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def file(name: str, content: bytes, *parts: str) -> ModelFile:
    digest = hashlib.sha256(content).hexdigest()
    return ModelFile(name, len(content), digest, tuple(f"some_model_data/{part}" for part in parts))


MODEL = Model(
    name="some-model",
    purpose="",
    origin="",
    files=(
        file("config", b"{}", "config"),
        file("weights", b"a" * 1000 + b"b" * 500, "weights.1", "weights.2"),
    ),
)


def test_a_model_is_joined_from_its_packages_and_left_alone_afterwards(package, tmp_path):
    assert inspect(MODEL, tmp_path) == "missing"
    assert fetch(MODEL, tmp_path)
    assert inspect(MODEL, tmp_path) == "ready"
    assert (tmp_path / "some-model" / "weights").read_bytes() == b"a" * 1000 + b"b" * 500
    assert not fetch(MODEL, tmp_path)
    assert fetch(MODEL, tmp_path, force=True)
    visible = sorted(path.name for path in (tmp_path / "some-model").iterdir() if path.name != ".lock")
    assert visible == ["config", "weights"]


@pytest.mark.parametrize("damage", [b"short", b"x" * 1500], ids=["cut off", "same length"])
def test_a_damaged_model_is_refused_with_the_command_that_mends_it(package, tmp_path, damage):
    fetch(MODEL, tmp_path)
    (tmp_path / "some-model" / "weights").write_bytes(damage)
    with pytest.raises(ModelError, match="voxbot models fetch some-model --force"):
        require(MODEL, tmp_path)
    fetch(MODEL, tmp_path, force=True)
    assert require(MODEL, tmp_path) == tmp_path / "some-model"


def test_what_a_killed_fetch_left_behind_is_no_obstacle(package, tmp_path):
    (tmp_path / "some-model").mkdir()
    (tmp_path / "some-model" / ".weights.partial").write_bytes(b"a" * 700)
    assert require(MODEL, tmp_path) == tmp_path / "some-model"
    assert inspect(MODEL, tmp_path) == "ready"


def test_a_damaged_package_never_becomes_a_model(package, tmp_path):
    (package / "weights.2").write_bytes(b"c" * 500)
    with pytest.raises(ModelError, match="some-model-data"):
        fetch(MODEL, tmp_path)
    assert not (tmp_path / "some-model" / "weights").exists()


def test_a_missing_package_is_named(tmp_path):
    with pytest.raises(ModelError, match="some-model-data"):
        require(MODEL, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(package, tmp_path):
    (tmp_path / "models").write_text("a file, not a folder")
    with pytest.raises(ModelError, match="MODELS_DIR"):
        fetch(MODEL, tmp_path / "models")


def test_progress_adds_up_to_the_size(package, tmp_path):
    for _ in range(2):
        counts: list[int] = []
        fetch(MODEL, tmp_path, on_bytes=counts.append)
        assert sum(counts) == MODEL.size_bytes == 1502


def test_two_processes_at_once_make_one_whole_model(tmp_path):
    program = (
        "import sys, pathlib; from voxbot.providers.models import WHISPER_BASE, fetch, inspect;"
        "folder = pathlib.Path(sys.argv[1]); fetch(WHISPER_BASE, folder); print(inspect(WHISPER_BASE, folder))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == ["ready", "ready"]


def test_an_unknown_model_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="whisper-base"):
        find_model("whisper-huge")
