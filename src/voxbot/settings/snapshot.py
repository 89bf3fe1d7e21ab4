"""The settings in force, which a reload replaces whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from voxbot.domain.errors import ConfigError
from voxbot.settings.env_file import read_env_file

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
        self._names = self._given()

    @property
    def current(self) -> Settings:
        """The last settings that loaded without a mistake."""
        return self._current

    @property
    def file_is_emptied(self) -> bool:
        """Whether the file has lost every variable that it had when it was last taken."""
        return bool(self._names) and not self._names & self._given()

    def reload(self, *, written_here: bool = False) -> Settings:
        """Load anew and return the result. Raises ConfigError, and then the last good settings stay.

        A file that has lost every variable it had was emptied by accident (a full disk, an editor that was killed),
        unless this program has written it so.
        """
        names = self._given()
        if self.file_is_emptied and not written_here:
            raise ConfigError(
                f"{self.file}: пропали все переменные, что были в файле; верните его из копии "
                "или, если так и задумано, перезапустите сервис"
            )
        self._current = self._load()
        self._names = names
        return self._current

    def _given(self) -> frozenset[str]:
        """Name what the file sets; nothing where it cannot be read: then loading says why."""
        try:
            return frozenset(item.name for item in read_env_file(self.file) if item.value) if self.file else frozenset()
        except ConfigError:
            return frozenset()
