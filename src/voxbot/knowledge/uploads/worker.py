"""The process that converts one file: `python -m voxbot.knowledge.uploads.worker KIND FILE RESULT TITLE`.

Writes Markdown to RESULT and nothing to stdout, or one JSON object `{"reason", "text"}` to stdout and exits with 3. It
takes its limits itself, before it opens the file: a document that fills the memory ends this process, not the API.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from voxbot.knowledge.uploads.refusal import UploadError

REFUSED = 3
CPU_S = 60
_NICE = 19
"""The machine answers calls meanwhile."""
_MEMORY_BYTES = 1536 * 1024 * 1024
_MAX_TEXT_BYTES = 8 * 1024 * 1024
"""Some 4 million letters, a shelf of books."""


def convert(kind: str, path: Path, title: str) -> str:
    """Convert a file of a kind that its name says. Raises UploadError."""
    match kind:
        case "docx":
            from voxbot.knowledge.uploads.word import word_to_markdown  # noqa: PLC0415 - each library only for its kind

            return word_to_markdown(path, title)
        case "pdf":
            from voxbot.knowledge.uploads.portable import pdf_to_markdown  # noqa: PLC0415

            return pdf_to_markdown(path, title)
        case "txt":
            from voxbot.knowledge.uploads.plain import decode_text, text_to_markdown  # noqa: PLC0415

            return text_to_markdown(decode_text(path.read_bytes()), title)
        case _:
            from voxbot.knowledge.uploads.plain import decode_markdown  # noqa: PLC0415

            return decode_markdown(path.read_bytes())


def _limited(text: str) -> bytes:
    written = text.encode()
    if len(written) > _MAX_TEXT_BYTES:
        raise UploadError("too_long", "В документе слишком много текста. Разделите его на части.")
    return written


def main(kind: str, source: str, result: str, title: str) -> int:
    """Convert within the limits; return the exit status."""
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        Path(result).write_bytes(_limited(convert(kind, Path(source), title)))
    except UploadError as error:
        refusal = error
    except (MemoryError, RecursionError):
        refusal = UploadError(
            "too_complex", "Документ слишком сложен, чтобы его разобрать. Упростите или разделите его."
        )
    except Exception as error:  # noqa: BLE001 - whatever a library stumbles over, it is the file
        refusal = UploadError("damaged", f"Файл повреждён или устроен необычно ({type(error).__name__}).")
    else:
        return 0
    print(json.dumps({"reason": refusal.reason, "text": str(refusal)}))  # noqa: T201 - that is how it answers
    return REFUSED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
