"""The schema seen as a flat list of variables: what each accepts, in Russian words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, get_origin

from pydantic import AnyHttpUrl, SecretStr

from voxbot.settings.schema import FORMS, Group, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_BOUNDS = ("ge", "gt", "le", "lt")
_RANGES: dict[tuple[str, ...], str] = {
    (): "",
    ("ge",): "не меньше {}",
    ("gt",): "больше {}",
    ("le",): "не больше {}",
    ("lt",): "меньше {}",
    ("ge", "le"): "от {} до {}",
    ("gt", "le"): "больше {} и не больше {}",
    ("ge", "lt"): "не меньше {} и меньше {}",
    ("gt", "lt"): "больше {} и меньше {}",
}
_KINDS: dict[Any, str] = {
    bool: "true или false",
    int: "целое число",
    float: "число",
    AnyHttpUrl: "значение вида http://узел:порт или https://узел",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable; `group` and `field` say where its value stands in `Settings`."""

    name: str
    group: str
    field: str
    info: FieldInfo
    group_live: bool

    @property
    def unit(self) -> str:
        """Unit of the value, or an empty string."""
        extra = cast("dict[str, str]", self.info.json_schema_extra)
        return extra["unit"]

    @property
    def live(self) -> bool:
        """Whether a running unit takes a change over without a restart."""
        extra = cast("dict[str, bool | None]", self.info.json_schema_extra)
        own = extra["live"]
        return self.group_live if own is None else own

    @property
    def type(self) -> Any:
        """The value's type, without the `None` of an optional one."""
        annotation = self.info.annotation
        if get_origin(annotation) is Literal:
            return annotation
        wanted = [part for part in get_args(annotation) if part is not type(None)]
        return wanted[0] if wanted else annotation

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it is limited to, if it is."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def secret(self) -> bool:
        """Whether the value must never be shown."""
        return self.type is SecretStr

    @property
    def accepted(self) -> str:
        """What may be written, in words that go on from «нужно»: `целое число от 1 до 20`. Empty: any text."""
        if self.choices:
            return " или ".join([", ".join(self.choices[:-1]), self.choices[-1]])
        limits = self.limits
        if "pattern" in limits:
            return FORMS[limits["pattern"]]
        if "min_length" in limits:
            return "непустое значение"
        found = tuple(key for key in _BOUNDS if key in limits)
        bounds = _RANGES[found].format(*(_number(limits[key]) for key in found))
        return " ".join(part for part in (_KINDS.get(self.type, ""), bounds, self.unit) if part)

    @property
    def limits(self) -> dict[str, Any]:
        """Its constraints by Pydantic's names: ge, gt, le, lt, pattern, min_length."""
        found: dict[str, Any] = {}
        for item in self.info.metadata:
            for key in (*_BOUNDS, "pattern", "min_length"):
                if (value := getattr(item, key, None)) is not None:
                    found[key] = value
        return found


def groups() -> Iterator[tuple[str, type[Group]]]:
    """Go through the groups of `Settings` in order."""
    for name, info in Settings.model_fields.items():
        yield name, cast("type[Group]", info.annotation)


@cache
def variables() -> tuple[Variable, ...]:
    """Every variable of the schema, in order."""
    return tuple(
        Variable(name=str(info.alias), group=group, field=field, info=info, group_live=model.live)
        for group, model in groups()
        for field, info in model.model_fields.items()
    )


def changed(before: Settings, after: Settings) -> list[Variable]:
    """The variables whose values differ."""

    def value(settings: Settings, item: Variable) -> object:
        return getattr(getattr(settings, item.group), item.field)

    return [item for item in variables() if value(before, item) != value(after, item)]


def in_force(started: Settings, now: Settings) -> Settings:
    """Give what a running unit goes by: of settings that wait for a restart, those of its start."""
    if started is now:
        return now
    kept: dict[str, dict[str, object]] = {}
    for item in changed(started, now):
        if not item.live:
            kept.setdefault(item.group, {})[item.field] = getattr(getattr(started, item.group), item.field)
    groups = {group: getattr(now, group).model_copy(update=values) for group, values in kept.items()}
    return now.model_copy(update=groups) if groups else now


def _number(value: float) -> str:
    return f"{value:g}"
