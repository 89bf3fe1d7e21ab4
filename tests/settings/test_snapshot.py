"""A reload replaces the settings whole or not at all."""

from __future__ import annotations

import pytest

from voxbot.domain.errors import ConfigError
from voxbot.settings.loader import load_settings
from voxbot.settings.snapshot import SettingsSource


@pytest.fixture
def env_file(tmp_path):
    path = tmp_path / ".env"
    path.write_text("KB_TOP_K=4\n")
    return path


def test_a_reload_takes_the_new_values_and_leaves_the_old_object_alone(env_file):
    source = SettingsSource(lambda: load_settings(env_file, {}))
    pinned = source.current
    env_file.write_text("KB_TOP_K=7\n")
    assert source.reload().knowledge.top_k == 7
    assert source.current.knowledge.top_k == 7
    assert pinned.knowledge.top_k == 4


def test_a_broken_file_keeps_the_last_good_settings(env_file):
    source = SettingsSource(lambda: load_settings(env_file, {}))
    env_file.write_text("KB_TOP_K=7\nLLM_TEMPERATURE=9\n")
    with pytest.raises(ConfigError, match="LLM_TEMPERATURE"):
        source.reload()
    assert source.current.knowledge.top_k == 4


def test_the_first_load_must_succeed(env_file):
    env_file.write_text("KB_TOP_K=0\n")
    with pytest.raises(ConfigError):
        SettingsSource(lambda: load_settings(env_file, {}))
