"""`/kb`, `/kb2` and `/api/kb/…`: the knowledge bases."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Path, Query, Request, Response, UploadFile

from voxbot.admin.dates import first_moment, moment_after
from voxbot.admin.knowledge import service
from voxbot.admin.knowledge.publishing import TRIAL
from voxbot.admin.knowledge.schemas import (
    Accepted,
    BackupView,
    DiffView,
    DraftChange,
    DraftDetails,
    DraftView,
    GapsView,
    HitView,
    KbText,
    MeanwhileView,
    NewDraft,
    NewSection,
    Questions,
    SearchMsView,
    SearchView,
)
from voxbot.admin.pagination import MAX_LIMIT, GivenCursor, GivenLimit, cut
from voxbot.admin.parts import GivenParts
from voxbot.admin.security import KeyRequired, ReadAllowed
from voxbot.admin.tags import GivenTag
from voxbot.agent.gaps import Budget, GapReport, find_gaps
from voxbot.domain.dialogue import KB_NAMES, KbName

router = APIRouter(tags=["knowledge"])

GivenFile = Annotated[UploadFile, File(description="Markdown (.md), текст (.txt), Word (.docx) или PDF (.pdf)")]
GivenDraft = Annotated[str, Path(max_length=64, description="id черновика")]
GivenBackup = Annotated[str, Path(max_length=100, description="Имя копии")]
GivenKb = Annotated[KbName, Path(description="general или tech")]

_GAPS_BUDGET = Budget(seconds=8.0, questions=3000)
_READ = "Заголовок X-Text-Lossy: true — файл не в UTF-8, часть букв показана знаками; править такой текст нельзя."
_UPLOAD = (
    "Файл превращается в Markdown и проверяется сразу (422 с причиной, если из него базы не выйдет), а индекс "
    "строится задачей, за которой можно следить. Прежний текст остаётся в копиях."
)


@router.get("/kb", dependencies=[ReadAllowed], summary="Общая база знаний", description=_READ)
async def get_general(parts: GivenParts, response: Response) -> KbText:
    """Give the general base as it is."""
    return await service.read_base(parts, "general", response)


@router.get("/kb2", dependencies=[ReadAllowed], summary="Техническая база знаний", description=_READ)
async def get_tech(parts: GivenParts, response: Response) -> KbText:
    """Give the technical base as it is."""
    return await service.read_base(parts, "tech", response)


@router.post(
    "/kb/upload",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.ACCEPTED,
    summary="Заменить общую базу знаний",
    description=_UPLOAD,
)
async def upload_general(parts: GivenParts, file: GivenFile) -> Accepted:
    """Put an uploaded file in force as the general base."""
    return await service.publish(parts, await service.draft_from_upload(parts, "general", file))


@router.post(
    "/kb2/upload",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.ACCEPTED,
    summary="Заменить техническую базу знаний",
    description=_UPLOAD,
)
async def upload_tech(parts: GivenParts, file: GivenFile) -> Accepted:
    """Put an uploaded file in force as the technical base."""
    return await service.publish(parts, await service.draft_from_upload(parts, "tech", file))


# --- drafts: looked at before they go live -----------------------------------------------------


@router.get("/api/kb/drafts", dependencies=[ReadAllowed], summary="Черновики, новые сверху")
async def list_drafts(
    parts: GivenParts, response: Response, limit: GivenLimit = MAX_LIMIT, cursor: GivenCursor = ""
) -> list[DraftView]:
    """List drafts."""
    found = await asyncio.to_thread(service.drafts_of(parts.started.paths).every)
    page = cut(found, lambda draft: draft.id, limit, cursor, response)
    return [service.draft_view(draft) for draft in page]


@router.post(
    "/api/kb/drafts/upload",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.CREATED,
    summary="Загрузить файл как черновик, чтобы посмотреть, что из него выйдет",
)
async def upload_draft(
    parts: GivenParts,
    file: GivenFile,
    kb: Annotated[KbName, Form(description="general или tech")],
    response: Response,
) -> DraftDetails:
    """Make a draft of an uploaded file."""
    draft = await service.draft_from_upload(parts, kb, file, to_review=True)
    return await service.shown(parts, draft, response)


@router.post(
    "/api/kb/drafts",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.CREATED,
    summary="Сделать черновик из текста",
    description="В If-Match — ETag базы, из которой взят текст: 409 base_changed, если она уже другая.",
)
async def create_draft(parts: GivenParts, new: NewDraft, response: Response, if_match: GivenTag = "") -> DraftDetails:
    """Make a draft of a text."""
    draft = await service.draft_from_text(parts, new.kb, new.name, new.text, if_match)
    return await service.shown(parts, draft, response)


@router.post(
    "/api/kb/drafts/section",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.CREATED,
    summary="Сделать черновик: база знаний и новый раздел в конце",
    description="Так вопрос без ответа превращается в раздел: посмотрите черновик и опубликуйте его.",
)
async def add_section(parts: GivenParts, new: NewSection, response: Response) -> DraftDetails:
    """Make a draft of the base in force with a section more."""
    return await service.shown(parts, await service.draft_with_section(parts, new), response)


@router.get("/api/kb/drafts/{draft_id}", dependencies=[ReadAllowed], summary="Черновик: текст и что из него выйдет")
async def get_draft(parts: GivenParts, draft_id: GivenDraft, response: Response) -> DraftDetails:
    """Show a draft."""
    return await service.shown(parts, await service.find_draft(parts, draft_id), response)


@router.put(
    "/api/kb/drafts/{draft_id}",
    dependencies=[KeyRequired],
    summary="Исправить текст черновика",
    description="В If-Match — ETag прочитанного черновика: 409 draft_changed, если его уже переписали. "
    "409 base_changed: база уже другая, а base не передан.",
)
async def rewrite_draft(
    parts: GivenParts, draft_id: GivenDraft, new: DraftChange, response: Response, if_match: GivenTag = ""
) -> DraftDetails:
    """Put another text in a draft's place."""
    draft = await service.find_draft(parts, draft_id)
    return await service.shown(parts, await service.rewrite(parts, draft, new, if_match), response)


