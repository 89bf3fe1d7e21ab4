"""`/api/prompts`: the texts that the bot greets and answers by."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from voxbot.admin.pagination import DEFAULT_LIMIT, GivenCursor, GivenLimit
from voxbot.admin.parts import GivenParts
from voxbot.admin.prompts import service
from voxbot.admin.prompts.history import ID_PATTERN
from voxbot.admin.prompts.schemas import PromptHistory, PromptsChange, PromptsCheck, PromptTexts, PromptVersionDetails
from voxbot.admin.security import KeyRequired, ReadAllowed
from voxbot.admin.tags import GivenTag

router = APIRouter(prefix="/api/prompts", tags=["prompts"])

GivenVersion = Annotated[str, Path(pattern=ID_PATTERN, description="id версии", examples=["20260301-140509-123456"])]


@router.get(
    "",
    dependencies=[ReadAllowed],
    summary="Приветствие и промпты",
    description="Тексты, которые действуют сейчас.",
)
async def read_prompts(parts: GivenParts, response: Response) -> PromptTexts:
    """Return the texts in force."""
    found = service.texts(parts.prompts.current)
    response.headers["ETag"] = service.tag_of(found)
    return found


@router.post(
    "",
    dependencies=[KeyRequired],
    summary="Сохранить приветствие и промпты",
    description="Файл заменяется целиком или не меняется вовсе; бот перечитывает его сам. Прежние тексты остаются в "
    "истории. Без {context} в qa_system_prompt тексты не принимаются.",
)
async def save_prompts(
    parts: GivenParts, change: PromptsChange, response: Response, if_match: GivenTag = ""
) -> PromptTexts:
    """Put new texts in force."""
    saved = await service.save(parts, change, if_match)
    response.headers["ETag"] = service.tag_of(saved)
    return saved


@router.post(
    "/check",
    dependencies=[ReadAllowed],
    summary="Проверить тексты, не сохраняя",
    description="Ошибки не дали бы сохранить, предупреждения дали бы.",
)
async def check_prompts(parts: GivenParts, change: PromptsChange) -> PromptsCheck:
    """Say what is wrong with texts."""
    return service.check(parts, change)


@router.get(
    "/history",
    dependencies=[ReadAllowed],
    summary="История промптов",
    description="Сохранённые версии, новые сверху.",
)
async def prompts_history(
    parts: GivenParts, limit: GivenLimit = DEFAULT_LIMIT, cursor: GivenCursor = ""
) -> PromptHistory:
    """List saved versions."""
    return await service.history(parts, limit, cursor)


@router.get(
    "/history/{version_id}",
    dependencies=[ReadAllowed],
    summary="Версия промптов",
    description="Тексты и построчное сравнение с действующими.",
)
async def prompts_version(parts: GivenParts, version_id: GivenVersion) -> PromptVersionDetails:
    """Read a saved version."""
    return await service.version(parts, version_id)


@router.post(
    "/history/{version_id}/restore",
    dependencies=[KeyRequired],
    summary="Вернуть версию промптов",
    description="Её тексты становятся действующими, а нынешние остаются в истории.",
)
async def restore_prompts(
    parts: GivenParts, version_id: GivenVersion, response: Response, if_match: GivenTag = ""
) -> PromptTexts:
    """Put a saved version in force again."""
    saved = await service.restore(parts, version_id, if_match)
    response.headers["ETag"] = service.tag_of(saved)
    return saved
