"""Logging: structlog and the standard library through one pipeline, to stderr and to files, never with a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import datetime
from logging.handlers import WatchedFileHandler
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote, unquote

import structlog
from pydantic import AnyHttpUrl, SecretStr

from voxbot.domain.errors import ConfigError
from voxbot.settings.catalog import variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from structlog.typing import EventDict, Processor

    from voxbot.settings.schema import Settings

SERVICE_UNITS = ("bot", "fastapi", "notifier")
"""Units with a file of their own in LOG_DIR; the names are those of the files that operators know."""
_APP_LOG_UNITS = (*SERVICE_UNITS, "up")

_NOISY = (
    "aiogram",
    "aiohttp.access",
    "aiosqlite",
    "alembic",
    "asyncio",
    "chromadb",
    "faster_whisper",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "openai",
    "pymorphy3",
    "urllib3",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
    "watchfiles",
    "websockets",
)
_SHORT_SECRET_CHARS = 6
_WITH_PASSWORD = re.compile(r"[a-z+]+://[^/:@]*:(.+)@[^@]*")
"""An address such as REDIS_URL or DATABASE_URL; a password may itself hold `/` and `@`."""


def configure_logging(settings: Settings, unit: str, stream: TextIO | None = None) -> None:
    """Send the log of this process to stderr, and of a long-running unit to files too. May be called again.

    Files: `DATA_DIR/logs/app.log` of all units together, and `LOG_DIR/<unit>.log` when LOG_DIR is set; both may
    be rotated by logrotate under the running unit. Raises ConfigError when one of them cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(stream or sys.stderr)]
    try:
        for path, variable in _files(settings, unit):
            handlers.append(_file_handler(path, variable))
    except ConfigError:
        for handler in handlers:
            handler.close()
        raise
    formatter = _Formatter(settings, unit)
    for handler in handlers:
        handler.setFormatter(formatter)
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, _Formatter)]:
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(settings.log.level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # It reports as an error that a machine without internet could not send usage statistics.
    logging.getLogger("chromadb.telemetry").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _stamp(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return event


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    _stamp,
    structlog.processors.StackInfoRenderer(),
)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """The end of the pipeline: a line of text or JSON, in which every secret is masked."""

    def __init__(self, settings: Settings, unit: str) -> None:
        render = _render_json if settings.log.format == "json" else _render_text

        def add_unit(_logger: Any, _method: str, event: EventDict) -> EventDict:
            event["unit"] = unit
            return event

        super().__init__(
            processors=[
                self.remove_processors_meta,
                add_unit,
                structlog.processors.format_exc_info,
                render,
            ],
            foreign_pre_chain=_SHARED,
        )
        self._secrets = _secrets_pattern(settings)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return self._secrets.sub("***", line) if self._secrets else line


def _render_text(_logger: Any, _method: str, event: EventDict) -> str:
    """Write `2026-03-01 14:05:09.123 INFO    bot  text  key=value`, then the traceback if there is one."""
    time = str(event.pop("timestamp"))[: len("2026-03-01T14:05:09.123")].replace("T", " ")
    level, unit = str(event.pop("level")).upper(), event.pop("unit")
    text = _continued(str(event.pop("event")))
    traceback = event.pop("exception", None)
    logger = str(event.pop("logger", ""))
    if not logger.startswith("voxbot"):
        event["logger"] = logger
    values = "".join(f"  {key}={_text_value(value)}" for key, value in event.items())
    line = f"{time} {level:<7} {unit}  {text}{values}"
    return f"{line}\n    {_continued(str(traceback))}" if traceback else line


def _continued(text: str) -> str:
    """Indent all lines but the first, so that no text from outside passes for a line of its own."""
    return text.replace("\r", "").replace("\n", "\n    ")


def _text_value(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and " " not in text else repr(text)


def _render_json(_logger: Any, _method: str, event: EventDict) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)


def _secrets_pattern(settings: Settings) -> re.Pattern[str] | None:
    """Match every secret as it may stand in a line."""
    secrets = sorted(set(_secrets(settings)), key=len, reverse=True)
    return re.compile("|".join(map(_written, secrets))) if secrets else None


def _written(secret: str) -> str:
    """Match one secret; a short one as a whole word only: masking every `1` would leave nothing to read."""
    form = "".join(map(_character, secret))
    return rf"(?<!\w){form}(?!\w)" if len(secret) < _SHORT_SECRET_CHARS else form


def _character(character: str) -> str:
    """Match one character as it is, quoted in a URL, or escaped once or more in JSON or by `repr`."""
    escaped = r"\'" if character == "'" else json.dumps(character)[1:-1]
    forms = {re.escape(character), re.escape(quote(character, safe="")), re.escape(escaped).replace(r"\\", r"\\+")}
    if character == " ":
        forms.add(r"\+")
    return f"(?:{'|'.join(sorted(forms))})"


def _secrets(settings: Settings) -> Iterator[str]:
    """Take the secret settings, and the passwords inside addresses."""
    for variable in variables():
        value = getattr(getattr(settings, variable.group), variable.field)
        if isinstance(value, SecretStr) and value.get_secret_value():
            yield value.get_secret_value()
        elif isinstance(value, AnyHttpUrl) and value.password:
            yield unquote(value.password)
        elif isinstance(value, str) and (address := _WITH_PASSWORD.fullmatch(value)):
            yield from {address[1], unquote(address[1])}


def _files(settings: Settings, unit: str) -> Iterator[tuple[Path, str]]:
    if unit in _APP_LOG_UNITS:
        yield settings.paths.data_dir / "logs" / "app.log", "DATA_DIR"
    if unit in SERVICE_UNITS and settings.log.dir is not None:
        yield settings.log.dir / f"{unit}.log", "LOG_DIR"


def _file_handler(path: Path, variable: str) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: журнал не пишется ({error.strerror}); проверьте {variable} и владельца папки"
        ) from error
