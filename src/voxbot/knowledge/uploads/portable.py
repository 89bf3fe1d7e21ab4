"""PDF documents to Markdown. A PDF knows no headings: those are the lines larger or bolder than its body text."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdfminer.high_level import extract_pages
from pdfminer.layout import LAParams, LTChar, LTTextBox
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdfexceptions import PDFException
from pdfminer.pdfparser import PDFSyntaxError
from pdfminer.psexceptions import PSException

from voxbot.knowledge.uploads.markup import clean, document, heading, paragraph
from voxbot.knowledge.uploads.refusal import UploadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_PAGES = 2000
_LARGER = 1.12
_HEADING_CHARS = 120
_BOLD = re.compile(r"bold|black|heavy|demi", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.;,…]$")
_PAGE_NUMBER = re.compile(r"^\W*(?:стр\.?|с\.|page)?\W*\d+(?:\s*(?:из|/|of)\s*\d+)?\W*$", re.IGNORECASE)
_RUNNING_SHARE = 0.5
_RUNNING_PAGES = 3
_NO_TEXT = "В этом PDF нет текста: вероятно, это скан. Распознайте его (OCR) и загрузите снова."
_NOT_PDF = "Это не PDF, или файл повреждён. Сохраните документ в PDF заново и загрузите снова."


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page; `size` in points, rounded to halves, `place` from the top of the page in steps of 10 points."""

    text: str
    size: float
    bold: bool
    place: int
    box: int


def pdf_to_markdown(path: Path, title: str) -> str:
    """Convert a document. Raises UploadError."""
    try:
        pages = [list(_lines(page)) for page in extract_pages(str(path), maxpages=MAX_PAGES, laparams=LAParams())]
    except (PDFPasswordIncorrect, PDFEncryptionError) as error:
        raise UploadError("encrypted", "PDF защищён паролем. Снимите пароль и загрузите снова.") from error
    except (PDFSyntaxError, PDFException, PSException, ValueError, KeyError, TypeError, IndexError) as error:
        raise UploadError("damaged", _NOT_PDF) from error
    if not pages:
        raise UploadError("damaged", _NOT_PDF)
    running = _running(pages)
    kept = [[line for line in page if (line.text, line.place) not in running] for page in pages]
    if not any(any(char.isalnum() for char in line.text) for page in kept for line in page):
        raise UploadError("no_text", _NO_TEXT)
    return document(_blocks(kept), title)


def _lines(page: Iterable[object]) -> Iterator[_Line]:
    height = float(getattr(page, "height", 0.0))
    boxes = [box for box in page if isinstance(box, LTTextBox)]
    for number, box in enumerate(boxes):
        for line in box:
            text = clean(line.get_text())
            chars = [char for char in line if isinstance(char, LTChar) and char.get_text().strip()]
            if not text or not chars or _PAGE_NUMBER.match(text):
                continue
            size = sorted(char.size for char in chars)[len(chars) // 2]
            bold = sum(bool(_BOLD.search(char.fontname)) for char in chars) > len(chars) / 2
            yield _Line(text, round(size * 2) / 2, bold, round((height - line.y1) / 10), number)


def _running(pages: Sequence[Sequence[_Line]]) -> set[tuple[str, int]]:
    """Find headers and footers: the same words at the same height on most pages."""
    if len(pages) < _RUNNING_PAGES:
        return set()
    seen = Counter((line.text, line.place) for page in pages for line in {(x.text, x.place): x for x in page}.values())
    return {key for key, count in seen.items() if count >= max(_RUNNING_PAGES, _RUNNING_SHARE * len(pages))}


def _blocks(pages: Sequence[Sequence[_Line]]) -> Iterator[str]:
    sizes = Counter[float]()
    for page in pages:
        for line in page:
            sizes[line.size] += len(line.text)
    body = max(sizes, key=lambda size: sizes[size])
    usually_bold = sum(len(x.text) for page in pages for x in page if x.bold) > sum(sizes.values()) / 2
    larger = sorted((size for size in sizes if size >= body * _LARGER), reverse=True)
    for page in pages:
        for same in _grouped(page):
            text = _joined(same)
            level = 0 if len(text) > _HEADING_CHARS or not any(map(str.isalpha, text)) else _level(
                same[0], body, larger, usually_bold=usually_bold
            )  # fmt: skip
            yield heading(level, text) if level and not _SENTENCE_END.search(text) else paragraph(text)


def _level(line: _Line, body: float, larger: Sequence[float], *, usually_bold: bool) -> int:
    if line.size in larger:
        return min(larger.index(line.size) + 1, 5)
    if line.bold and not usually_bold and line.size >= body:
        return min(len(larger) + 1, 6)
    return 0


def _grouped(page: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Put together the lines of a box that look the same."""
    group: list[_Line] = []
    for line in page:
        if group and (group[-1].box, group[-1].size, group[-1].bold) != (line.box, line.size, line.bold):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _joined(lines: Sequence[_Line]) -> str:
    """Join the lines of a paragraph; a word divided at a line's end becomes whole."""
    text = ""
    for line in lines:
        if text.endswith(("-", "\u00ad")) and line.text[:1].islower() and text[-2:-1].isalpha():
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text
