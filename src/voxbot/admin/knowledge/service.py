"""What the endpoints of the knowledge bases ask for."""

from __future__ import annotations

import asyncio
import difflib
from http import HTTPStatus
from typing import TYPE_CHECKING

from voxbot.admin.knowledge.drafts import Draft, Drafts, check_text
from voxbot.admin.knowledge.merging import merge
from voxbot.admin.knowledge.publishing import BASE_CHANGED, PUBLISH, with_section
from voxbot.admin.knowledge.schemas import (
    Accepted,
    BackupView,
    ChunkView,
    DiffView,
    DraftDetails,
    DraftView,
    DuplicateView,
    EmptyHeadingView,
    KbText,
    MeanwhileView,
    ReviewView,
)
from voxbot.admin.problems import ApiError
from voxbot.admin.tags import agrees, tag
from voxbot.knowledge.documents import prepare, split_document
from voxbot.knowledge.files import BaseFile
from voxbot.knowledge.review import Review, review
from voxbot.knowledge.uploads.refusal import UploadError
from voxbot.store.times import local_text

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from fastapi import Response, UploadFile

    from voxbot.admin.knowledge.schemas import DraftChange, NewSection
    from voxbot.admin.parts import Parts
    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.documents import Chunk
    from voxbot.knowledge.files import Backup
    from voxbot.settings.schema import PathSettings
    from voxbot.store.jobs import Job

_PATHS: dict[KbName, str] = {"general": "KNOWLEDGE_BASE_PATH", "tech": "KNOWLEDGE_BASE2_PATH"}
_SHOWN_CHUNKS = 1000
_MAX_DIFF_LINES = 20_000
_MEGABYTE = 1024 * 1024
_ROOM_BYTES = 64 * _MEGABYTE
"""Beside the file: its text thrice (draft, base, backup), up to 8 MB each, and the vectors of its chunks."""


def base_files(paths: PathSettings) -> dict[KbName, BaseFile]:
    """The files of both bases."""
    return {"general": BaseFile("general", paths.general_kb), "tech": BaseFile("tech", paths.tech_kb)}


def drafts_of(paths: PathSettings) -> Drafts:
    """Where drafts are."""
    return Drafts(paths.data_dir / "kb-drafts")


async def read_base(parts: Parts, kb: KbName, response: Response) -> KbText:
    """Read a base as it is, and its tag. Raises ApiError (404), KnowledgeError.

    The header X-Text-Lossy tells that the file is not UTF-8: some of its letters are shown as marks.
    """
    file = base_files(parts.started.paths)[kb]
    # The tag first: of a base that is replaced in between, an older tag is refused, and a newer one would not be.
    response.headers["ETag"] = tag(await asyncio.to_thread(file.digest))
    text = await asyncio.to_thread(file.text)
    if text is None:
        raise ApiError(
            HTTPStatus.NOT_FOUND, "no_file", f"Файла базы знаний нет. Загрузите его или проверьте {_PATHS[kb]}."
        )
    if await asyncio.to_thread(file.is_lossy):
        response.headers["X-Text-Lossy"] = "true"
    return KbText(text=text)


async def draft_from_upload(parts: Parts, kb: KbName, file: UploadFile, *, to_review: bool = False) -> Draft:
    """Make a draft of an uploaded file; one `to_review` belongs to the present base.

    Raises ApiError (413, 422, 507).
    """
    limit_mb = parts.settings.knowledge.upload_mb
    content = await file.read(limit_mb * _MEGABYTE + 1)
    if len(content) > limit_mb * _MEGABYTE:
        raise ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too_large",
            f"Файл больше {limit_mb} МБ. Уменьшите его, разделите на части или поднимите KB_UPLOAD_MAX_MB.",
        )
    await asyncio.to_thread(_check_room, parts, kb, len(content))
    base = await digest(parts, kb) if to_review else None
    making = drafts_of(parts.started.paths).from_upload(kb, file.filename or "", content, base=base)
    return await refused_as_422(making)


def _check_room(parts: Parts, kb: KbName, size: int) -> None:
    """Refuse what would fill a disk half-way. Raises ApiError (507)."""
    paths = parts.started.paths
    needed = size + _ROOM_BYTES
    for folder in (paths.data_dir, base_files(paths)[kb].path.parent, paths.persist_directory):
        try:
            free = parts.free_bytes(folder)
        except OSError:  # writing there will say what is wrong
            continue
        if free < needed:
            raise ApiError(
                HTTPStatus.INSUFFICIENT_STORAGE,
                "no_space",
                f"На диске, где {folder}, свободно {free // _MEGABYTE} МБ, а нужно {needed // _MEGABYTE + 1} МБ. "
                "Освободите место и загрузите файл снова.",
            )


