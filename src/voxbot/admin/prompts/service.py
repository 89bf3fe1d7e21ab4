"""Saving prompts: checked, whole or not at all, and every version kept."""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from dataclasses import asdict, fields
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import structlog

from voxbot.admin.pagination import decode_cursor, encode_cursor
from voxbot.admin.problems import ApiError
from voxbot.admin.prompts.history import PromptsFolder, StoredPrompts
from voxbot.admin.prompts.schemas import (
    DiffLine,
    PromptDiff,
    PromptHistory,
    PromptProblem,
    PromptsChange,
    PromptsCheck,
    PromptTexts,
    PromptVersion,
    PromptVersionDetails,
)
from voxbot.admin.tags import agrees, tag
from voxbot.agent.prompts import Prompts, parse_prompts
from voxbot.store.files import alone, write_durably

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxbot.admin.parts import Parts

log = structlog.get_logger(__name__)

_NAMES = tuple(field.name for field in fields(Prompts))
_LONG_GREETING_CHARS = 300
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def texts(prompts: Prompts) -> PromptTexts:
    """Return prompts as clients get them."""
    return PromptTexts(**asdict(prompts))


def check(parts: Parts, change: PromptsChange) -> PromptsCheck:
    """Find what is wrong, and what is doubtful, in texts; those left out are the present ones."""
    merged = asdict(parts.prompts.current) | change.model_dump(exclude_none=True)
    problems = [*_errors(merged), *_doubts(merged)]
    return PromptsCheck(ok=all(problem.severity != "error" for problem in problems), problems=problems)


def tag_of(prompts: PromptTexts) -> str:
    """Name a state of the prompts."""
    return tag(prompts.model_dump_json())


async def save(parts: Parts, change: PromptsChange, seen: str = "") -> PromptTexts:
    """Put new texts in force; the old ones stay in the history. Raises ApiError (409, 422, 503).

    `seen`: If-Match, the tag of the state that the client changed; another one in force is a colleague's.
    """
    given = change.model_dump(exclude_none=True)
    if not given:
        raise _refused(f"не передан ни один текст; передайте хотя бы один из: {', '.join(_NAMES)}")
    return await asyncio.to_thread(_save, parts, given, seen)


async def history(parts: Parts, limit: int, cursor: str) -> PromptHistory:
    """List the versions, newest first. Raises ApiError (422)."""
    place = decode_cursor(cursor, (str,))
    versions = await asyncio.to_thread(_folder(parts).versions)
    before = [version for version in versions if place is None or version.id < place[0]]
    shown = before[:limit]
    older = {version.id: after for version, after in zip(versions, [*versions[1:], None], strict=False)}
    return PromptHistory(
        items=[_view(parts, version, older[version.id]) for version in shown],
        next_cursor=encode_cursor([shown[-1].id]) if len(before) > limit else None,
    )


async def version(parts: Parts, version_id: str) -> PromptVersionDetails:
    """Read one version and compare it with the texts in force. Raises ApiError (404)."""
    versions = await asyncio.to_thread(_folder(parts).versions)
    place = next((place for place, one in enumerate(versions) if one.id == version_id), None)
    if place is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_version", "Такой версии промптов в истории нет.")
    found, older = versions[place], versions[place + 1] if place + 1 < len(versions) else None
    return PromptVersionDetails(
        **_view(parts, found, older).model_dump(),
        texts=texts(found.prompts),
        diff=[
            PromptDiff(field=name, lines=compared(getattr(parts.prompts.current, name), getattr(found.prompts, name)))
            for name in _differing(parts.prompts.current, found.prompts)
        ],
    )


async def restore(parts: Parts, version_id: str, seen: str = "") -> PromptTexts:
    """Put an old version in force again; `seen` as in `save`. Raises ApiError (404, 409, 422, 503)."""
    found = await version(parts, version_id)
    return await asyncio.to_thread(_save, parts, found.texts.model_dump(), seen)


def compared(before: str, after: str) -> list[DiffLine]:
    """Compare two texts line by line."""
    old, new = before.split("\n"), after.split("\n")
    lines: list[DiffLine] = []
    for op, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            lines += [DiffLine(op="same", text=line) for line in old[i1:i2]]
            continue
        lines += [DiffLine(op="removed", text=line) for line in old[i1:i2]]
        lines += [DiffLine(op="added", text=line) for line in new[j1:j2]]
    return lines


