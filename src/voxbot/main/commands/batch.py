"""Files given to `--batch`. Raises ConfigError naming the file, and the line where one is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from voxbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def read_lines(path: Path) -> list[str]:
    """Read a file of one phrase a line."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise ConfigError(f"--batch {path}: нет такого файла") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--batch {path}: не читается ({error}); укажите файл в UTF-8") from error


def read_questions(path: Path) -> list[str]:
    """Read a file of JSON lines `{"q": ...}`; blank lines do not count."""
    questions: list[str] = []
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            questions.append(str(json.loads(line)["q"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f'--batch {path}, строка {number}: нужно {{"q": "вопрос"}}') from error
    return questions
