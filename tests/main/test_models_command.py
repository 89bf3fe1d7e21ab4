"""`voxbot models` makes the local models and says whether they are whole."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from voxbot.domain.errors import ConfigError
from voxbot.main.commands import models
from voxbot.settings.loader import load_settings


@pytest.fixture
def run(tmp_path):
    context = SimpleNamespace(settings=load_settings(None, {"DATA_DIR": str(tmp_path)}))

    def invoke(*arguments: str):
        result = CliRunner().invoke(models.app, arguments, obj=context)
        if result.exception:
            raise result.exception
        return result

    return invoke


def test_a_model_is_missing_then_fetched_then_ready(run, tmp_path):
    listed = json.loads(run("list", "--json").stdout)[0]
    assert (listed["name"], listed["state"]) == ("whisper-base", "missing")
    (fetched,) = json.loads(run("fetch", "whisper-base", "--json").stdout)
    assert (fetched["state"], fetched["fetched"]) == ("ready", True)
    (again,) = json.loads(run("fetch", "--json").stdout)
    assert (again["state"], again["fetched"]) == ("ready", False)
    assert "готова" in run("list").stdout


def test_a_damaged_model_is_seen_and_mended_by_force(run, tmp_path):
    run("fetch")
    (tmp_path / "models" / "whisper-base" / "vocabulary.txt").write_text("damage")
    assert json.loads(run("list", "--json").stdout)[0]["state"] == "damaged"
    assert json.loads(run("fetch", "--force", "--json").stdout)[0]["state"] == "ready"


def test_an_unknown_model_is_an_error_with_the_known_names(run):
    with pytest.raises(ConfigError, match="whisper-base"):
        run("fetch", "whisper-huge")
