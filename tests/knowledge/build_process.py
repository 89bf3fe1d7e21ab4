"""A builder in a process of its own: `python build_process.py INDEX GENERAL TECH [URL PREFIX]`."""

import asyncio
import sys
from pathlib import Path

from fakes.embedder import TrigramEmbedder

from voxbot.knowledge.index import build_index
from voxbot.knowledge.server import ChromaServer

if __name__ == "__main__":
    root, general, tech, *server = sys.argv[1:]
    sources = {"general": Path(general), "tech": Path(tech)}
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    asyncio.run(build_index(Path(root), sources, TrigramEmbedder(), server=ChromaServer(*server) if server else None))