async def draft_from_text(parts: Parts, kb: KbName, name: str, text: str, seen: str = "") -> Draft:
    """Make a draft of a text that was written over the base as it is now. Raises ApiError (409, 422).

    `seen`: If-Match, the tag of the base that it was written over.
    """
    base = await _digest_of_text(parts, kb)
    if not agrees(seen, tag(base)):
        raise base_changed()
    return await refused_as_422(drafts_of(parts.started.paths).from_text(kb, name, text, base=base))


async def digest(parts: Parts, kb: KbName) -> str:
    """Tell one content of a base from another."""
    return await asyncio.to_thread(base_files(parts.started.paths)[kb].digest)


async def _digest_of_text(parts: Parts, kb: KbName) -> str:
    """As `digest`, of a base that a text can be written over. Raises KnowledgeError for one that is not UTF-8.

    What is read of such a base has marks in place of its letters: they would be lost for good.
    """

    def read() -> str:
        base = base_files(parts.started.paths)[kb]
        base.exact_text()
        return base.digest()

    return await asyncio.to_thread(read)


async def draft_with_section(parts: Parts, new: NewSection) -> Draft:
    """Make a draft of the base as it is with a section more. Raises ApiError (422), KnowledgeError.

    The section has a heading of the highest level: it is a matter of its own, not one of the base's last section.
    """
    base = await digest(parts, new.kb)
    current = await asyncio.to_thread(base_files(parts.started.paths)[new.kb].exact_text)
    title = " ".join(new.title.split()).lstrip("# ")
    section = f"# {title}\n{new.text.strip()}\n"
    making = drafts_of(parts.started.paths).from_text(
        new.kb, f"Раздел «{title}»", with_section(current, section), base=base, section=section
    )
    return await refused_as_422(making)


async def draft_text(parts: Parts, draft: Draft) -> str:
    """Give a draft's text: of a section, the base as it is now with the section. Raises KnowledgeError."""

    def read() -> str:
        base = base_files(parts.started.paths)[draft.kb]
        if draft.section is not None and base.text():
            return check_text(draft.kb, with_section(base.exact_text(), draft.section))
        return drafts_of(parts.started.paths).text(draft)

    return await asyncio.to_thread(read)


async def rewrite(parts: Parts, draft: Draft, new: DraftChange, seen: str) -> Draft:
    """Put another text in a draft's place; `seen` as in `check_seen`. Raises ApiError (409, 422)."""
    await check_free(parts, draft)
    await check_seen(parts, draft, seen)
    present = await _digest_of_text(parts, draft.kb)
    base = new.base
    if base is None:
        base = present
        if draft.base not in (None, base):
            raise base_changed()
    return await refused_as_422(drafts_of(parts.started.paths).rewrite(draft, new.text, base))


async def check_seen(parts: Parts, draft: Draft, seen: str) -> None:
    """Refuse to go on from a text that a colleague has replaced. `seen`: If-Match. Raises ApiError (409)."""
    if seen and not agrees(seen, _tag_of(draft, await draft_text(parts, draft))):
        raise ApiError(
            HTTPStatus.CONFLICT, "draft_changed", "Черновик уже переписал кто-то другой. Откройте его заново."
        )


async def meanwhile(parts: Parts, draft: Draft) -> MeanwhileView:
    """Show what has changed in the base since a draft was made of it, and both put together.

    Raises ApiError (404, 422).
    """
    file = base_files(parts.started.paths)[draft.kb]
    written_over = draft.base
    before = None if written_over is None else await asyncio.to_thread(lambda: file.former_text(written_over))
    if before is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_base", "Текста базы, поверх которого сделан черновик, в копиях нет.")
    present = await digest(parts, draft.kb)  # before the text: an older digest is refused, a newer one would not be
    now = await asyncio.to_thread(file.text) or ""
    changes = await diff(before, now, ("база тогда", "база сейчас"))
    mine = await draft_text(parts, draft)
    merged = await asyncio.to_thread(lambda: merge(prepare(before), mine, prepare(now)))
    return MeanwhileView(**changes.model_dump(), merged=merged.text, both=merged.both, base=present)


async def check_free(parts: Parts, draft: Draft) -> None:
    """Refuse to touch what a job is about to put in force. Raises ApiError (409)."""
    if await parts.jobs.unfinished_of(PUBLISH, "draft", draft.id):
        raise ApiError(
            HTTPStatus.CONFLICT,
            "draft_busy",
            "Черновик сейчас публикуется. Дождитесь конца задачи.",
        )


async def refused_as_422(making: Awaitable[Draft]) -> Draft:
    """Wait for a draft. Raises ApiError (422) with the reason if its text cannot be a base."""
    try:
        return await making
    except UploadError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, error.reason, str(error)) from error


