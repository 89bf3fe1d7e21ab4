"""Markdown files to chunks: what is answered from, and the smaller passages that are matched.

A file is divided into sections by `<<->>`. Every heading is repeated as a plain line under itself, so that
its words stay beside the facts whatever a splitter or a reader of plain text does with the markup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from voxbot.domain.errors import KnowledgeError
from voxbot.domain.ids import ChunkId
from voxbot.knowledge.markdown import SEPARATOR, enter, find_headings, headings_of, is_fence, paths_of, titles_of, under
from voxbot.knowledge.passages import common, plain, split_passages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.markdown import Heading, Headings

CHUNK_CHARS = 4000
OVERLAP_CHARS = 200


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a knowledge base that can be answered from.

    `headings` are the titles above all its facts, outermost first; `title` is the last of them. `above` holds, as
    Markdown lines, those that stand over the text and not in it: who reads `whole` knows what every fact is about.
    `start_index` counts characters of the prepared document (`prepare`). `chunk_id` is a hash of base and `whole`,
    so it survives a rebuild. `passages` are the texts that are embedded and matched.
    """

    kb: KbName
    title: str
    headings: tuple[str, ...]
    text: str
    start_index: int
    chunk_id: ChunkId
    passages: tuple[str, ...]
    above: str = ""

    @property
    def whole(self) -> str:
        """The text under all its headings."""
        return under(self.above, self.text)


@dataclass(frozen=True, slots=True)
class Document:
    """A knowledge base file, read and divided. `content_hash` is of the file's bytes."""

    kb: KbName
    content_hash: str
    chunks: tuple[Chunk, ...]


def read_document(kb: KbName, path: Path) -> Document:
    """Read and divide a file. Raises KnowledgeError that names the file and the fix."""
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnowledgeError(
            f"база знаний {path}: текст не в UTF-8 (байт {error.start}); сохраните файл в UTF-8"
        ) from error
    if "\0" in text:
        raise KnowledgeError(f"база знаний {path}: это не текстовый файл; нужен Markdown в UTF-8")
    if not text.strip():
        raise KnowledgeError(f"база знаний {path}: файл пуст; запишите разделы Markdown через {SEPARATOR}")
    chunks = tuple(split_document(kb, text))
    if not chunks:
        raise KnowledgeError(f"база знаний {path}: под заголовками нет текста; добавьте в разделы сведения")
    return Document(kb, sha256(raw).hexdigest(), chunks)


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes, or raise KnowledgeError."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise KnowledgeError(f"база знаний {path}: нет такого файла; создайте его или укажите другой в .env") from error
    except OSError as error:
        raise KnowledgeError(f"база знаний {path}: не читается ({error.strerror}); проверьте путь и права") from error


def split_document(kb: KbName, text: str) -> Iterator[Chunk]:
    """Divide a document's text into chunks, in order; sections without text under their headings give none.

    A section that begins with a heading is under the higher headings before it; one without is under none.
    """
    prepared = prepare(text)
    seen: set[ChunkId] = set()
    scope: Headings = ()
    position = 0
    for section in prepared.split(SEPARATOR):
        path = scope if _opening(section) else ()
        for piece, offset in _pieces(section):
            chunk = _chunk(kb, _path_at(section, offset, path), piece, position + offset)
            if chunk and chunk.chunk_id not in seen:
                seen.add(chunk.chunk_id)
                yield chunk
        for heading in find_headings(section):
            scope = enter(scope, heading)
        position += len(section) + len(SEPARATOR)


def prepare(text: str) -> str:
    """Repeat each heading as a plain line under itself. Idempotent; code blocks are left alone."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    result: list[str] = []
    for index, (line, heading) in enumerate(zip(lines, headings_of(lines), strict=True)):
        result.append(line)
        if heading and _next_words(lines, index) != heading[1]:
            result.append(heading[1])
    return "\n".join(result)


def _next_words(lines: Sequence[str], index: int) -> str:
    return next((line.strip() for line in lines[index + 1 :] if line.strip()), "")


def _pieces(section: str) -> list[tuple[str, int]]:
    """Cut a section into texts of at most `CHUNK_CHARS`, each with the place where it begins."""
    text = section.strip()
    if not text:
        return []
    offset = len(section) - len(section.lstrip())
    if len(text) <= CHUNK_CHARS:
        return [(text, offset)]
    # Imported where it is needed: most bases have no section so long, and the import takes 0.4 s.
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: PLC0415

    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARS, chunk_overlap=OVERLAP_CHARS, add_start_index=True)
    pieces = splitter.create_documents([text])
    return [(piece.page_content, offset + int(piece.metadata["start_index"])) for piece in pieces]


def _opening(text: str) -> Heading | None:
    """Return the heading that the text begins with, if any."""
    lines = text.split("\n")
    worded = (heading for line, heading in zip(lines, headings_of(lines), strict=True) if re.search(r"\w", line))
    return next(worded, None)


def _path_at(section: str, offset: int, path: Headings) -> Headings:
    """Return the headings over the text that begins at `offset`; `path` are those over the section."""
    lines = section.split("\n")
    place = 0
    for line, heading in zip(lines, headings_of(lines), strict=True):
        if place >= offset:
            break
        path = enter(path, heading) if heading else path
        place += len(line) + 1
    opening = _opening(section[offset:])
    return tuple(above for above in path if opening is None or above[0] < opening[0])


def _facts(text: str, above: Headings) -> list[tuple[Headings, str]]:
    """Return the lines that say something, headings and their repetitions left out, each with its path."""
    lines = text.split("\n")
    titles = {title for _, title in find_headings(text)}
    return [
        (path, line)
        for line, (heading, path) in zip(lines, paths_of(lines, above), strict=True)
        if re.search(r"\w", line) and not heading and not is_fence(line) and line.strip() not in titles
    ]


def _chunk(kb: KbName, path: Headings, text: str, start_index: int) -> Chunk | None:
    facts = _facts(text, path)
    if not facts:
        return None
    first_path, first_line = facts[0]
    headings = titles_of(common(path for path, _ in facts))
    title = (headings or titles_of(first_path[:1]) or (plain(first_line)[:80],))[-1]
    above = "\n".join(f"{'#' * level} {title}" for level, title in path)
    chunk_id = ChunkId(sha256(f"{kb}\n{under(above, text)}".encode()).hexdigest()[:16])
    return Chunk(kb, title, headings, text, start_index, chunk_id, split_passages(text, path, title), above)
