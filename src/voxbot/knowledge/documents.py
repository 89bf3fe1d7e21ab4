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
from voxbot.knowledge.markdown import SEPARATOR, find_headings, headings_of, is_fence
from voxbot.knowledge.passages import split_passages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from voxbot.domain.dialogue import KbName

CHUNK_CHARS = 4000
OVERLAP_CHARS = 200


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a knowledge base that can be answered from.

    `headings` is the path of headings above the text, outermost first; `title` is its last element.
    `start_index` counts characters of the prepared document (`prepare`). `chunk_id` is a hash of base and text,
    so it survives a rebuild. `passages` are the texts that are embedded and matched.
    """

    kb: KbName
    title: str
    headings: tuple[str, ...]
    text: str
    start_index: int
    chunk_id: ChunkId
    passages: tuple[str, ...]


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
    """Divide a document's text into chunks, in order; sections without text under their headings give none."""
    prepared = prepare(text)
    seen: set[ChunkId] = set()
    scope: list[tuple[int, str]] = []
    position = 0
    for section in prepared.split(SEPARATOR):
        for piece, start_index in _pieces(section, position):
            for title_level, title in _leading_headings(piece):
                _enter(scope, title_level, title)
            headings = tuple(title for _, title in scope)
            if _has_facts(piece):
                chunk = _chunk(kb, headings, piece, start_index)
                if chunk.chunk_id not in seen:
                    seen.add(chunk.chunk_id)
                    yield chunk
            for level, title in find_headings(piece):
                _enter(scope, level, title)
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


def _pieces(section: str, offset: int) -> list[tuple[str, int]]:
    text = section.strip()
    if not text:
        return []
    offset += len(section) - len(section.lstrip())
    if len(text) <= CHUNK_CHARS:
        return [(text, offset)]
    # Imported where it is needed: most bases have no section so long, and the import takes 0.4 s.
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: PLC0415

    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARS, chunk_overlap=OVERLAP_CHARS, add_start_index=True)
    pieces = splitter.create_documents([text])
    return [(piece.page_content, offset + int(piece.metadata["start_index"])) for piece in pieces]


def _leading_headings(piece: str) -> Iterator[tuple[int, str]]:
    """Yield the headings that stand before the piece's first fact: they are its own title, not an inner one."""
    title = ""
    lines = piece.split("\n")
    for line, heading in zip(lines, headings_of(lines), strict=True):
        if heading:
            title = heading[1]
            yield heading
        elif line.strip() and line.strip() != title:
            return


def _enter(scope: list[tuple[int, str]], level: int, title: str) -> None:
    while scope and scope[-1][0] >= level:
        scope.pop()
    scope.append((level, title))


def _has_facts(piece: str) -> bool:
    lines = piece.split("\n")
    titles = {title for _, title in find_headings(piece)}
    return any(
        re.search(r"\w", line) and not heading and not is_fence(line) and line.strip() not in titles
        for line, heading in zip(lines, headings_of(lines), strict=True)
    )


def _chunk(kb: KbName, headings: tuple[str, ...], text: str, start_index: int) -> Chunk:
    title = headings[-1] if headings else text.split("\n", 1)[0].strip()[:80]
    chunk_id = ChunkId(sha256(f"{kb}\n{text}".encode()).hexdigest()[:16])
    return Chunk(kb, title, headings, text, start_index, chunk_id, split_passages(text, title))
