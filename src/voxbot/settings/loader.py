"""From the process environment and a `.env` file to `Settings`, with every mistake named at once.

The environment wins over the file. A blank value counts as unset. Nothing is expanded or executed.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from voxbot.domain.errors import ConfigError
from voxbot.settings.catalog import RESERVED, Variable, groups, variables
from voxbot.settings.env_file import assignments, read_env_file
from voxbot.settings.schema import LlmSettings, MediaSettings, OperatorSettings, Settings, TurnSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voxbot.settings.schema import Group

DEFAULT_ENV_FILE = Path(".env")
OVERRIDABLE = ("turns", "call")
"""The groups of settings that one call may have of its own ..."""
_SHARED = frozenset({"HOLD_SOUND"})
"""... but for these, which are loaded once for all."""
_LOOKALIKE_RATIO = 0.84
_SHOWN_VALUE_CHARS = 80
_CREDENTIALS = re.compile(r"^([\w+.-]+://)?.*@", re.DOTALL)
"""User and password of an address; a password may itself hold `/` and `@`."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as it was written, and where: `окружение` or `.env:12`."""

    value: str
    origin: str


def load_settings(
    env_file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    warnings: list[str] | None = None,
    text: str | None = None,
) -> Settings:
    """Read and check all settings.

    `env_file` None means `./.env`, which need not exist; a named file must. With `text` the file is not read: this is
    what it is going to hold. Into `warnings` goes one line for
    everything that looks like a mistake but does not stop a unit. Raises ConfigError whose text has one line
    for every wrong variable: its name, value (secrets masked), origin, and what is accepted.
    """
    notes: list[str] = [] if warnings is None else warnings
    problems: list[str] = []
    given = _from_file(env_file, text, notes, problems)
    for variable in variables():
        if value := environ.get(variable.name, "").strip():
            given[variable.name] = _Given(value, "окружение")
    values: dict[str, Any] = {}
    for name, model in groups():
        own = [variable for variable in variables() if variable.group == name]
        written = {item.name: _spelled(item, given[item.name].value) for item in own if item.name in given}
        try:
            values[name] = model.model_validate(written)
        except ValidationError as error:
            wrong = {str(detail["loc"][0]) for detail in error.errors(include_url=False)}
            problems += [_wrong(item, given[item.name]) for item in own if item.name in wrong]
            continue
        problems += _contradictions(values[name], given)
    if problems:
        raise ConfigError("\n".join(problems))
    settings = Settings.model_validate(values)
    notes.extend(_doubts(settings))
    return settings


def with_overrides(settings: Settings, values: Mapping[str, str]) -> Settings:
    """Make the settings of one call: `values` (by variable name) over `settings`.

    Only the groups of OVERRIDABLE may be changed so. Raises ConfigError as `load_settings` does.
    """
    problems: list[str] = []
    changed: dict[str, Group] = {}
    given = {name: _Given(value, "аргумент звонка") for name, value in values.items()}
    own = [item for item in variables() if item.group in OVERRIDABLE and item.name not in _SHARED]
    known = {variable.name for variable in own}
    problems += [f"{name}: такой переменной звонку задать нельзя" for name in values if name not in known]
    for group in OVERRIDABLE:
        written = {item.name: _spelled(item, values[item.name]) for item in own if item.name in values}
        base: Group = getattr(settings, group)
        try:
            changed[group] = type(base).model_validate({**base.model_dump(by_alias=True), **written})
        except ValidationError as error:
            wrong = {str(detail["loc"][0]) for detail in error.errors(include_url=False)}
            problems += [_wrong(item, given[item.name]) for item in own if item.name in wrong]
            continue
        problems += _contradictions(changed[group], given)
    if problems:
        raise ConfigError("\n".join(problems))
    return settings.model_copy(update=changed)


def _from_file(env_file: Path | None, text: str | None, notes: list[str], problems: list[str]) -> dict[str, _Given]:
    """Take the variables of the schema from the file; the last of several lines wins."""
    path = env_file or DEFAULT_ENV_FILE
    if text is None and env_file is None and not path.exists():
        return {}
    known = {variable.name for variable in variables()}
    given: dict[str, _Given] = {}
    for item in read_env_file(path) if text is None else assignments(text):
        origin = f"{path}:{item.line}"
        if item.value is None:
            name = re.match(r"(?:export\s+)?(\w+)\s*=", item.name)
            what = f"{name[1]} ({origin})" if name else origin
            problems.append(f"{what}: строка не разобрана; напишите ИМЯ=значение и закройте все кавычки")
        elif item.name in known:
            given.pop(item.name, None)
            if value := item.value.strip():
                given[item.name] = _Given(value, origin)
        elif item.name not in RESERVED:
            close = get_close_matches(item.name.upper(), known | RESERVED, 1, _LOOKALIKE_RATIO)
            notes += [f"{item.name} ({origin}): у VoxBot нет такой переменной; может быть, {near}?" for near in close]
    return given


def _spelled(variable: Variable, value: str) -> str:
    """Accept `info` for `INFO`: a choice in any letter case becomes the schema's spelling."""
    return next((choice for choice in variable.choices if choice.lower() == value.lower()), value)


def _wrong(variable: Variable, given: _Given) -> str:
    hint = "; дробь пишется через точку" if variable.type is float and "," in given.value else ""
    return f"{_shown(variable, given)}: нужно {variable.accepted or 'другое значение'}{hint}"


def _shown(variable: Variable, given: _Given) -> str:
    value = "***" if variable.secret else _CREDENTIALS.sub(r"\1***@", given.value)
    if len(value) > _SHOWN_VALUE_CHARS:
        value = value[:_SHOWN_VALUE_CHARS] + "…"
    return f"{variable.name}={value!r} ({given.origin})"


def _contradictions(group: Group, given: Mapping[str, _Given]) -> Iterator[str]:
    """Find values of one group that are right on their own but not together."""

    def shown(name: str) -> str:
        variable = next(item for item in variables() if item.name == name)
        default = _Given(str(getattr(group, variable.field)), "по умолчанию")
        return _shown(variable, given.get(name, default))

    if isinstance(group, TurnSettings) and group.speculate_silence_ms >= group.end_silence_ms:
        yield f"{shown('TURN_SPECULATE_SILENCE_MS')}: нужно меньше, чем {shown('TURN_END_SILENCE_MS')}"
    if isinstance(group, MediaSettings) and group.block_ms > group.max_ahead_ms:
        yield f"{shown('MEDIA_BLOCK_MS')}: нужно не больше, чем {shown('MEDIA_MAX_AHEAD_MS')}"
    if isinstance(group, OperatorSettings) and group.way != "continue" and not group.endpoint:
        yield f"{shown('OPERATOR_TRANSFER')}: задайте OPERATOR_ENDPOINT, телефон оператора, например PJSIP/operator"
    if isinstance(group, LlmSettings) and group.provider == "openai" and not (group.api_key or group.base_url):
        yield (
            f"{shown('LLM_PROVIDER')}: задайте OPENAI_API_KEY "
            "или OPENAI_BASE_URL, если у вас свой сервис, которому ключ не нужен"
        )


def _doubts(settings: Settings) -> Iterator[str]:
    """Find settings that work, but hardly as the operator meant them."""
    api = settings.api
    if not api.is_loopback and api.secret_key is None and not api.open_reads:
        yield (
            f"API_HOST={api.host} открыт в сеть, а API_SECRET_KEY не задан: все запросы будут отклонены; задайте ключ"
        )
