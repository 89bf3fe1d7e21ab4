"""Settings of one call, given by the dialplan: `Stasis(asterisk-bot,TURN_END_SILENCE_MS=1200)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import ConfigError
from voxbot.settings.loader import with_overrides

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxbot.settings.schema import Settings

log = structlog.get_logger(__name__)


class CallOverrides:
    """The settings in force with the call's own values over them; called, it gives them.

    A wrong argument is told in one log line and left out: the call goes on without it.
    """

    def __init__(self, settings: Callable[[], Settings], arguments: Sequence[str]) -> None:
        self._settings = settings
        self._base = settings()
        self._values = _accepted(self._base, arguments)
        self._own = with_overrides(self._base, self._values)

    def __call__(self) -> Settings:
        """Give the call's settings as they are now: after a reload, over the new ones."""
        if (base := self._settings()) is not self._base:
            self._base = base
            try:
                self._own = with_overrides(base, self._values)
            except ConfigError as error:
                log.warning("Настройки звонка больше не подходят к общим, действуют общие", error=str(error))
                self._own = base
        return self._own


def _accepted(base: Settings, arguments: Sequence[str]) -> dict[str, str]:
    """Take all values if they are right together, else one by one those that are."""
    values: dict[str, str] = {}
    for position, argument in enumerate(arguments, 1):
        name, equals, value = (part.strip() for part in argument.partition("="))
        if equals:
            values[name] = value
        elif name:  # its text may be anything, a caller's number too: it is not repeated here
            log.warning(f"Аргумент {position} в Stasis() не понят: нужно ИМЯ=значение")
    try:
        with_overrides(base, values)
    except ConfigError:
        pass
    else:
        return values
    accepted: dict[str, str] = {}
    for name, value in values.items():
        try:
            with_overrides(base, {**accepted, name: value})
        except ConfigError as error:
            log.warning(f"Аргумент в Stasis() не принят: {error}")
        else:
            accepted[name] = value
    return accepted
