"""Reading a `.env` file with the line of every value, so that a complaint can point at it; and rewriting it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from voxbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_PLAIN = re.compile(r"[\w./:@%+,=-]+")
"""Values that stand in the file without quotes."""
_LINE = re.compile(
    r"""(?P<head>\s*(?:export[^\S\r\n]+)?[^=\s]+[^\S\r\n]*=[^\S\r\n]*)"""
    r"""(?P<value>'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|[^\r\n]*?)(?P<tail>(?:[^\S\r\n]+\#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r)?)\Z""",
    re.DOTALL,
)


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
    return assignments(text)


def assignments(text: str) -> Iterator[Assignment]:
    """Take the assignments of a file's text in order."""
    for binding in parse_stream(io.StringIO(text)):
        source = binding.original.string
        # The parser counts the blank lines before an assignment to the assignment itself.
        blank = source[: len(source) - len(source.lstrip())].count("\n")
        line = binding.original.line + blank
        if binding.error:
            yield Assignment(source.strip(), None, line)
        elif binding.key is not None:
            yield Assignment(binding.key, binding.value or "", line)


def rewritten(text: str, values: Mapping[str, str | None]) -> str:
    """Return the file's text with other values; everything else, comments and order included, stays.

    The last of several lines of a name is the one in force and gets the value; None removes all of them. A name that
    is not there takes the place of its line that is commented out (`#NAME=…` and no more), or comes to the end.
    Raises ValueError for a value of several lines.
    """
    pieces = [(binding.key, binding.original.string) for binding in parse_stream(io.StringIO(text))]
    for name, value in values.items():
        places = [place for place, (key, _) in enumerate(pieces) if key == name]
        if value is None:
            pieces = [(key, _blank_lines(piece) if key == name else piece) for key, piece in pieces]
        elif places:
            match = _LINE.fullmatch(pieces[places[-1]][1])
            head, tail = (match["head"], match["tail"]) if match else (f"{name}=", "\n")
            pieces[places[-1]] = (name, head + _quoted(value) + tail)
        else:
            pieces = _with_new(pieces, name, _quoted(value))
    return "".join(piece for _, piece in pieces)


def _with_new(pieces: list[tuple[str | None, str]], name: str, value: str) -> list[tuple[str | None, str]]:
    line = f"{name}={value}"
    commented = re.compile(rf"^#[ \t]*{name}=(?:'[^'\r\n]*'|\"[^\"\r\n]*\"|[^\s'\"]*)[ \t]*(?=\r|\n|\Z)", re.MULTILINE)
    for place, (key, piece) in enumerate(pieces):
        if key is None and (match := commented.search(piece)):
            split = [
                (None, piece[: match.start()]),
                (name, line + _line_end(piece[match.end() :])),
                (None, piece[match.end() :].removeprefix(_line_end(piece[match.end() :]))),
            ]
            return [*pieces[:place], *split, *pieces[place + 1 :]]
    whole = "".join(piece for _, piece in pieces)
    end = "\r\n" if "\r\n" in whole else "\n"
    before = "" if not whole or whole.endswith(("\n", "\r")) else end
    return [*pieces, (name, f"{before}{line}{end}")]


def _line_end(rest: str) -> str:
    return "\r\n" if rest.startswith("\r\n") else rest[:1] or "\n"


def _blank_lines(piece: str) -> str:
    """Keep the blank lines that the parser counts to the assignment below them."""
    return piece[: len(piece) - len(piece.lstrip())]


def _quoted(value: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("значение должно быть в одну строку")
    if not value or _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
