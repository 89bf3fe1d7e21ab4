"""Hatch's hook: a package that is built holds the panel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from build_panel import PanelError, build


class PanelHook(BuildHookInterface[Any]):
    """Builds the panel before the files are gathered, unless the sources hold it built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - Hatch's signature
        """Build; an editable install serves what `make run` builds. A machine without Node.js packs what is there."""
        if version == "editable":
            return
        try:
            build(Path(self.root))
        except PanelError as error:
            self.app.display_warning(f"panel: {error}")
