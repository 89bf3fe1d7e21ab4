"""Text files: which characters their bytes mean, and which of their lines are headings."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from voxbot.knowledge.uploads.markup import clean, document, heading, paragraph
from voxbot.knowledge.uploads.refusal import undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAVE_AS = "Сохраните его в кодировке UTF-8 и загрузите снова."
_LEAST_RUSSIAN = 0.5
_NUMBERED = re.compile(r"^(\d+(?:\.\d+)*)\.?\s+(\S.*)$")
_UNDERLINE = re.compile(r"^(={3,}|-{3,})$")
_SENTENCE_END = re.compile(r"[.!?;,:…]$")
_HEADING_CHARS = 100
_HEADING_WORDS = 12


def decode_markdown(raw: bytes) -> str:
    """Read a Markdown file, which must be UTF-8. Raises UploadError."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise undecodable(f"Это не UTF-8 (байт {error.start}). {_SAVE_AS}") from error
    if "\0" in text:
        raise undecodable("Это не текстовый файл: в нём есть нулевые байты.")
    return text


def decode_text(raw: bytes) -> str:
    """Read a text file in UTF-8, UTF-16 with its mark, or Windows-1251 if that gives Russian. Raises UploadError."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError as error:
            raise undecodable(_SAVE_AS) from error
    if b"\0" in raw:
        raise undecodable("Это не текстовый файл: в нём есть нулевые байты.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        guessed = _as_windows(raw)
        if guessed is None:
            raise undecodable(_SAVE_AS) from error
        return guessed


def text_to_markdown(text: str, title: str) -> str:
    """Write a text as Markdown: lines that stand alone like titles become headings."""
    return document(_blocks(text), title)


def _as_windows(raw: bytes) -> str | None:
    try:
        text = raw.decode("cp1251")
    except UnicodeDecodeError:
        return None
    letters = [char for char in text if char.isalpha()]
    russian = sum("а" <= char <= "я" or char == "ё" for char in text.lower())
    controls = any(ord(char) < 32 and char not in "\t\r\n\f" for char in text)  # noqa: PLR2004 - below the space
    return text if letters and not controls and russian >= _LEAST_RUSSIAN * len(letters) else None


def _blocks(text: str) -> Iterator[str]:
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        if len(lines) > 1 and _UNDERLINE.match(lines[1]):
            yield heading(1 if lines[1][0] == "=" else 2, lines[0])
            lines = lines[2:]
        elif len(lines) == 1 and (level := _title_level(lines[0])):
            yield heading(level, _NUMBERED.sub(r"\2", lines[0]))
            continue
        if lines:
            yield "\n".join(paragraph(line) for line in lines)


def _title_level(line: str) -> int:
    """Guess at the level of a line that stands alone; 0: it is no title."""
    line = clean(line)
    if len(line) > _HEADING_CHARS or len(line.split()) > _HEADING_WORDS or _SENTENCE_END.search(line):
        return 0
    if numbered := _NUMBERED.match(line):
        return 1 + numbered[1].count(".")
    return 1 if line.isupper() and len(line) > 3 else 0  # noqa: PLR2004 - an abbreviation is no title