async def publish(parts: Parts, draft: Draft, *, over_changes: bool = False) -> Accepted:
    """Begin to put a draft in force; once, however often it is asked for. Raises ApiError (409)."""
    if not over_changes and await is_outdated(parts, draft):
        same = await parts.jobs.unfinished_of(PUBLISH, "draft", draft.id)
        if not same:
            raise base_changed()
    payload = {"draft": draft.id, "over_changes": over_changes}
    job = await parts.runner.submit(PUBLISH, draft.kb, payload, once_by="draft")
    return accepted(job, "Файл принят. Начался процесс обновления базы знаний. Это может занять несколько минут.")


async def is_outdated(parts: Parts, draft: Draft) -> bool:
    """Whether the base is another than the draft was written over; a section goes to the end of any."""
    return draft.section is None and draft.base is not None and draft.base != await digest(parts, draft.kb)


def base_changed() -> ApiError:
    """Say that a text was written over another base than that in force."""
    return ApiError(HTTPStatus.CONFLICT, "base_changed", f"{BASE_CHANGED[:1].upper()}{BASE_CHANGED[1:]}.")


def accepted(job: Job, message: str) -> Accepted:
    """Say that a job was added."""
    return Accepted(message=message, job_id=job.id, job_url=f"/api/jobs/{job.id}")


async def find_draft(parts: Parts, draft_id: str) -> Draft:
    """Find a draft. Raises ApiError (404)."""
    draft = await asyncio.to_thread(drafts_of(parts.started.paths).find, draft_id)
    if draft is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_draft", "Такого черновика нет: он уже опубликован или удалён.")
    return draft


async def find_backup(parts: Parts, kb: KbName, name: str, *, exact: bool = False) -> str:
    """Read a backup, which `exact` has to be UTF-8. Raises ApiError (404), KnowledgeError."""
    text = await asyncio.to_thread(lambda: base_files(parts.started.paths)[kb].backup_text(name, exact=exact))
    if text is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_backup", "Такой копии базы знаний нет.")
    return text


async def shown(parts: Parts, draft: Draft, response: Response) -> DraftDetails:
    """Show a draft, what would become of it, and its tag."""
    # The digest first: of a base that is replaced in between, an older one is refused, and a newer one would not be.
    base = draft.base if draft.section is None else await digest(parts, draft.kb)
    text = await draft_text(parts, draft)
    response.headers["ETag"] = _tag_of(draft, text)

    def look() -> Review:
        current = {kb: file.text() or "" for kb, file in base_files(parts.started.paths).items()}
        other: KbName = "tech" if draft.kb == "general" else "general"
        own = tuple(split_document(draft.kb, current[draft.kb]))
        return review(draft.kb, text, own, tuple(split_document(other, current[other])))

    seen = await asyncio.to_thread(look)
    return DraftDetails(
        **draft_view(draft).model_dump(),
        text=text,
        base=base,
        base_changed=await is_outdated(parts, draft),
        review=_review_view(seen),
    )


def _tag_of(draft: Draft, text: str) -> str:
    return tag(draft.id, text if draft.section is None else draft.section)


def draft_view(draft: Draft) -> DraftView:
    """Make the view of a draft."""
    return DraftView(id=draft.id, kb=draft.kb, name=draft.name, created_at=local_text(draft.created_at))


def backup_view(backup: Backup) -> BackupView:
    """Make the view of a backup."""
    return BackupView(
        kb=backup.kb, name=backup.name, at=backup.at.isoformat(timespec="seconds"), size_bytes=backup.size_bytes
    )


async def diff(before: str, after: str, names: tuple[str, str]) -> DiffView:
    """Compare two texts line by line. Raises ApiError (422) for texts too long to compare."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > _MAX_DIFF_LINES:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "too_long", f"Тексты длиннее {_MAX_DIFF_LINES} строк не сравниваются."
        )
    lines = await asyncio.to_thread(lambda: list(difflib.unified_diff(old, new, *names, lineterm="")))
    changes = lines[2:]
    return DiffView(
        diff="\n".join(lines),
        added=sum(line.startswith("+") for line in changes),
        removed=sum(line.startswith("-") for line in changes),
    )


def chunk_view(chunk: Chunk) -> ChunkView:
    """Make the view of a chunk."""
    return ChunkView(
        chunk_id=chunk.chunk_id, kb=chunk.kb, title=chunk.title, headings=list(chunk.headings), text=chunk.text
    )


def _review_view(seen: Review) -> ReviewView:
    return ReviewView(
        chunks=[chunk_view(chunk) for chunk in seen.chunks[:_SHOWN_CHUNKS]],
        chunks_total=len(seen.chunks),
        added=seen.added,
        removed=seen.removed,
        empty_headings=[EmptyHeadingView.model_validate(found) for found in seen.empty_headings],
        duplicates=[
            DuplicateView(first=chunk_view(pair.first), second=chunk_view(pair.second), likeness=pair.likeness)
            for pair in seen.duplicates
        ],
    )