def _save(parts: Parts, given: dict[str, str], seen: str = "") -> PromptTexts:
    path, folder = parts.prompts.path, _folder(parts)
    try:
        with alone(folder.path):
            parts.prompts.reload()
            if not agrees(seen, tag_of(texts(parts.prompts.current))):
                raise ApiError(
                    HTTPStatus.CONFLICT,
                    "prompts_changed",
                    "Промпты уже изменил кто-то другой. Обновите страницу и внесите свою правку в новый текст.",
                )
            document = {**_document(path), **asdict(parts.prompts.current), **given}
            try:
                prompts = parse_prompts(document)
            except ValueError as error:
                raise _refused(str(error)) from error
            folder.keep(parts.prompts.current, unless_last=True)
            kept = _keep_broken(parts, folder)
            write_durably(path, _written(document))
            folder.keep(prompts, unless_last=True)
    except OSError as error:
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "not_saved",
            f"Промпты не сохранены: {error.strerror}. Проверьте права на {path.parent} и DATA_DIR и место на диске.",
        ) from error
    parts.prompts.reload()
    parts.reloads.taken(path, f"Промпты сохранены через API{f'; прежний файл с ошибкой: {kept}' if kept else ''}")
    return texts(parts.prompts.current)


def _keep_broken(parts: Parts, folder: PromptsFolder) -> Path | None:
    """Keep a file that was edited by hand and is not in force, for its text is nowhere else."""
    if not parts.prompts.failure or not parts.prompts.path.exists():
        return None
    kept = folder.keep_raw(parts.prompts.path.read_bytes())
    log.warning("Файл промптов с ошибкой заменён, прежний сохранён", path=str(kept))
    return kept


def _document(path: Path) -> dict[str, Any]:
    """Read the file for the sake of its other keys; a broken one is written anew."""
    try:
        document: object = json.loads(path.read_text(encoding="utf-8-sig"))
        _written(document)
    except (OSError, ValueError, RecursionError):  # RecursionError: brackets within brackets without end
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _written(document: object) -> str:
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    # Half an emoji, in a key that is not ours, cannot be written as itself.
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _folder(parts: Parts) -> PromptsFolder:
    return PromptsFolder(parts.started.paths.data_dir / "prompts-history")


def _view(parts: Parts, found: StoredPrompts, older: StoredPrompts | None) -> PromptVersion:
    return PromptVersion(
        id=found.id,
        saved_at=found.saved_at,
        current=found.prompts == parts.prompts.current,
        changed=_differing(older.prompts, found.prompts) if older else list(_NAMES),
    )


def _differing(one: Prompts, other: Prompts) -> list[str]:
    return [name for name in _NAMES if getattr(one, name) != getattr(other, name)]


def _refused(reason: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_prompts", f"Промпты не сохранены: {reason}.")


def _errors(merged: dict[str, str]) -> Sequence[PromptProblem]:
    found = [
        PromptProblem(field=name, severity="error", text="Текст пуст: впишите его.")
        for name in _NAMES
        if not merged[name].strip()
    ]
    if "{context}" not in merged["qa_system_prompt"]:
        text = "Нет {context}: впишите его туда, где место найденной справке."
        found.append(PromptProblem(field="qa_system_prompt", severity="error", text=text))
    return found


def _doubts(merged: dict[str, str]) -> Sequence[PromptProblem]:
    found: list[PromptProblem] = []
    for name in _NAMES:
        known = {"context"} if name == "qa_system_prompt" else set[str]()
        strange = dict.fromkeys(word for word in _PLACEHOLDER.findall(merged[name]) if word not in known)
        found += [
            PromptProblem(field=name, severity="warning", text=f"{{{word}}} ничем не заменяется и останется в тексте.")
            for word in strange
        ]
    if len(merged["greeting"]) > _LONG_GREETING_CHARS:
        text = "Приветствие длиннее 300 знаков: звонящий будет слушать его больше двадцати секунд."
        found.append(PromptProblem(field="greeting", severity="warning", text=text))
    return found
