"""Why an uploaded file cannot become a knowledge base: a stable code and a Russian sentence for whoever sent it."""

from __future__ import annotations

from voxbot.domain.errors import VoxbotError


class UploadError(VoxbotError):
    """The file is at fault, not the program. `reason` is stable."""

    code = "upload"

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def undecodable(advice: str) -> UploadError:
    """Say that bytes are no text."""
    return UploadError("undecodable", f"Файл не удалось прочитать как текст. {advice}")
