"""Reading a `.env` file with the line of every value, so that a complaint can point at it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from voxbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line `NAME=value`; `value` is None on a line that is not one, whose text is then in `name`."""

    name: str
    value: str | None
    line: int


def read_env_file(path: Path) -> Iterator[Assignment]:
    """Read the file's assignments in order. Values are taken literally: `${OTHER}` is not expanded.

    Raises ConfigError when the file cannot be read or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: не UTF-8 (байт {error.start}); сохраните файл в кодировке UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: файл не читается ({error.strerror}); проверьте путь и права") from error
    return _assignments(text)


def _assignments(text: str) -> Iterator[Assignment]:
    for binding in parse_stream(io.StringIO(text)):
        source = binding.original.string
        # The parser counts the blank lines before an assignment to the assignment itself.
        blank = source[: len(source) - len(source.lstrip())].count("\n")
        line = binding.original.line + blank
        if binding.error:
            yield Assignment(source.strip(), None, line)
        elif binding.key is not None:
            yield Assignment(binding.key, binding.value or "", line)
