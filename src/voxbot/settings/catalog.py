"""The schema seen as a flat list of variables: what each accepts, in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, get_origin

from pydantic import AnyHttpUrl, SecretStr

from voxbot.settings.schema import Group, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_SIGNS = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}

RESERVED = frozenset(
    {
        "ASTERISK_LANG",
        "ASTERISK_SOUNDS_DIR",
        "CHANNEL_HOLD_DURING_AI",
        "CHROMA_URL",
        "DATABASE_URL",
        "NOTIFIER_HOST",
        "NOTIFIER_PORT",
        "OAUTH_TOKEN",
        "PLAYBACK_RETRY_COUNT",
        "PROMPTS_HOT_RELOAD",
        "PROMPTS_RELOAD_INTERVAL_SEC",
        "REDIS_URL",
        "SUPERUSER_TG_ID",
        "TELEGRAM_API_BASE",
        "TTS_DEBUG_DUMP_DIR",
        "TTS_DEBUG_KEEP_CHUNKS",
        "YANDEX_API_KEY",
        "YANDEX_FOLDER_ID",
    }
)
"""Variables of the contract (DESIGN, section 4) that operators may set although nothing reads them."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable; `group` and `field` say where its value stands in `Settings`."""

    name: str
    group: str
    field: str
    info: FieldInfo

    @property
    def unit(self) -> str:
        """Unit of the value, or an empty string."""
        extra = cast("dict[str, str]", self.info.json_schema_extra)
        return extra["unit"]

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
        """What may be written, in words: `a whole number from 1 to 20`. Empty: any text."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {
            bool: "true or false",
            int: "a whole number",
            float: "a number",
            AnyHttpUrl: "an http:// or https:// address",
        }.get(self.type, "")
        limits = self._limits()
        if "pattern" in limits:
            words = f"text that matches {limits['pattern']}"
        elif "min_length" in limits:
            words = "any text but an empty one"
        bounds = [form.format(_number(limits[key])) for key, form in _SIGNS.items() if key in limits]
        return " ".join([words, *bounds, self.unit]).strip() if words else ""

    def _limits(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for item in self.info.metadata:
            for key in (*_SIGNS, "pattern", "min_length"):
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
        Variable(name=str(info.alias), group=group, field=field, info=info)
        for group, model in groups()
        for field, info in model.model_fields.items()
    )


def _number(value: float) -> str:
    return f"{value:g}"
