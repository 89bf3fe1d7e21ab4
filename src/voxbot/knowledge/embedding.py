"""The vectors of a build's passages: as many as possible from before, the rest from the embedder.

A model may be exchanged for another one of the same name (`…/latest` of a cloud, a tag of a server of one's own); its
vectors cannot be compared with those of before. So a model of somebody else's machine is asked for one passage that
the index has, and when it answers otherwise nothing of before is used. What is computed is kept beside the index until
the build has ended well: the next build need not pay for it again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import structlog

from voxbot.domain.errors import ProviderError, StoreError
from voxbot.knowledge.vector_bytes import decode, encode, key_bytes
from voxbot.store.embedding_cache import EmbeddingFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from voxbot.knowledge.embedder import Embedder, Vectors

log = structlog.get_logger(__name__)

_UNFINISHED = "unfinished.sqlite"
_MOST_PASSAGES = 1_000_000
_PROOF_S = 5.0
"""An embedder that is not needed for anything else is not waited for longer."""
_SAME_COSINE = 0.95
"""Vectors that one model gives one text differ in the last digits; those of two models are strangers."""


class PaidVectors:
    """What unfinished builds have computed for one vector space: a file in the index's folder, which may be deleted.

    A file that cannot be read or written costs the next build its head start, never this one its end.
    """

    def __init__(self, root: Path, space: str) -> None:
        """`space` names the vector space, as `index.embedder_id` does."""
        self._path = root / _UNFINISHED
        self._space = space
        self._file = EmbeddingFile(self._path, _MOST_PASSAGES)
        self._open = False
        self._usable = True

    async def of(self, passages: Iterable[str]) -> dict[str, Vectors]:
        """Return what is known of `passages`."""
        known: dict[str, Vectors] = {}
        if not self._path.exists():
            return known
        try:
            await self._opened()
            for passage in passages:
                data = await self._file.get(self._key(passage))
                vector = decode(data) if data else None
                if vector is not None:
                    known[passage] = vector
        except (StoreError, OSError) as error:
            self._failed(error)
        return known

    async def keep(self, vectors: Mapping[str, Vectors]) -> None:
        """Keep vectors by their passages."""
        if not self._usable:
            return
        try:
            await self._opened()
            for passage, vector in vectors.items():
                await self._file.put(self._key(passage), encode(vector))
        except (StoreError, OSError) as error:
            self._failed(error)

    async def close(self) -> None:
        """Leave what is kept to the next build."""
        await self._file.close()
        self._open = False

    async def forget(self) -> None:
        """The index holds it all now."""
        await self.close()
        for ending in ("", "-wal", "-shm", ".lock", ".damaged"):
            self._path.with_name(_UNFINISHED + ending).unlink(missing_ok=True)

    async def _opened(self) -> None:
        if not self._open:
            await self._file.open()
            self._open = True

    def _key(self, passage: str) -> bytes:
        return key_bytes(f"{self._space}/{passage}")

    def _failed(self, error: Exception) -> None:
        self._usable = False
        log.warning("Посчитанное не сохраняется на случай сбоя", file=str(self._path), reason=str(error))


async def embed_passages(
    passages: Sequence[str],
    known: Mapping[str, Vectors],
    embedder: Embedder,
    *,
    paid: PaidVectors,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Vectors, int]:
    """Return the vectors of all passages in order, and how many were computed. Raises ProviderError.

    `known` are vectors of before by their passages. `progress(done, total)` counts passages to compute.
    """
    wanted = list(dict.fromkeys(passages))
    vectors = {passage: known[passage] for passage in wanted if passage in known}
    vectors |= await paid.of(passage for passage in wanted if passage not in vectors)
    if not await _are_comparable(vectors, embedder, needed=len(vectors) < len(wanted)):
        log.warning("Модель эмбеддингов сменилась под тем же именем: все векторы считаются заново")
        vectors.clear()
    computed = 0
    while missing := [passage for passage in wanted if passage not in vectors]:
        if progress:
            progress(computed, computed + len(missing))
        batch = missing[: embedder.documents_at_once]
        new = dict(zip(batch, await embedder.embed_documents(batch), strict=True))
        if not _is_uniform([*vectors.values(), *new.values()]):
            if computed:
                raise ProviderError(embedder.name, "векторы то одной длины, то другой; проверьте модель и её сервер")
            log.warning("Модель эмбеддингов отвечает векторами другой длины: все считаются заново")
            vectors.clear()
        vectors |= new
        computed += len(new)
        await paid.keep(new)
    if progress:
        progress(computed, computed)
    return np.array([vectors[passage] for passage in passages], np.float32), computed


async def _are_comparable(vectors: Mapping[str, Vectors], embedder: Embedder, *, needed: bool) -> bool:
    """Whether the model still gives the vectors of before.

    Raises ProviderError if it does not answer although it is `needed`; otherwise the model is taken for the same.
    """
    if not _is_uniform(vectors.values()):
        return False
    if not vectors or embedder.is_local:  # a model of this machine has a name of its own
        return True
    passage, before = next(iter(vectors.items()))
    try:
        async with asyncio.timeout(None if needed else _PROOF_S):
            (now,) = await embedder.embed_documents([passage])
    except (ProviderError, TimeoutError) as error:
        if needed:
            raise
        log.warning("Не проверено, та же ли это модель эмбеддингов: она не ответила", error=str(error))
        return True
    return len(now) == len(before) and float(now @ before) >= _SAME_COSINE


def _is_uniform(vectors: Iterable[Vectors]) -> bool:
    return len({len(vector) for vector in vectors}) <= 1
