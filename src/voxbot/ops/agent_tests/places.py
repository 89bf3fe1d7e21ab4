"""YAML whose every value remembers its line, so that a complaint can name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import yaml

from voxbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a file: one of `scalar`, `items` and `fields`. `line` counts from 1.

    A scalar is its text as written (numbers too: «010» is not 8), or true, false, None as YAML means them.
    """

    file: Path
    line: int
    scalar: str | bool | None = None
    items: Sequence[Place] | None = None
    fields: Mapping[str, Place] | None = None

    def wrong(self, text: str) -> ConfigError:
        """Make the error that complains of this place."""
        return ConfigError(f"{self.file}:{self.line}: {text}")

    def mapping(self, what: str, allowed: Sequence[str]) -> Mapping[str, Place]:
        """Return its fields, all of which must be `allowed`. Raises ConfigError."""
        if self.fields is None:
            raise self.wrong(f"{what}: нужны поля «имя: значение»")
        for name, place in self.fields.items():
            if name not in allowed:
                raise place.wrong(f"поля «{name}» нет; возможны {', '.join(allowed)}")
        return self.fields

    def text(self, what: str) -> str:
        """Return its text, not empty. Raises ConfigError."""
        if not isinstance(self.scalar, str) or not self.scalar.strip():
            raise self.wrong(f"{what}: нужен текст; если он есть, возьмите его в кавычки")
        return self.scalar.strip()

    def one_or_more(self, what: str) -> Sequence[Place]:
        """Return its items, or itself if it is no list. Raises ConfigError for an empty list."""
        if self.items is not None and not self.items:
            raise self.wrong(f"{what}: пустой список; заполните его или уберите поле")
        return self.items if self.items is not None else (self,)


def read_list(file: Path, what: str) -> Sequence[Place]:
    """Read a file that holds one list. Raises ConfigError naming the file, the line and what to do."""
    try:
        root = _compose(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: нет такого файла; проверьте имя") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: не читается ({error}); нужен файл YAML в UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: это не YAML ({error.problem}); проверьте отступы и кавычки") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}:1: это не YAML ({' '.join(str(error).split())}); нужен текст в UTF-8") from error
    place = _place(root, file) if root is not None else None
    if place is None or not place.items:
        raise ConfigError(f"{file}:1: {what}")
    return place.items


def _compose(text: str) -> yaml.Node | None:
    return cast("yaml.Node | None", cast("Any", yaml).compose(text, Loader=yaml.SafeLoader))


def _place(node: yaml.Node, file: Path) -> Place:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return Place(file, line, items=[_place(item, file) for item in cast("list[yaml.Node]", node.value)])
    if isinstance(node, yaml.MappingNode):
        fields: dict[str, Place] = {}
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            name = str(key.value)
            if name in fields:
                raise Place(file, key.start_mark.line + 1).wrong(f"поле {name} названо дважды; оставьте одно")
            fields[name] = _place(value, file)
        return Place(file, line, fields=fields)
    text = str(node.value)
    if node.tag == "tag:yaml.org,2002:bool":
        return Place(file, line, text.lower() in ("true", "yes", "on"))
    return Place(file, line, None if node.tag == "tag:yaml.org,2002:null" else text)
