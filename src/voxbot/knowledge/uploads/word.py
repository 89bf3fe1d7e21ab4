"""Word documents (.docx, ECMA-376) to Markdown: headings by their outline level, lists, tables."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.table import Table
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
    for block in opened.iter_inner_content():
        if isinstance(block, Table):
            yield table([[cell.text for cell in row.cells] for row in block.rows])
        elif isinstance(block, Paragraph) and block.text.strip():
            level = _heading_level(block)
            if level:
                yield heading(level, block.text)
            elif _is_listed(block):
                yield f"- {paragraph(block.text)}"
            else:
                yield paragraph(block.text)


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
