"""Prints `.env.example`, made from the schema: `python -m voxbot.settings.example > .env.example`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pydantic import SecretStr

from voxbot.settings.catalog import Variable, groups, variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxbot.settings.schema import Group

_HEADER = """\
# Настройки VoxBot. Этот файл создаёт команда `python -m voxbot.settings.example`, не правьте его.
# Скопируйте его в .env и уберите # перед тем, что меняете. В каждой строке стоит значение по умолчанию.
# Переменные окружения важнее .env; пустое значение — то же, что значение по умолчанию.
"""


def render_example() -> str:
    """Make the whole text, ending in a newline."""
    return "\n".join([_HEADER, *(_section(name, model) for name, model in groups())])


def _section(name: str, model: type[Group]) -> str:
    defaults = model()
    lines = [f"# ---- {model.model_config.get('title', name)} ----", ""]
    for variable in variables():
        if variable.group == name:
            lines += [
                *_comment(variable),
                f"#{variable.name}={_written(getattr(defaults, variable.field))}",
                "",
            ]
    return "\n".join(lines)


def _comment(variable: Variable) -> Iterator[str]:
    yield f"# {variable.info.description}."
    if variable.accepted:
        yield f"# Допустимо: {variable.accepted}."


def _written(value: object) -> str:
    """Write a value as it would stand in the file."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case SecretStr():
            return value.get_secret_value()
        case _:
            return str(value)


if __name__ == "__main__":
    sys.stdout.write(render_example())