@router.delete(
    "/api/kb/drafts/{draft_id}",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    summary="Удалить черновик",
)
async def delete_draft(parts: GivenParts, draft_id: GivenDraft) -> None:
    """Forget a draft."""
    draft = await service.find_draft(parts, draft_id)
    await service.check_free(parts, draft)
    await asyncio.to_thread(service.drafts_of(parts.started.paths).delete, draft)


@router.get("/api/kb/drafts/{draft_id}/diff", dependencies=[ReadAllowed], summary="Чем черновик отличается от базы")
async def diff_draft(parts: GivenParts, draft_id: GivenDraft) -> DiffView:
    """Compare a draft with the base in force."""
    draft = await service.find_draft(parts, draft_id)
    text = await service.draft_text(parts, draft)
    before = await asyncio.to_thread(service.base_files(parts.started.paths)[draft.kb].text)
    return await service.diff(before or "", text, ("база", "черновик"))


@router.get(
    "/api/kb/drafts/{draft_id}/meanwhile",
    dependencies=[ReadAllowed],
    summary="Что изменилось в базе с тех пор, как сделан черновик",
    description="И черновик с этими изменениями. 404 no_base: прежнего текста базы в копиях нет.",
)
async def diff_meanwhile(parts: GivenParts, draft_id: GivenDraft) -> MeanwhileView:
    """Compare the base that a draft was written over with the one in force, and put both's changes together."""
    return await service.meanwhile(parts, await service.find_draft(parts, draft_id))


@router.post(
    "/api/kb/drafts/{draft_id}/publish",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.ACCEPTED,
    summary="Сделать черновик базой знаний",
    description="409 base_changed: база изменилась после того, как черновик сделан или сохранён; раздел просто "
    "добавляется к ней. В If-Match — ETag прочитанного черновика: 409 draft_changed, если его уже переписали.",
)
async def publish_draft(
    parts: GivenParts,
    draft_id: GivenDraft,
    if_match: GivenTag = "",
    *,
    over_changes: Annotated[bool, Query(description="Заменить базу, даже если она изменилась")] = False,
) -> Accepted:
    """Put a draft in force."""
    draft = await service.find_draft(parts, draft_id)
    await service.check_seen(parts, draft, if_match)
    return await service.publish(parts, draft, over_changes=over_changes)


@router.post(
    "/api/kb/drafts/{draft_id}/trial",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.ACCEPTED,
    summary="Спросить черновик: как ответили бы на вопросы с ним и как отвечают сейчас",
    description="Ответы будут в result задачи: questions — question, before, after.",
)
async def try_draft(parts: GivenParts, draft_id: GivenDraft, asked: Questions) -> Accepted:
    """Ask a draft."""
    draft = await service.find_draft(parts, draft_id)
    job = await parts.runner.submit(TRIAL, draft.kb, {"draft": draft.id, "questions": asked.questions})
    return service.accepted(job, "Вопросы приняты. Если текст новый, сначала считаются его векторы.")


# --- backups -----------------------------------------------------------------------------------


