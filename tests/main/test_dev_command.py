"""`voxbot dev doubles`: the cloud on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from fakes.quoting import UNKNOWN, quote

from voxbot.domain.errors import ConfigError
from voxbot.main.commands.dev import load_doubles
from voxbot.settings.loader import load_settings

SYSTEM = (
    "Отвечай по справке.\n\nСправка:\n## Доставка\nДоставка занимает две недели. Её цена зависит от города.\n\n"
    "## Гарантия\nГарантия на машины 24 месяца."
)


def asked(system, question):
    return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": question}]}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("сколько занимает доставка", "Доставка занимает две недели."),
        ("какая гарантия", "Гарантия на машины 24 месяца."),
    ],
)
def test_the_models_double_quotes_what_it_was_given(question, answer):
    assert answer in quote(asked(SYSTEM, question))


def test_the_models_double_knows_nothing_else():
    assert quote(asked(SYSTEM, "какая погода в париже")) == UNKNOWN
    assert quote(asked("Перепиши вопрос.", "а на сто?")) == "а на сто?"


def test_an_installed_package_says_that_it_has_no_doubles(tmp_path):
    with pytest.raises(ConfigError, match="исходного кода"):
        load_doubles(tmp_path)


@pytest.mark.enable_socket
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_doubles_tell_how_to_reach_them_and_stop_cleanly(tmp_path, stop):
    command = [sys.executable, "-m", "voxbot", "dev", "doubles", "--env-out", str(tmp_path / "env")]
    data = tmp_path / "the bot's # data"
    environment = os.environ | {"DATA_DIR": str(data), "LLM_PROVIDER": "auto"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            lines = []
            for line in process.stdout:
                lines.append(line.strip())
                if line.startswith("ready doubles "):
                    break
            variables = dict(line.split("=", 1) for line in lines[:-1] if not line.startswith("#"))
            assert {"OPENAI_BASE_URL", "YANDEX_API_KEY", "YANDEX_STT_ENDPOINT", "TTS_PROVIDER"} <= variables.keys()
            assert (tmp_path / "env").read_text().split("\n")[:-1] == lines[:-1]
            own, trial = (load_settings(None, {"DATA_DIR": str(data)}), load_settings(tmp_path / "env", {}))
            assert trial.paths.data_dir == data / "doubles", "its sounds, vectors and calls are not the clouds' own"
            written = {"db_path", "persist_directory", "recordings_dir"}
            assert trial.paths.model_dump(include=written) != own.paths.model_dump(include=written)
            assert trial.paths.models_dir == own.paths.models_dir
            request = urllib.request.Request(
                f"{variables['OPENAI_BASE_URL']}/chat/completions",
                json.dumps({"model": "any"} | asked(SYSTEM, "какая гарантия")).encode(),
                {"Authorization": f"Bearer {variables['OPENAI_API_KEY']}", "Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                said = json.load(answer)["choices"][0]["message"]["content"]
            assert "Гарантия на машины 24 месяца." in said
        finally:
            process.send_signal(stop)
        assert process.wait(20) == 0
