"""`GET /api/system`: versions, files followed, what needs attention."""

from __future__ import annotations

import asyncio
import platform
import sqlite3
import time
from typing import TYPE_CHECKING

from fastapi import APIRouter

from voxbot import __version__
from voxbot.admin.calls.schemas import IndexingState
from voxbot.admin.parts import GivenParts, Parts
from voxbot.admin.security import ReadAllowed
from voxbot.admin.system.schemas import Alarm, FollowedFile, IndexState, LogState, Reloading, ReloadView, SystemState
from voxbot.domain.errors import KnowledgeError
from voxbot.settings.catalog import changed
from voxbot.settings.loader import DEFAULT_ENV_FILE
from voxbot.store.times import local_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

router = APIRouter(tags=["system"])


@router.get(
    "/api/system",
    dependencies=[ReadAllowed],
    summary="Состояние сервиса",
    description="Версии, журнал звонков, индекс, перечитывание файлов и всё, что требует внимания.",
)
async def system(parts: GivenParts) -> SystemState:
    """Tell how the unit is."""
    index, trouble = await _index(parts)
    pending, total = await parts.calls.count_pending()
    settings = parts.settings
    return SystemState(
        version=__version__,
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        started_at=local_text(parts.started_at),
        now=local_text(time.time()),
        uptime_s=round(time.time() - parts.started_at, 1),
        key_configured=parts.api.secret_key is not None,
        reads_need_key=not (parts.api.is_loopback or parts.api.open_reads),
        engines={
            "asr": settings.asr.provider,
            "tts": settings.tts.provider,
            "llm": settings.llm.provider,
            "embeddings": settings.knowledge.embeddings_provider,
        },
        alarms=[*_alarms(parts), *([trouble] if trouble else [])],
        reload=await asyncio.to_thread(_reloading, parts),
        log=LogState(
            path=str(parts.database.path),
            bytes=await asyncio.to_thread(_size, parts.database.path),
            calls=total,
            search=IndexingState(done=total - pending, total=total),
        ),
        index=index,
    )


async def _index(parts: Parts) -> tuple[IndexState, Alarm | None]:
    try:
        manifest = await parts.manifest()
    except KnowledgeError as error:
        return IndexState(version=None, embedder=None, chunks={}), _alarm("error", "index", str(error))
    if manifest is None:
        text = "Индекс баз знаний не построен: выполните voxbot kb build"
        return IndexState(version=None, embedder=None, chunks={}), _alarm("error", "index", text)
    chunks = {kb: base.chunks for kb, base in manifest.bases.items()}
    return IndexState(version=manifest.version, embedder=manifest.embedder, chunks=dict(chunks)), None


def _alarms(parts: Parts) -> Iterator[Alarm]:
    for failure in parts.reloads.failures:
        yield _alarm("error", "reload_failed", f"{failure.path} не принят, действует прежний: {failure.error}")
    if parts.api.secret_key is None:
        text = "API_SECRET_KEY не задан: через API и панель ничего нельзя изменить"
        yield _alarm("warning", "key_not_configured", text)
    if waiting := [item.name for item in changed(parts.started, parts.settings) if not item.live]:
        yield _alarm("warning", "restart_needed", f"Ждут перезапуска: {', '.join(waiting)}")


def _alarm(severity: str, code: str, text: str) -> Alarm:
    return Alarm.model_validate({"severity": severity, "code": code, "text": text})


def _reloading(parts: Parts) -> Reloading:
    reload = parts.started.reload
    errors = {failure.path: failure.error for failure in parts.reloads.failures}
    paths = [parts.source.file or DEFAULT_ENV_FILE, parts.prompts.path]
    return Reloading(
        enabled=reload.enabled,
        interval_s=reload.interval_s,
        files=[_followed(path, errors.get(path)) for path in paths],
        events=[
            ReloadView(
                at=local_text(event.at), file=str(event.path), ok=not event.error, text=event.error or event.detail
            )
            for event in reversed(parts.reloads.events)
        ],
    )


def _followed(path: Path, error: str | None) -> FollowedFile:
    try:
        changed_at = local_text(path.stat().st_mtime)
    except OSError:
        changed_at = None
    return FollowedFile(path=str(path), exists=changed_at is not None, changed_at=changed_at, error=error)


def _size(path: Path) -> int:
    """Return the bytes of the database with its write-ahead log."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
