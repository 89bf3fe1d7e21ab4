"""Settings from the environment and `.env`: who wins, and what an operator is told about mistakes."""

from __future__ import annotations

import pytest

from voxbot.domain.errors import ConfigError
from voxbot.settings.loader import load_settings


@pytest.fixture
def write_env(tmp_path):
    def write(text: str, encoding: str = "utf-8"):
        path = tmp_path / ".env"
        path.write_text(text, encoding=encoding)
        return path

    return write


def load_error(path, environ=None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ or {})
    return str(caught.value).splitlines()


def test_nothing_set_gives_working_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environ={})
    assert settings.api.port == 9000
    assert settings.paths.db_path.as_posix() == "data/db/log_db.sqlite"


def test_env_file_of_the_working_directory_is_read(write_env, monkeypatch):
    monkeypatch.chdir(write_env("API_PORT=9100\n").parent)
    assert load_settings(environ={}).api.port == 9100


def test_environment_wins_over_the_file(write_env):
    path = write_env("API_PORT=9100\nKB_TOP_K=5\n")
    settings = load_settings(path, {"API_PORT": "9200"})
    assert (settings.api.port, settings.knowledge.top_k) == (9200, 5)


def test_blank_values_count_as_unset(write_env):
    path = write_env("API_PORT=9100\nKB_TOP_K=\nOPENAI_API_KEY='  '\n")
    settings = load_settings(path, {"API_PORT": " "})
    assert settings.api.port == 9100
    assert settings.knowledge.top_k == 3
    assert settings.llm.api_key is None


def test_data_dir_moves_everything_that_is_not_placed_on_its_own(write_env):
    paths = load_settings(write_env("DATA_DIR=/srv/vox\nPERSIST_DIRECTORY=/srv/index\n"), {}).paths
    assert paths.db_path.as_posix() == "/srv/vox/db/log_db.sqlite"
    assert paths.persist_directory.as_posix() == "/srv/index"


def test_values_are_taken_literally(write_env):
    path = write_env("ARI_PASSWORD='pa$${HOME}#1' # the old one\nexport ARI_USER=vox\n", "utf-8-sig")
    settings = load_settings(path, {"HOME": "/root"})
    assert settings.ari.password.get_secret_value() == "pa$${HOME}#1"
    assert settings.ari.user == "vox"


def test_choices_are_accepted_in_any_case(write_env):
    assert load_settings(write_env("LOG_LEVEL=debug\n"), {}).log.level == "DEBUG"


def test_every_mistake_is_named_once_with_its_place_and_range(write_env):
    path = write_env("# comment\n\nKB_TOP_K=50\nLLM_TEMPERATURE=тепло\nLOG_FORMAT=xml\n")
    lines = load_error(path, {"API_PORT": "port"})
    assert lines == [
        f"KB_TOP_K='50' ({path}:3): нужно целое число от 1 до 20",
        f"LLM_TEMPERATURE='тепло' ({path}:4): нужно число от 0 до 2",
        "API_PORT='port' (окружение): нужно целое число от 0 до 65535",
        f"LOG_FORMAT='xml' ({path}:5): нужно text или json",
    ]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("TURN_BARGE_IN_MS=9", "нужно целое число от 64 до 2000 мс"),
        ("CHANNEL_TIMEOUT=0", "нужно число больше 0 и не больше 3600 с"),
        ("LLM_TEMPERATURE=0,3", "нужно число от 0 до 2; дробь пишется через точку"),
        ("LLM_PROVIDER=gpt", "нужно auto, openai или extractive"),
        ("API_OPEN_READS=да", "нужно true или false"),
        ("ASR_PROVIDER=local, openai", "нужно имя или несколько имён через запятую, без пробелов"),
        ("ARI_APP_NAME=a/b", "нужно имя из букв, цифр, точек, дефисов и подчёркиваний"),
    ],
)
def test_a_complaint_says_what_is_needed(write_env, given, complaint):
    name, _, value = given.partition("=")
    path = write_env(f"{given}\n")
    assert load_error(path) == [f"{name}={value!r} ({path}:1): {complaint}"]


