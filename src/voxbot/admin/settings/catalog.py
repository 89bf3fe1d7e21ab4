"""The settings' schema and values as the panel shows them."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import AnyHttpUrl, SecretStr

from voxbot.admin.settings.schemas import GroupView, Kind, SettingsSchema, Value, ValueView, VariableView
from voxbot.settings.catalog import Variable, groups, variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxbot.admin.parts import Parts
    from voxbot.settings.schema import Settings

_CREDENTIALS = re.compile(r"^([\w+.-]+://)?.*@", re.DOTALL)
MASK = "***"
_NO_KEY = secrets.token_bytes(32)
"""Without a key of the API nothing can be saved, and tags need to last no longer than the process."""
_KINDS: dict[Any, Kind] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    Path: "path",
    AnyHttpUrl: "url",
    SecretStr: "secret",
}


def settings_schema() -> SettingsSchema:
    """Describe every variable."""
    described: list[GroupView] = []
    for name, model in groups():
        defaults = model()
        own = [
            _described(variable, getattr(defaults, variable.field))
            for variable in variables()
            if variable.group == name
        ]
        described.append(GroupView(name=name, title=str(model.model_config.get("title", name)), variables=own))
    return SettingsSchema(groups=described)


def values(parts: Parts, given: Mapping[str, str]) -> dict[str, ValueView]:
    """Return what is in force; `given` are the assignments of the file."""
    return {variable.name: _valued(variable, parts, given) for variable in variables()}


def _described(variable: Variable, default: object) -> VariableView:
    limits = variable.limits
    minimum, maximum = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    return VariableView(
        name=variable.name,
        label=str(variable.info.description),
        kind="choice" if variable.choices else _KINDS.get(variable.type, "text"),
        unit=variable.unit,
        default=shown(default),
        minimum=minimum,
        maximum=maximum,
        minimum_excluded="gt" in limits,
        maximum_excluded="lt" in limits,
        choices=list(variable.choices),
        accepted=variable.accepted,
        optional=type(None) in get_args(variable.info.annotation),
        needs_restart=not variable.live,
    )


def _valued(variable: Variable, parts: Parts, given: Mapping[str, str]) -> ValueView:
    def value(of: Settings) -> object:
        return getattr(getattr(of, variable.group), variable.field)

    now = value(parts.settings)
    in_environment = bool(parts.source.environ.get(variable.name, "").strip())
    in_file = bool(given.get(variable.name, "").strip())
    return ValueView(
        value=shown(now),
        origin="environment" if in_environment else "file" if in_file else "default",
        is_set=in_environment or in_file,
        pending=not variable.live and now != value(parts.started),
        tag=_tag(now, parts.api.secret_key),
    )


def _tag(value: object, key: SecretStr | None) -> str:
    """Tell one value from another. With the key of the API: nobody may try passwords against the tag of a secret."""
    written = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    known = key.get_secret_value().encode() if key else _NO_KEY
    return hmac.new(known, written.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:8]


def shown(value: object) -> Value:
    """Return a value as JSON holds it; secrets are hidden, and so are users and passwords in addresses."""
    match value:
        case None | SecretStr():
            return None
        case bool() | int() | float():
            return value
        case _:
            return _CREDENTIALS.sub(rf"\1{MASK}@", str(value)) if "://" in str(value) else str(value)
