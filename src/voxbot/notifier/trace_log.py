r"""What happened, for people with grep: a file per enterprise and day, events and Telegram operations in one order.

Lines, each batch appended under a lock on the file, so that several processes may share it:

    2025-11-29 15:26:33,859|AST|dial|1764429992.120|{json}
    2025-11-29 15:26:34,112|TG|send|374573193|hangup|12345|1764429992.120|text

A line has no other line breaks and no other `|`: in every field they are written as in a JSON string, and `|` as
`\u007c`, which keeps the event's JSON valid. An operation that failed is `send_failed`, `edit_failed` or
`delete_failed`, and its text begins with the reason. Times are local.
"""

from __future__ import annotations

import fcntl
import json
import os
import queue
import re
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import structlog

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

Action = Literal["send", "edit", "delete", "probe"]

UNKNOWN_ENTERPRISE = "unknown"
TEXT_CHARS = 300
_QUEUE_LINES = 50_000
_BATCH_LINES = 1000
_STOP_S = 5.0
_SECRET = re.compile(r"(?<!\d)(\d{5,}:|[?&;]sig=)[\w-]{20,}")
"""A bot token inside an error's text, the signature of a link."""
_SEPARATORS = {ord("|"): "\\u007c", 0x7F: "\\u007f", 0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_FOLDER = re.compile(r"[^\w.-]")
_FILE = re.compile(r"events_(\d{4}-\d\d-\d\d)\.log")
_FILE_MODE = 0o640
_DIR_MODE = 0o750


@dataclass(frozen=True, slots=True)
class _Line:
    enterprise: str
    at: float
    text: str


class TraceLog:
    """A queue and the thread that empties it into files. Neither blocks nor raises for those who write to it.

    A full queue or a disk that refuses loses lines, which is counted in `lost` and said in the unit's log.
    """

    def __init__(self, root: Path, keep_days: int) -> None:
        """Keep files in `root/ENTERPRISE/`, each for `keep_days` days after its own."""
        self._root = root
        self._keep_days = keep_days
        self._lines: queue.Queue[_Line | None] = queue.Queue(_QUEUE_LINES)
        self._thread = threading.Thread(target=self._write_all, name="trace-log", daemon=True)
        self._swept: date | None = None
        self._complained = False
        self.lost = 0

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued and end; gives up after some seconds if the disk hangs. Blocks."""
        if self._thread.is_alive():
            try:
                self._lines.put(None, timeout=_STOP_S)
            except queue.Full:
                return
            self._thread.join(_STOP_S)

    def event(self, enterprise: str, path: str, unique_id: str, body: str, at: float) -> None:
        """Note a received event; `body` is JSON without line breaks, `at` seconds since the epoch."""
        self._put(_Line(enterprise, at, f"AST|{escaped(path.strip('/'))}|{escaped(unique_id)}|{_in_json(body)}"))

    def operation(
        self,
        enterprise: str,
        action: Action,
        *,
        chat_id: int,
        stage: str,
        message_id: int | None,
        unique_id: str,
        text: str,
        at: float,
        error: str = "",
    ) -> None:
        """Note a request to Telegram and what became of it; `error`, if it failed, says why in a few words."""
        shown = _cut(f"{error}: {text}" if error and text else error or text)
        fields = (
            f"{action}_failed" if error else action,
            str(chat_id),
            escaped(stage),
            "" if message_id is None else str(message_id),
            escaped(unique_id),
            escaped(_SECRET.sub(r"\1***", shown)),
        )
        self._put(_Line(enterprise, at, "TG|" + "|".join(fields)))

    def _put(self, line: _Line) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.lost += 1

    def _write_all(self) -> None:
        while True:
            batch, ended = self._take()
            failed = self._write(batch)
            try:
                self._sweep(datetime.now(UTC).astimezone().date())
            except OSError as error:
                failed = error
            if failed is None:
                self._complained = False
            else:
                self._complain(failed)
            if ended:
                return

    def _take(self) -> tuple[list[_Line], bool]:
        """Wait for lines and take those that are there; whether it is time to end."""
        batch: list[_Line] = []
        line = self._lines.get()
        while line is not None:
            batch.append(line)
            if len(batch) == _BATCH_LINES:
                return batch, False
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, batch: list[_Line]) -> OSError | None:
        """Write lines into their files; return why one of them refused, which loses its own alone. None: none did."""
        files: defaultdict[Path, list[str]] = defaultdict(list)
        for line in batch:
            moment = datetime.fromtimestamp(line.at, UTC).astimezone()
            stamp = f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d}"
            files[self._file(line.enterprise, moment.date())].append(f"{stamp}|{line.text}\n")
        failed: OSError | None = None
        for path, lines in files.items():
            try:
                path.parent.mkdir(mode=_DIR_MODE, parents=True, exist_ok=True)
                _append(path, "".join(lines).encode("utf-8", "replace"))
            except OSError as error:
                self.lost += len(lines)
                failed = error
        return failed

    def _file(self, enterprise: str, day: date) -> Path:
        folder = _FOLDER.sub("_", enterprise).strip(".") or UNKNOWN_ENTERPRISE
        return self._root / folder / f"events_{day.isoformat()}.log"

    def _sweep(self, today: date) -> None:
        """Delete what is too old, once a day."""
        if self._swept == today:
            return
        oldest = today - timedelta(days=self._keep_days)
        for path in self._root.glob("*/events_*.log"):
            day = _day_of(path)
            if day is not None and day < oldest:
                path.unlink(missing_ok=True)
        self._swept = today

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.error(
                "Трасса звонков не пишется; проверьте место на диске и владельца папки NOTIFIER_TRACE_DIR",
                path=str(error.filename or self._root),
                error=error.strerror,
            )


def escaped(text: str) -> str:
    """Write a field so that it holds neither a line break nor a separator; `unescaped` reads it."""
    return json.dumps(text, ensure_ascii=False)[1:-1].translate(_SEPARATORS)


def unescaped(field: str) -> str:
    """Read what `escaped` wrote. Raises ValueError for what it did not."""
    return str(json.loads(f'"{field}"'))


def _in_json(body: str) -> str:
    """Escape JSON as it is: outside of its strings there is nothing to escape."""
    return body.translate(_SEPARATORS).replace("\n", " ").replace("\r", " ")


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - 1] + "…"


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    try:
        # Without it, a batch that another process is half-way through writing looks like half of a line.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data  # half of a line that the disk had no more room for
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _day_of(path: Path) -> date | None:
    found = _FILE.fullmatch(path.name)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
