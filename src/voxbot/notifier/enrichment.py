"""What becomes known after an event: a name, a link to a recording. Messages that show it are edited."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from voxbot.domain.errors import EventError
from voxbot.notifier.intake import read_body
from voxbot.notifier.numbering import number_of
from voxbot.store.notifier_facts import put_fact

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.notifier.directory import Directory
    from voxbot.store.notifier_database import NotifierDatabase

_url = TypeAdapter(AnyHttpUrl)
_Key = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\s\x00-\x1f\x7f]{1,128}$")]
_Value = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
_NEEDED = {
    "Token": "нужна непустая строка без пробелов",
    "Kind": "нужно customer, manager, line или recording",
    "Key": "нужна непустая строка без пробелов",
    "Value": "нужна строка не длиннее 2000 знаков",
}


class _Posted(BaseModel):
    """A posted fact; `Key` is a number, a line's id or, for a recording, any unique id of the call."""

    model_config = ConfigDict(extra="ignore")

    token: _Key = Field(alias="Token")
    kind: Literal["customer", "manager", "line", "recording"] = Field(alias="Kind")
    key: _Key = Field(alias="Key")
    value: _Value = Field(alias="Value")


@dataclass(frozen=True, slots=True)
class Enrichment:
    """Takes facts. `clock` gives seconds since the epoch."""

    database: NotifierDatabase
    directory: Directory
    clock: Callable[[], float] = time.time

    async def take(self, posted: bytes, token: str = "") -> bool:
        """Keep a fact; False: nobody has its token. Raises EventError for a malformed one, StoreError."""
        fact = _checked(posted, token)
        enterprise = await self.directory.by_token(fact.token)
        if enterprise is None:
            return False
        is_number = fact.kind in ("customer", "manager")
        key = (number_of(fact.key) if is_number else None) or fact.key
        at = self.clock()
        await self.database.write(lambda tx: put_fact(tx, enterprise.number, fact.kind, key, fact.value, at))
        return True


def _checked(posted: bytes, token: str) -> _Posted:
    try:
        fact = _Posted.model_validate(read_body(posted, token))
        if fact.kind == "recording" and fact.value:
            _url.validate_python(fact.value)
    except ValidationError as error:
        place = error.errors(include_url=False)[0]["loc"]
        field = str(place[0]) if place else "Value"
        raise EventError(field, _NEEDED[field] if place else "нужен адрес вида https://узел/запись") from None
    return fact
