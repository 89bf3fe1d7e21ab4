"""Word documents (.docx, ECMA-376) to Markdown: headings by their outline level, lists, tables."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.text.paragraph import Paragraph

from voxbot.knowledge.uploads.markup import document, heading, paragraph, table
from voxbot.knowledge.uploads.refusal import UploadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAX_UNPACKED_BYTES = 200 * 1024 * 1024
_MAX_ENTRIES = 5000
_MAX_RATIO = 250
"""Text packs to a tenth or so; a part that packs to less than a 250th is there to fill the memory."""
_MIN_SUSPECT_BYTES = 10 * 1024 * 1024
_HEADING_STYLE = re.compile(r"^(?:heading|заголовок)\s*(\d)$", re.IGNORECASE)
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HOLDING_TEXT = frozenset(
    {"r", "ins", "moveTo", "hyperlink", "sdt", "sdtContent", "smartTag", "customXml", "fldSimple", "dir", "bdo"}
)
_MAX_COLUMNS = 63
"""Of a table in Word."""
_NOT_WORD = "Это не документ Word (.docx). Сохраните файл в Word как .docx и загрузите снова."
_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
"""What Word puts an encrypted document into, and what its format before 2007 was."""


def word_to_markdown(path: Path, title: str) -> str:
    """Convert a document. Raises UploadError."""
    with path.open("rb") as file:
        if file.read(4) == _OLE_MAGIC:
            raise UploadError(
                "encrypted",
                "Документ Word защищён паролем или сохранён в старом формате .doc. Сохраните как .docx без пароля.",
            )
    _check_package(path)
    try:
        opened = Document(str(path))
    except (PackageNotFoundError, KeyError, ValueError) as error:
        raise UploadError("damaged", _NOT_WORD) from error
    return document(_blocks(opened), title)


def _check_package(path: Path) -> None:
    """Look at the sizes that the archive states before anything of it is unpacked."""
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise UploadError("damaged", _NOT_WORD) from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise UploadError("encrypted", "Документ зашифрован. Снимите пароль и загрузите снова.")
    unpacked = sum(entry.file_size for entry in entries)
    suspect = any(
        entry.file_size > _MIN_SUSPECT_BYTES and entry.file_size > _MAX_RATIO * max(1, entry.compress_size)
        for entry in entries
    )
    if unpacked > _MAX_UNPACKED_BYTES or len(entries) > _MAX_ENTRIES or suspect:
        raise UploadError(
            "bomb", "Файл распаковывается в слишком большой объём данных. Уберите из документа картинки и вложения."
        )


def _blocks(opened: Any) -> Iterator[str]:
    yield from _written(opened.element.body, opened)


def _written(container: Any, opened: Any) -> Iterator[str]:
    """Write paragraphs and tables in order, those in content controls and proposed insertions included."""
    for element in container:
        match _tag(element):
            case "p":
                yield from _paragraph(element, opened)
            case "tbl":
                yield table([_cells(row) for row in _within(element, "tr")])
            case "sdt" | "sdtContent" | "ins" | "moveTo" | "customXml" | "smartTag":
                yield from _written(element, opened)
            case _:
                pass


def _paragraph(element: Any, opened: Any) -> Iterator[str]:
    block, text = Paragraph(element, opened), _text(element)
    if text.strip():
        level = _heading_level(block)
        if level:
            yield heading(level, text)
        elif _is_listed(block):
            yield f"- {paragraph(text)}"
        else:
            yield paragraph(text)
    for box in _boxes(element):
        yield from _written(box, opened)


def _cells(row: Any) -> list[str]:
    """Give a row's cells; one that spans several columns is followed by empty ones."""
    cells: list[str] = []
    for cell in _within(row, "tc"):
        cells.append(" ".join(_text(part) for part in cell.iter(f"{_W}p")))
        span = cell.find(f"./{_W}tcPr/{_W}gridSpan")
        columns = (span.get(f"{_W}val") or "") if span is not None else ""
        cells += [""] * (min(int(columns[:9]), _MAX_COLUMNS) - 1 if columns.isdecimal() else 0)
    return cells[:_MAX_COLUMNS]


def _within(element: Any, wanted: str) -> Iterator[Any]:
    """Give rows of a table or cells of a row, those in content controls included, but not those of inner tables."""
    for child in element:
        if _tag(child) == wanted:
            yield child
        elif _tag(child) in ("sdt", "sdtContent", "customXml"):
            yield from _within(child, wanted)


def _text(element: Any) -> str:
    """Give what stands in a paragraph as it is to be: insertions of tracked changes in, deletions out."""
    text = ""
    for child in element:
        tag = _tag(child)
        if tag == "t":
            text += child.text or ""
        elif tag in ("tab", "br", "cr"):
            text += " "
        elif tag == "noBreakHyphen":
            text += "-"
        elif tag in _HOLDING_TEXT:
            text += _text(child)
    return text


def _boxes(element: Any) -> Iterator[Any]:
    """Give a paragraph's text boxes; Fallback repeats them for programs that cannot draw the newer form."""
    for child in element:
        tag = _tag(child)
        if tag == "txbxContent":
            yield child
        elif tag not in ("Fallback", "del", "moveFrom"):
            yield from _boxes(child)


def _tag(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _heading_level(block: Paragraph) -> int:
    """Return 1-6, or 0 for what is no heading. The level of a style may come from the style it is based on."""
    style: Any = block.style
    while style is not None:
        if style.name == "Title":
            return 1
        if match := _HEADING_STYLE.match(style.name or ""):
            return int(match[1])
        outline = style.element.find(".//{*}outlineLvl")
        if outline is not None and (value := _outline(outline)) is not None:
            return value
        style = style.base_style
    own = _element(block).find("./{*}pPr/{*}outlineLvl")
    return _outline(own) or 0 if own is not None else 0


def _outline(element: Any) -> int | None:
    """Read an outline level: 0-8, where 9 means body text (ECMA-376, 17.3.1.20)."""
    value = next((value for name, value in element.attrib.items() if name.endswith("}val")), "")
    return int(value) + 1 if value.isdecimal() and int(value) < 6 else None  # noqa: PLR2004 - Markdown has six levels


def _is_listed(block: Paragraph) -> bool:
    name = (block.style.name if block.style else "") or ""
    return name.startswith("List") or _element(block).find("./{*}pPr/{*}numPr") is not None


def _element(block: Paragraph) -> Any:
    """Return the paragraph's XML: what python-docx has no other way to."""
    return block._element  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
