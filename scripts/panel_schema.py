"""Write panel/openapi.json, which the panel's client is made from; `--check` only compares."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from voxbot.admin.app import create_app
from voxbot.settings.loader import load_settings

if TYPE_CHECKING:
    from voxbot.admin.parts import Parts

PATH = Path(__file__).resolve().parent.parent / "panel" / "openapi.json"


def main() -> int:
    """Write the file; with --check say whether it is as it would be written."""
    settings = load_settings(Path(os.devnull), {})
    # The description of the API depends on none of its collaborators.
    parts = cast("Parts", SimpleNamespace(api=settings.api, settings=settings))
    text = json.dumps(create_app(parts).openapi(), ensure_ascii=False, indent=1) + "\n"
    if "--check" in sys.argv[1:]:
        if PATH.read_text(encoding="utf-8") != text:
            print("panel/openapi.json is out of date; run scripts/panel_schema.py", file=sys.stderr)
            return 1
        return 0
    PATH.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
