"""What speech recognition writes instead of the words of the trade: packaged, and in a file of the operator's.

Both files have the form of `data/asr_slips.toml`. The operator's wins over the packaged data, and is read again when
it changes; a broken one leaves what was in force.
"""

from __future__ import annotations

import time
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

import structlog

from voxbot.domain.errors import ConfigError
from voxbot.text.unit_forms import ANYWHERE, Form

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = structlog.get_logger(__name__)

_SECTIONS: dict[str, frozenset[str] | None] = {"anywhere": ANYWHERE, "after_number": frozenset()}
_LOOK_EVERY_S = 1.0


def packaged_slips() -> list[Form]:
    """Give the slips that come with the program."""
    text = resources.files("voxbot.text").joinpath("data", "asr_slips.toml").read_text(encoding="utf-8")
    return parse_slips(tomllib.loads(text))


def read_slips(path: Path) -> list[Form]:
    """Read an operator's file. Raises ConfigError that names the place and the fix, FileNotFoundError."""
    try:
        return parse_slips(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: список оговорок не читается ({error}); проверьте права и сохраните файл в UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: это не TOML ({error}); исправьте файл") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_slips(document: dict[str, Any]) -> list[Form]:
    """Check the parsed file. Raises ValueError that says what to do."""
    forms: list[Form] = []
    for section, entries in document.items():
        if section not in _SECTIONS or not isinstance(entries, dict):
            raise ValueError(f"лишнее «{section}»; разделы файла: {', '.join(f'[{name}]' for name in _SECTIONS)}")
        for meant, heard in cast("dict[str, Any]", entries).items():
            phrases: list[Any] = cast("list[Any]", heard) if isinstance(heard, list) else [None]
            if not meant or not all(_has_words(phrase) for phrase in phrases):
                raise ValueError(f'[{section}], «{meant}»: нужен список услышанного, например "{meant}" = ["…", "…"]')
            forms += [Form(phrase, meant, alone=_SECTIONS[section]) for phrase in phrases]
    return forms


def _has_words(phrase: object) -> bool:
    return isinstance(phrase, str) and any(char.isalpha() for char in phrase)


class SlipsFile:
    """An operator's file of slips, looked at not more often than once a second.

    Raises ConfigError at the start when the file is there and wrong; later a wrong one is logged once.
    """

    def __init__(self, path: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._now_s = now_s
        self._looked_s = now_s()
        self._stamp = self._stamped()
        self._forms = read_slips(path) if self._stamp else []

    @property
    def forms(self) -> list[Form]:
        """The last good slips; another list whenever they were read anew."""
        if self._now_s() - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = self._now_s()
            self._look()
        return self._forms

    def _look(self) -> None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        if stamp is None:
            log.warning("Файл оговорок исчез, действуют прежние оговорки", path=str(self._path))
            return
        try:
            self._forms = read_slips(self._path)
        except (ConfigError, FileNotFoundError) as error:
            log.error("Оговорки не обновлены, действуют прежние", reason=str(error))
        else:
            log.info("Оговорки обновлены", path=str(self._path), count=len(self._forms))

    def _stamped(self) -> tuple[int, int, int] | None:
        """What changes with the file; None while there is none."""
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
