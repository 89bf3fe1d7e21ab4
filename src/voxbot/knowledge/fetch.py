"""`python -m voxbot.knowledge.fetch`: bring one version from a Chroma server, in a process of its own.

Reads a JSON array from stdin: the server's address and prefix, the index folder, the version. Exit status 1 and one
line on stderr if it failed. The order comes through stdin because an address may hold a password.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.server import ChromaServer, ServerVersions

_NICE = 10
"""Calls come first."""


def main() -> int:
    """Fetch what stdin names."""
    os.nice(_NICE)
    url, prefix, root, version = json.load(sys.stdin)
    try:
        ServerVersions(ChromaServer(url, prefix), Path(root)).fetch(version)
    except (KnowledgeError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
