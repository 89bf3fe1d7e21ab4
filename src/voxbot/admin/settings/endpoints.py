"""Settings: the older API's few, and `/api/settings/schema` and `/values` for all of them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from voxbot.admin.parts import GivenParts
from voxbot.admin.security import KeyRequired, ReadAllowed
from voxbot.admin.settings import service
from voxbot.admin.settings.catalog import settings_schema
from voxbot.admin.settings.schemas import (
    MainSettings,
    ModelSettingsChange,
    SearchSettingsChange,
    SettingsChange,
    SettingsSaved,
    SettingsSchema,
    SettingsValues,
)
from voxbot.admin.tags import GivenTag

router = APIRouter(prefix="/api", tags=["settings"])

_SAVED = "Сохраняются в .env, его комментарии и порядок остаются; действуют сразу."


@router.get(
    "/settings",
    dependencies=[ReadAllowed],
    summary="Настройки поиска и модели",
    description="Значения, которые действуют сейчас.",
)
async def read_settings(parts: GivenParts) -> MainSettings:
    """Return the settings of the older API."""
    return service.main_settings(parts.settings)


@router.post("/settings", dependencies=[KeyRequired], summary="Сохранить настройки поиска", description=_SAVED)
async def save_search_settings(parts: GivenParts, change: SearchSettingsChange) -> MainSettings:
    """Save what the search goes by."""
    await service.save(parts, {name.upper(): value for name, value in change.model_dump(exclude_none=True).items()})
    return service.main_settings(parts.settings)


@router.post("/model-settings", dependencies=[KeyRequired], summary="Сохранить настройки модели", description=_SAVED)
async def save_model_settings(parts: GivenParts, change: ModelSettingsChange) -> MainSettings:
    """Save which models answer, and how freely."""
    await service.save(parts, {name.upper(): value for name, value in change.model_dump(exclude_none=True).items()})
    return service.main_settings(parts.settings)


@router.get(
    "/settings/schema",
    dependencies=[ReadAllowed],
    summary="Описание всех настроек",
    description="По группам: подпись, вид значения, единица, границы, значение по умолчанию, нужен ли перезапуск.",
)
async def describe_settings() -> SettingsSchema:
    """Describe every setting."""
    return settings_schema()


@router.get(
    "/settings/values",
    dependencies=[ReadAllowed],
    summary="Значения всех настроек",
    description="Секреты не показываются: видно только, заданы ли они.",
)
async def read_values(parts: GivenParts, response: Response) -> SettingsValues:
    """Return every setting's value."""
    found = await service.all_values(parts)
    response.headers["ETag"] = service.tag_of(found)
    return found


@router.post(
    "/settings/values",
    dependencies=[KeyRequired],
    summary="Сохранить любые настройки",
    description="Проверяются все вместе и сохраняются в .env все или ни одна. Те, которым нужен перезапуск, названы в "
    "ответе. null возвращает значение по умолчанию, кроме секретов: их убирает reset.",
)
async def save_values(
    parts: GivenParts, change: SettingsChange, response: Response, if_match: GivenTag = ""
) -> SettingsSaved:
    """Save any settings."""
    saved = await service.save(parts, service.wanted(change), if_match)
    response.headers["ETag"] = service.tag_of(saved)
    return saved
