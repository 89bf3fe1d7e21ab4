"""Embedders: texts to unit vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, dimension) for documents, (dimension,) for a query; rows have length 1."""


class Embedder(Protocol):
    """An embedding model shared by the whole process."""

    name: str
    model: str
    """Provider and model together identify vectors that may be compared."""
    is_local: bool
    """It runs on this machine: it must be loaded before its first question, and asking it costs no money."""
    documents_at_once: int
    """So many passages a build of the index hands over together: what keeps the model busy, and progress visible."""

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question: shape (dimension,). Raises ProviderError; the bases are then searched by words alone."""
        ...

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages: shape (len(texts), dimension). Raises ProviderError."""
        ...

    async def close(self) -> None:
        """Close connections; who made the embedder closes it."""
        ...
