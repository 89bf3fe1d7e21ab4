"""The settings in force, which a reload replaces whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from voxbot.settings.schema import Settings


class SettingsSource:
    """Where a unit takes its settings from.

    `current` is one immutable object: who takes it once per turn never sees half of a reload.
    """

    def __init__(
        self, load: Callable[[], Settings], file: Path | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Load for the first time; raises what `load` raises. `file` is what a change of is worth a reload.

        `environ` is the environment that `load` lets win over the file.
        """
        self.file = file
        self.environ = environ
        self._load = load
        self._current = load()

    @property
    def current(self) -> Settings:
        """The last settings that loaded without a mistake."""
        return self._current

    def reload(self) -> Settings:
        """Load anew and return the result. Raises ConfigError, and then the last good settings stay."""
        self._current = self._load()
        return self._current