def test_not_a_number_is_no_number(write_env):
    assert len(load_error(write_env("LLM_TEMPERATURE=nan\n"))) == 1


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ftp://user:hunter2@llm.example/v1", "ftp://***@llm.example/v1"),
        ("ftp://user:hun/t@er2@llm.example/v1", "ftp://***@llm.example/v1"),
        ("user:hunter2@llm.example/v1", "***@llm.example/v1"),
    ],
)
def test_a_password_inside_an_address_is_masked(write_env, address, shown):
    path = write_env(f"OPENAI_BASE_URL={address}\n")
    needed = "нужно значение вида http://узел:порт или https://узел"
    assert load_error(path) == [f"OPENAI_BASE_URL='{shown}' ({path}:1): {needed}"]


def test_settings_that_contradict_each_other(write_env):
    path = write_env("TURN_END_SILENCE_MS=250\nMEDIA_BLOCK_MS=1000\nMEDIA_MAX_AHEAD_MS=400\n")
    lines = load_error(path)
    assert f"MEDIA_BLOCK_MS='1000' ({path}:2): нужно не больше, чем MEDIA_MAX_AHEAD_MS='400' ({path}:3)" in lines
    assert (
        f"TURN_SPECULATE_SILENCE_MS='250' (по умолчанию): нужно меньше, чем TURN_END_SILENCE_MS='250' ({path}:1)"
        in lines
    )


@pytest.mark.parametrize(
    ("environ", "allowed"),
    [
        ({}, False),
        ({"OPENAI_API_KEY": "sk-1"}, True),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, True),
    ],
)
def test_an_llm_needs_a_key_or_its_own_address(write_env, environ, allowed):
    path = write_env("LLM_PROVIDER=openai\n")
    if allowed:
        assert load_settings(path, environ).llm.provider == "openai"
    else:
        (line,) = load_error(path, environ)
        assert line.startswith(f"LLM_PROVIDER='openai' ({path}:1): задайте OPENAI_API_KEY или OPENAI_BASE_URL")


def test_a_misspelt_variable_is_a_warning(write_env):
    warnings: list[str] = []
    path = write_env("KB_TOPK=5\nMY_OWN_THING=1\nkb_top_k=6\n")
    settings = load_settings(path, {}, warnings=warnings)
    assert settings.knowledge.top_k == 3
    assert warnings == [
        f"KB_TOPK ({path}:1): у VoxBot нет такой переменной; может быть, KB_TOP_K?",
        f"kb_top_k ({path}:3): у VoxBot нет такой переменной; может быть, KB_TOP_K?",
    ]


def test_variables_of_the_old_bot_pass_silently(write_env):
    warnings: list[str] = []
    path = write_env("ASTERISK_SOUNDS_DIR=/x\nYANDEX_API_KEY=k\nTTS_DEBUG_KEEP_CHUNKS=0\nPLAYBACK_RETRY_COUNT=3\n")
    load_settings(path, {}, warnings=warnings)
    assert warnings == []


def test_an_open_api_without_a_key_is_a_warning(write_env):
    warnings: list[str] = []
    load_settings(write_env("API_HOST=0.0.0.0\n"), {}, warnings=warnings)
    assert warnings == [
        "API_HOST=0.0.0.0 открыт в сеть, а API_SECRET_KEY не задан: все запросы будут отклонены; задайте ключ"
    ]


def test_an_unclosed_quote_does_not_lose_a_setting_silently(write_env):
    (line,) = load_error(write_env('ARI_USER=vox\nARI_PASSWORD="secret\n'))
    assert line.startswith("ARI_PASSWORD (")
    assert line.endswith(".env:2): строка не разобрана; напишите ИМЯ=значение и закройте все кавычки")
    assert "secret" not in line


def test_a_named_file_must_exist(tmp_path):
    assert str(tmp_path / "absent.env") in load_error(tmp_path / "absent.env")[0]


def test_a_file_in_another_encoding_is_refused(write_env):
    (line,) = load_error(write_env("ARI_USER=вася\n", "cp1251"))
    assert "UTF-8" in line
