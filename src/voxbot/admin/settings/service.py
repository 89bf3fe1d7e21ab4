"""Saving settings: the `.env` is rewritten with its comments and order, checked first, whole or not at all."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from voxbot.admin.problems import ApiError
from voxbot.admin.settings.catalog import MASK, values
from voxbot.admin.settings.schemas import MainSettings, SettingsChange, SettingsSaved, SettingsValues
from voxbot.admin.tags import agrees, tag
from voxbot.domain.errors import ConfigError
from voxbot.settings.catalog import changed, variables
from voxbot.settings.env_file import assignments, rewritten
from voxbot.settings.loader import DEFAULT_ENV_FILE, load_settings
from voxbot.store.files import alone, write_durably

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from voxbot.admin.parts import Parts
    from voxbot.settings.schema import Settings

_SECRETS_MODE = 0o600
_ORIGIN = re.compile(r" \((?:[^()]*:\d+|окружение)\)")


@dataclass(frozen=True, slots=True)
class _File:
    """The file as it is."""

    path: Path
    text: str

    @property
    def given(self) -> dict[str, str]:
        return {item.name: item.value for item in assignments(self.text) if item.value is not None}


def main_settings(settings: Settings) -> MainSettings:
    """Return the settings of the older API."""
    return MainSettings(
        kb_top_k=settings.knowledge.top_k,
        kb_fallback_threshold=settings.knowledge.fallback_threshold,
        llm_model_primary=settings.llm.model_primary,
        llm_model_fallback=settings.llm.model_fallback,
        llm_temperature=settings.llm.temperature,
    )


async def all_values(parts: Parts) -> SettingsValues:
    """Return every variable's value."""
    return await asyncio.to_thread(_values, parts)


def tag_of(found: SettingsValues) -> str:
    """Name a state of all values."""
    return tag(*(f"{name}={value.tag}" for name, value in found.values.items()))


def wanted(change: SettingsChange) -> dict[str, bool | float | str | None]:
    """Give what a client wants written. Secrets are read as null: sent back so, they stay."""
    secrets = {variable.name for variable in variables() if variable.secret}
    given = {name: value for name, value in change.values.items() if value is not None or name not in secrets}
    return given | dict.fromkeys(change.reset)


async def save(parts: Parts, given: Mapping[str, bool | float | str | None], seen: str = "") -> SettingsSaved:
    """Write variables and put them in force. Raises ApiError: 404 unknown, 409 set elsewhere, 422 wrong, 503.

    `seen`: If-Match, the tag of the values that the client changed; it is 409, too, if they are other ones by now.
    """
    if not given:
        raise _refused("не передано ни одной настройки")
    wanted = {name: _written(value) for name, value in given.items()}
    return await asyncio.to_thread(_save, parts, wanted, seen)


def _save(parts: Parts, wanted: Mapping[str, str | None], seen: str) -> SettingsSaved:
    path = parts.source.file or DEFAULT_ENV_FILE
    _check_names(parts, wanted)
    before = parts.settings
    try:
        with alone(parts.started.paths.data_dir / "settings-lock"):
            if parts.source.file_is_emptied:
                raise ApiError(
                    HTTPStatus.CONFLICT,
                    "settings_lost",
                    f"Из {path} пропали все переменные, что в нём были. Верните файл из копии или, если так и "
                    "задумано, перезапустите сервис; потом сохраняйте.",
                )
            _check_seen(parts, seen)
            text = rewritten(_read(path).text, wanted)
            _try(parts, path, text)
            write_durably(path, text, _SECRETS_MODE)
            parts.source.reload(written_here=True)
    except OSError as error:
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "not_saved",
            f"Настройки не сохранены: {error.strerror}. Проверьте права на {path} и его папку и место на диске.",
        ) from error
    differences = changed(before, parts.settings)
    names = [item.name for item in differences]
    parts.reloads.taken(path, f"Настройки сохранены через API: {', '.join(names) or 'без изменений'}")
    return SettingsSaved(
        **_values(parts).model_dump(),
        changed=names,
        needs_restart=[item.name for item in differences if not item.live],
    )


def _check_seen(parts: Parts, seen: str) -> None:
    """Refuse to write over what the client has not seen. Raises ApiError (409)."""
    with suppress(ConfigError):  # a file with a mistake: what is in force is what it was
        parts.source.reload()
    if not agrees(seen, tag_of(_values(parts))):
        raise ApiError(
            HTTPStatus.CONFLICT,
            "settings_changed",
            "Настройки уже изменил кто-то другой. Обновите страницу и внесите свою правку снова.",
        )


def _try(parts: Parts, path: Path, text: str) -> None:
    """Check the file as it is going to be. Raises ApiError (422)."""
    try:
        load_settings(path, parts.source.environ, text=text)
    except ConfigError as error:
        raise _refused("; ".join(_ORIGIN.sub("", line) for line in str(error).splitlines())) from error


def _check_names(parts: Parts, wanted: Mapping[str, str | None]) -> None:
    known = {variable.name: variable for variable in variables()}
    if unknown := [name for name in wanted if name not in known]:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_setting", f"Таких настроек нет: {', '.join(map(repr, unknown[:10]))}.")
    if fixed := [name for name in wanted if parts.source.environ.get(name, "").strip()]:
        raise ApiError(
            HTTPStatus.CONFLICT,
            "set_in_environment",
            f"{', '.join(fixed)}: значение задано в окружении процесса, а оно важнее файла. Измените его там.",
        )
    for name, value in wanted.items():
        if value is not None and MASK in value and not known[name].secret and "://" in value:
            raise _refused(f"{name}: вместо {MASK} впишите пользователя и пароль")
        if value is not None and re.search(r"[\x00-\x1f\x7f]", value):
            raise _refused(f"{name}: значение должно быть в одну строку")


def _read(path: Path) -> _File:
    try:
        return _File(path, path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return _File(path, "")
    except UnicodeDecodeError as error:
        raise _refused(f"{path} не в UTF-8; сохраните файл в этой кодировке") from error


def _values(parts: Parts) -> SettingsValues:
    path = parts.source.file or DEFAULT_ENV_FILE
    try:
        given = _read(path).given
    except (OSError, ApiError):
        given = {}
    return SettingsValues(file=str(path), values=values(parts, given))


def _written(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _refused(reason: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_settings", f"Настройки не сохранены: {reason}.")
