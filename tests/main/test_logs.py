"""Log lines: readable, in the right files, and without secrets."""

from __future__ import annotations

import io
import json
import logging
import re
from urllib.parse import quote, quote_plus

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from voxbot.domain.errors import ConfigError
from voxbot.main.logs import configure_logging
from voxbot.settings.loader import load_settings


@pytest.fixture
def configured(tmp_path):
    """Configure logging and give the stream that stands for stderr."""
    env_file = tmp_path / ".env"
    env_file.touch()

    def configure(unit: str = "bot", **environ: str) -> io.StringIO:
        stream = io.StringIO()
        settings = load_settings(env_file, {"DATA_DIR": str(tmp_path / "data"), **environ})
        configure_logging(settings, unit, stream)
        return stream

    return configure


def test_a_line_reads_well_and_carries_the_call(configured):
    stream = configured()
    with bound_contextvars(call_id="c1"):
        structlog.get_logger("voxbot.call").info("📞 Новый звонок: c1", caller="100", note="два слова")
    line = stream.getvalue().rstrip("\n")
    assert line.endswith("INFO    bot  📞 Новый звонок: c1  caller=100  note='два слова'  call_id=c1")
    assert line[:4].isdigit()
    assert line[10] == " "


def test_the_standard_library_goes_the_same_way(configured):
    stream = configured()
    with bound_contextvars(call_id="c1"):
        logging.getLogger("some.library").warning("lost %d packets", 3)
    assert stream.getvalue().rstrip().endswith("WARNING bot  lost 3 packets  call_id=c1  logger=some.library")


def test_levels(configured):
    stream = configured(LOG_LEVEL="WARNING")
    structlog.get_logger("voxbot.call").info("тихо")
    structlog.get_logger("voxbot.call").error("громко")
    assert "тихо" not in stream.getvalue()
    assert "громко" in stream.getvalue()


def test_libraries_chatter_is_left_out(configured):
    stream = configured(LOG_LEVEL="DEBUG")
    for name in ("uvicorn.error", "httpx", "httpx2", "chromadb.config", "aiosqlite"):
        logging.getLogger(name).info("chatter")
    logging.getLogger("uvicorn.error").error("crash")
    assert "chatter" not in stream.getvalue()
    assert "crash" in stream.getvalue()


def test_the_level_holds_for_libraries_too(configured):
    stream = configured(LOG_LEVEL="ERROR")
    logging.getLogger("uvicorn.error").warning("chatter")
    logging.getLogger("uvicorn.error").critical("crash")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("CRITICAL bot  crash  logger=uvicorn.error")


def test_json_lines(configured):
    stream = configured(LOG_FORMAT="json")
    structlog.get_logger("voxbot.call").info("Звонок завершён", seconds=1.5)
    line = json.loads(stream.getvalue())
    assert line["event"] == "Звонок завершён"
    assert (line["level"], line["unit"], line["seconds"], line["logger"]) == ("info", "bot", 1.5, "voxbot.call")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_never_appear(configured, log_format):
    secrets = {"ARI_PASSWORD": "пароль/1", "OPENAI_API_KEY": 'sk-"quoted"', "API_SECRET_KEY": "k9"}
    stream = configured(LOG_FORMAT=log_format, **secrets)
    log = structlog.get_logger("voxbot.call")
    log.info("ARI answers пароль/1", url="ws://h/ari?api_key=u:%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C%2F1")
    log.info("headers", headers={"Authorization": 'Bearer sk-"quoted"', "X-API-Key": "k9"})
    try:
        {}["пароль/1"]
    except KeyError:
        log.exception("failed")
        logging.getLogger("library").exception("failed too")
    text = stream.getvalue()
    assert "Traceback" in text
    for leaked in ("пароль/1", "%2F1", "quoted", "k9"):
        assert leaked not in text, leaked
    assert text.count("***") >= 6


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_secret_is_known_in_every_spelling(configured, log_format):
    secret = "па/р'о\\л\"ь 1"
    stream = configured(LOG_FORMAT=log_format, ARI_PASSWORD=secret)
    log = structlog.get_logger("voxbot.call")
    log.info("path", url=quote(secret), query=quote_plus(secret), bare=quote(secret, safe="/'"))
    log.info("body", body=json.dumps({"p": secret}), read=json.dumps({"p": secret}, ensure_ascii=False))
    log.info("repr", value=repr(secret), nested={"p": [secret]}, deep=repr({"p": [secret]}))
    assert stream.getvalue().count("***") == 8


