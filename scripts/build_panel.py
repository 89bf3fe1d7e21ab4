"""Build the panel (panel/) into the Python package, src/voxbot/admin/panel, if that is not done already.

    scripts/build_panel.py [--require] [--test]

Without Node.js it says so and leaves things as they are, for all but the panel works without it; with --require it
fails. --test also runs the panel's own tests. Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
OLDEST_NODE = (20, 19)
_NOT_SOURCES = frozenset({"node_modules", "test"})
_MADE = frozenset({"schema.d.ts"})


class PanelError(Exception):
    """The panel cannot be built; the text says why and what to do."""


def main() -> int:
    """Build; 2 when it cannot be done though it has to."""
    parser = argparse.ArgumentParser(description="Build the panel if it has changed.")
    parser.add_argument("--require", action="store_true", help="fail without Node.js")
    parser.add_argument("--test", action="store_true", help="run the panel's own tests, too")
    asked = parser.parse_args()
    try:
        build(ROOT)
        if asked.test:
            _npm(ROOT / "panel", "test", "--silent")
    except PanelError as error:
        print(f"panel: {error}", file=sys.stderr)
        return 2 if asked.require else 0
    return 0


def build(root: Path) -> None:
    """Build unless what is there was made of these very sources. Raises PanelError."""
    panel, built = root / "panel", root / "src" / "voxbot" / "admin" / "panel"
    stamp = built / ".sources"
    digest = _digest(panel)
    if stamp.is_file() and stamp.read_text() == digest:
        return
    _check_node()
    _install(panel)
    print("Building the panel ...", file=sys.stderr)
    _npm(panel, "run", "build", "--silent")
    stamp.write_text(digest)


def _digest(panel: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(_sources(panel)):
        found.update(f"{path.relative_to(panel)}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _sources(panel: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(panel):
        folders[:] = [name for name in folders if name not in _NOT_SOURCES]
        yield from (Path(folder, name) for name in names if name not in _MADE)


def _check_node() -> None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise PanelError("Node.js is missing, so /logs-ui/ stays without its pages; install Node.js 20.19 or newer")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST_NODE:
        raise PanelError(f"Node.js {version.strip()} is too old; install 20.19 or newer")


def _install(panel: Path) -> None:
    lock = hashlib.sha256((panel / "package-lock.json").read_bytes()).hexdigest()
    stamp = panel / "node_modules" / ".lock"
    if not (stamp.is_file() and stamp.read_text() == lock):
        print("Installing the panel's packages ...", file=sys.stderr)
        _npm(panel, "ci", "--silent", "--no-audit", "--no-fund")
        stamp.write_text(lock)


def _npm(panel: Path, *arguments: str) -> None:
    npm = shutil.which("npm")
    assert npm
    done = subprocess.run([npm, *arguments], cwd=panel, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise PanelError(f"npm {' '.join(arguments)} failed; what it said is above")


if __name__ == "__main__":
    sys.exit(main())
