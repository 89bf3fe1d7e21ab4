"""Versions of the prompts in a folder: a JSON file each, named by the time when it was saved."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from voxbot.agent.prompts import Prompts, parse_prompts
from voxbot.store.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ID_PATTERN = r"^\d{8}-\d{6}-\d{6}$"
_FILE = re.compile(r"(\d{8}-\d{6}-\d{6})\.json")
_ID_FORMAT = "%Y%m%d-%H%M%S-%f"
_KEPT = 500


@dataclass(frozen=True, slots=True)
class StoredPrompts:
    """One version; `saved_at` is local text (store/times.py)."""

    id: str
    saved_at: str
    prompts: Prompts


class PromptsFolder:
    """The history in `path`. All methods block."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def versions(self) -> Sequence[StoredPrompts]:
        """Read all versions, newest first; a file that is none is passed over."""
        try:
            names = sorted((file.name for file in self.path.iterdir()), reverse=True)
        except OSError:
            return []
        found = (self._read(match[1]) for match in map(_FILE.fullmatch, names) if match)
        return [version for version in found if version]

    def keep(self, prompts: Prompts, *, unless_last: bool = False) -> None:
        """Add a version, `unless_last` only if the newest one differs; the oldest beyond 500 go. Raises OSError."""
        versions = self.versions()
        if unless_last and versions and versions[0].prompts == prompts:
            return
        now = datetime.now().astimezone()
        document = {"saved_at": now.replace(tzinfo=None).isoformat(timespec="seconds"), **asdict(prompts)}
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        write_durably(self.path / f"{now.strftime(_ID_FORMAT)}.json", text)
        for version in versions[_KEPT - 1 :]:
            (self.path / f"{version.id}.json").unlink(missing_ok=True)

    def keep_raw(self, text: bytes) -> Path:
        """Keep a file that cannot be read as prompts: somebody wrote it. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        kept = self.path / f"broken-{datetime.now().astimezone().strftime(_ID_FORMAT)}.json"
        kept.write_bytes(text)
        return kept

    def _read(self, version_id: str) -> StoredPrompts | None:
        try:
            document = json.loads((self.path / f"{version_id}.json").read_text(encoding="utf-8"))
            return StoredPrompts(version_id, str(document.get("saved_at", "")), parse_prompts(document))
        except (OSError, ValueError, AttributeError):
            return None