def test_a_password_inside_an_address_is_a_secret(configured):
    stream = configured(OPENAI_BASE_URL="https://user:hunter%2F2@llm.example/v1")
    structlog.get_logger("voxbot.agent").info("POST https://user:hunter%2F2@llm.example/v1, user:hunter/2")
    assert stream.getvalue().rstrip().endswith("POST https://user:***@llm.example/v1, user:***")


def test_what_only_resembles_a_secret_stays(configured):
    stream = configured(ARI_PASSWORD="a.c+(1)*")
    structlog.get_logger("voxbot.call").info("abc+(1)* a.cc(1)* aXc+(1)*")
    assert "***" not in stream.getvalue()


def test_a_short_secret_does_not_garble_the_line(configured):
    stream = configured(API_SECRET_KEY="1")
    structlog.get_logger("voxbot.call").info("порт 9100, ключ 1")
    assert stream.getvalue().rstrip().endswith("порт 9100, ключ ***")


def test_text_from_outside_cannot_forge_a_line(configured):
    stream = configured()
    structlog.get_logger("voxbot.call").info("Звонит 100\n2026-01-01 ERROR", caller="100\n2026-01-01")
    _first, *rest = stream.getvalue().splitlines()
    assert len(rest) == 1
    assert rest[0].startswith("    ")


def test_nor_can_the_text_of_an_exception(configured):
    stream = configured()

    def fail():
        raise ValueError("Звонит 100\n2026-01-01 ERROR")

    try:
        fail()
    except ValueError:
        structlog.get_logger("voxbot.call").exception("сбой")
    _first, *rest = stream.getvalue().splitlines()
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)


def test_files_of_a_unit(configured, tmp_path):
    configured("fastapi", LOG_DIR=str(tmp_path / "var"))
    structlog.get_logger("voxbot.admin").info("готово")
    for path in (tmp_path / "data" / "logs" / "app.log", tmp_path / "var" / "fastapi.log"):
        assert "готово" in path.read_text(encoding="utf-8")


def test_a_command_writes_no_files(configured, tmp_path):
    stream = configured("simulate", LOG_DIR=str(tmp_path / "var"))
    structlog.get_logger("voxbot.main").info("готово")
    assert "готово" in stream.getvalue()
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "var").exists()


def test_a_rotated_file_is_opened_anew(configured, tmp_path):
    configured()
    log, path = structlog.get_logger("voxbot.main"), tmp_path / "data" / "logs" / "app.log"
    log.info("до")
    path.rename(path.with_suffix(".log.1"))
    log.info("после")
    assert "после" in path.read_text(encoding="utf-8")
    assert "после" not in path.with_suffix(".log.1").read_text(encoding="utf-8")


def test_configuring_again_does_not_double_the_lines(configured):
    configured()
    stream = configured()
    structlog.get_logger("voxbot.main").info("один раз")
    assert stream.getvalue().count("один раз") == 1


def test_an_unwritable_folder_is_explained(configured, tmp_path):
    (tmp_path / "var").touch()
    with pytest.raises(ConfigError) as caught:
        configured(LOG_DIR=str(tmp_path / "var"))
    path = tmp_path / "var" / "bot.log"
    assert re.fullmatch(rf"{path}: журнал не пишется \(.+\); проверьте LOG_DIR и владельца папки", str(caught.value))