@router.get("/api/kb/backups", dependencies=[ReadAllowed], summary="Прежние тексты баз знаний, новые сверху")
async def list_backups(
    parts: GivenParts,
    response: Response,
    kb: Annotated[KbName | None, Query(description="Только этой базы")] = None,
    limit: GivenLimit = MAX_LIMIT,
    cursor: GivenCursor = "",
) -> list[BackupView]:
    """List backups."""
    files = service.base_files(parts.started.paths)
    found = [
        backup for name in KB_NAMES if kb in (None, name) for backup in await asyncio.to_thread(files[name].backups)
    ]
    ordered = sorted(found, key=lambda backup: backup.at, reverse=True)
    page = cut(ordered, lambda backup: backup.name, limit, cursor, response)
    return [service.backup_view(backup) for backup in page]


@router.get("/api/kb/backups/{kb}/{name}", dependencies=[ReadAllowed], summary="Прежний текст базы знаний")
async def get_backup(parts: GivenParts, kb: GivenKb, name: GivenBackup) -> KbText:
    """Show a backup."""
    return KbText(text=await service.find_backup(parts, kb, name))


@router.get(
    "/api/kb/backups/{kb}/{name}/diff", dependencies=[ReadAllowed], summary="Чем действующая база отличается от копии"
)
async def diff_backup(parts: GivenParts, kb: GivenKb, name: GivenBackup) -> DiffView:
    """Compare a backup with the base in force."""
    before = await service.find_backup(parts, kb, name)
    now = await asyncio.to_thread(service.base_files(parts.started.paths)[kb].text)
    return await service.diff(before, now or "", ("копия", "база"))


@router.post(
    "/api/kb/backups/{kb}/{name}/restore",
    dependencies=[KeyRequired],
    status_code=HTTPStatus.ACCEPTED,
    summary="Вернуть прежний текст",
    description="Действующий текст остаётся в копиях.",
)
async def restore_backup(parts: GivenParts, kb: GivenKb, name: GivenBackup) -> Accepted:
    """Put a backup in force again."""
    text = await service.find_backup(parts, kb, name, exact=True)
    making = service.drafts_of(parts.started.paths).from_text(kb, name, text)
    return await service.publish(parts, await service.refused_as_422(making))


# --- trying out --------------------------------------------------------------------------------


@router.get("/api/kb/search", dependencies=[ReadAllowed], summary="Что находит поиск по базам знаний")
async def search(
    parts: GivenParts,
    q: Annotated[str, Query(min_length=1, max_length=1000, description="Вопрос", examples=["сколько стоит доставка"])],
    kb: Annotated[Literal["general", "tech", "auto"], Query(description="auto: база выбирается по вопросу")] = "auto",
    k: Annotated[int | None, Query(ge=1, le=20, description="Сколько фрагментов; пусто: KB_TOP_K")] = None,
) -> SearchView:
    """Try the search out."""
    question = parts.normalize(q)
    retriever = await parts.retriever()
    await retriever.maybe_reload()  # who has just published a base tries that one
    found = await retriever.search(question, kb=kb, k=k)
    return SearchView(
        question=question,
        route=found.route,
        used=found.used,
        fallback=found.fallback,
        threshold=parts.settings.knowledge.fallback_threshold,
        embedding=found.embedding,
        unknown=list(found.unknown),
        hits=[
            HitView(kb=hit.kb, title=hit.title, score=round(hit.score, 4), text=hit.whole, chunk_id=hit.chunk_id)
            for hit in found.hits
        ],
        ms=SearchMsView(
            embed=round(found.ms.embed, 2), search=round(found.ms.search, 2), total=round(found.ms.total, 2)
        ),
    )


@router.get(
    "/api/kb/gaps",
    dependencies=[ReadAllowed],
    summary="Вопросы, на которые базы знаний не отвечают, по темам",
    description="Просматриваются последние вопросы, сколько успеется за несколько секунд; complete говорит, все ли. "
    "Ответ полминуты один и тот же.",
)
async def gaps(
    parts: GivenParts,
    request: Request,
    since: Annotated[str, Query(max_length=50, description="Только звонки с этой даты", examples=["2026-03-01"])] = "",
    until: Annotated[
        str, Query(max_length=50, description="Только звонки не позже этой даты, включительно", examples=["2026-03-31"])
    ] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="Сколько тем, с самых частых")] = 30,
) -> GapsView:
    """Group the questions that nobody answered."""
    start, before = first_moment("since", since), moment_after("until", until)
    retriever = await parts.retriever()  # not stopped half-way when the client goes: the next one needs it too

    async def found() -> GapReport:
        turns = parts.calls.unanswered(start, before, newest_first=True)
        return await find_gaps(turns, retriever, limit=limit, budget=_GAPS_BUDGET)

    return GapsView.model_validate(await parts.heavy.result(request, ("gaps", start, before, limit), found))
